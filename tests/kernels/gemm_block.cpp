// The blocks that GPUs are given, on whatever device this is: products and convolutions in blocks of each shape, with
// borders inside, split and whole, against fp64. All shapes with SFUMATO_EVERY_BLOCK=1 and on a GPU; else a few, which
// take a software device seconds to compile.
#include "compute/gemm_block.h"

#include "tests/kernels/product_reference.h"

#include <cstdlib>
#include <string>

namespace sfumato {
namespace {

bool is_tiled() { return test_device().target().matrix != matrix_path::software; }

// As a GPU would choose, but rolled.
target shaped(std::uint32_t m, std::uint32_t n, std::uint32_t k) {
    target t = test_device().target();
    t.software = false;
    t.cores = 64;
    t.block = {m, n, k};
    return t;
}

struct shape_of_block {
    std::uint32_t m, n, k;
};

// Those that this device's path has.
std::vector<shape_of_block> all_blocks() {
    std::vector<shape_of_block> all;
    for (std::uint32_t k : {32, 16})
        for (std::uint32_t m : {256, 128, 64, 32})
            for (std::uint32_t n : {160, 128, 96, 64, 48, 32, 16}) {
                gemm_block const b = choose_gemm_block(shaped(m, n, k), {.rows = 1000, .columns = 160, .c1 = 64});
                if (b.m == m && b.n == n && b.k == k) all.push_back({m, n, k});
            }
    return all;
}

void check_linear(shape_of_block const& b, int inputs, bool extras) {
    SCOPED_TRACE(testing::Message() << "block " << b.m << " × " << b.n << " × " << b.k << ", " << inputs << " inputs");
    int const m = int(b.m) + 13, n = int(b.n) + 24;
    dtype const type = dtype::f16;
    auto const x = rounded(random_values(std::size_t(m) * inputs, -1, 1, 1), type),
               w = rounded(random_values(std::size_t(n) * inputs, -1, 1, 2), type), bias = random_values(n, -1, 1, 3),
               residual = rounded(random_values(std::size_t(m) * n, -1, 1, 4), type);
    kernel_run r(shaped(b.m, b.n, b.k));
    epilogue after;
    if (extras) after = {.bias = r.input({.c = n}, bias), .residual = r.input({.w = m, .c = n}, residual, type)};
    after.type = dtype::f32;
    tensor const y = linear(r.g, r.input({.w = m, .c = inputs}, x, type),
                            pack_linear(r.g, r.input({.w = n, .c = inputs}, w), weight_format::f16), after);
    r.g.output(y);
    r.run();
    std::vector<float> wanted;
    double largest = 0, power = 0;
    auto const got = r.download(y);
    for (int i = 0; i < m; ++i)
        for (int j = 0; j < n; ++j) {
            double sum = extras ? bias[j] + residual[i * n + j] : 0;
            for (int l = 0; l < inputs; ++l) sum += double(x[i * inputs + l]) * w[j * inputs + l];
            wanted.push_back(float(sum));
            largest = std::max(largest, std::abs(got[wanted.size() - 1] - sum));
            power += sum * sum;
        }
    EXPECT_LT(nmse(got, wanted), 1e-11);
    EXPECT_LT(largest, 1e-4 * std::sqrt(power / double(wanted.size()))); // no single one of them
}

void check_conv(shape_of_block const& b, int second) {
    SCOPED_TRACE(testing::Message() << "block " << b.m << " × " << b.n << " × " << b.k << ", convolution + " << second);
    int const h = 9, width = int(b.m) / 8 + 3, c = 40, all = c + second, outputs = int(b.n) - 8;
    auto const x = rounded(random_values(std::size_t(h) * width * c, -1, 1, 1), dtype::f16),
               more = rounded(random_values(std::size_t(h) * width * second, -1, 1, 2), dtype::f16),
               w = rounded(random_values(std::size_t(outputs) * all * 9, -1, 1, 3), dtype::f16);
    kernel_run r(shaped(b.m, b.n, b.k));
    conv2d_options options = same_3x3;
    if (second) options.second = r.input({.h = h, .w = width, .c = second}, more, dtype::f16);
    tensor const y =
        conv2d(r.g, r.input({.h = h, .w = width, .c = c}, x, dtype::f16),
               pack_conv2d(r.g, r.input({outputs, all, 3, 3}, w), weight_format::f16), options, {.type = dtype::f32});
    r.g.output(y);
    r.run();
    std::vector<float> wanted;
    for (int row = 0; row < h; ++row)
        for (int column = 0; column < width; ++column)
            for (int o = 0; o < outputs; ++o) {
                double sum = 0;
                for (int tap = 0; tap < 9; ++tap) {
                    int const sy = row + tap / 3 - 1, sx = column + tap % 3 - 1;
                    if (sy < 0 || sy >= h || sx < 0 || sx >= width) continue;
                    std::size_t const at = std::size_t(sy) * width + sx;
                    for (int i = 0; i < all; ++i)
                        sum += double(i < c ? x[at * c + i] : more[at * second + i - c]) *
                               w[(std::size_t(o) * all + i) * 9 + tap];
                }
                wanted.push_back(float(sum));
            }
    EXPECT_LT(nmse(r.download(y), wanted), 1e-11);
}

TEST(gemm_block, every_shape_computes_rightly) {
    if (!is_tiled()) GTEST_SKIP() << "software devices have one shape";
    auto const all = all_blocks();
    EXPECT_GE(all.size(), 10u);
    std::size_t const step = std::getenv("SFUMATO_EVERY_BLOCK") || !test_device().info().is_software() ? 1 : 9;
    for (std::size_t i = 0; i < all.size(); i += step) {
        check_linear(all[i], 72, i % 2 == 0); // not whole slabs
        if (i / step % 3 == 0) check_conv(all[i], 0);
    }
}

TEST(gemm_block, two_sources_and_split_products) {
    if (!is_tiled()) GTEST_SKIP() << "software devices have one shape";
    auto const all = all_blocks();
    check_conv(all.back(), 24);
    for (std::size_t i = 2; i < all.size(); i += 9) {
        gemm_block const b = choose_gemm_block(shaped(all[i].m, all[i].n, all[i].k),
                                               {.rows = all[i].m + 13, .columns = 192, .c1 = 1280, .can_split = true});
        EXPECT_GT(b.splits, 1u);
        check_linear(all[i], 1280, true);
    }
}

// Targets of all vendors: their subgroups, fragments, shared memory and limits.
std::vector<target> gpus() {
    std::vector<target> all;
    auto const add = [&](matrix_path path, std::uint32_t subgroup, decltype(target::fragment) fragment,
                         auto const& more) {
        for (std::uint32_t shared : {16384, 32768, 49152, 65536})
            for (std::uint32_t cores : {4, 24, 60, 132}) {
                all.push_back({.matrix = path, .subgroup = subgroup, .shared_bytes = shared, .cores = cores});
                all.back().fragment = fragment;
                more(all.back());
            }
    };
    auto const nothing = [](target&) {};
    add(matrix_path::scalar, 32, {}, nothing);
    add(matrix_path::khr, 32, {16, 16, 16}, nothing);                                    // NVIDIA
    add(matrix_path::khr, 64, {16, 16, 16}, [](target& t) { t.turned_weights = true; }); // RDNA
    add(matrix_path::khr, 16, {8, 16, 16}, [](target& t) {
        t.most_sums = 32, t.most_rows = 128, t.most_inputs = 16, t.turned_weights = true; // Xe2
    });
    add(matrix_path::nv2, 32, {64, 64, 32, true}, [](target& t) {
        t.flexible = {32, 32, 16, true};
        t.khr_fragment = {16, 16, 16};
    });
    return all;
}

std::string name_of(target const& t) {
    return std::string(matrix_path_names[int(t.matrix)]) + ", subgroups of " + std::to_string(t.subgroup) + ", " +
           std::to_string(t.shared_bytes) + " bytes, " + std::to_string(t.cores) + " cores";
}

constexpr std::uint32_t all_columns[] = {16, 32, 48, 64, 96, 128, 160, 192, 256, 320, 512, 640, 1280};

TEST(gemm_block, few_columns_are_computed_few_at_a_time) {
    for (target const& t : gpus()) {
        for (std::uint32_t columns : all_columns) {
            gemm_size const s{.rows = 65536, .columns = columns, .taps = 9, .c1 = 64};
            EXPECT_LE(choose_gemm_block(t, s).operations(s), 1.2 * 2.0 * s.rows * columns * 9 * 64)
                << name_of(t) << ", " << columns;
        }
        gemm_size const large{.rows = 65536, .columns = 1280, .taps = 9, .c1 = 1280, .can_split = true},
            short_and_long{.rows = 64, .columns = 1280, .taps = 9, .c1 = 1280, .can_split = true};
        EXPECT_GE(choose_gemm_block(t, large).m * choose_gemm_block(t, large).n, 4096u) << name_of(t);
        // Few rows: many cores share the inner dimension.
        if (t.cores >= 60) {
            EXPECT_GT(choose_gemm_block(t, short_and_long).splits, 1u) << name_of(t);
        }
    }
}

// Fragments cover the block, one holder each, and what lies in shared memory fits there.
TEST(gemm_block, every_choice_can_be_computed) {
    for (target const& t : gpus())
        for (std::uint32_t columns : all_columns)
            for (std::uint32_t rows : {1u, 77u, 256u, 4096u, 1u << 20})
                for (std::uint32_t inputs : {3u, 64u, 1280u}) {
                    gemm_size const s{.rows = rows, .columns = columns, .taps = 9, .c1 = inputs, .can_split = true};
                    gemm_block const b = choose_gemm_block(t, s);
                    SCOPED_TRACE(name_of(t) + ": " + std::to_string(rows) + " × " + std::to_string(columns));
                    std::uint32_t const threads = gemm_invocations(b.variant);
                    ASSERT_GE(std::uint64_t(b.count) * b.m * b.n, std::uint64_t(rows) * columns);
                    ASSERT_GE(b.splits, 1u);
                    if (b.variant == kernel_variant::scalar) {
                        ASSERT_EQ(b.n % (2 * b.lanes), 0u);
                        ASSERT_EQ(b.m * b.lanes % threads, 0u);
                        continue;
                    }
                    ASSERT_EQ(b.grid_m * b.fragments_m * b.fragment.m, b.m);
                    ASSERT_EQ(b.grid_n * b.fragments_n * b.fragment.n, b.n);
                    ASSERT_EQ(b.k % b.fragment.k, 0u);
                    ASSERT_EQ(b.k % 16, 0u);
                    ASSERT_EQ(b.m % b.patch_rows, 0u);
                    ASSERT_EQ(b.patch_rows % (b.variant == kernel_variant::cooperative ? b.fragment.m : 1), 0u);
                    ASSERT_LE(b.grid_m * b.grid_n, b.fragment.workgroup_scope ? 1 : threads / t.subgroup);
                    ASSERT_LE(b.patch_rows * (b.n / 4 + 1) * 16, t.shared_bytes);
                    ASSERT_LE((b.m * (b.k / 8 + 1) + b.k * (b.n / 8 + 1)) * 16, t.shared_bytes);
                }
}

// Weights either way round in shared memory.
TEST(gemm_block, turned_weights) {
    if (!is_tiled()) GTEST_SKIP() << "software devices have one shape";
    kernel_run r([] {
        target t = shaped(64, 48, 32);
        t.turned_weights = true;
        return t;
    }());
    constexpr int m = 70, n = 56, k = 200;
    auto const x = rounded(random_values(m * k, -1, 1, 1), dtype::f16),
               w = rounded(random_values(n * k, -1, 1, 2), dtype::f16);
    tensor const y = linear(r.g, r.input({.w = m, .c = k}, x, dtype::f16),
                            pack_linear(r.g, r.input({.w = n, .c = k}, w), weight_format::f16), {.type = dtype::f32});
    r.g.output(y);
    r.run();
    std::vector<float> wanted;
    for (int i = 0; i < m; ++i)
        for (int j = 0; j < n; ++j) {
            double sum = 0;
            for (int l = 0; l < k; ++l) sum += double(x[i * k + l]) * w[j * k + l];
            wanted.push_back(float(sum));
        }
    EXPECT_LT(nmse(r.download(y), wanted), 1e-11);
}

} // namespace
} // namespace sfumato
