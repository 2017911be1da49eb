// Placement, barriers, replay, cancel and errors of plans.
#include "compute/arena.h"
#include "kernel_binaries.h"
#include "tests/kernels/kernel_test.h"

#include <cstdlib>

namespace sfumato {
namespace {

using u32_list = std::vector<std::uint32_t>;

// range[i] of `to` = minimum of `from`: a kernel that makes a chain of dependent nodes.
void chain(graph& g, tensor const& values, tensor const& range, double work = 1) {
    g.dispatch(kernel::finite_range{.values = g.in(values),
                                    .range = g.inout(range),
                                    .count = std::uint32_t(values.shape.count())},
               {.x = 64}, work);
}

TEST(arena, tensors_that_never_meet_share_bytes) {
    graph g;
    tensor const x = g.input({.c = 1000});
    tensor ranges[4];
    for (auto& r : ranges) {
        r = g.temporary({.c = 5000}, dtype::u32);
        chain(g, x, r);
    }
    auto const shared = place_tensors(g, true), apart = place_tensors(g, false);
    EXPECT_EQ(shared.bytes, 4096u + 20224u);
    EXPECT_EQ(apart.bytes, 4096u + 256 + 4 * (20224u + 256));
    for (int i = 1; i < 4; ++i) EXPECT_EQ(shared.offsets[ranges[i].id], shared.offsets[ranges[0].id]);
}

TEST(arena, tensors_alive_together_do_not_overlap) {
    std::mt19937 random(7);
    graph g;
    std::vector<tensor> floats, lists;
    for (int i = 0; i < 40; ++i) {
        floats.push_back(g.temporary({.c = int(random() % 3000 + 1)}));
        lists.push_back(g.temporary({.c = int(random() % 3000 + 3)}, dtype::u32));
        chain(g, floats[random() % floats.size()], lists[random() % lists.size()]);
    }
    auto const layout = place_tensors(g, true);
    std::vector<std::pair<int, int>> lives(g.tensors().size(), {1000, -1});
    for (int i = 0; i < int(g.nodes().size()); ++i)
        for (auto const& a : g.nodes()[i].accesses) lives[a.tensor] = {std::min(lives[a.tensor].first, i), i};
    for (std::size_t a = 0; a < lives.size(); ++a)
        for (std::size_t b = 0; b < a; ++b) {
            bool const together = lives[a].first <= lives[b].second && lives[b].first <= lives[a].second;
            bool const overlap = layout.offsets[a] < layout.offsets[b] + g.tensors()[b].bytes &&
                                 layout.offsets[b] < layout.offsets[a] + g.tensors()[a].bytes;
            EXPECT_FALSE(together && overlap) << a << " and " << b;
        }
}

TEST(plan, replays_with_new_inputs) {
    graph g;
    tensor const x = g.input({.c = 100});
    tensor const range = g.input({.c = 3}, dtype::u32);
    g.output(range);
    chain(g, x, range);
    plan p(test_device(), g);
    for (unsigned seed : {1u, 2u, 3u}) {
        auto const values = random_values(100, 1, 2, seed);
        u32_list const start{~0u, 0, 0};
        p.upload(x, std::span(values));
        p.upload(range, std::span(start));
        ASSERT_TRUE(p.run());
        auto const high = std::bit_cast<float>(p.download<std::uint32_t>(range)[1] & 0x7fffffffu);
        EXPECT_EQ(high, *std::ranges::max_element(values));
    }
}

TEST(plan, stops_when_the_watcher_says_so) {
    graph g;
    tensor const x = g.input({.c = 1000});
    tensor const range = g.input({.c = 3}, dtype::u32);
    g.stage("many pieces");
    for (int i = 0; i < 50; ++i) chain(g, x, range, 1e9); // each claims to be a piece of its own
    plan p(test_device(), g);
    int calls = 0;
    EXPECT_FALSE(p.run([&](std::string const& stage, double fraction) {
        EXPECT_EQ(stage, "many pieces");
        EXPECT_LT(fraction, 0.2);
        return ++calls < 4;
    }));
    EXPECT_EQ(calls, 4);
    EXPECT_TRUE(p.run()); // and can be run again
}

TEST(plan, refuses_what_does_not_fit_before_running) {
    setenv("SFUMATO_BUDGET", "1000000", 1);
    graph g;
    tensor const x = g.input({.c = 1 << 20});
    tensor const range = g.input({.c = 3}, dtype::u32);
    chain(g, x, range);
    try {
        plan p(test_device(), g);
        ADD_FAILURE() << "no error";
    } catch (error const& e) {
        EXPECT_NE(std::string(e.what()).find("5 MiB of GPU memory"), std::string::npos) << e.what();
    }
    unsetenv("SFUMATO_BUDGET");
}

TEST(plan, guards_catch_a_kernel_that_writes_too_far) {
    graph g;
    tensor const x = g.input({.c = 64});
    tensor const range = g.input({.c = 2}, dtype::u32); // the third number lands behind the tensor
    chain(g, x, range);
    plan p(test_device(), g, {.guarded = true});
    std::vector<float> const bad(64, std::nanf(""));
    p.upload(x, std::span(bad));
    EXPECT_THROW(p.run(), error);
}

TEST(device, unknown_names_are_refused_with_the_list) {
    try {
        device d("no such device");
        ADD_FAILURE() << "no error";
    } catch (error const& e) {
        EXPECT_NE(std::string(e.what()).find(test_device().info().name), std::string::npos) << e.what();
    }
}

} // namespace
} // namespace sfumato
