#include "models/pipelines/diffusion/generate.h"

#include "models/pipelines/diffusion/generation.h"
#include "models/pipelines/diffusion/loras.h"
#include "models/pipelines/diffusion/small_pictures.h"
#include "models/pipelines/upscale/upscale.h"
#include "request/model_summary.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace sfumato {

namespace {

// What comes out, and what the model makes of it.
struct picture_sizes {
    pixel_size result;   // as asked for, or as large as the given picture
    int enlargement = 1; // of what the model makes
    pixel_size made;     // whole cells of the latent
};

picture_sizes sizes_of(diffusion_settings const& s, diffusion_model const& model, picture const* from) {
    int const native = model.what().native_size, usual = usual_side(native);
    picture_sizes all{.result = from ? pixel_size{from->width, from->height}
                                     : pixel_size{s.width ? s.width : usual, s.height ? s.height : usual}};
    all.enlargement = enlargement_for(all.result, native);
    int const step = from || all.enlargement > 1 ? model.step() : 1;    // else it is asked for in whole cells
    int const least = makes_small_pictures(native) ? smallest_side : 0; // icons are small
    auto const side = [&](int pixels) {
        return std::max(least, whole_cells((pixels + all.enlargement - 1) / all.enlargement, step));
    };
    all.made = {side(all.result.width), side(all.result.height)};
    check_size(all.made, model);
    check_pixels(all.result);
    return all;
}

// Sfumato's own for that factor; null: what the model makes is as large as it shall be.
upscale_model* upscaler_for(shelf& models, int factor) {
    if (factor == 1) return nullptr;
    return &open_upscaler(models,
                          resolve({.operation = operation::upscale, .upscale = {.scale = double(factor)}}).upscale);
}

// As it is given back: within 0 … 1, of the transparency of what it was made from.
picture finish(picture made, pixel_size size, picture const* from) {
    if (pixel_size{made.width, made.height} != size) made = crop(made, {0, 0, size.width, size.height});
    for (float& v : made.pixels) v = std::clamp(v, 0.0f, 1.0f);
    for (std::size_t i = 3; from && i < made.pixels.size(); i += 4) made.pixels[i] = from->pixels[i];
    return made;
}

} // namespace

bool generate(device& d, shelf& models, request const& asked, picture const* from, job const& j,
              std::function<void(generated)> const& take, generate_watch const& watch) {
    assert(asked.seed >= 0 && "resolve() comes first");
    diffusion_model& model = open_model(models, asked.diffusion);
    request const r = add_loras(asked, model, watch.warned);
    diffusion_settings const& s = r.diffusion;
    picture_sizes const sizes = sizes_of(s, model, from);
    upscale_model* const upscaler = upscaler_for(models, sizes.enlargement);
    double const work_after = work_of_enlarging(sizes.made, sizes.enlargement);
    generation g(
        d, model, s, watch,
        {.pixels = sizes.made, .from_picture = from != nullptr, .strength = s.strength, .work_after = work_after});
    g.make_plan();

    std::vector<picture> pictures;
    if (from) pictures.push_back(padded(shrunk(*from, sizes.enlargement), sizes.made));
    if (model.is_inpainting()) pictures.push_back(mid_grey(sizes.made));
    stages all(j, g.work());
    auto const prompts = g.read_prompts(all.next(g.work_of_prompts()));
    if (!prompts) return false;
    auto const encoded = g.encode(pictures, all);
    if (!encoded) return false;
    known_pictures const known{.from = from ? &encoded->front() : nullptr,
                               .shown = model.is_inpainting() ? &encoded->back() : nullptr};
    for (int k = 0; k < s.batch; ++k) {
        sentence const name = g.name_of_picture(k);
        request const one = of_picture(r, k);
        auto const denoised =
            g.denoise(*prompts, known, std::uint64_t(one.seed), all.next(g.work(role::denoiser), name));
        if (!denoised) return false;
        auto decoded = g.decode(*denoised, all.next(g.work(role::vae_decoder), name));
        if (!decoded) return false;
        request recipe = g.recipe(one);
        auto made = upscaler ? enlarged(d, *upscaler, *decoded, sizes.enlargement, recipe.diffusion.precision,
                                        all.next(work_after, name))
                             : std::move(decoded);
        if (!made) return false;
        take({finish(std::move(*made), sizes.result, from), std::move(recipe)});
    }
    return true;
}

} // namespace sfumato
