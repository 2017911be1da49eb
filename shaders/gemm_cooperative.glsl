// fp16 operands in cooperative matrices with fp32 sums. KHR: subgroups in a grid hold fragments_m × fragments_n fragments each, of
// the size that the device has. FLEXIBLE (NV2): each subgroup of the grid, or the whole workgroup, holds one, of any size.
#extension GL_KHR_cooperative_matrix : require
#extension GL_KHR_memory_scope_semantics : require
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
#extension GL_KHR_shader_subgroup_basic : require
#ifdef FLEXIBLE
#extension GL_NV_cooperative_matrix2 : require
#endif

const uint invocations = 256u;
layout(constant_id = 32) const uint fragment_m = 16u;
layout(constant_id = 33) const uint fragment_n = 16u;
layout(constant_id = 34) const uint fragment_k = 16u;
layout(constant_id = 35) const uint fragment_scope = gl_ScopeSubgroup;
layout(constant_id = 36) const uint grid_n = 2u;      // of holders; 1 × 1: the workgroup
layout(constant_id = 37) const uint grid = 4u;        // of all
layout(constant_id = 38) const uint fragments_m = 4u; // of each
layout(constant_id = 39) const uint fragments_n = 4u;
layout(constant_id = 40) const uint patch_rows = 32u; // of sums that go through shared memory at once
layout(constant_id = 41) const bool turned = false;   // weights lie [column][k] in shared memory, else [k][column]
layout(constant_id = 42) const bool all_hold = false; // no subgroup is left over: without the question sums stay where they are

// Both tiles, of halves: the input's [row][k], the weights' [k][column] or [column][k], each row padded against bank conflicts.
// Then sums on their way out, in fp32: [row][column].
const uint x_stride = block_k / 8u + 1u, w_stride = (turned ? block_k : block_n) / 8u + 1u, patch_stride = block_n / 4u + 1u;
const uint w_start = block_m * x_stride, tile_quads = w_start + (turned ? block_n : block_k) * w_stride,
           patch_quads = patch_rows * patch_stride;
shared uvec4 tiles[tile_quads > patch_quads ? tile_quads : patch_quads];

const uint fragments = fragments_m * fragments_n;
#define accumulator coopmat<float, fragment_scope, fragment_m, fragment_n, gl_MatrixUseAccumulator>
accumulator sums[fragments];

uint holder() { return grid == 1u ? 0u : gl_SubgroupID; }
uint holder_row() { return holder() / grid_n * fragments_m * fragment_m; }
uint holder_column() { return holder() % grid_n * fragments_n * fragment_n; }

void clear() {
    EACH(i, fragments, sums[i] = accumulator(0.0));
}

coopmat<float16_t, fragment_scope, fragment_m, fragment_k, gl_MatrixUseA> rows[fragments_m];

void load_rows(uint i, uint k) {
    coopMatLoad(rows[i], tiles, (holder_row() + i * fragment_m) * x_stride + k / 8u, x_stride, gl_CooperativeMatrixLayoutRowMajor);
}

coopmat<float16_t, fragment_scope, fragment_k, fragment_n, gl_MatrixUseB> columns;

void multiply_columns(uint j, uint k) {
    uint column = holder_column() + j * fragment_n;
    if (turned)
        coopMatLoad(columns, tiles, w_start + column * w_stride + k / 8u, w_stride, gl_CooperativeMatrixLayoutColumnMajor);
    else
        coopMatLoad(columns, tiles, w_start + k * w_stride + column / 8u, w_stride, gl_CooperativeMatrixLayoutRowMajor);
    EACH(i, fragments_m, sums[i * fragments_n + j] = coopMatMulAdd(rows[i], columns, sums[i * fragments_n + j]));
}

void multiply_step(uint k) {
    EACH(i, fragments_m, load_rows(i, k));
    EACH(j, fragments_n, multiply_columns(j, k));
}

void multiply() {
    if (!all_hold && holder() >= grid) return;
    EACH(k, block_k / fragment_k, multiply_step(k * fragment_k));
}

// ---- Loads: eight halves at once, as they are where they are halves

#define chunk_inputs 8u
#define chunk uvec4

uvec4 halves(vec4 a, vec4 b) {
    return uvec4(packHalf2x16(a.xy), packHalf2x16(a.zw), packHalf2x16(b.xy), packHalf2x16(b.zw));
}

// Channels of the source from element `from` on, of which `count` are left in the row.
uvec4 load_chunk(elements source, uint from, uint count) {
    if (alignment == 8u && x_type == f16) return octets(source).at[from / 8u];
    if (alignment >= 4u) {
        vec4 second = alignment == 8u || count > 4u ? load4(source, x_type, from + 4u) : vec4(0.0);
        return halves(load4(source, x_type, from), second);
    }
    vec4 a = vec4(0.0), b = vec4(0.0);
    [[unroll]] for (uint j = 0u; j < 4u; ++j) {
        if (j < count) a[j] = load(source, x_type, from + j);
        if (j + 4u < count) b[j] = load(source, x_type, from + j + 4u);
    }
    return halves(a, b);
}

