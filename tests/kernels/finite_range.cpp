#include "kernel_binaries.h"
#include "tests/kernels/kernel_test.h"

#include <limits>

namespace sfumato {
namespace {

struct measured {
    float low, high;
    std::uint32_t bad;
};

float from_ordered(std::uint32_t ordered) {
    return std::bit_cast<float>(ordered & 0x80000000u ? ordered & 0x7fffffffu : ~ordered);
}

measured measure(std::vector<float> const& values) {
    kernel_run r;
    tensor const x = r.input({.c = int(values.size())}, values);
    tensor const range = r.input<std::uint32_t>({.c = 3}, {~0u, 0u, 0u});
    r.g.output(range);
    r.g.dispatch(
        kernel::finite_range{.values = r.g.in(x), .range = r.g.inout(range), .count = std::uint32_t(values.size())},
        {.x = 256});
    r.run();
    auto const got = r.download<std::uint32_t>(range);
    return {from_ordered(got[0]), from_ordered(got[1]), got[2]};
}

TEST(finite_range, finds_extremes_of_any_size) {
    for (std::size_t count : {1, 2, 63, 64, 65, 257, 1009, 70001}) {
        auto values = random_values(count, -3, 5, unsigned(count));
        auto const [low, high] = std::ranges::minmax(values);
        auto const got = measure(values);
        EXPECT_EQ(got.low, low) << count;
        EXPECT_EQ(got.high, high) << count;
        EXPECT_EQ(got.bad, 0u) << count;
    }
}

TEST(finite_range, counts_what_is_not_finite) {
    auto values = random_values(5000, -1, 1);
    values[0] = std::nanf("");
    values[77] = std::numeric_limits<float>::infinity();
    values[4999] = -std::numeric_limits<float>::infinity();
    auto const got = measure(values);
    EXPECT_EQ(got.bad, 3u);
    EXPECT_LT(got.high, 1.0f);
    EXPECT_GE(got.low, -1.0f);
}

} // namespace
} // namespace sfumato
