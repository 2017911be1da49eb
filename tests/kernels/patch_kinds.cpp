#include "tests/kernels/fill_cases.h"

namespace sfumato {
namespace {

using namespace fill_test;

void check(size s, unsigned seed) {
    auto const states = random_states(s, 200, seed);
    auto const depths = random_values(s.count(), 0, 12, seed);
    std::vector<float> confidences(s.count()), scales(s.count());
    std::vector<uint32_t> kinds(s.count());
    for (std::size_t i = 0; i < s.count(); ++i)
        confidences[i] = states[i] == known   ? 1
                         : states[i] == blank ? 0
                                              : std::max(0.01f, std::exp2(-0.7f * std::max(depths[i], 1.0f)));
    each_patch(s, states, [&](std::size_t i, uint32_t kind) {
        kinds[i] = kind;
        scales[i] = kind & is_target ? 1 / compared(s, confidences, i) : 0;
    });
    kernel_run r;
    tensor const a = r.input(plane(s), states), b = r.input(plane(s), depths);
    tensor const k = r.output(plane(s), dtype::u32), c = r.output(plane(s)), d = r.output(plane(s));
    r.g.dispatch(kernel::patch_kinds{.states = r.g.in(a),
                                     .depths = r.g.in(b),
                                     .kinds = r.g.out(k),
                                     .confidences = r.g.out(c),
                                     .scales = r.g.out(d),
                                     .width = s.width,
                                     .height = s.height,
                                     .falloff = 0.7f,
                                     .least = 0.01f},
                 {uint32_t(s.width), uint32_t(s.height)});
    r.run();
    EXPECT_EQ(r.download<uint32_t>(k), kinds) << s.width << " × " << s.height;
    expect_near(r.download(c), confidences, 1e-5f, "confidence", s);
    expect_near(r.download(d), scales, 1e-5f, "scale", s);
}

TEST(patch_kinds, sources_targets_and_confidences) {
    for (size s : odd_sizes) check(s, 1);
    for (size s : patch_sizes) check(s, 2);
    check({70001, 8}, 3);
}

} // namespace
} // namespace sfumato
