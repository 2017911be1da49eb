#include "models/pipelines/diffusion/generate.h"

#include "models/pipelines/diffusion/generation.h"
#include "models/pipelines/diffusion/loras.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace sfumato {

namespace {

// Whole cells of the latent: as asked for, or as large as the given picture.
pixel_size size_of(diffusion_settings const& s, diffusion_model const& model, picture const* from) {
    int const native = model.what().native_size, step = model.step();
    pixel_size const size = from ? pixel_size{whole_cells(from->width, step), whole_cells(from->height, step)}
                                 : pixel_size{s.width ? s.width : native, s.height ? s.height : native};
    check_size(size, model);
    return size;
}

// What was decoded, as it is given back: within 0 … 1, of the size and transparency of what it was made from.
picture finish(picture decoded, picture const* from) {
    for (float& v : decoded.pixels) v = std::clamp(v, 0.0f, 1.0f);
    if (!from) return decoded;
    decoded = crop(decoded, {0, 0, from->width, from->height});
    for (std::size_t i = 3; i < decoded.pixels.size(); i += 4) decoded.pixels[i] = from->pixels[i];
    return decoded;
}

} // namespace

bool generate(device& d, shelf& models, request const& asked, picture const* from, job const& j,
              std::function<void(generated)> const& take, generate_watch const& watch) {
    assert(asked.seed >= 0 && "resolve() comes first");
    diffusion_model& model = open_model(models, asked.diffusion);
    request const r = add_loras(asked, model, watch.warned);
    diffusion_settings const& s = r.diffusion;
    pixel_size const pixels = size_of(s, model, from);
    generation g(d, model, s, watch, {.pixels = pixels, .from_picture = from != nullptr, .strength = s.strength});
    g.make_plan();

    std::vector<picture> pictures;
    if (from) pictures.push_back(padded(*from, pixels));
    if (model.is_inpainting()) pictures.push_back(mid_grey(pixels));
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
        take({finish(std::move(*decoded), from), g.recipe(one)});
    }
    return true;
}

} // namespace sfumato
