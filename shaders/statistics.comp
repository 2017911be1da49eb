// A subgroup for each image.
#version 460
#include "common.glsl"
#include "spans.glsl"
#include "moments.glsl"

layout(local_size_x = 64) in;
layout(push_constant, scalar) uniform block { statistics p; };

void main() {
    divide_by_subgroup();
    uint columns = p.columns, slabs = p.slabs;
    for (uint image = subgroup_number(); image < p.images; image += subgroup_count()) {
        merged m =
            merge_slabs(p.partial, existing(image, p.images), statistics_fields, columns, 0u, columns, p.rows, slabs, p.slab_rows);
        float low = largest, high = -largest, bad = 0.0;
        for (uint slab = 0u; slab < slabs; ++slab)
            for (uint i = lane; i < columns; i += lanes) {
                uint at = (image * slabs + slab) * statistics_fields * columns + i;
                low = min(low, p.partial.at[at + 3u * columns]);
                high = max(high, p.partial.at[at + 4u * columns]);
                bad += p.partial.at[at + 5u * columns];
            }
        low = subgroupMin(low);
        high = subgroupMax(high);
        bad = subgroupAdd(bad);
        if (!subgroupElect()) continue;
        p.result.at[5u * image] = m.mean;
        p.result.at[5u * image + 1u] = m.variance;
        p.result.at[5u * image + 2u] = low;
        p.result.at[5u * image + 3u] = high;
        p.result.at[5u * image + 4u] = bad;
    }
}
