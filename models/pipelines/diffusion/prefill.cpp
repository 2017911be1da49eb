#include "models/pipelines/diffusion/prefill.h"

#include "compute/device.h"
#include "models/pipelines/diffusion/generation.h"
#include "models/pipelines/lama/inpaint_by_lama.h"
#include "models/pipelines/lama/lama_model.h"

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

// What LaMa is asked for.
request lama_request(request const& r, prefill_plan const& p) {
    request asked{.method = method::lama, .seed = r.seed};
    asked.diffusion.model = p.lama;
    return asked;
}

bool go_on(device& d, shelf& models, request const& r, picture const& context, prefill_plan const& p, picture& to,
           job const& j) {
    auto const made = p.lama.empty() ? inpaint(d, models, r, context, p.hole, j)
                                     : inpaint_by_lama(d, models, lama_request(r, p), context, p.hole, j);
    if (!p.lama.empty()) models.open<lama_model>(p.lama).release(); // what comes next was planned without it
    if (!made) return false;
    picture const& filled = made->picture;
    for (int y = 0; y < filled.height; ++y)
        for (int x = 0; x < filled.width; ++x) {
            std::size_t const at = std::size_t(made->y + y) * to.width + made->x + x;
            float const* const from = &filled.pixels[4 * (std::size_t(y) * filled.width + x)];
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

bool goes_on(request const& r) { return r.diffusion.prompt.empty() && r.inpaint.strength >= 1; }

prefill_plan plan_prefill(request const& r, picture const& context, inpaint_masks const& masks) {
    prefill_plan p{.hole = mask(context.width, context.height)};
    if (r.inpaint.strength >= 1) p.hole = cut(masks.denoise, 1);
    p.goes_on = goes_on(r) && !bounds(p.hole).empty() && is_something_known(context, p);
    p.lama = r.inpaint.prefill.value_or("");
    return p;
}

std::optional<picture> prefill(device& d, shelf& models, request const& r, picture const& context,
                               prefill_plan const& p, job const& j) {
    std::optional<picture> filled = context;
    if (!is_something_known(context, p))
        filled = mid_grey({context.width, context.height});
    else if (has_holes(context, p))
        filled = fill_smoothly(d, models, context, p, part_of(j, 0, p.goes_on ? 0.1 : 1));
    if (!filled) return std::nullopt;
    if (p.goes_on && !go_on(d, models, r, context, p, *filled, part_of(j, 0.1, 1))) return std::nullopt;
    make_plain(*filled);
    return filled;
}

std::uint64_t bytes_of_prefill(device& d, shelf& models, request const& r, picture const& context,
                               prefill_plan const& p) {
    std::uint64_t bytes = 0;
    if (is_something_known(context, p) && has_holes(context, p))
        bytes = plan::peak_bytes(record_smooth_fill(d.target(), {context.width, context.height}).g);
    if (!p.goes_on) return bytes;
    run_plan const takes = p.lama.empty() ? plan_of_inpaint(d, models, r, context, p.hole)
                                          : plan_of_inpaint_by_lama(d, models, lama_request(r, p), context, p.hole);
    return std::max(bytes, takes.needed);
}

} // namespace sfumato
