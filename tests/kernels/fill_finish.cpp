#include "tests/kernels/fill_cases.h"

namespace sfumato {
namespace {

using namespace fill_test;

void check(size s, window const& a, bool opaque) {
    auto const votes = random_values(4 * s.count(), 0, 1, 1),
               offsets = random_values(4 * a.width() * a.height(), -0.3f, 0.3f, 2);
    std::vector<float> wanted(offsets.size());
    for (std::size_t o = 0; o < offsets.size() / 4; ++o) {
        std::size_t const i = (std::size_t(a.top) + o / a.width()) * s.width + a.left + o % a.width();
        float const alpha = opaque ? 1 : std::clamp(votes[4 * i + 3] + offsets[4 * o + 3], 0.0f, 1.0f);
        for (int k = 0; k < 3; ++k)
            wanted[4 * o + k] = (votes[4 * i + k] + offsets[4 * o + k]) / std::max(alpha, 1e-6f);
        wanted[4 * o + 3] = alpha;
    }
    kernel_run r;
    shape const part = colours({a.width(), a.height()});
    tensor const vo = r.input(colours(s), votes), of = r.input(part, offsets), filled = r.output(part);
    r.g.dispatch(kernel::fill_finish{.votes = r.g.in(vo),
                                     .offsets = r.g.in(of),
                                     .filled = r.g.out(filled),
                                     .width = s.width,
                                     .left = a.left,
                                     .top = a.top,
                                     .right = a.right,
                                     .bottom = a.bottom,
                                     .opaque = opaque},
                 {uint32_t(a.width()), uint32_t(a.height())});
    r.run();
    expect_near(r.download(filled), wanted, 1e-4f, "colour", s);
}

TEST(fill_finish, adds_and_divides_by_alpha) {
    for (size s : odd_sizes) {
        check(s, whole(s), false);
        check(s, inner(s), true);
    }
}

} // namespace
} // namespace sfumato
