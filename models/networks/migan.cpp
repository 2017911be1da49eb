#include "models/networks/migan.h"

#include "models/networks/layer_writer.h"
#include "models/networks/network_tensors.h"

#include <algorithm>
#include <format>

namespace sfumato {

namespace {

constexpr int smallest = 4, largest = 2048, most = 4096; // sides of pictures; channels

struct writer {
    layer_writer add;

    void depthwise(std::string const& name, int channels, int kernel) {
        add.weight(name, {channels, 1, kernel, kernel});
    }
    // SeparableConv2d
    void separable(std::string const& name, int in, int out) {
        depthwise(name + ".conv1", in, 3);
        add.bias(name + ".conv1", in);
        add.weight(name + ".conv2", {out, in, 1, 1});
    }
    void noise(std::string const& name, int side) {
        add.list[name + ".noise_const"] = {side, side};
        add.list[name + ".noise_strength"] = {};
    }
};

} // namespace

int migan_config::channels(int block) const { return std::min(channel_pixels / block, most_channels); }

std::vector<int> migan_config::blocks() const {
    std::vector<int> all;
    for (int block = side; block >= smallest; block /= 2) all.push_back(block);
    return all;
}

std::optional<migan_config> migan_config::found_in(checkpoint const& all) {
    network_tensors const n{all, migan_prefix};
    migan_config c;
    for (c.side = 2 * smallest; !n.find("encoder.b{}.fromrgb.weight", c.side); c.side *= 2)
        if (c.side > largest) return {};
    c.channel_pixels = c.side * std::min(most, n.extent(0, "encoder.b{}.fromrgb.weight", c.side));
    c.most_channels = n.extent(0, "encoder.b{}.conv1.conv2.weight", smallest);
    return c;
}

tensor_shapes migan_config::tensors() const {
    tensor_shapes list;
    writer w{{list}};
    for (int block : blocks()) {
        int const own = channels(block);
        std::string const encoder = std::format("encoder.b{}.", block),
                          synthesis = std::format("synthesis.b{}.", block);
        if (block == side) w.add.conv(encoder + "fromrgb", own, 4, 1);
        w.separable(encoder + "conv1", own, own);
        w.separable(encoder + "conv2", own, block > smallest ? channels(block / 2) : own);
        w.separable(synthesis + "conv1", block > smallest ? channels(block / 2) : own, own);
        w.separable(synthesis + "conv2", own, own);
        w.add.conv(synthesis + "torgb", 3, own, 1);
        if (block == smallest) continue;
        w.depthwise(encoder + "conv2.downsample.filter", own, 4);
        w.depthwise(synthesis + "conv1.upsample.filter", own, 4);
        w.depthwise(synthesis + "upsample.filter", 3, 4);
        w.noise(synthesis + "conv1", block);
        w.noise(synthesis + "conv2", block);
    }
    return list;
}

std::string migan_config::in_words() const { return std::format("for pictures of {} × {}", side, side); }

sentence migan_config::unfit() const {
    if (most_channels < 1 || most_channels > most || channels(side) < 1)
        return say("not supported yet: a MI-GAN with {} channels", most_channels);
    return {};
}

} // namespace sfumato
