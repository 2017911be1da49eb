#version 460
#include "common.glsl"

layout(local_size_x = 64) in;
layout(constant_id = 0) const uint output_type = 0u;
layout(constant_id = 1) const uint input_type = 0u;
layout(constant_id = 2) const uint inputs = 0u;  // how often x' is written for the network: 0, 1, or 2 for guidance in one batch
layout(constant_id = 3) const uint masked = 0u;
layout(constant_id = 4) const uint preview = 0u; // whether x0 is written
layout(push_constant, scalar) uniform block { sampler_step p; };

layout(buffer_reference, scalar, buffer_reference_align = 4) buffer sampler_coefficients_at { sampler_coefficients value; };

// Σ of x, saved and K_i; what has the coefficient 0 may hold anything.
float weighted(float x, float saved, float kept[4], uint i, float x_i, const float k[4]) {
    float sum = x == 0.0 ? 0.0 : x * x_i;
    if (saved != 0.0) sum += saved * p.saved.at[i];
    [[unroll]] for (int j = 0; j < 4; ++j)
        if (kept[j] != 0.0) sum += kept[j] * k[j];
    return sum;
}

bool saves(sampler_coefficients c) {
    return c.save_x != 0.0 || c.save_saved != 0.0 || c.save_kept[0] != 0.0 || c.save_kept[1] != 0.0 || c.save_kept[2] != 0.0 ||
           c.save_kept[3] != 0.0;
}

void main() {
    uint i = flat_id();
    if (i >= p.count) return;
    sampler_coefficients c = sampler_coefficients_at(uint64_t(p.coefficients)).value;

    float negative = load(p.negative, output_type, p.negative_first + i);
    float model = negative + c.guidance * (load(p.positive, output_type, p.positive_first + i) - negative);
    float x = c.x0_x == 0.0 && c.kept_x == 0.0 && c.next_x == 0.0 && c.save_x == 0.0 ? 0.0 : p.x.at[i];

    float k[4];
    k[0] = c.kept_x * x + c.kept_model * model;
    [[unroll]] for (int j = 1; j < 4; ++j)
        k[j] = c.next_kept[j] == 0.0 && c.save_kept[j] == 0.0 ? 0.0 : p.kept.at[c.places[j] * p.count + i];
    float next = weighted(c.next_x, c.next_saved, c.next_kept, i, x, k);
    if (c.next_noise != 0.0) next += c.next_noise * p.noise.at[i];
    if (masked != 0u) {
        float known = c.known_image * p.image.at[i % p.image_count];
        if (c.known_noise != 0.0) known += c.known_noise * p.image_noise.at[i];
        next = mix(known, next, p.mask.at[i / p.channels % p.mask_count]);
    }
    if (saves(c)) p.saved.at[i] = weighted(c.save_x, c.save_saved, c.save_kept, i, x, k);
    p.kept.at[c.places[0] * p.count + i] = k[0];
    p.x.at[i] = next;
    if (preview != 0u) p.x0.at[i] = c.x0_x * x + c.x0_model * model;

    if (c.input_scale == 0.0) return;
    uint pixel = i / p.channels, at = pixel * p.input_channels + i - pixel * p.channels;
    [[unroll]] for (uint n = 0u; n < inputs; ++n)
        store(p.network_input, input_type, n * (p.count / p.channels) * p.input_channels + at, c.input_scale * next);
}
