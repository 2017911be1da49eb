// Weights as the matrix kernels read them: panels of 16 columns, each [k][16] with all of k, one panel after the other, then
// zeros for one row of inputs. Element (k, i) with i < 8 lies beside its partner (k, i + 8):
//   f32         [k][16] floats
//   f16, bf16   [k][8] words: column i | column i + 8 << 16
//   q8_0        [k/32] blocks of 8 words of scales (f16: column i | column i + 8 << 16) and [16][8] words of signed bytes:
//               (2j, i), (2j, i + 8), (2j + 1, i), (2j + 1, i + 8)
//   q4_0        [k/32] blocks of 8 words of scales and [8][8] words of nibbles (value + 8): (4j, i), (4j, i + 8), (4j + 1, i) …
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

// A word of a 16-bit panel: (column i, column i + 8).
vec2 pair_of(uint format, uint word) {
    if (format == format_bf16) return vec2(uintBitsToFloat(word << 16), uintBitsToFloat(word & 0xffff0000u));
    return unpackHalf2x16(word);
}

// Rows 2j (+ odd) of a q8_0 word, without their scale.
vec2 q8_0_pair(uint word, uint odd) {
    int bits = int(word >> (16u * odd));
    return vec2(bitfieldExtract(bits, 0, 8), bitfieldExtract(bits, 8, 8));
}

// Row 4j + row of a q4_0 word, without their scale.
vec2 q4_0_pair(uint word, uint row) {
    uint bits = word >> (8u * row);
    return vec2(bits & 15u, bits >> 4 & 15u) - 8.0;
}
