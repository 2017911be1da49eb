// Eight neighbouring floats, one for each lane of a subgroup of eight, without a gather: for software devices.
#extension GL_KHR_shader_subgroup_basic : require

// Which of all subgroups this is.
uint subgroup_number() {
    return (gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x) * gl_NumSubgroups + gl_SubgroupID;
}

// Bits of the lane's number. Asked for here, before any loop: what is first computed in a loop's body and used behind it, too,
// is a variable to software drivers, and no constant.
bool lane_bit0 = (gl_SubgroupInvocationID & 1u) != 0u, lane_bit1 = (gl_SubgroupInvocationID & 2u) != 0u,
     lane_bit2 = (gl_SubgroupInvocationID & 4u) != 0u;

quads quads_at(uint64_t address, uint index) { return quads(address + uint64_t(index) * 4ul); }

// a.x … b.w for lanes 0 … 7. Software drivers turn this balanced tree, and only this, into two vector loads when a and b
// come from an address that is the same in all lanes.
float lane_of(vec4 a, vec4 b) {
    float x01 = lane_bit0 ? a.y : a.x, x23 = lane_bit0 ? a.w : a.z, x45 = lane_bit0 ? b.y : b.x, x67 = lane_bit0 ? b.w : b.z;
    float low = lane_bit1 ? x23 : x01, high = lane_bit1 ? x67 : x45;
    return lane_bit2 ? high : low;
}

// A pair of sixteen neighbouring floats for each lane. A store is one instruction a lane or more, whatever its size.
layout(buffer_reference, scalar, buffer_reference_align = 4) buffer float_pair_quads { u64vec4 at[]; };
layout(buffer_reference, scalar, buffer_reference_align = 4) buffer float_pairs { uint64_t at[]; };

vec2 lane_pair(uint64_t address) {
    u64vec4 a = float_pair_quads(address).at[0], b = float_pair_quads(address).at[1];
    uint64_t x01 = lane_bit0 ? a.y : a.x, x23 = lane_bit0 ? a.w : a.z, x45 = lane_bit0 ? b.y : b.x, x67 = lane_bit0 ? b.w : b.z;
    uint64_t low = lane_bit1 ? x23 : x01, high = lane_bit1 ? x67 : x45;
    return uintBitsToFloat(unpackUint2x32(lane_bit2 ? high : low));
}

void store_lane_pair(uint64_t address, vec2 x) {
    float_pairs(address).at[gl_SubgroupInvocationID] = packUint2x32(floatBitsToUint(x));
}
