// Four numbers for each lane: how a row is divided among a subgroup, or among the invocations of a grid.
#extension GL_KHR_shader_subgroup_arithmetic : require
#extension GL_KHR_shader_subgroup_ballot : require
#extension GL_KHR_shader_subgroup_shuffle : require
#include "lanes.glsl"

layout(constant_id = 0) const uint access = 0u;
const uint strided = 0u;    // a lane's four lie `lanes` apart
const uint neighbours = 1u; // they are neighbours, and rows are multiples of four
const uint software = 2u;   // two pairs, for subgroups of eight; loads read what is behind a row's end, too

uint lane, lanes; // set by divide_by_subgroup() or divide_by_grid()

uint subgroup_count() { return gl_NumWorkGroups.y * gl_NumWorkGroups.x * gl_NumSubgroups; }

// Item `number` of `count`, and the last one where there are fewer. A software device goes on through a body with no lane
// active, after a return and once more at a loop's end, and loads from addresses that are the same in all lanes happen all
// the same: they must be somewhere near.
uint existing(uint number, uint count) { return min(number, count - 1u); }

// A row for each subgroup. Counted: drivers may run fewer invocations in one than gl_SubgroupSize says.
void divide_by_subgroup() {
    lanes = access == software ? 8u : subgroupBallotBitCount(subgroupBallot(true));
    lane = access == software ? gl_SubgroupInvocationID : subgroupBallotExclusiveBitCount(subgroupBallot(true));
}

// Pictures [images, rows, columns] for a grid of invocations: the part of one of them. Its columns are those of its lane
// from `first` on.
struct part {
    bool beyond; // there is none for this invocation
    uint image, first, begin, end; // rows begin … end − 1
};

// With `slabs` in each image of `slab_rows` rows, the last with what remains. id: flat_id().
part divide_by_grid(uint id, uint columns, uint rows, uint slabs, uint slab_rows, uint images) {
    part at;
    uint slab;
    if (access == software) {
        uint spans = (columns + 31u) / 32u, number = subgroup_number();
        lane = gl_SubgroupInvocationID;
        lanes = 8u;
        at.first = number % spans * 32u;
        slab = number / spans;
    } else {
        lanes = (columns + 3u) / 4u;
        lane = id % lanes;
        at.first = 0u;
        slab = id / lanes;
    }
    at.beyond = slab >= images * slabs;
    slab = existing(slab, images * slabs);
    at.image = slab / slabs;
    at.begin = slab % slabs * slab_rows;
    at.end = min(at.begin + slab_rows, rows);
    return at;
}

// How far a lane's element j is behind a span's first.
uint own(uint j) {
    if (access == software) return j / 2u * 16u + 2u * lane + j % 2u;
    return access == neighbours ? 4u * lane + j : j * lanes + lane;
}

// Which of a lane's four are among the `count` elements that are left.
bvec4 own_below(uint count) { return lessThan(uvec4(own(0u), own(1u), own(2u), own(3u)), uvec4(count)); }

vec2 load_pair(uint64_t at, uint type) {
    if (type == f32) return lane_pair(at);
    uint word = floatBitsToUint(lane_of(quads(at).at[0], quads(at).at[1]));
    return type == f16 ? unpackHalf2x16(word) : uintBitsToFloat(uvec2(word << 16, word & 0xffff0000u));
}

void store_pair(uint64_t at, uint type, vec2 x) {
    if (type == f32)
        store_lane_pair(at, x);
    else
        u32s(at).at[lane] = type == f16 ? packHalf2x16(x) : bf16_bits(x.x) | bf16_bits(x.y) << 16;
}

uint extent = ~0u; // elements of what load_own() reads, where it may be asked for what is behind them

// A lane's four of the span that starts at element `first`, which lies whole in its row.
vec4 load_own(elements from, uint type, uint first) {
    if (access == neighbours) return load4(from, type, first + 4u * lane);
    if (access == software) {
        uint64_t at = from + uint64_t(existing(first, extent)) * bytes_of(type), half_span = 16ul * bytes_of(type);
        return vec4(load_pair(at, type), load_pair(at + half_span, type));
    }
    uint i = first + lane;
    return vec4(load(from, type, i), load(from, type, i + lanes), load(from, type, i + 2u * lanes),
                load(from, type, i + 3u * lanes));
}

// The same where a row ends `count` elements after `first`; beyond, any number but never a fault.
vec4 load_own(elements from, uint type, uint first, uint count) {
    if (access == software) return load_own(from, type, first);
    if (access == neighbours) return own(0u) < count ? load4(from, type, first + own(0u)) : vec4(0.0);
    vec4 values = vec4(0.0);
    [[unroll]] for (uint j = 0u; j < 4u; ++j)
        if (own(j) < count) values[j] = load(from, type, first + own(j));
    return values;
}

void store_own(elements to, uint type, uint first, vec4 values) {
    if (access == software) {
        uint64_t at = to + uint64_t(first) * bytes_of(type);
        store_pair(at, type, values.xy);
        store_pair(at + 16ul * bytes_of(type), type, values.zw);
        return;
    }
    if (access == neighbours) {
        store4(to, type, first + own(0u), values);
        return;
    }
    [[unroll]] for (uint j = 0u; j < 4u; ++j) store(to, type, first + own(j), values[j]);
}

void store_own(elements to, uint type, uint first, uint count, vec4 values) {
    if (access == neighbours) {
        if (own(0u) < count) store4(to, type, first + own(0u), values);
        return;
    }
    if (access == software) {
        [[unroll]] for (uint j = 0u; j < 4u; j += 2u) {
            if (own(j) + 1u < count)
                store_pair(to + uint64_t(first + 8u * j) * bytes_of(type), type, vec2(values[j], values[j + 1u]));
            else if (own(j) < count)
                store(to, type, first + own(j), values[j]);
        }
        return;
    }
    [[unroll]] for (uint j = 0u; j < 4u; ++j)
        if (own(j) < count) store(to, type, first + own(j), values[j]);
}

float sum_of(vec4 v) { return (v.x + v.y) + (v.z + v.w); }
float largest_of(vec4 v) { return max(max(v.x, v.y), max(v.z, v.w)); }

// Over all lanes. Software drivers reduce one lane after the other, but have an instruction for shuffles.
float sum_of_lanes(float x) {
    if (access != software) return subgroupAdd(x);
    x += subgroupShuffleXor(x, 1u);
    x += subgroupShuffleXor(x, 2u);
    return x + subgroupShuffleXor(x, 4u);
}

float largest_of_lanes(float x) {
    if (access != software) return subgroupMax(x);
    x = max(x, subgroupShuffleXor(x, 1u));
    x = max(x, subgroupShuffleXor(x, 2u));
    return max(x, subgroupShuffleXor(x, 4u));
}
