#version 460
#include "common.glsl"

layout(local_size_x = 64) in;
layout(constant_id = 0) const uint table_type = 0u;
layout(constant_id = 1) const uint y_type = 0u;
layout(constant_id = 2) const uint width = 1u; // elements an invocation copies: 4, or 1 where rows are shorter
layout(push_constant, scalar) uniform block { embedding p; };

void main() {
    uint id = flat_id();
    if (id >= p.count) return;
    uint quads = (p.channels + width - 1u) / width;
    uint token = id / quads;
    uint c = min((id - token * quads) * width, p.channels - width); // the last quad overlaps the one before
    uint row = min(p.ids.at[token], p.rows - 1u);
    uint from = row * p.channels + c, to = token * p.channels + c;
    if (width == 4u)
        store4(p.y, y_type, to, load4(p.table, table_type, from));
    else
        store(p.y, y_type, to, load(p.table, table_type, from));
}
