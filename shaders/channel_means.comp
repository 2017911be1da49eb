// From moments, the mean of each column: an invocation for each.
#version 460
#include "common.glsl"

layout(local_size_x = 64) in;
layout(push_constant, scalar) uniform block { channel_means p; };

const uint fields = 3u; // moments_fields of moments.glsl

void main() {
    uint id = flat_id();
    if (id >= p.images * p.columns) return;
    uint image = id / p.columns, column = id - image * p.columns, step = fields * p.columns;
    uint at = image * p.slabs * step + column;
    float sum = 0.0;
    for (uint slab = 0u; slab < p.slabs; ++slab, at += step) {
        float size = float(min(p.slab_rows, p.rows - slab * p.slab_rows));
        sum += size * (p.partial.at[at] + p.partial.at[at + p.columns]);
    }
    p.means.at[id] = sum / float(p.rows);
}
