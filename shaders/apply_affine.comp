// A factor and an offset for each channel of each image.
#version 460
#include "common.glsl"
#include "activation.glsl"
#include "spans.glsl"

layout(local_size_x = 64) in;
layout(push_constant, scalar) uniform block { apply_affine p; };
layout(constant_id = 1) const uint type = 0u; // of x and y
layout(constant_id = 2) const uint factor_type = 0u;
layout(constant_id = 3) const uint offset_type = 0u;
layout(constant_id = 4) const uint activation = 0u;

const uint step = 8u; // rows

vec4 activate4(vec4 x) {
    return vec4(activate(activation, x.x, 0.0), activate(activation, x.y, 0.0), activate(activation, x.z, 0.0),
                activate(activation, x.w, 0.0));
}

void main() {
    uint columns = p.columns, rows = p.rows;
    elements x = p.x, y = p.y;
    part at = divide_by_grid(flat_id(), columns, rows, p.slabs, p.slab_rows, p.images);
    if (at.beyond) return;
    uint left = columns - at.first, channel = at.image * p.image_stride + at.first;
    vec4 factor = load_own(p.factors, factor_type, channel, left) + p.factor_added;
    vec4 offset = load_own(p.offsets, offset_type, channel + p.offset_start, left);
    extent = p.images * rows * columns;
    uint i = at.begin, element = (at.image * rows + i) * columns + at.first;
    for (; i + step <= at.end; i += step) {
        vec4 v[step];
        [[unroll]] for (uint r = 0u; r < step; ++r) v[r] = load_own(x, type, element + r * columns, left);
        [[unroll]] for (uint r = 0u; r < step; ++r, element += columns)
            store_own(y, type, element, left, activate4(v[r] * factor + offset));
    }
    for (; i < at.end; ++i, element += columns) {
        vec4 v = load_own(x, type, element, left);
        store_own(y, type, element, left, activate4(v * factor + offset));
    }
}
