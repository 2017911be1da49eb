// Memory: a plan takes what was predicted and no byte more; what does not fit is an error, after which the device still
// works.
#include "compute/arena.h"
#include "compute/memory.h"
#include "compute/ops.h"
#include "tests/kernels/kernel_test.h"

#include <cstdlib>
#include <numeric>
#include <vk_mem_alloc.h>

namespace sfumato {
namespace {

// Bytes of all buffers on the device, as its allocator counts them.
std::uint64_t allocated(device& d) {
    VmaTotalStatistics all;
    vmaCalculateStatistics(d.vk->allocator, &all);
    return all.total.statistics.allocationBytes;
}

// Two residual blocks and a linear layer: tensors of many sizes, of which few live together.
struct network {
    graph g{test_device().target()};
    std::vector<std::pair<tensor, std::vector<float>>> inputs;
    tensor y;

    tensor input(shape s) {
        inputs.push_back({g.input(s), random_values(s.count(), -0.2f, 0.2f, unsigned(inputs.size()))});
        return inputs.back().first;
    }
    tensor normed_conv(tensor const& x, int outputs, std::optional<tensor> residual) {
        int const c = x.shape.c;
        tensor const normed = group_norm(g, x, 8, input({.c = c}), input({.c = c}), 1e-5f, activation::silu);
        auto const w = pack_conv2d(g, input({.n = outputs, .h = c, .w = 3, .c = 3}), weight_format::f32);
        return conv2d(g, normed, w, same_3x3, {.residual = residual});
    }
    network() {
        tensor x = input({.h = 9, .w = 11, .c = 24});
        for (int outputs : {24, 40}) {
            tensor const skip =
                outputs == x.shape.c
                    ? x
                    : linear(g, x, pack_linear(g, input({.w = outputs, .c = x.shape.c}), weight_format::f32));
            x = normed_conv(normed_conv(x, outputs, {}), outputs, skip);
        }
        y = softmax(g, linear(g, x, pack_linear(g, input({.w = 16, .c = 40}), weight_format::f32)));
        g.output(y);
    }

