#include "tests/kernels/fill_cases.h"

namespace sfumato {
namespace {

using namespace fill_test;

void check(size s, std::vector<float> const& columns) {
    std::vector<float> wanted(s.count());
    for (int y = 0; y < s.height; ++y)
        for (int x = 0; x < s.width; ++x) {
            float const* row = &columns[std::size_t(y) * s.width];
            int const reach = int(row[x]); // what is farther to the side is farther away
            double best = 1e18;
            for (int u = std::max(0, x - reach); u <= std::min(s.width - 1, x + reach); ++u)
                best = std::min(best, double(u - x) * (u - x) + double(row[u]) * row[u]);
            wanted[std::size_t(y) * s.width + x] = float(std::sqrt(best));
        }
    kernel_run r;
    tensor const c = r.input(plane(s), columns), nearest = r.g.temporary(plane(s), dtype::u32);
    tensor const d = r.output(plane(s));
    r.g.dispatch(kernel::distance_rows{.columns = r.g.in(c),
                                       .nearest = r.g.out(nearest),
                                       .distances = r.g.out(d),
                                       .width = s.width,
                                       .height = s.height},
                 launch::items(s.height));
    r.run();
    expect_near(r.download(d), wanted, 1e-6f, "distance", s);
}

TEST(distance_rows, is_exact) {
    for (size s : odd_sizes)
        for (float reach : {2.0f, 12.0f, 300.0f}) {
            auto columns = random_values(s.count(), 0, reach);
            for (auto& c : columns) c = std::floor(c);
            check(s, columns);
        }
}

// As in a large hole: far from everything but a few columns.
TEST(distance_rows, is_exact_where_all_is_far) {
    for (size s : {size{1, 37}, size{53, 3}, size{1021, 5}}) {
        std::vector<float> columns(s.count(), 3000);
        for (std::size_t i = 7; i < s.count(); i += 211) columns[i] = float(i % 5);
        check(s, columns);
    }
}

} // namespace
} // namespace sfumato
