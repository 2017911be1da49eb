#version 460
#include "common.glsl"
#include "patch.glsl"

layout(local_size_x = 8, local_size_y = 8) in;
layout(push_constant, scalar) uniform block { membrane_relax p; };

int columns;

// The offset of the neighbour at `id`, which is 0 outside of the hole; false: there is none.
bool offset_at(ivec2 id, out vec4 offset) {
    offset = vec4(0);
    ivec2 at = ivec2(p.left, p.top) + id;
    if (id.x < 0 || id.y < 0 || at.x >= p.right || at.y >= p.bottom) return false;
    uint state = p.states.at[at.y * p.width + at.x];
    if (state == hole) offset = p.offsets.at[id.y * columns + id.x];
    return state != blank;
}

void main() {
    ivec2 id = ivec2(gl_GlobalInvocationID.xy), at = ivec2(p.left, p.top) + id;
    if (at.x >= p.right || at.y >= p.bottom || (id.x + id.y & 1) != p.parity) return;
    if (p.states.at[at.y * p.width + at.x] != hole) return;
    columns = p.right - p.left;
    int o = id.y * columns + id.x;
    vec4 sum = vec4(0), offset;
    float count = 0.0;
    if (offset_at(id - ivec2(1, 0), offset)) sum += offset + p.across.at[o - 1], ++count;
    if (offset_at(id + ivec2(1, 0), offset)) sum += offset - p.across.at[o], ++count;
    if (offset_at(id - ivec2(0, 1), offset)) sum += offset + p.down.at[o - columns], ++count;
    if (offset_at(id + ivec2(0, 1), offset)) sum += offset - p.down.at[o], ++count;
    if (count > 0.0) p.offsets.at[o] = mix(p.offsets.at[o], sum / count, p.relaxation);
}
