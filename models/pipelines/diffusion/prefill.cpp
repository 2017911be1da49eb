#include "models/pipelines/diffusion/prefill.h"

#include "compute/device.h"
#include "models/pipelines/diffusion/generation.h"
#include "models/pipelines/fill/inpaint.h"

#include <algorithm>

namespace sfumato {

namespace {

bool is_hole(prefill_plan const& p, std::size_t pixel) { return p.hole.values[pixel] > 0; }

bool is_something_known(picture const& context, prefill_plan const& p) {
    for (std::size_t i = 0; i < p.hole.values.size(); ++i)
        if (!is_hole(p, i) && context.pixels[4 * i + 3] > 0) return true;
    return false;
}

bool has_holes(picture const& context, prefill_plan const& p) {
    for (std::size_t i = 0; i < p.hole.values.size(); ++i)
        if (is_hole(p, i) || context.pixels[4 * i + 3] < 1) return true;
    return false;
}

std::optional<picture> fill_smoothly(device& d, shelf const& models, picture const& context, prefill_plan const& p,
                                     job const& j) {
    std::vector<float> weights(p.hole.values.size());
    for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = is_hole(p, i) ? 0 : context.pixels[4 * i + 3];
    auto values =
        run(d, models, record_smooth_fill(d.target(), {context.width, context.height}), {context.pixels, weights}, j);
    if (!values) return std::nullopt;
    picture filled = context;
    filled.pixels = std::move(*values);
    return filled;
}

bool fill_with_patches(device& d, shelf const& models, request const& r, picture const& context, prefill_plan const& p,
                       picture& to, job const& j) {
    auto const made = inpaint(d, models, r, context, p.hole, j);
    if (!made) return false;
    picture const& patches = made->picture;
    for (int y = 0; y < patches.height; ++y)
        for (int x = 0; x < patches.width; ++x) {
            std::size_t const at = std::size_t(made->y + y) * to.width + made->x + x;
            float const* const from = &patches.pixels[4 * (std::size_t(y) * patches.width + x)];
            if (is_hole(p, at) && from[3] > 0) std::copy_n(from, 3, &to.pixels[4 * at]);
        }
    return true;
}

// Within what a model knows.
void make_plain(picture& p) {
    for (std::size_t i = 0; i < p.pixels.size(); ++i)
        p.pixels[i] = i % 4 == 3 ? 1 : std::clamp(p.pixels[i], 0.0f, 1.0f);
}

} // namespace

prefill_plan plan_prefill(request const& r, picture const& context, inpaint_masks const& masks) {
    prefill_plan p{.hole = mask(context.width, context.height)};
    if (r.inpaint.strength >= 1) p.hole = cut(masks.denoise, 1);
    p.with_patches = r.diffusion.prompt.empty() && !bounds(p.hole).empty() && is_something_known(context, p);
    return p;
}

std::optional<picture> prefill(device& d, shelf const& models, request const& r, picture const& context,
                               prefill_plan const& p, job const& j) {
    std::optional<picture> filled = context;
    if (!is_something_known(context, p))
        filled = mid_grey({context.width, context.height});
    else if (has_holes(context, p))
        filled = fill_smoothly(d, models, context, p, part_of(j, 0, p.with_patches ? 0.1 : 1));
    if (!filled) return std::nullopt;
    if (p.with_patches && !fill_with_patches(d, models, r, context, p, *filled, part_of(j, 0.1, 1)))
        return std::nullopt;
    make_plain(*filled);
    return filled;
}

std::uint64_t bytes_of_prefill(device& d, shelf const& models, request const& r, picture const& context,
                               prefill_plan const& p) {
    std::uint64_t bytes = 0;
    if (is_something_known(context, p) && has_holes(context, p))
        bytes = plan::peak_bytes(record_smooth_fill(d.target(), {context.width, context.height}).g);
    return p.with_patches ? std::max(bytes, plan_of_inpaint(d, models, r, context, p.hole).needed) : bytes;
}

} // namespace sfumato
