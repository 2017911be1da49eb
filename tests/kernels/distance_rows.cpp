#include "tests/kernels/fill_cases.h"

namespace sfumato {
namespace {

using namespace fill_test;

TEST(distance_rows, is_exact) {
    for (size s : odd_sizes) {
        auto columns = random_values(s.count(), 0, 12);
        for (auto& c : columns) c = std::floor(c);
        std::vector<float> wanted(s.count());
        for (int y = 0; y < s.height; ++y)
            for (int x = 0; x < s.width; ++x) {
                float best = 1e9f;
                for (int u = std::max(0, x - 12); u < std::min(s.width, x + 13); ++u) {
                    float const c = columns[std::size_t(y) * s.width + u];
                    best = std::min(best, float((u - x) * (u - x)) + c * c);
                }
                wanted[std::size_t(y) * s.width + x] = std::sqrt(best);
            }
        kernel_run r;
        tensor const c = r.input(plane(s), columns);
        tensor const d = r.output(plane(s));
        r.g.dispatch(
            kernel::distance_rows{.columns = r.g.in(c), .distances = r.g.out(d), .width = s.width, .height = s.height},
            {uint32_t(s.width), uint32_t(s.height)});
        r.run();
        expect_near(r.download(d), wanted, 1e-6f, "distance", s);
    }
}

} // namespace
} // namespace sfumato
