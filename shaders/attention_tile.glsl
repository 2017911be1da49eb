// For GPUs: a workgroup takes block_queries queries and goes through all keys, block_keys at a time. Keys, then values, come
// into shared memory `chunk` channels at a time; scores lie there between the two products, so that every invocation finds
// its part of a row whatever the size of subgroups. scalar: each invocation sums rows × columns with ordinary arithmetic in fp32.
// cooperative: fp16 operands in cooperative matrices with fp32 sums, of KHR or NV2, at subgroup or workgroup scope.
#ifdef COOPERATIVE
#extension GL_KHR_cooperative_matrix : require
#extension GL_KHR_memory_scope_semantics : require
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
#extension GL_KHR_shader_subgroup_basic : require
#endif

const uint invocations = 128u;
layout(local_size_x = invocations) in;

layout(constant_id = 7) const uint block_queries = 64u;
layout(constant_id = 8) const uint chunk = 64u;  // channels in shared memory at once
layout(constant_id = 9) const uint chunks = 1u;  // chunk · chunks ≥ d; channels beyond d are 0

layout(constant_id = 10) const bool rolled = false;

const uint quads_a_row = chunk / 4u;

// body(i) for i below `count`: on a GPU without a loop, so that fragments stay in registers and loads come before their use.
// Rolled for a software device, whose fragments lie in memory anyway: it takes many seconds to compile all of them.
#define EACH(i, count, body)                                      \
    if (rolled)                                                   \
        [[dont_unroll]] for (uint i = 0u; i < (count); ++i) body; \
    else                                                          \
        [[unroll]] for (uint i = 0u; i < (count); ++i) body

// ---- The two products, and what lies in shared memory for them

#ifdef SCALAR
const float margin = 60.0; // how much larger than its row's top a score may be: weights up to 2⁶⁰ fit fp32

// Rows y·rows … of the block and every 16th column from x.
const uint rows = block_queries / 8u, score_columns = block_keys / 16u, sum_columns = chunk / 16u;
const uint tile_stride = quads_a_row + 1u, score_stride = block_keys / 4u + 1u; // padded against bank conflicts
shared vec4 q_tile[block_queries * tile_stride]; // [query][channel]
shared vec4 tile[block_keys * tile_stride];      // [key][channel]
shared vec4 scores[block_queries * score_stride]; // [query][key], then weights

float sums[rows * sum_columns * chunks];

uint x() { return gl_LocalInvocationIndex % 16u; }
uint y() { return gl_LocalInvocationIndex / 16u * rows; }

void put(uint row, uint quad, vec4 v) { tile[row * tile_stride + quad] = v; }
float get_score(uint row, uint key) { return scores[row * score_stride + key / 4u][key % 4u]; }
void put_weight(uint row, uint key, float w) { scores[row * score_stride + key / 4u][key % 4u] = w; }
#endif

#ifdef COOPERATIVE
const float margin = 8.0; // weights up to 2⁸ in fp16: they keep their precision, and what is small compared to 1 does not vanish

layout(constant_id = 11) const uint fragment_m = 16u;
layout(constant_id = 12) const uint fragment_n = 16u;
layout(constant_id = 13) const uint fragment_k = 16u;
layout(constant_id = 14) const uint fragment_scope = gl_ScopeSubgroup;
layout(constant_id = 15) const uint fragments = 1u; // of rows, one below the other, of each that holds any

const uint holders = block_queries / (fragments * fragment_m);
const uint tile_stride = quads_a_row + 2u, score_stride = block_keys + 4u, weight_stride = block_keys + 8u;
const uint score_columns = block_keys / fragment_n, sum_columns = chunk / fragment_n, depths = chunk / fragment_k,
           value_depths = block_keys / fragment_k;
shared f16vec4 tile[block_keys * tile_stride];             // [query or key][channel]
shared float scores[block_queries * score_stride];         // [query][key]; then what sums are scaled by; last the sums
shared float16_t weights[block_queries * weight_stride];   // [query][key]
shared bool scaled;                                        // any row

coopmat<float16_t, fragment_scope, fragment_m, fragment_k, gl_MatrixUseA> queries[fragments * depths * chunks];
coopmat<float, fragment_scope, fragment_m, fragment_n, gl_MatrixUseAccumulator> products[fragments * score_columns];
coopmat<float16_t, fragment_scope, fragment_m, fragment_k, gl_MatrixUseA> row_weights[fragments];
coopmat<float, fragment_scope, fragment_m, fragment_n, gl_MatrixUseAccumulator> sums[fragments * sum_columns * chunks];

