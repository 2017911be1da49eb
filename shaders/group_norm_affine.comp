// A subgroup for each group of channels of an image.
#version 460
#include "common.glsl"
#include "spans.glsl"
#include "moments.glsl"

layout(local_size_x = 64) in;
layout(push_constant, scalar) uniform block { group_norm_affine p; };
layout(constant_id = 1) const uint weight_type = 0u;
layout(constant_id = 2) const uint bias_type = 0u;

void main() {
    divide_by_subgroup();
    uint columns = p.columns, width = columns / p.groups;
    uint count = p.images * p.groups;
    for (uint id = subgroup_number(); id < count; id += subgroup_count()) {
        uint here = existing(id, count), image = here / p.groups, first = here % p.groups * width;
        merged m =
            merge_slabs(p.partial, image, moments_fields, columns, first, width, p.rows, p.slabs, p.slab_rows);
        float scale = inversesqrt(m.variance + p.eps);
        for (uint c = first + lane; c < first + width; c += lanes) {
            float factor = load(p.weight, weight_type, c) * scale;
            p.affine.at[2u * image * columns + c] = factor;
            p.affine.at[(2u * image + 1u) * columns + c] = load(p.bias, bias_type, c) - m.mean * factor;
        }
    }
}
