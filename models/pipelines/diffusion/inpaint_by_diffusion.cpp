#include "models/pipelines/diffusion/inpaint_by_diffusion.h"

#include "compute/device.h"
#include "models/pipelines/diffusion/generation.h"
#include "models/pipelines/diffusion/inpaint_masks.h"
#include "models/pipelines/diffusion/inpaint_window.h"
#include "models/pipelines/diffusion/prefill.h"
#include "models/pipelines/diffusion/seam.h"
#include "request/context.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace sfumato {

namespace {

// What an inpainting model is shown: grey where anything is made anew.
picture greyed(picture p, mask const& hole, inpaint_window const& w) {
    std::vector<float> const grey = latent_mask(hole, w, 1, mask_cells::maximum);
    for (std::size_t i = 0; i < grey.size(); ++i)
        if (grey[i] > 0) std::fill_n(&p.pixels[4 * i], 3, 0.5f);
    return p;
}

// Its cells are whole.
std::vector<float> whole_cells(mask const& hole, inpaint_window const& w, int cell, mask_cells rule) {
    std::vector<float> cells = latent_mask(hole, w, cell, rule);
    for (float& v : cells) v = v >= 0.5f;
    return cells;
}

std::optional<picture> make_anew(generation& g, diffusion_model const& model, request const& r, picture seen,
                                 inpaint_masks const& masks, inpaint_window const& window, job const& j) {
    mask const hole = model.is_inpainting() ? cut(masks.denoise, 1e-6f) : mask();
    std::vector<picture> pictures;
    if (model.is_inpainting()) pictures.push_back(greyed(seen, hole, window));
    pictures.insert(pictures.begin(), std::move(seen));
    stages all(j, g.work_of_prompts() + double(pictures.size()) * g.work(role::vae_encoder) + g.work(role::denoiser) +
                      g.work(role::vae_decoder));
    auto const prompts = g.read_prompts(all.next(g.work_of_prompts()));
    if (!prompts) return std::nullopt;
    auto const encoded = g.encode(pictures, all);
    if (!encoded) return std::nullopt;
    int const cell = model.latents().cell;
    known_pictures known{.from = &encoded->front(),
                         .mask = latent_mask(masks.denoise, window, cell, r.inpaint.mask_cells)};
    if (model.is_inpainting()) {
        known.shown = &encoded->back();
        known.hole = whole_cells(hole, window, cell, r.inpaint.mask_cells);
    }
    auto const denoised = g.denoise(*prompts, known, std::uint64_t(r.seed), all.next(g.work(role::denoiser)));
    if (!denoised) return std::nullopt;
    auto decoded = g.decode(*denoised, all.next(g.work(role::vae_decoder)));
    if (decoded)
        for (float& v : decoded->pixels) v = std::clamp(v, 0.0f, 1.0f);
    return decoded;
}

// What is seen of it, where it lies in the context.
run_result result_of(picture const& fitted, mask const& composite, request recipe) {
    rect const area = bounds(composite);
    return {area.x, area.y, crop(fitted, area), crop(composite, area), std::move(recipe)};
}

} // namespace

std::optional<run_result> inpaint_by_diffusion(device& d, shelf& models, request const& r, picture const& context,
                                               mask const& selection, job const& j, generate_watch const& watch) {
    assert(r.seed >= 0 && "resolve() comes first");
    assert(context.width == selection.width && context.height == selection.height);
    diffusion_model& model = open_model(models, r.diffusion);
    inpaint_window const window = window_of({context.width, context.height}, {r.inpaint.width, r.inpaint.height},
                                            model.what().native_size, model.latents().cell);
    auto const masks = masks_of(d, models, selection, edge_of(r, bounds(selection)), part_of(j, 0, 0.01));
    if (!masks) return std::nullopt;
    if (bounds(masks->composite).empty()) fail("Nothing is selected: select the part of the picture to fill.");
    prefill_plan const filling = plan_prefill(r, context, *masks);

    generation g(d, model, r.diffusion, watch,
                 {.pixels = window.seen,
                  .from_picture = true,
                  .strength = r.inpaint.strength,
                  .masked = true,
                  .thinks = r.inpaint.quality == quality::high,
                  .before = std::max({bytes_of_masks(d, window.context), bytes_to_model(d, window),
                                      bytes_of_prefill(d, models, r, context, filling)}),
                  .after = std::max(bytes_from_model(d, window), bytes_of_fit(d, masks->denoise))});
    g.make_plan();
    auto const filled = prefill(d, models, r, context, filling, part_of(j, 0.01, 0.05));
    if (!filled) return std::nullopt;
    auto seen = to_model(d, models, *filled, window, part_of(j, 0.05, 0.05));
    if (!seen) return std::nullopt;
    auto const made = make_anew(g, model, r, std::move(*seen), *masks, window, part_of(j, 0.05, 0.97));
    if (!made) return std::nullopt;
    auto back = from_model(d, models, *made, window, part_of(j, 0.97, 0.98));
    if (!back) return std::nullopt;
    auto const fitted = fit(d, models, context, std::move(*back), selection, *masks, part_of(j, 0.98, 1));
    if (!fitted) return std::nullopt;
    return result_of(*fitted, masks->composite, g.recipe(r));
}

} // namespace sfumato
