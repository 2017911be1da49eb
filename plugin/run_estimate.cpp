#include "plugin/run_estimate.h"

#include "engine/client.h"
#include "plugin/capture.h"
#include "plugin/run_captured.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace sfumato {

namespace {

constexpr auto settled = std::chrono::milliseconds(700); // nobody types any more
constexpr std::int64_t largest_area = 16'000'000;        // pixels: what is sent to ask costs time, too

// What a run would read.
struct question {
    run_outline of;
    mask cells; // of the canvas: where it is empty (look_for_empty); 0 × 0: all of the hole is
    rect canvas;

    bool is_in_hole(int x, int y) const {
        if (intersect(of.hole, {x, y, 1, 1}).empty()) return false;
        if (!cells.width) return true;
        auto const cell = [](int at, int count, int extent) { return std::size_t(std::int64_t(at) * count / extent); };
        return cells.values[cell(y, cells.height, canvas.height) * std::size_t(cells.width) +
                            cell(x, cells.width, canvas.width)] > 0;
    }
};

// What it would see is plain: only sizes matter.
struct plain_client final : run_client {
    question const& asked;

    explicit plain_client(question const& asked) : asked(asked) {}
    std::optional<picture> read_picture(std::string_view, rect const& area) override {
        picture p(area.width, area.height);
        std::ranges::fill(p.pixels, 1.0f);
        return p;
    }
    std::optional<mask> read_mask(std::string_view, rect const& area) override {
        mask m(area.width, area.height);
        rect const at = moved(area, asked.of.area.x, asked.of.area.y);
        for (int y = 0; y < area.height; ++y)
            for (int x = 0; x < area.width; ++x)
                m.values[std::size_t(y) * area.width + x] = asked.is_in_hole(at.x + x, at.y + y);
        return m;
    }
    void take(run_result) override {}
};

std::optional<double> seconds_of(question const& q, job const& j) {
    run_outline const& o = q.of;
    request asked = o.request;
    bool const at_once = by_diffusion(asked); // its variants are made in one run
    if (at_once) asked.diffusion.batch = o.variants;
    plain_client client(q);
    auto const plan = engine_estimate(input_of(asked, o.area, o.device, j), client, j);
    if (!plan) return std::nullopt;
    return plan->seconds * (at_once ? 1 : o.variants);
}

// With what is empty. Nothing: nothing is.
std::optional<question> complete(run_outline const& o, GimpImage* image, GimpDrawable* const* drawables) {
    question q{.of = o, .cells = {}, .canvas = {0, 0, gimp_image_get_width(image), gimp_image_get_height(image)}};
    if (!o.is_of_empty) return q;
    q.cells = look_for_empty(image, drawables, o.request.source);
    rect const found = bounds(q.cells);
    if (found.empty()) return {};
    auto const wide = [&](int at) { return int(std::int64_t(at) * q.canvas.width / q.cells.width); };
    auto const high = [&](int at) { return int(std::int64_t(at) * q.canvas.height / q.cells.height); };
    rect const hole{wide(found.x), high(found.y), wide(found.right()) - wide(found.x),
                    high(found.bottom()) - high(found.y)};
    q.of.hole = intersect(hole, q.canvas);
    q.of.area = seen_of(q.canvas, o.request, q.of.hole);
    return q;
}

} // namespace

run_outline outline_of(panel_task const& t, int variants, GimpImage* image, GimpDrawable* const* drawables) {
    rect const canvas{0, 0, gimp_image_get_width(image), gimp_image_get_height(image)}, selected = selected_box(image);
    run_outline o{.request = t.request, .area = selected.empty() ? canvas : selected, .hole = {}, .variants = variants};
    // Neither seed nor words change how long it takes, but for whether there are any.
    o.request.seed = 0;
    diffusion_settings& d = o.request.diffusion;
    if (!d.prompt.empty()) d.prompt = "words";
    d.negative_prompt.clear();
    GimpLayer* const layer =
        o.request.operation == operation::txt2img ? nullptr : check_source(image, drawables, o.request.source);
    rect const source = layer ? extent_of(layer) : canvas;
    if (o.request.operation == operation::img2img) o.area = selected.empty() ? source : intersect(selected, source);
    if (o.request.operation != operation::inpaint) return o;
    if (t.to == reach::empty) {
        o.area = o.hole = canvas;
        o.is_of_empty = true;
        return o;
    }
    o.hole = t.to == reach::beyond ? selected : intersect(selected, source);
    o.area = seen_of(united(source, o.hole), o.request, o.hole);
    return o;
}

void run_estimate::want(std::optional<run_outline> const& outline, bool when_free) {
    if (outline != wanted) {
        wanted = outline;
        since = std::chrono::steady_clock::now();
    }
    if (asking && (!when_free || wanted != asked)) asking->cancel();
}

void run_estimate::look_away() { want({}, false); }

void run_estimate::look(run_outline const& outline, bool when_free, GimpImage* image, GimpDrawable* const* drawables) {
    want(outline, when_free);
    bool const is_settled = std::chrono::steady_clock::now() - since >= settled;
    if (asking || !when_free || wanted == asked || !is_settled) return;
    if (wanted->area.empty() || std::int64_t(wanted->area.width) * wanted->area.height > largest_area) return;
    ask(image, drawables);
}

void run_estimate::ask(GimpImage* image, GimpDrawable* const* drawables) {
    asked = wanted;
    seconds = -1;
    auto const q = complete(*asked, image, drawables);
    if (!q) return;
    auto const answer = std::make_shared<std::optional<double>>();
    asking = std::make_unique<background_run>(
        [question = *q, answer](job const& j) {
            *answer = seconds_of(question, j);
            return answer->has_value();
        },
        [](progress const&) {},
        [this, answer] {
            auto const ended = std::exchange(asking, nullptr);
            try {
                if (ended->result())
                    seconds = **answer;
                else
                    asked.reset();
            } catch (std::exception const&) { // what is wrong is said by the run itself
            }
            found();
        });
}

sentence run_estimate::words() const { return wanted && wanted == asked ? say_time(seconds) : sentence{}; }

sentence say_time(double seconds) {
    if (seconds <= 0) return {};
    if (seconds < 1.5) return say(" It takes about a second.");
    if (seconds < 100) return say(" It takes about {} seconds.", std::lround(seconds));
    return say(" It takes about {} minutes.", std::lround(seconds / 60));
}

} // namespace sfumato
