// Before and after the complex transform of a real picture: channels 2k and 2k + 1 are its real and imaginary part. From
// Z = F(a + ib) = A + iB follow A and B because transforms of real numbers are Hermitian, A(−f) = conj A(f); and back.
#version 460
#include "common.glsl"

layout(local_size_x = 32) in; // x: pairs, y: the picture's x, z: its rows
layout(push_constant, scalar) uniform block { fft2d p; };
layout(constant_id = 0) const uint which = 0u;
layout(constant_id = 1) const uint from_type = 0u;

const uint step_pack = 0u;   // [images, h, w, channels] → [images, h, w, pairs] complex
const uint step_split = 1u;  // → [images, h, w/2 + 1, 2·channels]: real parts, then imaginary ones
const uint step_join = 2u;   // that → [images, h, w, pairs] complex
const uint step_unpack = 3u; // → [images, h, w, channels]

uint pairs() { return (p.channels + 1u) / 2u; }
uint mirrored(uint i, uint size) { return i == 0u ? 0u : size - i; }
vec2 conjugate(vec2 z) { return vec2(z.x, -z.y); }

float real(uint pixel, uint channel) {
    return channel < p.channels ? load(p.from, from_type, pixel * p.channels + channel) : 0.0;
}

vec2 complex(uint pixel, uint pair) {
    uint i = 2u * (pixel * pairs() + pair);
    return vec2(load(p.from, from_type, i), load(p.from, from_type, i + 1u));
}

vec2 half_spectrum(uint row, uint x, uint channel) {
    uint i = (row * (p.w / 2u + 1u) + x) * 2u * p.channels + channel;
    return vec2(load(p.from, from_type, i), load(p.from, from_type, i + p.channels));
}

// Frequencies that are their own mirror image along x count by their Hermitian part, as in torch.fft.irfft2.
vec2 spectrum(uint image, uint y, uint x, uint channel) {
    if (channel >= p.channels) return vec2(0.0);
    uint row = image * p.h + y, other_row = image * p.h + mirrored(y, p.h);
    if (2u * x > p.w) return conjugate(half_spectrum(other_row, p.w - x, channel));
    vec2 value = half_spectrum(row, x, channel);
    return x == 0u || 2u * x == p.w ? 0.5 * (value + conjugate(half_spectrum(other_row, x, channel))) : value;
}

void split(uint image, uint y, uint x, uint pair) {
    vec2 z = complex((image * p.h + y) * p.w + x, pair);
    vec2 other = conjugate(complex((image * p.h + mirrored(y, p.h)) * p.w + mirrored(x, p.w), pair));
    vec2 a = 0.5 * (z + other), ib = 0.5 * (z - other);
    uint to = ((image * p.h + y) * (p.w / 2u + 1u) + x) * 2u * p.channels + 2u * pair;
    p.to.at[to] = a.x * p.scale;
    p.to.at[to + p.channels] = a.y * p.scale;
    if (2u * pair + 1u >= p.channels) return;
    p.to.at[to + 1u] = ib.y * p.scale;
    p.to.at[to + p.channels + 1u] = -ib.x * p.scale;
}

void main() {
    uint pair = gl_GlobalInvocationID.x, x = gl_WorkGroupID.y, y = gl_WorkGroupID.z % p.h, image = gl_WorkGroupID.z / p.h;
    if (pair >= pairs()) return;
    uint pixel = (image * p.h + y) * p.w + x, to = 2u * (pixel * pairs() + pair);
    if (which == step_split) {
        split(image, y, x, pair);
    } else if (which == step_unpack) {
        vec2 z = complex(pixel, pair);
        p.to.at[pixel * p.channels + 2u * pair] = z.x;
        if (2u * pair + 1u < p.channels) p.to.at[pixel * p.channels + 2u * pair + 1u] = z.y;
    } else if (which == step_pack) {
        p.to.at[to] = real(pixel, 2u * pair);
        p.to.at[to + 1u] = real(pixel, 2u * pair + 1u);
    } else {
        vec2 a = spectrum(image, y, x, 2u * pair), b = spectrum(image, y, x, 2u * pair + 1u);
        p.to.at[to] = (a.x - b.y) * p.scale;
        p.to.at[to + 1u] = (a.y + b.x) * p.scale;
    }
}