// Which rows a subgroup (or the workgroup) multiplies.
uint holder() { return fragment_scope == gl_ScopeWorkgroup ? 0u : gl_SubgroupID; }
bool holds() { return holder() < holders; }
uint fragment_row(uint f) { return (holder() * fragments + f) * fragment_m; }

void put(uint row, uint quad, vec4 v) { tile[row * tile_stride + quad] = f16vec4(v); }
float get_score(uint row, uint key) { return scores[row * score_stride + key]; }
void put_weight(uint row, uint key, float w) { weights[row * weight_stride + key] = float16_t(w); }
#endif

// ---- Tiles from memory

// Channels of rows first … of one head, 0 where there are none.
struct source {
    elements from;
    uint type;
    uint base; // element where the head's first row begins
    uint rows;
    float factor;
};

vec4 load_quad(source s, uint row, uint channel) {
    if (row >= s.rows || channel >= d) return vec4(0.0);
    return load4(s.from, s.type, s.base + row * (p.heads * d) + channel) * s.factor;
}

void load_tile_quad(source s, uint first, uint channel, uint i) {
    uint row = i / quads_a_row, quad = i % quads_a_row;
    if (row < block_keys) put(row, quad, load_quad(s, first + row, channel + quad * 4u));
}

void load_tile(source s, uint first, uint channel) {
    EACH(i, (block_keys * quads_a_row + invocations - 1u) / invocations, load_tile_quad(s, first, channel, i * invocations + gl_LocalInvocationIndex));
}

#ifdef SCALAR
void prepare(source q, uint first) {
    [[unroll]] for (uint i = 0u; i < rows * sum_columns * chunks; ++i) sums[i] = 0.0;
}

void load_query_quad(source q, uint first, uint channel, uint i) {
    uint row = i / quads_a_row, quad = i % quads_a_row;
    if (row < block_queries) q_tile[row * tile_stride + quad] = load_quad(q, first + row, channel + quad * 4u);
}

void load_queries(source q, uint first, uint channel) {
    EACH(i, (block_queries * quads_a_row + invocations - 1u) / invocations,
         load_query_quad(q, first, channel, i * invocations + gl_LocalInvocationIndex));
}

void compute_scores(source q, uint query, source k, uint key) {
    float s[rows * score_columns];
    [[unroll]] for (uint i = 0u; i < rows * score_columns; ++i) s[i] = 0.0;
    [[dont_unroll]] for (uint c = 0u; c < chunks; ++c) {
        if (chunks > 1u || key == 0u) load_queries(q, query, c * chunk);
        load_tile(k, key, c * chunk);
        barrier();
        [[dont_unroll]] for (uint i = 0u; i < quads_a_row; ++i) {
            vec4 b[score_columns];
            [[unroll]] for (uint j = 0u; j < score_columns; ++j) b[j] = tile[(x() + 16u * j) * tile_stride + i];
            [[unroll]] for (uint r = 0u; r < rows; ++r) {
                vec4 a = q_tile[(y() + r) * tile_stride + i];
                [[unroll]] for (uint j = 0u; j < score_columns; ++j) s[r * score_columns + j] += dot(a, b[j]);
            }
        }
        barrier();
    }
    [[unroll]] for (uint r = 0u; r < rows; ++r)
        [[unroll]] for (uint j = 0u; j < score_columns; ++j) put_weight(y() + r, x() + 16u * j, s[r * score_columns + j]);
}
#endif

#ifdef COOPERATIVE
void load_query(uint f, uint c, uint i, uint row) {
    coopMatLoad(queries[(f * chunks + c) * depths + i], tile, (fragment_row(f) - row) * tile_stride + i * fragment_k / 4u,
                tile_stride, gl_CooperativeMatrixLayoutRowMajor);
}

// Queries stay in fragments; they come there by way of the tile, block_keys at a time.
void prepare(source q, uint first) {
    [[unroll]] for (uint i = 0u; i < fragments * sum_columns * chunks; ++i)
        sums[i] = coopmat<float, fragment_scope, fragment_m, fragment_n, gl_MatrixUseAccumulator>(0.0);
    [[unroll]] for (uint c = 0u; c < chunks; ++c)
        [[dont_unroll]] for (uint row = 0u; row < block_queries; row += block_keys) {
            load_tile(q, first + row, c * chunk);
            barrier();
            [[unroll]] for (uint f = 0u; f < fragments; ++f)
                if (holds() && fragment_row(f) >= row && fragment_row(f) < row + block_keys) {
                    EACH(i, depths, load_query(f, c, i, row));
                }
            barrier();
        }
}

