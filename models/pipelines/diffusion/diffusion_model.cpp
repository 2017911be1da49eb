#include "models/pipelines/diffusion/diffusion_model.h"

#include "compute/error.h"
#include "models/files/sha256.h"
#include "models/library/open_checkpoint.h"

#include <utility>

namespace sfumato {

namespace {

std::shared_ptr<checkpoint const> open(diffusion_model::choice const& c) {
    return std::make_shared<checkpoint const>(open_joined(c.source, c.parts));
}

model_description whole(model_description what, std::string const& source) {
    if (!what.has_denoiser())
        fail("'{}' holds no UNet or MMDiT: this is not a whole Stable Diffusion model ({}).", source, what.family);
    return what;
}

denoiser_config denoiser_of(model_description const& m) {
    return m.unet ? denoiser_config(*m.unet) : denoiser_config(*m.mmdit);
}

} // namespace

diffusion_model::diffusion_model(choice c)
    : choice_(std::move(c)), file_(open(choice_)),
      what_(whole(require_model(*file_, choice_.prediction), choice_.source)), denoiser_(denoiser_of(what_)),
      latents_(what_.family == own_family ? latent_format_of_own(*what_.vae) : latent_format_of(*what_.vae)) {
    for (int i = 0; i < text_encoders(); ++i) slots_[{role::text, i}];
    for (role r : {role::vae_encoder, role::denoiser, role::vae_decoder}) slots_[{r}];
}

std::vector<weight_slot*> diffusion_model::slots() {
    std::vector<weight_slot*> all;
    for (auto& [part, slot] : slots_) all.push_back(&slot);
    return all;
}

weight_options diffusion_model::options(waiting_weights const& waiting) const {
    return {.format = format_of(choice_.precision), .waiting = waiting};
}

opened_lora const& diffusion_model::open_lora(std::string const& source) {
    auto const known = loras_.find(source);
    if (known != loras_.end() && known->second.file->is_current()) return known->second;
    auto const file = std::make_shared<checkpoint const>(open_checkpoint(source));
    lora_match match = match_lora(file, *file_, what_.family);
    std::string const hash = file->files.empty() ? "" : sha256(file->files.front().bytes);
    return loras_[source] = {file, hash, std::move(match)};
}

void diffusion_model::set_patches(std::vector<weight_patch> patches) {
    patches_ = std::move(patches);
    for (auto& [part, slot] : slots_)
        if (slot.store()) slot.store()->set_patches(patches_);
}

std::unique_ptr<weight_store> diffusion_model::sketch(waiting_weights const& waiting) const {
    auto made = std::make_unique<weight_store>(file_, options(waiting));
    made->set_patches(patches_);
    return made;
}

weight_store& diffusion_model::weights(model_part p, waiting_weights const& waiting) {
    weight_store& store = slots_.at(p).open(file_, options(waiting));
    store.set_patches(patches_);
    return store;
}

} // namespace sfumato
