#include "models/pipelines/diffusion_model.h"

#include "compute/error.h"
#include "models/pipelines/latent_codec.h"
#include "models/weights/joined.h"

#include <utility>

namespace sfumato {

namespace {

std::shared_ptr<checkpoint const> open(model_choice const& c) {
    return std::make_shared<checkpoint const>(c.vae.empty() ? open_checkpoint(c.source)
                                                            : open_with_vae(c.source, c.vae));
}

// What the pipelines take for granted.
void check(model_description const& what, std::string const& source) {
    if (!what.unet || !what.text)
        fail("'{}' holds no {}: this is not a whole Stable Diffusion model ({}).", source,
             what.unet ? "text encoder" : "UNet", what.family);
    if (!what.vae || !what.vae->decoder)
        fail("'{}' holds no VAE to make pictures with: name a file that has one (--vae).", source);
    unet_config const& unet = *what.unet;
    vae_config const& vae = *what.vae;
    if (unet.out_channels != 4 || vae.z_channels != 4)
        fail("The UNet of '{}' makes latents of {} channels, and its VAE has {}: 4 and 4 are supported.", source,
             unet.out_channels, vae.z_channels);
    if (1 << (vae.channel_mult.size() - 1) != latent_scale)
        fail("The VAE of '{}' makes latents of another scale than 1 : {}, which is not supported.", source,
             latent_scale);
    if (unet.in_channels == 8)
        fail("'{}' is a {} model, which changes a picture as a sentence commands: that is not supported yet, choose "
             "another model.",
             source, what.family);
}

} // namespace

diffusion_model::diffusion_model(model_choice c)
    : choice_(std::move(c)), file_(open(choice_)), what_(require_model(*file_, choice_.prediction)) {
    check(what_, choice_.source);
}

weight_options diffusion_model::options(residence where) const {
    weight_options o{.where = where};
    if (auto const p = choice_.precision)
        o.format = *p == dtype::f32 ? weight_format::f32 : *p == dtype::f16 ? weight_format::f16 : weight_format::bf16;
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
