#include "models/networks/rrdbnet.h"

#include "models/networks/layer_writer.h"
#include "models/networks/ncnn_graph_writer.h"

#include <algorithm>
#include <format>

namespace sfumato {

namespace {

constexpr int most_blocks = 64, most_upsamples = 5; // more than any model has

rrdbnet_config tiny(int unshuffle, int upsamples) {
    return {.features = 16, .blocks = 2, .growth = 8, .unshuffle = unshuffle, .upsamples = upsamples};
}

} // namespace

std::optional<rrdbnet_config> rrdbnet_config::found_in(network_tensors const& n) {
    if (!n.find("conv_first.weight") || !n.find("body.0.rdb1.conv1.weight")) return {};
    rrdbnet_config c{.features = n.extent(0, "conv_first.weight"), .upsamples = 0};
    c.blocks = count(n, "body", "rdb1.conv1.weight", most_blocks);
    c.growth = n.extent(0, "body.0.rdb1.conv1.weight");
    for (int channels : {3, 1, 4})
        for (int factor : {1, 2, 4})
            if (n.extent(0, "conv_last.weight") == channels &&
                n.extent(1, "conv_first.weight") == channels * factor * factor) {
                c.channels = channels;
                c.unshuffle = factor;
            }
    while (c.upsamples < most_upsamples && n.find("conv_up{}.weight", c.upsamples + 1)) ++c.upsamples;
    return c;
}

std::optional<rrdbnet_config> rrdbnet_config::found_in(ncnn_summary const& s) {
    if (s.denses > 0 || !s.deconvolutions.empty() || s.prelus > 0 || s.concats == 0) return {};
    return rrdbnet_config{.features = s.convolutions[0].outputs,
                          .blocks = s.concats / 12,
                          .growth = s.convolutions[1].outputs,
                          .upsamples = s.nearests};
}

std::vector<example<rrdbnet_config>> rrdbnet_config::examples() {
    return {{"rrdbnet-x4-tiny", 10, tiny(1, 2)},
            {"rrdbnet-x2-tiny", 11, tiny(2, 2)},
            {"rrdbnet-x1-tiny", 15, tiny(4, 2)},
            {"rrdbnet-x8-tiny", 16, tiny(1, 3)},
            {"rrdbnet-x4"}}; // as RealESRGAN_x4plus
}

tensor_shapes rrdbnet_config::tensors() const {
    tensor_shapes list;
    layer_writer add{list};
    add.conv("conv_first", features, channels * unshuffle * unshuffle, 3);
    for (int block = 0; block < blocks; ++block)
        for (int dense = 1; dense <= 3; ++dense)
            for (int i = 0; i < 5; ++i)
                add.conv(std::format("body.{}.rdb{}.conv{}", block, dense, i + 1), i < 4 ? growth : features,
                         features + i * growth, 3);
    for (char const* name : {"conv_body", "conv_hr"}) add.conv(name, features, features, 3);
    for (int i = 1; i <= upsamples; ++i) add.conv(std::format("conv_up{}", i), features, features, 3);
    add.conv("conv_last", channels, features, 3);
    return list;
}

// Its 15 convolutions a block see further, but ever less of it: tests/bench/LOG.md, 2026-11-24, has what was measured.
upscaler_shape rrdbnet_config::shape() const {
    int const reach = std::min(16 + 8 * blocks, 96);
    return {
        .channels = channels, .scale = (1 << upsamples) / unshuffle, .multiple = unshuffle, .reach = reach * unshuffle};
}

std::string rrdbnet_config::in_words() const {
    std::string const unshuffled =
        unshuffle > 1 ? std::format(", the picture is pixel-unshuffled by {}", unshuffle) : "";
    return std::format("{} blocks of {} channels, growth {}{}", blocks, features, growth, unshuffled);
}

// ---- As ncnn has it

namespace {

ncnn_settings const leaky = with_leaky(ncnn_same_3x3, 0.2f);

int dense_block(ncnn_graph_writer& w, std::string const& name, int x, rrdbnet_config const& c) {
    std::vector<int> all = {x};
    for (int i = 1; i <= 4; ++i)
        all.push_back(w.conv(std::format("{}.conv{}", name, i), i == 1 ? x : w.concat(all), c.growth, leaky));
    return w.sum(w.conv(name + ".conv5", w.concat(all), c.features), 0.2f, x);
}

} // namespace

ncnn_graph rrdbnet_config::graph() const {
    ncnn_graph_writer w{.convolution = ncnn_same_3x3};
    int const first = w.conv("conv_first", w.picture(), features);
    int x = first;
    for (int block = 0; block < blocks; ++block) {
        int h = x;
        for (int dense = 1; dense <= 3; ++dense)
            h = dense_block(w, std::format("body.{}.rdb{}", block, dense), h, *this);
        x = w.sum(h, 0.2f, x);
    }
    x = w.sum(w.conv("conv_body", x, features), first);
    for (int i = 1; i <= upsamples; ++i) x = w.conv(std::format("conv_up{}", i), w.nearest(x, 2), features, leaky);
    return w.finish(w.conv("conv_last", w.conv("conv_hr", x, features, leaky), 3));
}

} // namespace sfumato
