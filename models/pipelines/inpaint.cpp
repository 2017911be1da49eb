#include "models/pipelines/inpaint.h"

#include "compute/graph.h"
#include "models/pipelines/patch_fill.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace sfumato {

namespace {

constexpr int rim = 2; // pixels around the selection where the composite mask fades out

// The selection's bounds and its rim, inside the picture.
rect result_area(mask const& selection) {
    rect const hole = bounds(selection);
    return intersect({hole.x - rim, hole.y - rim, hole.width + 2 * rim, hole.height + 2 * rim},
                     {0, 0, selection.width, selection.height});
}

// Tells the job how far the plan is, and the plan whether the job is still wanted.
watcher watch(job const& j) {
    return [j = timed(j)](std::string const& stage, double fraction) {
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

} // namespace

std::optional<run_result> inpaint(device& d, request const& r, picture const& given, mask const& selection,
                                  job const& j) {
    assert(given.width == selection.width && given.height == selection.height);
    assert(r.seed >= 0 && "resolve() comes first");
    patch_fill_shape const shape = plan_patch_fill(given, selection);
    rect const area = result_area(selection);

    graph g(d.target());
    tensor const pixels = g.input({.h = given.height, .w = given.width, .c = 4});
    tensor const selected = g.input({.h = given.height, .w = given.width});
    tensor const composite = composite_mask(g, selected, rim);
    tensor const filled =
        patch_fill(g, pixels, selected, shape, {area.x, area.y, area.right(), area.bottom()}, std::uint32_t(r.seed));
    g.output(composite);
    g.output(filled);

    plan p(d, std::move(g));
    p.upload<float>(pixels, given.pixels);
    p.upload<float>(selected, selection.values);
    if (!p.run(watch(j))) return std::nullopt;

    mask whole(given.width, given.height);
    whole.values = p.download<float>(composite);
    auto const colours = p.download<float>(filled);
    if (!std::ranges::all_of(colours, [](float v) { return std::isfinite(v); }))
        fail("{} computed values that are no colours; update its driver or choose another device.", d.info().name);
    return run_result{area.x, area.y, put_together(crop(given, area), crop(selection, area), colours),
                      crop(whole, area)};
}

} // namespace sfumato