    std::vector<float> run(plan& p) const {
        for (auto const& [t, values] : inputs) p.upload(t, std::span(values));
        EXPECT_TRUE(p.run());
        return p.download<float>(y);
    }
};

TEST(memory, a_plan_takes_its_predicted_peak_and_no_byte_more) {
    network const n;
    std::size_t const predicted = plan::peak_bytes(n.g),
                      apart = std::accumulate(n.g.tensors().begin(), n.g.tensors().end(), std::size_t(0),
                                              [](std::size_t sum, auto const& t) { return sum + t.bytes; });
    EXPECT_LT(predicted, apart); // places are shared
    device& d = test_device();
    std::uint64_t const before = allocated(d);
    {
        plan shared(d, n.g);
        EXPECT_EQ(shared.peak_bytes(), predicted);
        EXPECT_EQ(allocated(d) - before, predicted);
        auto const y = n.run(shared);
        EXPECT_EQ(allocated(d) - before, predicted); // and running takes nothing that stays
        plan guarded(d, n.g, {.guarded = true});
        EXPECT_EQ(n.run(guarded), y); // sharing changed no number
    }
    EXPECT_EQ(allocated(d), before);
}

// Everything up to the peak is needed: with one byte less there is an error, with it there is none.
TEST(memory, a_budget_holds_to_the_byte) {
    network const n;
    std::size_t const predicted = plan::peak_bytes(n.g);
    setenv("SFUMATO_BUDGET", std::to_string(predicted - 1).c_str(), 1);
    EXPECT_THROW(plan(test_device(), n.g), error);
    setenv("SFUMATO_BUDGET", std::to_string(predicted).c_str(), 1);
    EXPECT_NO_THROW({
        plan p(test_device(), n.g);
        EXPECT_EQ(n.run(p).size(), n.y.shape.count());
    });
    unsetenv("SFUMATO_BUDGET");
}

// A device that allows only so much at once.
struct narrow {
    device d;
    explicit narrow(std::uint64_t most)
        : d([&] {
              setenv("SFUMATO_LARGEST_BUFFER", std::to_string(most).c_str(), 1);
              return std::string_view();
          }()) {
        unsetenv("SFUMATO_LARGEST_BUFFER");
    }
};

TEST(memory, what_the_driver_refuses_is_an_error_and_the_device_works_on) {
    narrow any(1'000'000'000'000'000); // we believe that there is enough
    setenv("SFUMATO_BUDGET", "1000000000000000", 1);
    {
        graph g;
        for (int i = 0; i < 64; ++i) g.output(softmax(g, g.input({.n = 1 << 10, .h = 1 << 10, .w = 1 << 10}))); // 4 GiB
        std::uint64_t const before = allocated(any.d);
        EXPECT_THROW(plan(any.d, g), error);
        EXPECT_EQ(allocated(any.d), before);
    }
    unsetenv("SFUMATO_BUDGET");
    network const n;
    plan p(test_device(), n.g);
    EXPECT_EQ(n.run(p).size(), n.y.shape.count());
}

// A run that needs more than one buffer may hold has several; its numbers are the same.
TEST(memory, an_arena_is_several_blocks_where_one_would_be_too_large) {
    constexpr std::uint64_t most = 1 << 20;
    narrow few(most);
    graph g(few.d.target());
    std::vector<tensor> layers{g.input({.h = 64, .w = 64, .c = 40})}; // 640 KiB
    for (int i = 0; i < 4; ++i) layers.push_back(scale(g, layers.back(), 2));
    tensor sum = layers[0];
    for (int i = 1; i < 5; ++i) sum = add(g, sum, layers[i]); // all of them live until here
    g.output(sum);
    auto const layout = place_tensors(g, true, most - tail_bytes);
    EXPECT_GE(layout.blocks.size(), 5u);
    for (std::uint64_t bytes : layout.blocks) EXPECT_LE(bytes, most - tail_bytes);
    std::uint64_t const before = allocated(few.d);
    plan p(few.d, g);
    EXPECT_EQ(allocated(few.d) - before, plan::peak_bytes(g));
    EXPECT_EQ(p.peak_bytes(), plan::peak_bytes(g));
    auto const x = random_values(layers[0].shape.count());
    p.upload(layers[0], std::span(x));
    ASSERT_TRUE(p.run());
    auto const y = p.download<float>(sum);
    for (std::size_t i = 0; i < x.size(); ++i) ASSERT_FLOAT_EQ(y[i], 31 * x[i]);
}

TEST(memory, a_tensor_above_what_a_device_allows_is_impossible_and_said_in_a_sentence) {
    narrow few(1 << 20);
    graph g(few.d.target());
    g.output(scale(g, g.input({.c = 1 << 18}), 2)); // 1 MiB and its tail
    EXPECT_EQ(plan::peak_bytes(g), plan::impossible);
    try {
        plan p(few.d, g);
        ADD_FAILURE() << "no error";
    } catch (error const& e) {
        EXPECT_NE(std::string(e.what()).find("allows at most 1 MiB at once"), std::string::npos) << e.what();
    }
    std::vector<resident> const weight{std::make_shared<resident_tensor>(shape{.c = 1 << 18})};
    EXPECT_THROW(resident_bytes(few.d, weight), error);
    EXPECT_THROW(place(few.d, weight), error);
}

// Halves of which there are more than a signed index counts fit some devices' memory, but no kernel.
TEST(memory, more_elements_than_kernels_count_are_impossible) {
    graph g;
    g.output(scale(g, g.input({.n = 1 << 11, .h = 1 << 10, .w = 1 << 10}, dtype::f16), 2));
    EXPECT_EQ(plan::peak_bytes(g), plan::impossible);
}

} // namespace
} // namespace sfumato
