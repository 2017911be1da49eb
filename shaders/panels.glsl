// Weights as the matrix kernels read them: panels of 16 columns, each with all of k, one panel after the other, then zeros for
// one row of inputs. Columns 2i and 2i + 1 make pair i of a panel:
//   f32         [k][16] floats: the first of each pair, then the second of each
//   f16, bf16   [k][8] words: pair i, the first in the lower half
//   q8_0        [k/32] blocks of 8 words of scales (f16 pairs) and [16][8] words of signed bytes: pair i of row 2j, then of row
//               2j + 1
//   q4_0        [k/32] blocks of 8 words of scales and [8][8] words of nibbles (value + 8): pair i of rows 4j … 4j + 3
// Numbers as enum class weight_format in compute/ops.h.
const uint format_f32 = 0u, format_f16 = 1u, format_bf16 = 2u, format_q8_0 = 3u, format_q4_0 = 4u;

// Of `k` rows of one panel.
uint panel_bytes(uint format, uint k) {
    switch (format) {
    case format_f32: return k * 64u;
    case format_q8_0: return k * 17u;
    case format_q4_0: return k * 9u;
    default: return k * 32u;
    }
}

// A pair from a word of a 16-bit panel.
vec2 pair_of(uint format, uint word) {
    if (format == format_bf16) return vec2(uintBitsToFloat(word << 16), uintBitsToFloat(word & 0xffff0000u));
    return unpackHalf2x16(word);
}

// Row 2j (+ odd) of a q8_0 word, without its scale.
vec2 q8_0_pair(uint word, uint odd) {
    int bits = int(word >> (16u * odd));
    return vec2(bitfieldExtract(bits, 0, 8), bitfieldExtract(bits, 8, 8));
}

// Row 4j + row of a q4_0 word, without its scale.
vec2 q4_0_pair(uint word, uint row) {
    uint bits = word >> (8u * row);
    return vec2(bits & 15u, bits >> 4 & 15u) - 8.0;
}
