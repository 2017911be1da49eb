// A diffusion model that is open: what its file says it is, and as much of it as is on the device.
#pragma once

#include "models/nets/weight_store.h"
#include "models/weights/family.h"

#include <array>
#include <memory>
#include <optional>
#include <string>

namespace sfumato {

class diffusion_model {
  public:
    enum class part : std::uint8_t { text, unet, vae };

    /// `precision`: what matrices are kept as; none: as the file has them. Throws error: no such file, damaged, not a
    /// model that can be run, or a text encoder, UNet or VAE is missing in it.
    explicit diffusion_model(std::string const& source, std::optional<prediction> asked = {},
                             std::optional<dtype> precision = {});

    std::string const& source() const { return file_->source; }
    model_description const& what() const { return what_; }
    std::optional<prediction> asked_prediction() const { return asked_; }
    std::optional<dtype> precision() const { return precision_; }
    unet_config const& unet() const { return *what_.unet; }
    vae_config const& vae() const { return *what_.vae; }
    text_encoder_config const& text() const { return *what_.text; }

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

    std::shared_ptr<checkpoint const> file_;
    std::optional<prediction> asked_; // the user's own choice
    model_description what_;
    std::optional<dtype> precision_; // of its weights; none: as its file has them
    std::array<std::unique_ptr<weight_store>, 3> stores_;
};

} // namespace sfumato
