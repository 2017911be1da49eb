#include "models/pipelines/diffusion_model.h"

#include "compute/error.h"
#include "models/weights/joined.h"

#include <utility>

namespace sfumato {

namespace {

std::shared_ptr<checkpoint const> open(model_choice const& c) {
    return std::make_shared<checkpoint const>(c.vae.empty() ? open_checkpoint(c.source)
                                                            : open_with_vae(c.source, c.vae));
}

void check_whole(model_description const& what, std::string const& source) {
    if (!what.unet || !what.text)
        fail("'{}' holds no {}: this is not a whole Stable Diffusion model ({}).", source,
             what.unet ? "text encoder" : "UNet", what.family);
    if (!what.vae || !what.vae->decoder)
        fail("'{}' holds no VAE to make pictures with: name a file that has one (--vae).", source);
}

} // namespace

diffusion_model::diffusion_model(model_choice c)
    : choice_(std::move(c)), file_(open(choice_)), what_(require_model(*file_, choice_.prediction)) {
    check_whole(what_, choice_.source);
}

weight_options diffusion_model::options(residence where) const {
    return {.format = format_of(choice_.precision), .where = where};
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
    for (part other : parts)
        if (other != p) release(other);
}

} // namespace sfumato
