// Tensors stored as f32, f16 or bf16: the type is a specialization constant of the kernel (numbers as enum class dtype in
// compute/tensor.h), so that one kernel serves all and the choice costs nothing when it runs. Arithmetic is fp32.
#extension GL_EXT_shader_16bit_storage : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require

#define elements uint64_t // an address, in kernels.h

const uint f32 = 0u, f16 = 1u, bf16 = 2u;

layout(buffer_reference, scalar, buffer_reference_align = 2) buffer f16s { float16_t at[]; };
layout(buffer_reference, scalar, buffer_reference_align = 2) buffer u16s { uint16_t at[]; };
layout(buffer_reference, scalar, buffer_reference_align = 4) buffer quads { vec4 at[]; };      // at multiples of 4 bytes
layout(buffer_reference, scalar, buffer_reference_align = 2) buffer f16quads { f16vec4 at[]; }; // of 2 bytes
layout(buffer_reference, scalar, buffer_reference_align = 2) buffer u16quads { u16vec4 at[]; };

// Where alignment is known: eight halves, or four elements, in one load.
layout(buffer_reference, scalar, buffer_reference_align = 16) buffer octets { uvec4 at[]; };
layout(buffer_reference, scalar, buffer_reference_align = 16) buffer aligned_quads { vec4 at[]; };
layout(buffer_reference, scalar, buffer_reference_align = 8) buffer aligned_f16quads { f16vec4 at[]; };
layout(buffer_reference, scalar, buffer_reference_align = 8) buffer aligned_u16quads { u16vec4 at[]; };
layout(buffer_reference, scalar, buffer_reference_align = 8) buffer vec2s { vec2 at[]; };

uint64_t bytes_of(uint type) { return type == f32 ? 4ul : 2ul; }

float load(elements from, uint type, uint i) {
    if (type == f16) return float(f16s(from).at[i]);
    if (type == bf16) return uintBitsToFloat(uint(u16s(from).at[i]) << 16);
    return f32s(from).at[i];
}

// Elements i … i + 3.
vec4 load4(elements from, uint type, uint i) {
    uint64_t at = from + uint64_t(i) * bytes_of(type);
    if (type == f16) return vec4(f16quads(at).at[0]);
    if (type == bf16) return uintBitsToFloat(uvec4(u16quads(at).at[0]) << 16);
    return quads(at).at[0];
}

// To the nearest bf16, ties to even; NaN stays NaN.
uint bf16_bits(float x) {
    uint bits = floatBitsToUint(x);
    if ((bits & 0x7fffffffu) > 0x7f800000u) return (bits >> 16) | 0x40u;
    return (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
}

void store(elements to, uint type, uint i, float x) {
    if (type == f16)
        f16s(to).at[i] = float16_t(x);
    else if (type == bf16)
        u16s(to).at[i] = uint16_t(bf16_bits(x));
    else
        f32s(to).at[i] = x;
}

void store4(elements to, uint type, uint i, vec4 x) {
    uint64_t at = to + uint64_t(i) * bytes_of(type);
    if (type == f16)
        f16quads(at).at[0] = f16vec4(x);
    else if (type == bf16)
        u16quads(at).at[0] = u16vec4(uvec4(bf16_bits(x.x), bf16_bits(x.y), bf16_bits(x.z), bf16_bits(x.w)));
    else
        quads(at).at[0] = x;
}

// The same where `i` is a multiple of 4, and element 0 lies at a multiple of 16 bytes.
vec4 load4_aligned(elements from, uint type, uint i) {
    if (type == f16) return vec4(aligned_f16quads(from).at[i / 4u]);
    if (type == bf16) return uintBitsToFloat(uvec4(aligned_u16quads(from).at[i / 4u]) << 16);
    return aligned_quads(from).at[i / 4u];
}

void store4_aligned(elements to, uint type, uint i, vec4 x) {
    if (type == f16)
        aligned_f16quads(to).at[i / 4u] = f16vec4(x);
    else if (type == bf16)
        aligned_u16quads(to).at[i / 4u] = u16vec4(uvec4(bf16_bits(x.x), bf16_bits(x.y), bf16_bits(x.z), bf16_bits(x.w)));
    else
        aligned_quads(to).at[i / 4u] = x;
}
