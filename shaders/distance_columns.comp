#version 460
#include "common.glsl"

layout(local_size_x = 64) in;
layout(push_constant, scalar) uniform block { distance_columns p; };

// One column: down for what is above, up for what is below.
void main() {
    int x = int(flat_id());
    if (x >= p.width) return;
    float reach = float(p.reach), d = reach;
    for (int y = 0; y < p.height; ++y) {
        float value = p.values.at[y * p.width + x];
        d = value >= p.low && value <= p.high ? 0.0 : min(d + 1.0, reach);
        p.columns.at[y * p.width + x] = d;
    }
    for (int y = p.height - 2; y >= 0; --y) {
        d = min(d + 1.0, p.columns.at[y * p.width + x]);
        p.columns.at[y * p.width + x] = d;
    }
}
