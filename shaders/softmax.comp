// A subgroup takes a row at a time and reads it twice (what is left after whole rounds: once): for its maximum and the sum
// of exponentials below it, kept up to date together (Milakov & Gimelshein, "Online normalizer calculation for softmax",
// 2018), and for the result.
#version 460
#include "common.glsl"
#include "spans.glsl"

layout(local_size_x = 64) in;
layout(push_constant, scalar) uniform block { softmax p; };
layout(constant_id = 1) const uint type = 0u; // of x and y

const uint step = 4u; // spans in one round

struct running {
    float top, sum; // of exp2((x − top)·factor)
};

void add(inout running r, vec4 x[step], float factor) {
    float top = r.top;
    [[unroll]] for (uint i = 0u; i < step; ++i) top = max(top, largest_of(x[i]));
    float sum = r.sum * exp2((r.top - top) * factor);
    [[unroll]] for (uint i = 0u; i < step; ++i) sum += sum_of(exp2((x[i] - top) * factor));
    r = running(top, sum);
}

void main() {
    divide_by_subgroup();
    elements x = p.x, y = p.y;
    uint rows = p.rows, columns = p.columns, span = 4u * lanes, round = step * span;
    float factor = p.factor * 1.4426950408889634; // log2(e)
    vec4 minus_infinity = uintBitsToFloat(uvec4(0xff800000u));
    for (uint row = subgroup_number(); row < rows; row += subgroup_count()) {
        uint first = existing(row, rows) * columns, whole = columns / round * round;
        running r = running(-3.4e38, 0.0);
        vec4 v[step];
        for (uint i = 0u; i < whole; i += round) {
            [[unroll]] for (uint s = 0u; s < step; ++s) v[s] = load_own(x, type, first + i + s * span);
            add(r, v, factor);
        }
        if (whole < columns) {
            [[unroll]] for (uint s = 0u; s < step; ++s) {
                uint at = min(whole + s * span, columns), left = columns - at;
                v[s] = mix(minus_infinity, load_own(x, type, first + at, left), own_below(left));
            }
            add(r, v, factor);
        }
        float top = largest_of_lanes(r.top), weight = p.scale / sum_of_lanes(r.sum * exp2((r.top - top) * factor));
        if (whole < columns)
            [[unroll]] for (uint s = 0u; s < step; ++s) {
                uint at = min(whole + s * span, columns);
                store_own(y, type, first + at, columns - at, exp2((v[s] - top) * factor) * weight);
            }
        for (uint i = 0u; i < whole; i += round)
            [[unroll]] for (uint s = 0u; s < step; ++s) {
                vec4 value = load_own(x, type, first + i + s * span);
                store_own(y, type, first + i + s * span, exp2((value - top) * factor) * weight);
            }
    }
}
