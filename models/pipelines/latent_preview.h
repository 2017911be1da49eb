// What a latent will look like: roughly and at once, or in some detail by a network of its own.
#pragma once

#include "models/nets/weight_store.h"
#include "models/picture.h"
#include "models/pipelines/latent_codec.h"

#include <memory>
#include <optional>

namespace sfumato {

/// A pixel for each cell: a linear projection of the 4 channels of Stable Diffusion 1 and 2 to red, green and blue.
picture latent_preview(latent const&);

/// TAESD, ready to decode latents of one size.
class preview_decoder {
  public:
    /// Loads it. Throws error: no memory.
    preview_decoder(device&, std::shared_ptr<checkpoint const> taesd, int height, int width, dtype storage);

    /// The whole picture, 0 … 1. Nothing: cancelled.
    std::optional<picture> decode(latent const&, job const&);

    /// What it takes on the device.
    static std::uint64_t bytes(device&, std::shared_ptr<checkpoint const> taesd, int height, int width, dtype storage);

  private:
    weight_store weights_;
    tensor in_, out_;
    std::optional<plan> plan_;
};

/// Throws error unless it is a TAESD with a decoder, for latents of 4 channels.
void check_preview_model(checkpoint const&);

} // namespace sfumato
