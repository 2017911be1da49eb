// A subgroup takes a row at a time and reads it three times: for its mean, for the deviations from it, for the result; but
// what is left after whole rounds only once.
// Without `centred` the mean is taken for 0 (RMS norm).
#version 460
#include "common.glsl"
#include "spans.glsl"

layout(local_size_x = 64) in;
layout(push_constant, scalar) uniform block { layer_norm p; };
layout(constant_id = 1) const uint type = 0u; // of x and y
layout(constant_id = 2) const bool centred = true;
layout(constant_id = 3) const uint weight_type = 0u; // of these four, `absent` = not there
layout(constant_id = 4) const uint bias_type = 0u;
layout(constant_id = 5) const uint scale_type = 0u;
layout(constant_id = 6) const uint shift_type = 0u;

const uint absent = 255u;
const uint step = 4u; // spans in one round

struct deviations {
    vec4 sum, squares;
};

void add(inout deviations d, vec4 x) {
    d.sum += x;
    d.squares += x * x;
}

vec4 finished(vec4 y, uint image, uint i, uint count) {
    if (weight_type != absent) y *= load_own(p.weight, weight_type, i, count);
    if (bias_type != absent) y += load_own(p.bias, bias_type, i, count);
    if (scale_type != absent) y *= 1.0 + load_own(p.scale, scale_type, image * p.columns + i, count);
    if (shift_type != absent) y += load_own(p.shift, shift_type, image * p.columns + i, count);
    return y;
}

void main() {
    divide_by_subgroup();
    elements x = p.x, y = p.y;
    uint rows = p.rows, columns = p.columns, image_rows = p.image_rows, span = 4u * lanes, round = step * span;
    float share = 1.0 / float(columns), eps = p.eps;
    for (uint row = subgroup_number(); row < rows; row += subgroup_count()) {
        uint here = existing(row, rows), first = here * columns, whole = columns / round * round;
        vec4 rest[step], sum = vec4(0.0);
        if (whole < columns)
            [[unroll]] for (uint s = 0u; s < step; ++s) {
                uint at = min(whole + s * span, columns);
                rest[s] = load_own(x, type, first + at, columns - at);
                sum += mix(vec4(0.0), rest[s], own_below(columns - at));
            }
        float mean = 0.0;
        if (centred) {
            for (uint i = 0u; i < whole; i += round)
                [[unroll]] for (uint s = 0u; s < step; ++s) sum += load_own(x, type, first + i + s * span);
            mean = sum_of_lanes(sum_of(sum)) * share;
        }
        deviations d = deviations(vec4(0.0), vec4(0.0));
        for (uint i = 0u; i < whole; i += round)
            [[unroll]] for (uint s = 0u; s < step; ++s) add(d, load_own(x, type, first + i + s * span) - mean);
        if (whole < columns)
            [[unroll]] for (uint s = 0u; s < step; ++s)
                add(d, mix(vec4(0.0), rest[s] - mean, own_below(columns - min(whole + s * span, columns))));
        // By how much the mean was rounded.
        float error = centred ? sum_of_lanes(sum_of(d.sum)) * share : 0.0;
        float factor = inversesqrt(sum_of_lanes(sum_of(d.squares)) * share - error * error + eps);
        uint image = here / image_rows;
        for (uint i = 0u; i < whole; i += round)
            [[unroll]] for (uint s = 0u; s < step; ++s) {
                uint at = i + s * span;
                vec4 v = (load_own(x, type, first + at) - mean - error) * factor;
                store_own(y, type, first + at, finished(v, image, at, span));
            }
        if (whole < columns)
            [[unroll]] for (uint s = 0u; s < step; ++s) {
                uint at = min(whole + s * span, columns), left = columns - at;
                store_own(y, type, first + at, left, finished((rest[s] - mean - error) * factor, image, at, left));
            }
    }
}
