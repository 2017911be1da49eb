// What all steps have made, kept where its picture cannot be decoded.
#pragma once

#include "models/pipelines/diffusion/latent_codec.h"

#include <filesystem>
#include <optional>

namespace sfumato {

struct latent_format;

/// Writes it as ComfyUI's Load Latent reads it: a safetensors file with latent_tensor, float [1, channels, height,
/// width] in the VAE's own scale. Where it is; nothing: it could not be kept.
std::optional<std::filesystem::path> keep_latent(latent const&, latent_format const&);

} // namespace sfumato
