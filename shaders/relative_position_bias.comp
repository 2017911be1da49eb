// Rows 0 … 15 of the table are of keys at or before the query, 16 … 31 of those behind it. Of each half the first 8 have a
// distance each; the others are 8·2^(k/2) ≤ distance, which squares decide exactly.
#version 460
#include "common.glsl"

layout(local_size_x = 64) in;
layout(constant_id = 0) const uint table_type = 0u;
layout(push_constant, scalar) uniform block { relative_position_bias p; };

const int half_rows = 16, exact = 8;

uint row_of(int distance) {
    int size = abs(distance);
    int row = size < exact ? size : min(exact + findMSB(min(size, 128) * min(size, 128) / (exact * exact)), half_rows - 1);
    return uint(row + (distance > 0 ? half_rows : 0));
}

void main() {
    uint id = flat_id();
    if (id >= p.heads * p.queries * p.keys) return;
    uint key = id % p.keys, query = id / p.keys % p.queries, head = id / p.keys / p.queries;
    p.y.at[id] = load(p.table, table_type, row_of(int(key) - int(query)) * p.heads + head);
}
