#include "compute/ops.h"
#include "tests/kernels/kernel_test.h"

namespace sfumato {
namespace {

// transformers' T5Attention._relative_position_bucket, bidirectional, 32 buckets, up to distance 128; where a bucket
// begins exactly at a distance (8, 16, 32, 64) its float logarithms are exact, too.
int row_of(int key, int query) {
    int const distance = std::abs(key - query);
    int row = distance;
    if (distance >= 8) row = std::min(15, 8 + int(std::floor(std::log2(distance / 8.0) / 4 * 8 + 1e-9)));
    return row + (key > query ? 16 : 0);
}

TEST(relative_position_bias, any_size_and_type) {
    for (dtype type : float_types)
        for (auto const& [heads, queries, keys] : {std::array{1, 1, 1}, {3, 9, 300}, {4, 77, 77}, {5, 333, 128}}) {
            auto const table = rounded(random_values(std::size_t(32 * heads), -2, 2, 1), type);
            kernel_run r;
            tensor const y = relative_position_bias(r.g, r.input({.w = 32, .c = heads}, table, type), queries, keys);
            ASSERT_EQ(y.shape, (shape{.h = heads, .w = queries, .c = keys}));
            ASSERT_EQ(y.type, dtype::f32);
            r.g.output(y);
            r.run();
            auto const got = r.download(y);
            for (int h = 0; h < heads; ++h)
                for (int q = 0; q < queries; ++q)
                    for (int k = 0; k < keys; ++k)
                        ASSERT_EQ(got[std::size_t((h * queries + q) * keys + k)],
                                  table[std::size_t(row_of(k, q) * heads + h)])
                            << h << ", " << q << ", " << k;
        }
}

} // namespace
} // namespace sfumato
