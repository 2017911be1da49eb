#include "tests/kernels/fill_cases.h"

namespace sfumato {
namespace {

using namespace fill_test;

TEST(composite_mask, keeps_soft_values_and_ramps_outside) {
    for (size s : odd_sizes) {
        auto selection = random_values(s.count(), -1, 1);
        for (auto& v : selection) v = std::max(v, 0.0f);
        auto const distances = random_values(s.count(), 0, 5, 2);
        std::vector<float> wanted(s.count());
        for (std::size_t i = 0; i < s.count(); ++i)
            wanted[i] = selection[i] > 0 ? selection[i] : std::max(0.0f, 1 - distances[i] / 3);
        kernel_run r;
        int const count = int(s.count());
        tensor const a = r.input({.c = count}, selection), b = r.input({.c = count}, distances),
                     c = r.output({.c = count});
        r.g.dispatch(kernel::composite_mask{.selection = r.g.in(a),
                                            .distances = r.g.in(b),
                                            .composite = r.g.out(c),
                                            .count = uint32_t(count),
                                            .rim = 2},
                     {uint32_t(count)});
        r.run();
        expect_near(r.download(c), wanted, 1e-6f, "composite", s);
    }
}

} // namespace
} // namespace sfumato
