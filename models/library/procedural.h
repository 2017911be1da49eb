// Models without a file: every number follows from a tensor's name, shape and the model's seed, so that any program can
// make the very same bits. What a network computes with them is noise, but it is the same noise everywhere: that is how
// networks are compared with reference implementations, and timed at full size, without a download.
//
// Element i (from 0, row-major) of tensor NAME, all integers 64 bits:
//   base  = FNV-1a of NAME, or of "SEED:NAME" where the seed is not 0
//   z     = splitmix64's finaliser of base + (i + 1)·0x9E3779B97F4A7C15
//   u     = (z >> 40)·2⁻²³ − 1, in [−1, 1)
//   value = offset + s·u, rounded to float, then to half (to nearest, ties to even); s is a float
// NAME is the full one in a single-file checkpoint as it is found in the wild (open_clip's for Stable Diffusion 2).
#pragma once

#include "models/files/checkpoint.h"

namespace sfumato {

/// offset and s of a tensor: 1 + 0.1·u for norms, 0.05·u for other lists, √(3 / fan_in)·u for matrices …
struct procedural_range {
    double offset = 0;
    float scale = 0;
};
procedural_range procedural_range_of(std::string_view name, std::vector<std::int64_t> const& shape);

/// All elements of a tensor, as halves; 2 bytes each.
void procedural_values(std::string_view name, std::uint64_t seed, procedural_range, std::span<std::byte> halves);

/// The names after "procedural:": sd15, sd15-inpaint, sd21, sd3m, sd35m, sd35l (full size), sd1-tiny …
std::vector<std::string_view> procedural_models();

/// The tensors, all half, under the names that a file of this model would have, with the sizes in metadata "config".
/// Throws error for an unknown model.
checkpoint procedural_checkpoint(std::string_view name);

} // namespace sfumato
