// The walks against what is known of the networks: the work of one evaluation, in TFLOP.
#include "tests/bench/ops/networks.h"

#include <gtest/gtest.h>

namespace sfumato::bench {
namespace {

double tera(
    op_counts const& ops, bool (*counted)(op_case const&) = [](op_case const& op) { return !op.counts_bytes(); }) {
    double sum = 0;
    for (auto const& [op, count] : ops)
        if (counted(op)) sum += 1e-3 * count * op.work();
    return sum;
}

TEST(networks, work_of_one_evaluation) {
    EXPECT_NEAR(tera(sd15_unet(512)), 0.80, 0.01);
    EXPECT_NEAR(tera(sdxl_unet(1024)), 6.76, 0.05);
    EXPECT_NEAR(tera(vae_decoder(512)), 2.51, 0.02);
    EXPECT_NEAR(tera(vae_decoder(1024)), 10.47, 0.05);
    EXPECT_NEAR(tera(rrdbnet_x4(128)), 0.587, 0.002);
}

TEST(networks, where_sd15_spends_it) {
    auto const ops = sd15_unet(512);
    double const all = tera(ops);
    EXPECT_NEAR(tera(ops, [](op_case const& op) { return op.of == family::conv3x3; }) / all, 0.50, 0.02);
    EXPECT_NEAR(tera(ops, [](op_case const& op) { return op.of == family::attention && op.keys > 77; }) / all, 0.15,
                0.01);
    EXPECT_EQ(ops.at({.of = family::attention, .w = 4096, .inputs = 320, .heads = 8, .keys = 4096}), 5);
    EXPECT_EQ(ops.at({.of = family::softmax, .w = 4096, .keys = 4096}), 5 * 8);
}

TEST(networks, weights_of_sd15) {
    double bytes = 0;
    for (auto const& [op, count] : packing(sd15_unet(512))) bytes += 1e9 * count * op.work() / 2;
    EXPECT_NEAR(bytes, 2 * 859.0e6, 2e6); // 859.5 million parameters, a few of them in no matrix
}

} // namespace
} // namespace sfumato::bench
