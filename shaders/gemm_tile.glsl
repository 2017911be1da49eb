// For GPUs: a workgroup computes block_m rows × block_n columns from tiles in shared memory. scalar: each invocation sums
// block_m/8 rows × 2 pairs of columns with ordinary arithmetic in fp32. cooperative: fp16 operands in cooperative matrices
// with fp32 sums; the same source serves KHR matrices at subgroup scope and NV2's flexible ones up to workgroup scope.
#ifdef COOPERATIVE
#extension GL_KHR_cooperative_matrix : require
#extension GL_KHR_memory_scope_semantics : require
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
#extension GL_KHR_shader_subgroup_basic : require
#endif

const uint invocations = 128u;
layout(local_size_x = invocations) in;

layout(constant_id = 24) const uint block_m = 64u;
layout(constant_id = 25) const uint block_n = 64u;
layout(constant_id = 26) const uint block_k = 16u;
layout(constant_id = 27) const bool by_four = false; // c1, c2 and x_pitch are multiples of 4
layout(constant_id = 28) const uint affine = 0u;     // 1: the input is x·factor + offset; 2: silu of that
layout(constant_id = 29) const bool splits = false;  // each z sums a part of the inner dimension into y, for gemm_reduce

const uint chunks = block_k / 4u;                 // of a row, 4 inputs each
const uint rows_a_pass = invocations / chunks;    // a chunk is loaded by one invocation
const uint passes = block_m / rows_a_pass;
const uint pairs = block_n / 2u;
const uint pair_passes = block_k * pairs / invocations;

#ifdef SCALAR
#define four vec4
#define two vec2
#else
#define four f16vec4
#define two f16vec2
#endif

// ---- The input's tile

// Inputs channel … channel + 3 of one source, 0 beyond `channels`.
vec4 load_inputs(elements from, int source, uint pitch, uint channel, uint channels) {
    uint i = uint(source) * pitch + channel;
    if (by_four) return channel < channels ? load4(from, x_type, i) : vec4(0.0);
    vec4 v = vec4(0.0);
    [[unroll]] for (uint j = 0u; j < 4u; ++j)
        if (channel + j < channels) v[j] = load(from, x_type, i + j);
    return v;
}

// first: the channel of the whole input that `channel` of this source is.
vec4 normalise(vec4 v, uint image, uint first, uint channel, uint channels) {
    uint all = p.c1 + p.c2, at = image * 2u * all + first + channel;
    [[unroll]] for (uint j = 0u; j < 4u; ++j)
        if (channel + j < channels) {
            v[j] = v[j] * p.affine.at[at + j] + p.affine.at[at + all + j];
            if (affine == 2u) v[j] /= 1.0 + exp(-v[j]);
        }
    return v;
}

// One step of the inner dimension: up to block_k channels of one tap of one source.
struct slab {
    int ty, tx;
    bool second;
    uint channel;  // of the source
    uint channels; // that the source has
    uint row;      // of the panels
};

slab slab_of(uint index) {
    uint slabs1 = (p.c1 + block_k - 1u) / block_k, slabs2 = (p.c2 + block_k - 1u) / block_k;
    uint tap = index / (slabs1 + slabs2), i = index % (slabs1 + slabs2);
    slab s;
    s.ty = int(tap / kernel_w);
    s.tx = int(tap % kernel_w);
    s.second = has_second && i >= slabs1;
    s.channel = (s.second ? i - slabs1 : i) * block_k;
    s.channels = s.second ? p.c2 : p.c1;
    s.row = tap * (p.c1 + p.c2) + (s.second ? p.c1 : 0u) + s.channel;
    return s;
}

vec4 input_chunk(slab s, uint row, pixel at, uint chunk) {
    int source = row < p.rows ? source_of(row, at, s.ty, s.tx) : -1;
    uint channel = s.channel + chunk * 4u;
    if (source < 0) return vec4(0.0);
    uint pitch = x_pitch != 0u && !s.second ? x_pitch : s.channels;
    vec4 v = load_inputs(s.second ? p.second : p.x, source, pitch, channel, s.channels);
    return affine == 0u ? v : normalise(v, at.image, s.second ? p.c1 : 0u, channel, s.channels);
}

// ---- The weights' tile