void put_input(uvec4 v, uint row, uint at) { tiles[row * x_stride + at] = v; }

// Two neighbouring rows of k, eight columns of each.
struct weight_group {
    uvec4 even, odd;
};

const uint groups = block_k / 2u * (block_n / 8u), weight_passes = (groups + invocations - 1u) / invocations;

// Which: turned, neighbouring invocations take neighbouring k, so that what they store lies side by side.
uint group_k(uint n) { return (turned ? n % (block_k / 2u) : n / (block_n / 8u)) * 2u; }
uint group_column(uint n) { return (turned ? n / (block_k / 2u) : n % (block_n / 8u)) * 8u; }

uvec4 load_octet(uint panel, uint k, uint column) {
    if (weight_format == format_f16) return octets(uint64_t(p.panels)).at[(panel * depth() + k) * 2u + column / 8u];
    uvec4 v;
    [[unroll]] for (uint j = 0u; j < 4u; ++j) v[j] = packHalf2x16(weight_pair(panel, k, column / 2u + j));
    return v;
}

weight_group load_weights(uint panel, uint k, uint column) {
    return weight_group(load_octet(panel, k, column), load_octet(panel, k + 1u, column));
}

// left: how many of the two rows, or more, exist; others count as 0.
void put_weights(weight_group v, uint n, uint left) {
    if (left < 1u) v.even = uvec4(0u);
    if (left < 2u) v.odd = uvec4(0u);
    uint k = group_k(n), column = group_column(n);
    if (turned)
        [[unroll]] for (uint j = 0u; j < 4u; ++j) {
            uint to = w_start + (column + 2u * j) * w_stride + k / 8u;
            tiles[to][k % 8u / 2u] = (v.even[j] & 0xffffu) | v.odd[j] << 16;
            tiles[to + w_stride][k % 8u / 2u] = v.even[j] >> 16 | (v.odd[j] & 0xffff0000u);
        }
    else {
        tiles[w_start + k * w_stride + column / 8u] = v.even;
        tiles[w_start + (k + 1u) * w_stride + column / 8u] = v.odd;
    }
}

// ---- Results: by way of shared memory, from which each invocation takes eight neighbouring columns of a row

#ifdef FLEXIBLE
float put_sum(const in uint row, const in uint column, const in float value, const in uint part) {
    uint at = holder_row() + row;
    if (at / patch_rows == part) {
        uint i = at % patch_rows * patch_stride * 4u + holder_column() + column;
        tiles[i / 4u][i % 4u] = floatBitsToUint(value);
    }
    return value;
}

void put_sums(uint part) { coopMatPerElementNV(sums[0], sums[0], put_sum, part); }
#else
void put_fragment(uint i, uint part) {
    uint row = holder_row() + i / fragments_n * fragment_m, column = holder_column() + i % fragments_n * fragment_n;
    if (row / patch_rows == part)
        coopMatStore(sums[i], tiles, row % patch_rows * patch_stride + column / 4u, patch_stride, gl_CooperativeMatrixLayoutRowMajor);
}

void put_sums(uint part) {
    EACH(i, fragments, put_fragment(i, part));
}
#endif

void finish_octet(uint i, uint part, uint first_row, uint first_column) {
    uint octets_a_row = block_n / 8u, patch_row = i / octets_a_row, quad = patch_row * patch_stride + i % octets_a_row * 2u;
    uint row = first_row + part * patch_rows + patch_row, column = first_column + i % octets_a_row * 8u;
    if (row >= p.rows || column >= p.panel_count * 16u) return;
    vec4 a = uintBitsToFloat(tiles[quad]), b = uintBitsToFloat(tiles[quad + 1u]);
    if (splits) {
        uint to = (gl_WorkGroupID.z * p.rows + row) * p.panel_count * 16u + column;
        store4_aligned(p.y, f32, to, a);
        store4_aligned(p.y, f32, to + 4u, b);
        return;
    }
    pixel at = pixel_of(row);
    uint to_row = result_row(row, at);
    if (wide_result) {
        store_octet(a, b, at.image, to_row, column);
        return;
    }
    store_pair(a.xy, at.image, to_row, column / 2u);
    store_pair(a.zw, at.image, to_row, column / 2u + 1u);
    store_pair(b.xy, at.image, to_row, column / 2u + 2u);
    store_pair(b.zw, at.image, to_row, column / 2u + 3u);
}

void finish_part(uint part, uint first_row, uint first_column) {
    if (all_hold || holder() < grid) put_sums(part);
    barrier();
    const uint octets_here = patch_rows * block_n / 8u;
    for (uint i = gl_LocalInvocationIndex; i < octets_here; i += invocations) finish_octet(i, part, first_row, first_column);
    barrier();
}

void finish_block(uint first_row, uint first_column) {
    EACH(i, block_m / patch_rows, finish_part(i, first_row, first_column));
}
