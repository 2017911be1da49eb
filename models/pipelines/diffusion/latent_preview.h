// What a latent will look like: roughly and at once, or in some detail by a network of its own.
#pragma once

#include "models/nets/weight_store.h"
#include "models/pipelines/diffusion/latent_codec.h"
#include "request/picture.h"

#include <memory>
#include <optional>

namespace sfumato {

/// A pixel for each cell: a linear projection of its channels to red, green and blue. The format's factors are known.
picture latent_preview(latent const&, latent_format const&);

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

/// Throws error unless it is a TAESD with a decoder, for latents like these.
void check_preview_model(checkpoint const&, latent_format const&);

} // namespace sfumato