// Pair i of row k of a panel.
vec2 weight_pair(uint panel, uint k, uint i) {
    uint word = panel * (panel_bytes(weight_format, kernel_h * kernel_w * (p.c1 + p.c2)) / 4u);
    if (weight_format == format_f32) {
        word += k * 16u + i;
        return vec2(uintBitsToFloat(p.panels.at[word]), uintBitsToFloat(p.panels.at[word + 8u]));
    }
    if (weight_format < format_q8_0) return pair_of(weight_format, p.panels.at[word + k * 8u + i]);
    word += panel_bytes(weight_format, k / 32u * 32u) / 4u + i;
    vec2 scale = unpackHalf2x16(p.panels.at[word]);
    if (weight_format == format_q8_0) return scale * q8_0_pair(p.panels.at[word + 8u + k % 32u / 2u * 8u], k % 2u);
    return scale * q4_0_pair(p.panels.at[word + 8u + k % 32u / 4u * 8u], k % 4u);
}

vec2 weight_chunk(slab s, uint first_panel, uint k, uint pair) {
    uint panel = first_panel + pair / 8u;
    return s.channel + k < s.channels && panel < p.panel_count ? weight_pair(panel, s.row + k, pair % 8u) : vec2(0.0);
}

// ---- Results

void store_sums(vec2 sums, uint row, uint pair) {
    if (row >= p.rows) return;
    if (splits) {
        uint i = (gl_WorkGroupID.z * p.rows + row) * p.panel_count * 16u + 2u * pair;
        if (pair < p.panel_count * 8u) {
            f32s(p.y).at[i] = sums.x;
            f32s(p.y).at[i + 1u] = sums.y;
        }
        return;
    }
    pixel at = pixel_of(row);
    store_pair(sums, at.image, result_row(row, at), pair);
}

// ---- Tiles in shared memory, and who multiplies them

#ifdef SCALAR
const uint thread_rows = block_m / 8u;
shared float x_tile[block_k * (block_m + 4u)]; // [k][row]
shared vec2 w_tile[block_k * pairs];           // [k][pair]

void put_input(four v, uint row, uint chunk) {
    [[unroll]] for (uint j = 0u; j < 4u; ++j) x_tile[(chunk * 4u + j) * (block_m + 4u) + row] = v[j];
}
void put_weight(two w, uint k, uint pair) { w_tile[k * pairs + pair] = w; }

vec4 sums[thread_rows]; // pairs i and i + 16 of the block, i = the invocation's number % 16

void clear() {
    [[unroll]] for (uint r = 0u; r < thread_rows; ++r) sums[r] = vec4(0.0);
}

void multiply() {
    uint i = gl_LocalInvocationIndex % 16u, row = gl_LocalInvocationIndex / 16u * thread_rows;
    for (uint k = 0u; k < block_k; ++k) {
        vec4 w = vec4(w_tile[k * pairs + i], w_tile[k * pairs + i + 16u]);
        [[unroll]] for (uint r = 0u; r < thread_rows; ++r)
            sums[r] = fma(vec4(x_tile[k * (block_m + 4u) + row + r]), w, sums[r]);
    }
}

void finish_block(uint first_row, uint first_pair) {
    uint i = gl_LocalInvocationIndex % 16u, row = gl_LocalInvocationIndex / 16u * thread_rows;
    [[unroll]] for (uint r = 0u; r < thread_rows; ++r) {
        store_sums(sums[r].xy, first_row + row + r, first_pair + i);
        store_sums(sums[r].zw, first_row + row + r, first_pair + i + 16u);
    }
}
#endif

#ifdef COOPERATIVE
layout(constant_id = 30) const uint fragment_m = 16u;
layout(constant_id = 31) const uint fragment_n = 16u;
layout(constant_id = 32) const uint fragment_k = 16u;
layout(constant_id = 33) const uint fragment_scope = gl_ScopeSubgroup;
layout(constant_id = 34) const uint grid_n = 2u;       // who holds fragments: a grid of subgroups, or (1 × 1) the workgroup
layout(constant_id = 35) const uint grid = 4u;         // of all
layout(constant_id = 36) const uint fragments_m = 4u;  // of each
layout(constant_id = 37) const uint fragments_n = 4u;

const bool whole = fragment_scope == gl_ScopeWorkgroup;
const uint x_stride = chunks + 2u, w_stride = pairs + 4u; // padded against bank conflicts
const uint fragment_size = fragment_m * fragment_n;
shared f16vec4 x_tile[block_m * x_stride]; // [row][chunk]
shared f16vec2 w_tile[block_k * w_stride]; // [k][pair]
shared float patches[grid * fragment_size];        // a fragment of each, on its way out

coopmat<float, fragment_scope, fragment_m, fragment_n, gl_MatrixUseAccumulator> sums[fragments_m * fragments_n];

void put_input(four v, uint row, uint chunk) { x_tile[row * x_stride + chunk] = v; }
void put_weight(two w, uint k, uint pair) { w_tile[k * w_stride + pair] = w; }