// Queries and keys: fragment `i` along the channels of chunk `c`, `j` along the keys.
void add_product(uint c, uint i, uint j) {
    coopmat<float16_t, fragment_scope, fragment_k, fragment_n, gl_MatrixUseB> b;
    coopMatLoad(b, tile, j * fragment_n * tile_stride + i * fragment_k / 4u, tile_stride,
                gl_CooperativeMatrixLayoutColumnMajor);
    [[unroll]] for (uint f = 0u; f < fragments; ++f) {
        uint to = f * score_columns + j;
        products[to] = coopMatMulAdd(queries[(f * chunks + c) * depths + i], b, products[to]);
    }
}

void compute_scores(source q, uint query, source k, uint key) {
    [[unroll]] for (uint i = 0u; i < fragments * score_columns; ++i)
        products[i] = coopmat<float, fragment_scope, fragment_m, fragment_n, gl_MatrixUseAccumulator>(0.0);
    [[unroll]] for (uint c = 0u; c < chunks; ++c) {
        load_tile(k, key, c * chunk);
        barrier();
        if (holds()) {
            EACH(i, depths * score_columns, add_product(c, i / score_columns, i % score_columns));
        }
        barrier();
    }
    if (holds())
        [[unroll]] for (uint f = 0u; f < fragments; ++f) {
            EACH(j, score_columns, coopMatStore(products[f * score_columns + j], scores,
                                                fragment_row(f) * score_stride + j * fragment_n, score_stride,
                                                gl_CooperativeMatrixLayoutRowMajor));
        }
}
#endif

// ---- Weights

const uint per_row = invocations / block_queries; // invocations that share a row here
shared float parts[invocations];                  // of maxima; last of totals
#ifdef SCALAR
shared float factors[block_queries];
#endif

float top = lowest, total = 0.0; // of this invocation's row, and of its part of it

void weigh(place at, uint key) {
    uint row = gl_LocalInvocationIndex / per_row, part = gl_LocalInvocationIndex % per_row;
    float own[block_keys / per_row], high = lowest;
    [[unroll]] for (uint i = 0u; i < block_keys / per_row; ++i) {
        uint column = i * per_row + part;
        own[i] = score(get_score(row, column) * p.score_scale, at, at.query + row, key + column);
        high = max(high, own[i]);
    }
    parts[gl_LocalInvocationIndex] = high;
#ifdef COOPERATIVE
    scaled = false;
#endif
    barrier();
    [[unroll]] for (uint i = 0u; i < per_row; ++i) high = max(high, parts[row * per_row + i]);
    float factor = 1.0;
    if (high > top + margin || key == 0u) {
        factor = exp2(top - high);
        total *= factor;
        top = high;
#ifdef COOPERATIVE
        scaled = true;
#endif
    }
    [[unroll]] for (uint i = 0u; i < block_keys / per_row; ++i) {
        float w = exp2(own[i] - top);
        total += w;
        put_weight(row, i * per_row + part, w);
    }
#ifdef COOPERATIVE
    for (uint i = part; i < fragment_n; i += per_row) scores[row * score_stride + i] = factor;
#else
    if (part == 0u) factors[row] = factor;
#endif
    barrier();
}

// ---- Sums

#ifdef SCALAR
void scale_sums() {
    [[unroll]] for (uint r = 0u; r < rows; ++r)
        [[unroll]] for (uint j = 0u; j < sum_columns * chunks; ++j) sums[r * sum_columns * chunks + j] *= factors[y() + r];
}

// `c`: which chunk of values the tile holds.
void add_values(uint c) {
    [[dont_unroll]] for (uint i = 0u; i < block_keys / 4u; ++i) {
        vec4 v[sum_columns];
        [[unroll]] for (uint j = 0u; j < sum_columns; ++j) {
            uint channel = x() + 16u * j;
            [[unroll]] for (uint l = 0u; l < 4u; ++l) v[j][l] = tile[(i * 4u + l) * tile_stride + channel / 4u][channel % 4u];
        }
        [[unroll]] for (uint r = 0u; r < rows; ++r) {
            vec4 w = scores[(y() + r) * score_stride + i];
            [[unroll]] for (uint j = 0u; j < sum_columns; ++j) sums[(r * chunks + c) * sum_columns + j] += dot(w, v[j]);
        }
    }
}

