#version 460
#include "common.glsl"

layout(local_size_x = 64) in;
layout(push_constant, scalar) uniform block { distance_rows p; };

int row;

float column(int u) { return p.columns.at[row + u]; }
float squared(int x, int u) { return float(x - u) * float(x - u) + column(u) * column(u); }

// The first x that is nearer to what column u > v knows than to what column v knows.
float first_nearer(int v, int u) {
    float far = column(u), near = column(v);
    return floor(0.5 * (float(u + v) + (far - near) * (far + near) / float(u - v))) + 1.0;
}

// One row (A. Meijster, J. Roerdink, W. Hesselink, "A General Algorithm for Computing Distance Transforms in Linear
// Time", 2000): first the columns that are the nearest of some pixel, from left to right, with the first such pixel of
// each, which `distances` holds meanwhile; then, from right to left, the distances.
void main() {
    int y = int(flat_id());
    if (y >= p.height) return;
    row = y * p.width;
    int last = row;
    p.nearest.at[row] = 0u;
    p.distances.at[row] = 0.0;
    for (int u = 1; u < p.width; ++u) {
        int first = int(p.distances.at[last]);
        while (squared(first, int(p.nearest.at[last])) > squared(first, u) && last > row) first = int(p.distances.at[--last]);
        int v = int(p.nearest.at[last]);
        if (squared(first, v) > squared(first, u)) {
            p.nearest.at[last] = uint(u); // it is the leftmost: first is 0
        } else {
            float from = max(first_nearer(v, u), float(first + 1));
            if (from >= float(p.width)) continue;
            p.nearest.at[++last] = uint(u);
            p.distances.at[last] = from;
        }
    }
    for (int x = p.width - 1; x >= 0; --x) {
        float first = p.distances.at[last];
        p.distances.at[row + x] = sqrt(squared(x, int(p.nearest.at[last])));
        if (float(x) <= first) --last;
    }
}
