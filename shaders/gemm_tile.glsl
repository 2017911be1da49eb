// For GPUs: a workgroup computes block_m rows × block_n columns from tiles in shared memory, a slab of block_k inputs of one tap
// at a time. gemm_scalar.glsl multiplies with ordinary arithmetic in fp32, gemm_cooperative.glsl with cooperative matrices of
// fp16 operands and fp32 sums. What they share: who loads what, and when.
layout(constant_id = 24) const uint block_m = 64u;
layout(constant_id = 25) const uint block_n = 64u;
layout(constant_id = 26) const uint block_k = 16u;
layout(constant_id = 27) const uint alignment = 1u;       // c1, c2 and x_pitch are multiples of it; of 1, 4, 8
layout(constant_id = 28) const bool whole_slabs = false;  // c1 and c2 are multiples of block_k
layout(constant_id = 29) const bool splits = false;       // each z sums a part of the inner dimension into y, for gemm_reduce
layout(constant_id = 30) const bool wide_result = false;  // columns, pitches and where the result begins: multiples of 8
layout(constant_id = 31) const bool rolled = false;

// body(i), an expression, for i below `count`: on a GPU without a loop, so that everything stays in registers and loads come before their use.
// Rolled for a software device, whose registers lie in memory anyway: it takes a minute to compile all of them.
#define EACH(i, count, body)                                      \
    if (rolled)                                                   \
        [[dont_unroll]] for (uint i = 0u; i < (count); ++i) body; \
    else                                                          \
        [[unroll]] for (uint i = 0u; i < (count); ++i) body

#ifdef SCALAR
#include "gemm_scalar.glsl"
#else
#include "gemm_cooperative.glsl"
#endif
layout(local_size_x = invocations) in;

// ---- Where the next slab is: block_k channels, from `channel` on, of one tap of one source; the same for all invocations.

uint tap, channel, panel_row; // panel_row: of the panels, what `channel` meets
bool of_second;

bool second() { return has_second && of_second; }
uint channels() { return second() ? p.c2 : p.c1; }

// To slab `index` of all; slow.
void seek(uint index) {
    uint slabs1 = (p.c1 + block_k - 1u) / block_k, slabs2 = has_second ? (p.c2 + block_k - 1u) / block_k : 0u;
    uint i = index % (slabs1 + slabs2);
    tap = index / (slabs1 + slabs2);
    of_second = has_second && i >= slabs1;
    channel = (of_second ? i - slabs1 : i) * block_k;
    panel_row = tap * (p.c1 + p.c2) + (of_second ? p.c1 : 0u) + channel;
}

// True: the tap is another one.
bool advance() {
    panel_row += whole_slabs ? block_k : min(block_k, channels() - channel);
    channel += block_k;
    if (channel < channels()) return false;
    channel = 0u;
    if (has_second && !of_second) {
        of_second = true;
        return false;
    }
    of_second = false;
    ++tap;
    return true;
}

// ---- The input's tile: chunks of chunk_inputs channels of a row

const uint chunks = block_k / chunk_inputs;     // of a row
const uint rows_a_pass = invocations / chunks;  // a chunk is loaded by one invocation
const uint passes = (block_m + rows_a_pass - 1u) / rows_a_pass;

pixel pixels[passes];  // of the result: the rows that this invocation loads for
int sources[passes];   // of the input, where the tap is; −1: none
chunk inputs[passes];
bool present[passes];  // else they count as 0

uint chunk_of_row() { return gl_LocalInvocationIndex % chunks; }
uint row_of_pass(uint i) { return gl_LocalInvocationIndex / chunks + i * rows_a_pass; }

void find_source(uint i, uint first_row) {
    uint row = first_row + row_of_pass(i);
    sources[i] = row < p.rows ? source_of(row, pixels[i], int(tap / kernel_w), int(tap % kernel_w)) : -1;
}

void find_sources(uint first_row) {
    EACH(i, passes, find_source(i, first_row));
}

// What is not there is read where something is, or a few bytes behind it (compute/memory.h), and becomes 0 when it is put: so no
// load is waited for before the products of the slab before it.
void load_input(uint i) {
    uint pitch = second() ? p.c2 : x_pitch != 0u ? x_pitch : p.c1, at = channel + chunk_of_row() * chunk_inputs;
    present[i] = sources[i] >= 0 && (whole_slabs || at < channels());
    inputs[i] = load_chunk(second() ? p.second : p.x, uint(max(sources[i], 0)) * pitch + at, channels() - min(at, channels()));
}

// ---- The weights' tile, in groups

weight_group weights[weight_passes];
uint rows_left[weight_passes]; // of k in this slab, from the group's first on

void load_weight(uint i, uint first_column) {
    uint n = gl_LocalInvocationIndex + i * invocations, k = group_k(n), column = first_column + group_column(n);
    // Columns beyond the last are computed and not stored.
    uint panel = min(column / 16u, p.panel_count - 1u);
    rows_left[i] = whole_slabs ? block_k : channels() - channel - min(k, channels() - channel);
    weights[i] = load_weights(panel, panel_row + k, column % 16u);
}

// ----

void load_slab(uint first_column) {
    EACH(i, passes, load_input(i));
    EACH(i, weight_passes, load_weight(i, first_column));
}

void put_loaded_input(uint i) {
    if (block_m % rows_a_pass == 0u || row_of_pass(i) < block_m) put_input(present[i] ? inputs[i] : chunk(0), row_of_pass(i), chunk_of_row());
}

void put_loaded_weight(uint i) {
    uint n = gl_LocalInvocationIndex + i * invocations;
    if (groups % invocations == 0u || n < groups) put_weights(weights[i], n, rows_left[i]);
}

void put_slab() {
    EACH(i, passes, put_loaded_input(i));
    EACH(i, weight_passes, put_loaded_weight(i));
}

void main() {
    uint blocks_n = (p.panel_count * 16u + block_n - 1u) / block_n;
    uint id = gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x;
    uint first_row = id / blocks_n * block_m, first_column = id % blocks_n * block_n;
    if (first_row >= p.rows) return; // the last line of workgroups may be too long

    EACH(i, passes, pixels[i] = pixel_of(min(first_row + row_of_pass(i), p.rows - 1u)));
    uint slabs = kernel_h * kernel_w * ((p.c1 + block_k - 1u) / block_k + (p.c2 + block_k - 1u) / block_k);
    uint slab = slabs * gl_WorkGroupID.z / gl_NumWorkGroups.z, end = slabs * (gl_WorkGroupID.z + 1u) / gl_NumWorkGroups.z;
    clear();
    seek(slab);
    find_sources(first_row);
    load_slab(first_column);
    while (true) {
        put_slab();
        barrier();
        // What the next step needs is on its way while this one is multiplied.
        bool more = ++slab < end;
        if (more) {
            if (advance()) find_sources(first_row);
            load_slab(first_column);
        }
        multiply();
        barrier();
        if (!more) break;
    }
    finish_block(first_row, first_column);
}
