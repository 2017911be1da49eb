#include "models/pipelines/fill/inpaint.h"

#include "compute/graph.h"
#include "models/pipelines/fill/patch_fill.h"
#include "models/pipelines/shelf.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace sfumato {

namespace {

constexpr int rim = 2; // pixels around the selection where the composite mask fades out

// Colours are compared by the sum of their differences' squares, which must stay well inside a float.
constexpr float largest_value = 1e9f;

// What lies in the hole is never read, and what is infinite or no number is unknown.
void check_values(picture const& p, mask const& selection) {
    for (std::size_t i = 0; i < p.pixels.size(); ++i) {
        float const value = p.pixels[i];
        if (selection.values[i / 4] > 0 || !std::isfinite(value) || std::abs(value) <= largest_value) continue;
        auto const pixel = int(i / 4);
        fail("The picture has the value {} at x = {}, y = {}, which is no colour; values between 0 and 1 are usual and "
             "{} is the most. Clip its colours first.",
             value, pixel % p.width, pixel / p.width, largest_value);
    }
}

// The selection's bounds and its rim, inside the picture.
rect result_area(mask const& selection) {
    rect const hole = bounds(selection);
    return intersect({hole.x - rim, hole.y - rim, hole.width + 2 * rim, hole.height + 2 * rim},
                     {0, 0, selection.width, selection.height});
}

// Tells the job how far the plan is, and the plan whether the job is still wanted.
watcher watch(job const& j) {
    return [j = timed(j)](sentence const& stage, double fraction) {
        j.report({stage, fraction});
        return !j.is_cancelled();
    };
}

// The given pixels, and in the hole the new ones.
picture put_together(picture const& given, mask const& selection, std::vector<float> const& filled) {
    picture result = given;
    for (std::size_t i = 0; i < selection.values.size(); ++i)
        if (selection.values[i] > 0) std::copy_n(&filled[4 * i], 4, &result.pixels[4 * i]);
    return result;
}

struct fill_graph {
    graph g;
    tensor pixels, selected;     // in
    std::optional<tensor> guide; // in
    tensor composite, filled;    // out
    rect area;                   // that the result covers
};

fill_graph record(device& d, request const& r, picture const& given, mask const& selection,
                  inpaint_guide const* guide) {
    assert(given.width == selection.width && given.height == selection.height);
    assert(r.seed >= 0 && "resolve() comes first");
    check_values(given, selection);
    patch_fill_shape const shape = plan_patch_fill(given, selection);
    fill_graph made{.g = graph(d.target()), .area = result_area(selection)};
    graph& g = made.g;
    rect const& area = made.area;
    made.pixels = g.input({.h = given.height, .w = given.width, .c = 4});
    made.selected = g.input({.h = given.height, .w = given.width});
    made.composite = composite_mask(g, made.selected, rim);
    fill_guide after{.pixels = {}, .blur = guide ? guide->blur : 1};
    if (guide) made.guide = after.pixels = g.input({.h = guide->made.height, .w = guide->made.width, .c = 4});
    made.filled = patch_fill(g, made.pixels, made.selected, shape, {area.x, area.y, area.right(), area.bottom()},
                             std::uint32_t(r.seed), guide ? &after : nullptr);
    g.output(made.composite);
    g.output(made.filled);
    return made;
}

} // namespace

run_plan plan_of_inpaint(device& d, shelf const& models, request const& r, picture const& given, mask const& selection,
                         inpaint_guide const* guide) {
    run_plan takes{.needed = plan::peak_bytes(record(d, r, given, selection, guide).g),
                   .available = models.available(d)};
    takes.text = say("needs {} MB, {} MB free", takes.needed / 1'000'000 + 1, takes.available / 1'000'000);
    return takes;
}

std::optional<run_result> inpaint(device& d, shelf const& models, request const& r, picture const& given,
                                  mask const& selection, job const& j, inpaint_guide const* guide) {
    fill_graph recorded = record(d, r, given, selection, guide);
    rect const& area = recorded.area;
    models.make_room(d, plan::peak_bytes(recorded.g));
    plan p(d, std::move(recorded.g));
    p.upload<float>(recorded.pixels, given.pixels);
    p.upload<float>(recorded.selected, selection.values);
    if (guide) p.upload<float>(*recorded.guide, guide->made.pixels);
    if (!p.run(watch(j))) return std::nullopt;

    mask whole(given.width, given.height);
    whole.values = p.download<float>(recorded.composite);
    auto const colours = p.download<float>(recorded.filled);
    if (!std::ranges::all_of(colours, [](float v) { return std::isfinite(v); }))
        fail("{} computed values that are no colours; update its driver or choose another device.", d.info().name);
    return run_result{area.x, area.y, put_together(crop(given, area), crop(selection, area), colours),
                      crop(whole, area), r};
}

} // namespace sfumato
