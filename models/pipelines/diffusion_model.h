// A diffusion model that is open: what its file says it is, and as much of it as is on the device.
#pragma once

#include "models/nets/weight_store.h"
#include "models/weights/family.h"

#include <array>
#include <memory>
#include <optional>
#include <string>

namespace sfumato {

/// Which model, and how it is used.
struct model_choice {
    std::string source;                            // as open_checkpoint takes it
    std::string vae{};                             // a file whose VAE is used instead of its own; empty: its own
    std::optional<sfumato::prediction> prediction; // the user's own choice; none: as the file says
    std::optional<dtype> precision;                // of matrices; none: as the file has them
    bool operator==(model_choice const&) const = default;
};

class diffusion_model {
  public:
    enum class part : std::uint8_t { text, vae_encoder, unet, vae_decoder };
    static constexpr std::array parts{part::text, part::vae_encoder, part::unet, part::vae_decoder};

    /// Throws error: no such file, damaged, a model that cannot be run, or a text encoder, UNet or VAE is missing in
    /// it.
    explicit diffusion_model(model_choice);

    model_choice const& chosen() const { return choice_; }
    bool is_current() const { return file_->is_current(); }
    model_description const& what() const { return what_; }
    unet_config const& unet() const { return *what_.unet; }
    vae_config const& vae() const { return *what_.vae; }
    text_encoder_config const& text() const { return *what_.text; }
    /// The UNet is shown a mask and a masked picture beside x (inpainting_channels() of denoise.h).
    bool is_inpainting() const { return unet().in_channels != unet().out_channels; }

    /// The weights of a network; those of another residence than before begin anew.
    weight_store& weights(part, residence = residence::device);
    /// A store that nothing is loaded into: to record graphs for their memory.
    weight_store sketch(residence = residence::device) const;
    /// Forgets a network's weights on the device.
    void release(part);
    /// What a network's loaded weights take on the device.
    std::uint64_t loaded_bytes(device&, part) const;
    /// Where a network's weights lie, or would.
    residence weights_lie_in(part) const;
    /// Lets every network go but `p`.
    void release_all_but(part p);

  private:
    weight_options options(residence) const;

    model_choice choice_;
    std::shared_ptr<checkpoint const> file_;
    model_description what_;
    std::array<std::unique_ptr<weight_store>, parts.size()> stores_;
};

} // namespace sfumato
