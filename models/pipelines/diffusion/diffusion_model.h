// A diffusion model that is open: what its file says it is, and as much of it as is on the device.
#pragma once

#include "models/library/family.h"
#include "models/library/joined.h"
#include "models/library/lora.h"
#include "models/nets/denoiser.h"
#include "models/networks/latent_format.h"
#include "models/pipelines/shelf.h"

#include <map>
#include <memory>
#include <optional>
#include <string>

namespace sfumato {

/// A network of a model, in the order of a run.
enum class role : std::uint8_t { text, vae_encoder, denoiser, vae_decoder };
struct model_part {
    sfumato::role role;
    int number = 0; // of several text encoders
    auto operator<=>(model_part const&) const = default;
};

struct opened_lora {
    std::shared_ptr<checkpoint const> file;
    std::string sha256;
    lora_match match;
};

class diffusion_model : public open_model {
  public:
    /// Which model, and how it is used.
    struct choice {
        std::string source;                            // as open_checkpoint takes it
        joined_parts parts{};                          // files whose networks are used instead of its own
        std::optional<sfumato::prediction> prediction; // the user's own choice; none: as the file says
        std::optional<dtype> precision;                // of matrices; none: as the file has them
        bool operator==(choice const&) const = default;
    };

    /// Throws error: no such file, damaged, a model that cannot be run, or a text encoder, denoiser or VAE is missing
    /// in it.
    explicit diffusion_model(choice);

    choice const& chosen() const { return choice_; }
    bool is_current() const override { return file_->is_current(); }
    std::vector<weight_slot*> slots() override;

    model_description const& what() const { return what_; }
    denoiser_config const& denoiser() const { return denoiser_; }
    latent_format const& latents() const { return latents_; }
    vae_config const& vae() const { return *what_.vae; }
    /// Whose contexts stand side by side in the channels that the denoiser is shown.
    std::vector<clip_config> const& texts() const { return what_.texts; }
    /// Where T5 is, which follows them; it may be missing.
    model_part t5_part() const { return {role::text, int(texts().size())}; }
    int text_encoders() const { return int(texts().size()) + (what_.t5 ? 1 : 0); }
    /// Sides of pictures are multiples of so many pixels.
    int step() const { return latents_.cell * shape_of(denoiser_).multiple; }
    /// The denoiser is shown a mask and a masked picture beside x (inpainting_channels() of beginning.h).
    bool is_inpainting() const { return shape_of(denoiser_).in_channels != shape_of(denoiser_).out_channels; }

    /// Its file, open for as long as it is as it was. Throws error: not there, no LoRA, or none for this model.
    opened_lora const& open_lora(std::string const& file);
    /// From each network's next turn on these are added to its weights; without them it is the file's again, bit for
    /// bit.
    void set_patches(std::vector<weight_patch>);

    weight_slot& slot(model_part p) { return slots_[p]; }
    /// Opens a part's slot.
    weight_store& weights(model_part, waiting_weights const& = {});
    /// A store that nothing is loaded into: to record graphs for their memory.
    std::unique_ptr<weight_store> sketch(waiting_weights const& = {}) const;

  private:
    weight_options options(waiting_weights const&) const;

    choice choice_;
    std::shared_ptr<checkpoint const> file_;
    model_description what_;
    denoiser_config denoiser_;
    latent_format latents_;
    std::map<model_part, weight_slot> slots_;
    std::map<std::string, opened_lora> loras_;
    std::vector<weight_patch> patches_;
};

} // namespace sfumato
