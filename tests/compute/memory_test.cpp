// Memory: a plan takes what was predicted and no byte more; what does not fit is an error, after which the device still
// works.
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
        EXPECT_EQ(allocated(d) - before, predicted + tail_bytes);
        auto const y = n.run(shared);
        EXPECT_EQ(allocated(d) - before, predicted + tail_bytes); // and running takes nothing that stays
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

TEST(memory, what_the_driver_refuses_is_an_error_and_the_device_works_on) {
    setenv("SFUMATO_BUDGET", "1000000000000000", 1); // we believe that there is enough
    graph g;
    tensor const x = g.input({.n = 1 << 14, .h = 1 << 12, .w = 1 << 10}); // 256 GiB
    g.output(softmax(g, x));
    std::uint64_t const before = allocated(test_device());
    EXPECT_THROW(plan(test_device(), g), error);
    unsetenv("SFUMATO_BUDGET");
    EXPECT_EQ(allocated(test_device()), before);
    network const n;
    plan p(test_device(), n.g);
    EXPECT_EQ(n.run(p).size(), n.y.shape.count());
}

} // namespace
} // namespace sfumato