void store_sums(place at) {
    [[unroll]] for (uint r = 0u; r < rows; ++r) {
        uint query = at.query + y() + r;
        float all = 0.0;
        [[unroll]] for (uint i = 0u; i < per_row; ++i) all += parts[(y() + r) * per_row + i];
        [[unroll]] for (uint j = 0u; j < sum_columns * chunks; ++j) {
            uint channel = x() + 16u * j;
            if (query < p.queries && channel < d)
                store(p.y, q_type, ((at.image * p.queries + query) * p.heads + at.head) * d + channel,
                      sums[r * sum_columns * chunks + j] / all);
        }
    }
}
#endif

#ifdef COOPERATIVE
void scale_sums() {
    if (!scaled || !holds()) return;
    [[unroll]] for (uint f = 0u; f < fragments; ++f) {
        const uint first = f * sum_columns * chunks;
        coopmat<float, fragment_scope, fragment_m, fragment_n, gl_MatrixUseAccumulator> factors;
        coopMatLoad(factors, scores, fragment_row(f) * score_stride, score_stride, gl_CooperativeMatrixLayoutRowMajor);
        EACH(j, sum_columns * chunks, sums[first + j] = sums[first + j] * factors);
    }
}

// Weights and values: fragment `i` along the keys, `j` along the channels of chunk `c`.
void add_value(uint c, uint i, uint j) {
    coopmat<float16_t, fragment_scope, fragment_k, fragment_n, gl_MatrixUseB> v;
    coopMatLoad(v, tile, i * fragment_k * tile_stride + j * fragment_n / 4u, tile_stride, gl_CooperativeMatrixLayoutRowMajor);
    [[unroll]] for (uint f = 0u; f < fragments; ++f) {
        uint to = (f * chunks + c) * sum_columns + j;
        sums[to] = coopMatMulAdd(row_weights[f], v, sums[to]);
    }
}

void add_values(uint c, uint i) {
    [[unroll]] for (uint f = 0u; f < fragments; ++f)
        coopMatLoad(row_weights[f], weights, fragment_row(f) * weight_stride + i * fragment_k, weight_stride,
                    gl_CooperativeMatrixLayoutRowMajor);
    EACH(j, sum_columns, add_value(c, i, j));
}

void add_values(uint c) {
    if (!holds()) return;
    EACH(i, value_depths, add_values(c, i));
}

// Fragments `j` of all rows, by way of the scores' memory. all: the sum of the row's weights.
void store_sums(place at, uint j, float all) {
    uint row = gl_LocalInvocationIndex / per_row, part = gl_LocalInvocationIndex % per_row, query = at.query + row;
    if (holds())
        [[unroll]] for (uint f = 0u; f < fragments; ++f)
            coopMatStore(sums[f * sum_columns * chunks + j], scores, fragment_row(f) * score_stride, score_stride,
                         gl_CooperativeMatrixLayoutRowMajor);
    barrier();
    for (uint i = part; i < fragment_n; i += per_row) {
        uint channel = j * fragment_n + i;
        if (query < p.queries && channel < d)
            store(p.y, q_type, ((at.image * p.queries + query) * p.heads + at.head) * d + channel,
                  scores[row * score_stride + i] / all);
    }
    barrier();
}

void store_sums(place at) {
    float all = 0.0;
    [[unroll]] for (uint i = 0u; i < per_row; ++i) all += parts[gl_LocalInvocationIndex / per_row * per_row + i];
    EACH(j, sum_columns * chunks, store_sums(at, j, all));
}
#endif

void main() {
    uint item = p.first + gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x;
    if (item >= p.end) return; // the last line of workgroups may be too long
    place at = place_of(item, block_queries);
    uint row = p.heads * d, head = at.head * d;
    source q = source(p.q, q_type, at.image * p.queries * row + head, p.queries, p.query_scale);
    source k = source(p.k, k_type, at.image * p.keys * row + head, p.keys, 1.0);
    source v = source(p.v, v_type, at.image * p.keys * row + head, p.keys, 1.0);

    prepare(q, at.query);
    for (uint key = 0u; key < at.last; key += block_keys) {
        compute_scores(q, at.query, k, key);
        barrier();
        weigh(at, key);
        scale_sums();
        [[unroll]] for (uint c = 0u; c < chunks; ++c) {
            load_tile(v, key, c * chunk);
            barrier();
            add_values(c);
            barrier();
        }
    }
    parts[gl_LocalInvocationIndex] = total;
    barrier();
    store_sums(at);
}
