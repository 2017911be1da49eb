#include "tests/kernels/fill_cases.h"

namespace sfumato {
namespace {

using namespace fill_test;

std::vector<float> reference(std::vector<float> const& values, size s, int reach, float low, float high) {
    std::vector<float> columns(s.count());
    for (int y = 0; y < s.height; ++y)
        for (int x = 0; x < s.width; ++x) {
            int nearest = reach;
            for (int v = 0; v < s.height; ++v) {
                float const value = values[std::size_t(v) * s.width + x];
                if (value >= low && value <= high) nearest = std::min(nearest, std::abs(v - y));
            }
            columns[std::size_t(y) * s.width + x] = float(nearest);
        }
    return columns;
}

TEST(distance_columns, nearest_in_the_column) {
    for (size s : odd_sizes)
        for (int reach : {1, 4, 100}) {
            auto const values = random_values(s.count(), -1, 1);
            kernel_run r;
            tensor const x = r.input(plane(s), values);
            tensor const d = r.output(plane(s));
            r.g.dispatch(kernel::distance_columns{.values = r.g.in(x),
                                                  .columns = r.g.out(d),
                                                  .width = s.width,
                                                  .height = s.height,
                                                  .reach = reach,
                                                  .low = 0.8f,
                                                  .high = 0.9f},
                         launch::items(s.width));
            r.run();
            EXPECT_EQ(r.download(d), reference(values, s, reach, 0.8f, 0.9f)) << s.width << " × " << s.height;
        }
}

} // namespace
} // namespace sfumato
