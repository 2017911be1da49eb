#include "models/pipelines/diffusion_model.h"

#include "compute/error.h"

namespace sfumato {

diffusion_model::diffusion_model(std::string const& source, std::optional<prediction> asked,
                                 std::optional<dtype> precision)
    : file_(std::make_shared<checkpoint const>(open_checkpoint(source))), asked_(asked),
      what_(require_model(*file_, asked)), precision_(precision) {
    if (!what_.unet || !what_.vae || !what_.text)
        fail("{} holds no {}: this is not a whole Stable Diffusion model ({}).", source,
             !what_.unet  ? "UNet"
             : !what_.vae ? "VAE"
                          : "text encoder",
             what_.family);
}

weight_options diffusion_model::options(residence where) const {
    weight_options o{.where = where};
    if (precision_)
        o.format = *precision_ == dtype::f32   ? weight_format::f32
                   : *precision_ == dtype::f16 ? weight_format::f16
                                               : weight_format::bf16;
    return o;
}

weight_store diffusion_model::sketch(residence where) const { return weight_store(file_, options(where)); }

weight_store& diffusion_model::weights(part p, residence where) {
    auto& store = stores_[std::size_t(p)];
    if (!store || store->options().where != where) {
        store.reset(); // before the new one, which may need its memory
        store = std::make_unique<weight_store>(file_, options(where));
    }
    return *store;
}

void diffusion_model::release(part p) { stores_[std::size_t(p)].reset(); }

std::uint64_t diffusion_model::loaded_bytes(device& d, part p) const {
    auto const& store = stores_[std::size_t(p)];
    return store ? store->loaded_bytes(d) : 0;
}

residence diffusion_model::weights_lie_in(part p) const {
    auto const& store = stores_[std::size_t(p)];
    return store ? store->options().where : residence::device;
}

void diffusion_model::release_all_but(part p) {
    for (part other : {part::text, part::unet, part::vae})
        if (other != p) release(other);
}

} // namespace sfumato