uint holder() { return whole ? 0u : gl_SubgroupID; }
uint holder_row() { return holder() / grid_n * fragments_m * fragment_m; }
uint holder_column() { return holder() % grid_n * fragments_n * fragment_n; }

void clear() {
    [[unroll]] for (uint i = 0u; i < fragments_m * fragments_n; ++i)
        sums[i] = coopmat<float, fragment_scope, fragment_m, fragment_n, gl_MatrixUseAccumulator>(0.0);
}

void multiply() {
    if (holder() >= grid) return;
    [[unroll]] for (uint k = 0u; k < block_k; k += fragment_k) {
        coopmat<float16_t, fragment_scope, fragment_m, fragment_k, gl_MatrixUseA> x[fragments_m];
        [[unroll]] for (uint i = 0u; i < fragments_m; ++i)
            coopMatLoad(x[i], x_tile, (holder_row() + i * fragment_m) * x_stride + k / 4u, x_stride,
                        gl_CooperativeMatrixLayoutRowMajor);
        [[unroll]] for (uint j = 0u; j < fragments_n; ++j) {
            coopmat<float16_t, fragment_scope, fragment_k, fragment_n, gl_MatrixUseB> w;
            coopMatLoad(w, w_tile, k * w_stride + (holder_column() + j * fragment_n) / 2u, w_stride,
                        gl_CooperativeMatrixLayoutRowMajor);
            [[unroll]] for (uint i = 0u; i < fragments_m; ++i)
                sums[i * fragments_n + j] = coopMatMulAdd(x[i], w, sums[i * fragments_n + j]);
        }
    }
}

void finish_block(uint first_row, uint first_pair) {
    uint lane = whole ? gl_LocalInvocationIndex : gl_SubgroupInvocationID;
    uint lanes = whole ? invocations : gl_SubgroupSize, base = holder() * fragment_size;
    bool holds = holder() < grid;
    [[unroll]] for (uint f = 0u; f < fragments_m * fragments_n; ++f) {
        if (holds) coopMatStore(sums[f], patches, base, fragment_n, gl_CooperativeMatrixLayoutRowMajor);
        barrier();
        uint row = first_row + holder_row() + f / fragments_n * fragment_m;
        uint pair = first_pair + (holder_column() + f % fragments_n * fragment_n) / 2u;
        if (holds)
            for (uint i = lane; i < fragment_size / 2u; i += lanes) {
                uint r = i / (fragment_n / 2u), c = i % (fragment_n / 2u), at = base + r * fragment_n + 2u * c;
                store_sums(vec2(patches[at], patches[at + 1u]), row + r, pair + c);
            }
        barrier();
    }
}
#endif

void main() {
    uint blocks_n = (p.panel_count * 16u + block_n - 1u) / block_n;
    uint id = gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x;
    uint first_row = id / blocks_n * block_m, first_column = id % blocks_n * block_n;
    if (first_row >= p.rows) return; // the last line of workgroups may be too long

    uint chunk = gl_LocalInvocationIndex % chunks, row = gl_LocalInvocationIndex / chunks;
    pixel at[passes];
    [[unroll]] for (uint i = 0u; i < passes; ++i) at[i] = pixel_of(min(first_row + row + i * rows_a_pass, p.rows - 1u));

    uint slabs = kernel_h * kernel_w * ((p.c1 + block_k - 1u) / block_k + (p.c2 + block_k - 1u) / block_k);
    uint begin = slabs * gl_WorkGroupID.z / gl_NumWorkGroups.z, end = slabs * (gl_WorkGroupID.z + 1u) / gl_NumWorkGroups.z;
    clear();
    // What the next step needs is on its way while this one is multiplied.
    four inputs[passes];
    two weights[pair_passes];
    for (uint i = begin; i <= end; ++i) {
        if (i > begin) {
            [[unroll]] for (uint j = 0u; j < passes; ++j) put_input(inputs[j], row + j * rows_a_pass, chunk);
            [[unroll]] for (uint j = 0u; j < pair_passes; ++j) {
                uint n = gl_LocalInvocationIndex + j * invocations;
                put_weight(weights[j], n / pairs, n % pairs);
            }
            barrier();
        }
        if (i < end) {
            slab s = slab_of(i);
            [[unroll]] for (uint j = 0u; j < passes; ++j)
                inputs[j] = four(input_chunk(s, first_row + row + j * rows_a_pass, at[j], chunk));
            [[unroll]] for (uint j = 0u; j < pair_passes; ++j) {
                uint n = gl_LocalInvocationIndex + j * invocations;
                weights[j] = two(weight_chunk(s, first_column / 16u, n / pairs, n % pairs));
            }
        }
        if (i > begin) {
            multiply();
            barrier();
        }
    }
    finish_block(first_row, first_column / 2u);
}
