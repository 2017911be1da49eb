// Block formats of ggml that no kernel reads: made into halves where a tensor is read.
// https://github.com/ggml-org/ggml/blob/master/src/ggml-quants.c
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace sfumato {

struct ggml_block {
    std::uint32_t number; // ggml's own
    std::string_view name;
    std::size_t elements, bytes; // of a block
    void (*expand)(std::byte const* block, float* values);
};

/// Q4_1, Q5_0, Q5_1, Q2_K, Q3_K; null: another.
ggml_block const* find_ggml_block(std::uint32_t number);

/// Whole blocks → 2 bytes an element.
void expand_blocks(ggml_block const&, std::span<std::byte const> blocks, std::span<std::byte> halves);

} // namespace sfumato
