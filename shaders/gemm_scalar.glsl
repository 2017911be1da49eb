// Each invocation sums thread_rows rows × thread_pairs pairs of columns; `lanes` of them share a row.
const uint invocations = 128u;
layout(constant_id = 32) const uint lanes = 16u;

const uint thread_rows = block_m * lanes / invocations, pairs = block_n / 2u, thread_pairs = pairs / lanes;
shared float x_tile[block_k * (block_m + 4u)]; // [k][row], padded against bank conflicts
shared vec2 w_tile[block_k * pairs];           // [k][pair]

vec2 sums[thread_rows * thread_pairs];

uint first_pair() { return gl_LocalInvocationIndex % lanes; }
uint thread_row() { return gl_LocalInvocationIndex / lanes * thread_rows; }

void clear() {
    EACH(i, thread_rows * thread_pairs, sums[i] = vec2(0.0));
}

vec2 columns[thread_pairs];

void multiply_row(uint r, uint k) {
    vec2 x = vec2(x_tile[k * (block_m + 4u) + thread_row() + r]);
    [[unroll]] for (uint j = 0u; j < thread_pairs; ++j)
        sums[r * thread_pairs + j] = fma(x, columns[j], sums[r * thread_pairs + j]);
}

void multiply() {
    for (uint k = 0u; k < block_k; ++k) {
        [[unroll]] for (uint j = 0u; j < thread_pairs; ++j) columns[j] = w_tile[k * pairs + first_pair() + j * lanes];
        EACH(r, thread_rows, multiply_row(r, k));
    }
}

// ---- Loads

#define chunk_inputs 4u
#define chunk vec4

// Channels of the source from element `from` on, of which `count` are left in the row.
vec4 load_chunk(elements source, uint from, uint count) {
    if (alignment >= 4u) return load4(source, x_type, from);
    vec4 v;
    [[unroll]] for (uint j = 0u; j < 4u; ++j) v[j] = j < count ? load(source, x_type, from + j) : 0.0;
    return v;
}

void put_input(vec4 v, uint row, uint at) {
    [[unroll]] for (uint j = 0u; j < 4u; ++j) x_tile[(at * 4u + j) * (block_m + 4u) + row] = v[j];
}

#define weight_group vec2

const uint groups = block_k * pairs, weight_passes = (groups + invocations - 1u) / invocations;

uint group_k(uint n) { return n / pairs; }
uint group_column(uint n) { return n % pairs * 2u; }

vec2 load_weights(uint panel, uint k, uint column) { return weight_pair(panel, k, column / 2u); }

void put_weights(vec2 v, uint n, uint left) { w_tile[n] = left > 0u ? v : vec2(0.0); }

// ---- Results

void finish_pair(uint i, uint first_row, uint first_column) {
    uint row = first_row + thread_row() + i / thread_pairs, pair = first_column / 2u + first_pair() + i % thread_pairs * lanes;
    if (row >= p.rows) return;
    if (splits) {
        if (pair < p.panel_count * 8u) vec2s(p.y).at[(gl_WorkGroupID.z * p.rows + row) * p.panel_count * 8u + pair] = sums[i];
        return;
    }
    pixel at = pixel_of(row);
    store_pair(sums[i], at.image, result_row(row, at), pair);
}

void finish_block(uint first_row, uint first_column) {
    EACH(i, thread_rows * thread_pairs, finish_pair(i, first_row, first_column));
}
