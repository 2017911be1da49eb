// Of each column of pictures [images, rows, columns], in each slab of rows: its mean and the sum of squares about it, both
// of differences from the slab's first row.
// Eight rows at a time are exact in registers; they are merged as in Chan, Golub & LeVeque, "Updating formulae and a
// pairwise algorithm for computing sample variances", 1982. So a mean far larger than the deviations costs nothing.
#version 460
#include "common.glsl"
#include "spans.glsl"
#include "moments.glsl"

layout(local_size_x = 64) in;
layout(push_constant, scalar) uniform block { moments p; };
layout(constant_id = 1) const uint x_type = 0u;
layout(constant_id = 2) const bool extremes = false;

const uint step = 8u; // rows

struct column_range {
    vec4 low, high, bad; // over finite values; how many are not
};

void add(inout column_range r, vec4 x) {
    bvec4 finite = lessThan(floatBitsToUint(x) & 0x7fffffffu, uvec4(0x7f800000u));
    r.low = min(r.low, mix(vec4(largest), x, finite));
    r.high = max(r.high, mix(vec4(-largest), x, finite));
    r.bad += mix(vec4(1.0), vec4(0.0), finite);
}

void main() {
    uint columns = p.columns, rows = p.rows, slabs = p.slabs;
    elements x = p.x;
    part at = divide_by_grid(flat_id(), columns, rows, slabs, p.slab_rows, p.images);
    extent = p.images * rows * columns;
    if (at.beyond) return;
    moments4 m = moments4(0.0, vec4(0.0), vec4(0.0));
    column_range range = column_range(vec4(largest), vec4(-largest), vec4(0.0));
    uint left = columns - at.first, i = at.begin, element = (at.image * rows + i) * columns + at.first;
    vec4 origin = load_own(x, x_type, element, left);
    for (; i + step <= at.end; i += step) {
        vec4 v[step], sum = vec4(0.0), squares = vec4(0.0);
        [[unroll]] for (uint r = 0u; r < step; ++r, element += columns) {
            v[r] = load_own(x, x_type, element, left);
            if (extremes) add(range, v[r]);
            v[r] -= origin;
            sum += v[r];
        }
        sum *= 1.0 / float(step);
        [[unroll]] for (uint r = 0u; r < step; ++r) squares += (v[r] - sum) * (v[r] - sum);
        merge(m, moments4(float(step), sum, squares));
    }
    for (; i < at.end; ++i, element += columns) {
        vec4 v = load_own(x, x_type, element, left);
        if (extremes) add(range, v);
        merge(m, moments4(1.0, v - origin, vec4(0.0)));
    }
    uint64_t partial = uint64_t(p.partial);
    uint fields = extremes ? statistics_fields : moments_fields;
    uint to = (at.image * slabs + at.begin / p.slab_rows) * fields * columns + at.first;
    store_own(partial, f32, to, left, origin);
    store_own(partial, f32, to + columns, left, m.mean);
    store_own(partial, f32, to + 2u * columns, left, m.squares);
    if (!extremes) return;
    store_own(partial, f32, to + 3u * columns, left, range.low);
    store_own(partial, f32, to + 4u * columns, left, range.high);
    store_own(partial, f32, to + 5u * columns, left, range.bad);
}
