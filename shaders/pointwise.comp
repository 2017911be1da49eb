#version 460
#include "common.glsl"
#include "activation.glsl"

layout(local_size_x = 64) in;
layout(constant_id = 0) const uint op = 0u; // numbers: enum class pointwise_op in compute/ops_pointwise.cpp
layout(constant_id = 1) const uint which = 0u; // activation
layout(constant_id = 2) const uint dims = 1u; // 1 … 4
layout(constant_id = 3) const uint width = 1u; // elements an invocation computes: 4, or 1 where rows are shorter
layout(constant_id = 4) const uint a_type = 0u;
layout(constant_id = 5) const uint a_step = 1u; // stride of the innermost dimension: 1, or 0 where broadcast
layout(constant_id = 6) const uint b_type = 0u;
layout(constant_id = 7) const uint b_step = 1u;
layout(constant_id = 8) const uint t_type = 0u;
layout(constant_id = 9) const uint t_step = 1u;
layout(constant_id = 10) const uint y_type = 0u;
layout(push_constant, scalar) uniform block { pointwise p; };

vec4 fetch(elements from, uint type, uint step, uint i) {
    return width == 4u && step == 1u ? load4(from, type, i) : vec4(load(from, type, i));
}

vec4 activate4(uint f, vec4 x, vec4 slope) {
    if (width == 1u) return vec4(activate(f, x.x, slope.x));
    return vec4(activate(f, x.x, slope.x), activate(f, x.y, slope.y), activate(f, x.z, slope.z), activate(f, x.w, slope.w));
}

void main() {
    uint id = flat_id();
    if (id >= p.count) return;

    // Where in each dimension, innermost first. The last quad of a row ends with the row: it overlaps the one before.
    uint at0 = id, at1 = 0u, at2 = 0u, at3 = 0u;
    if (dims > 1u) {
        uint quads = (p.extents[0] + width - 1u) / width;
        at1 = id / quads;
        at0 = id - at1 * quads;
    }
    if (dims > 2u) {
        at2 = at1 / p.extents[1];
        at1 -= at2 * p.extents[1];
    }
    if (dims > 3u) {
        at3 = at2 / p.extents[2];
        at2 -= at3 * p.extents[2];
    }
    at0 = min(at0 * width, p.extents[0] - width);
    uint a_at = p.a_first + at0 * a_step + at1 * p.a_strides[0] + at2 * p.a_strides[1] + at3 * p.a_strides[2];
    uint b_at = p.b_first + at0 * b_step + at1 * p.b_strides[0] + at2 * p.b_strides[1] + at3 * p.b_strides[2];
    uint t_at = at0 * t_step + at1 * p.t_strides[0] + at2 * p.t_strides[1] + at3 * p.t_strides[2];
    uint y_at = p.y_first + at0 + at1 * p.y_strides[0] + at2 * p.y_strides[1] + at3 * p.y_strides[2];

    vec4 y = fetch(p.a, a_type, a_step, a_at);
    if (op == 1u) y = y * p.factor + p.offset;
    if (op == 2u) y = y * p.factor + fetch(p.b, b_type, b_step, b_at);
    if (op == 3u) y *= fetch(p.b, b_type, b_step, b_at);
    if (op == 4u) y += (fetch(p.b, b_type, b_step, b_at) - y) * fetch(p.t, t_type, t_step, t_at);
    if (op == 5u) y = activate4(which, y, which == activation_prelu ? fetch(p.b, b_type, b_step, b_at) : vec4(p.factor));
    if (op == 6u) y *= activate4(which, fetch(p.b, b_type, b_step, b_at), vec4(0.0));
    if (width == 4u)
        store4(p.y, y_type, y_at, y);
    else
        store(p.y, y_type, y_at, y.x);
}
