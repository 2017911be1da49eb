#include "compute/ops.h"
#include "tests/kernels/kernel_test.h"

namespace sfumato {
namespace {

TEST(linear_pack, panels_of_sixteen_columns_padded_with_zero) {
    for (auto [n, k] : {std::pair{1, 1}, {15, 3}, {16, 64}, {17, 5}, {40, 77}, {3, 70001}}) {
        auto const w = random_values(std::size_t(n) * k, -1, 1, n);
        kernel_run r;
        tensor const panels = linear_pack(r.g, r.input({.w = n, .c = k}, w)).panels;
        r.g.output(panels);
        r.run();
        auto const got = r.download(panels);
        ASSERT_EQ(got.size(), std::size_t((n + 15) / 16 * 16) * k);
        for (std::size_t i = 0; i < got.size(); ++i) {
            std::size_t const column = i / (std::size_t(k) * 16) * 16 + i % 16, at = i / 16 % k;
            ASSERT_EQ(got[i], column < std::size_t(n) ? w[column * k + at] : 0.0f) << n << " × " << k << " at " << i;
        }
    }
}

} // namespace
} // namespace sfumato
