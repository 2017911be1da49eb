// The merges of CLIP's tokenizer as numbers, made by embed_merges.py from clip_merges.txt.
#pragma once

#include <cstdint>

namespace sfumato {

inline constexpr int clip_merge_count = 48894;

/// left << 32 | right << 16 | merged, ascending; merge number n makes token 512 + n, so a smaller `merged` goes first.
extern std::uint64_t const clip_merges[clip_merge_count];

} // namespace sfumato
