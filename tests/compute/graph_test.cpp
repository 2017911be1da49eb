// Placement, barriers, replay, cancel and errors of plans.
#include "compute/arena.h"
#include "compute/ops.h"
#include "compute/vulkan.h"
#include "kernel_binaries.h"
#include "tests/kernels/kernel_test.h"

#include <cstdlib>

namespace sfumato {
namespace {

// `to`, which is read too = softmax of `from`: makes a chain of dependent nodes.
void chain(graph& g, tensor const& from, tensor const& to, double work = 1) {
    g.dispatch(kernel::softmax{.x = g.in(from),
                               .y = g.inout(to),
                               .rows = 1,
                               .columns = std::uint32_t(from.shape.count()),
                               .factor = 1,
                               .scale = 1},
               {.x = 64}, work);
}

TEST(arena, tensors_that_never_meet_share_bytes) {
    graph g;
    tensor const x = g.input({.c = 1000});
    tensor results[4];
    for (auto& r : results) {
        r = g.temporary({.c = 5000});
        chain(g, x, r);
    }
    auto const shared = place_tensors(g, true), apart = place_tensors(g, false);
    EXPECT_EQ(shared.bytes(), 4096u + 20224u);
    EXPECT_EQ(apart.bytes(), 4096u + 256 + 4 * (20224u + 256));
    for (int i = 1; i < 4; ++i) EXPECT_EQ(shared.places[results[i].id].offset, shared.places[results[0].id].offset);
}

TEST(arena, tensors_alive_together_do_not_overlap) {
    std::mt19937 random(7);
    graph g;
    std::vector<tensor> from, to;
    for (int i = 0; i < 40; ++i) {
        from.push_back(g.temporary({.c = int(random() % 3000 + 1)}));
        to.push_back(g.temporary({.c = int(random() % 3000 + 1)}));
        chain(g, from[random() % from.size()], to[random() % to.size()]);
    }
    std::vector<std::pair<int, int>> lives(g.tensors().size(), {1000, -1});
    for (int i = 0; i < int(g.nodes().size()); ++i)
        for (auto const& a : g.nodes()[i].accesses) lives[a.tensor] = {std::min(lives[a.tensor].first, i), i};
    for (std::uint64_t most : {~0ull, 50000ull, 20000ull, 12032ull}) { // the largest tensor has 11996 bytes
        auto const layout = place_tensors(g, true, most);
        EXPECT_EQ(layout.blocks.size() > 1, most < 60000);
        for (std::uint64_t bytes : layout.blocks) EXPECT_LE(bytes, most);
        for (std::size_t a = 0; a < lives.size(); ++a)
            for (std::size_t b = 0; b < a; ++b) {
                auto const& [block_a, from_a] = layout.places[a];
                auto const& [block_b, from_b] = layout.places[b];
                bool const together = lives[a].first <= lives[b].second && lives[b].first <= lives[a].second;
                bool const overlap = block_a == block_b && from_a < from_b + g.tensors()[b].bytes &&
                                     from_b < from_a + g.tensors()[a].bytes;
                EXPECT_FALSE(together && overlap) << a << " and " << b << ", blocks of " << most;
            }
    }
}

TEST(arena, what_follows_the_end_needs_nothing) {
    graph g, wanted;
    for (graph* each : {&g, &wanted}) {
        tensor const x = each->input({.c = 1000}), y = each->temporary({.c = 5000}), z = each->temporary({.c = 90000});
        each->output(y);
        chain(*each, x, y);
        if (each == &wanted) continue;
        chain(g, y, z);
        chain(g, z, x);
        g.end_at(y);
    }
    EXPECT_EQ(g.nodes().size(), 1u);
    EXPECT_EQ(plan::peak_bytes(g), plan::peak_bytes(wanted));
}

TEST(plan, replays_with_new_inputs) {
    graph g;
    tensor const x = g.input({.c = 100}), y = g.temporary({.c = 100});
    g.output(y);
    chain(g, x, y);
    plan p(test_device(), g);
    for (unsigned seed : {1u, 2u, 3u}) {
        auto const values = random_values(100, 1, 2, seed);
        p.upload(x, std::span(values));
        ASSERT_TRUE(p.run());
        double sum = 0;
        for (float v : values) sum += std::exp(v);
        auto const got = p.download<float>(y);
        for (int i = 0; i < 100; ++i) EXPECT_NEAR(got[i], std::exp(values[i]) / sum, 1e-6);
    }
}

TEST(plan, stops_when_the_watcher_says_so) {
    graph g;
    tensor const x = g.input({.c = 1000}), y = g.temporary({.c = 1000});
    g.stage(say("many pieces"));
    for (int i = 0; i < 50; ++i) chain(g, x, y, 1e9); // each claims to be a piece of its own
    plan p(test_device(), g);
    int calls = 0;
    EXPECT_FALSE(p.run([&](sentence const& stage, double fraction) {
        EXPECT_EQ(stage, say("many pieces"));
        EXPECT_LT(fraction, 0.2);
        return ++calls < 4;
    }));
    EXPECT_EQ(calls, 4);
    EXPECT_TRUE(p.run()); // and can be run again
}

// A product that takes a slow device longer than a submission should is cut between lines of its workgroups, and its
// numbers are the same.
TEST(plan, cuts_long_products) {
    device& d = test_device();
    double const speed = d.vk->work_per_second;
    for (auto path : {d.target().matrix, matrix_path::scalar}) {
        target t = d.target();
        t.matrix = path;
        graph g(t);
        constexpr int m = 768, n = 512, k = 384;
        tensor const x = g.input({.w = m, .c = k}), w = g.input({.w = n, .c = k}),
                     y = linear(g, x, pack_linear(g, w, weight_format::f32));
        g.output(y);
        auto const run = [&](double work_per_second) {
            plan p(d, g);
            p.upload<float>(x, random_values(m * k, -1, 1, 1));
            p.upload<float>(w, random_values(n * k, -1, 1, 2));
            d.vk->work_per_second = work_per_second;
            int calls = 0;
            EXPECT_TRUE(p.run([&](sentence const&, double) { return ++calls; }));
            return std::pair(calls, p.download<float>(y));
        };
        run(1e15); // makes the pipelines, and asks meanwhile
        auto const [few, whole] = run(1e15);
        auto const [many, cut] = run(1e8); // 10⁷ operations a submission, of 3 · 10⁸
        EXPECT_GT(many, few) << int(path);
        EXPECT_EQ(whole, cut) << int(path);
    }
    d.vk->work_per_second = speed;
}

TEST(plan, refuses_what_does_not_fit_before_running) {
    setenv("SFUMATO_BUDGET", "1000000", 1);
    graph g;
    tensor const x = g.input({.c = 1 << 20});
    chain(g, x, g.temporary({.c = 1 << 20}));
    try {
        plan p(test_device(), g);
        ADD_FAILURE() << "no error";
    } catch (error const& e) {
        EXPECT_NE(std::string(e.what()).find("9 MiB of GPU memory"), std::string::npos) << e.what();
    }
    unsetenv("SFUMATO_BUDGET");
}

TEST(plan, guards_catch_a_kernel_that_writes_too_far) {
    graph g;
    tensor const x = g.input({.c = 64});
    chain(g, x, g.temporary({.c = 63})); // the last number lands behind the tensor
    plan p(test_device(), g, {.guarded = true});
    auto const values = random_values(64);
    p.upload(x, std::span(values));
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
