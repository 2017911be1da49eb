// The pieces of T5's vocabulary, made by embed_t5_pieces.py from t5_pieces.txt.
#pragma once

#include <cstdint>

namespace sfumato {

inline constexpr int t5_piece_count = 31997;

/// One piece after the other, ascending by bytes.
extern char const t5_text[];

struct t5_piece {
    std::uint32_t begin; // in t5_text; it ends where the next begins
    std::uint16_t id;
    float score; // ln of its probability
};
extern t5_piece const t5_pieces[t5_piece_count + 1];

} // namespace sfumato
