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

// What it would see is plain: only sizes matter.
struct plain_client final : run_client {
    rect hole;

    explicit plain_client(rect const& hole) : hole(hole) {}
    std::optional<picture> read_picture(std::string_view, rect const& area) override {
        picture p(area.width, area.height);
        std::ranges::fill(p.pixels, 1.0f);
        return p;
    }
    std::optional<mask> read_mask(std::string_view, rect const& area) override {
        mask m(area.width, area.height);
        rect const inside = intersect(hole, area);
        for (int y = inside.y; y < inside.y + inside.height; ++y)
            for (int x = inside.x; x < inside.x + inside.width; ++x)
                m.values[std::size_t(y - area.y) * area.width + (x - area.x)] = 1;
        return m;
    }
    void take(run_result) override {}
};

std::optional<double> seconds_of(run_outline const& o, job const& j) {
    request asked = o.request;
    bool const at_once = by_diffusion(asked); // its variants are made in one run
    if (at_once) asked.diffusion.batch = o.variants;
    plain_client client(moved(o.hole, -o.area.x, -o.area.y));
    auto const plan = engine_estimate(input_of(asked, o.area, o.device, j), client, j);
    if (!plan) return std::nullopt;
    return plan->seconds * (at_once ? 1 : o.variants);
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
        return o;
    }
    o.hole = t.to == reach::beyond ? selected : intersect(selected, source);
    o.area = seen_of(united(source, o.hole), o.request, o.hole);
    return o;
}

void run_estimate::look(std::optional<run_outline> const& outline, bool when_free) {
    auto const now = std::chrono::steady_clock::now();
    if (outline != wanted) {
        wanted = outline;
        since = now;
    }
    if (asking && (!when_free || wanted != asked)) asking->cancel();
    if (asking || !when_free || !wanted || wanted == asked || now - since < settled) return;
    if (wanted->area.empty() || std::int64_t(wanted->area.width) * wanted->area.height > largest_area) return;
    ask();
}

void run_estimate::ask() {
    asked = wanted;
    seconds = -1;
    auto const answer = std::make_shared<std::optional<double>>();
    asking = std::make_unique<background_run>(
        [outline = *asked, answer](job const& j) {
            *answer = seconds_of(outline, j);
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
