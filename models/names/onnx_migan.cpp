#include "models/files/prefixes.h"
#include "models/names/onnx_network.h"
#include "models/networks/migan.h"

#include <format>

namespace sfumato {

namespace {

struct migan_reader {
    onnx_network net;
    migan_config sizes;

    // One kernel for each channel.
    int depthwise(std::string const& name, int channels, int kernel, layer_list from, int stride = 1) {
        return net.need(name, {{channels, 1, kernel, kernel}, std::move(from), "Conv", stride, channels});
    }

    // What spreads pixels: it puts zeros between them, as a transposed convolution. Some exports resize instead.
    layer_list spread(int channels, layer_list const& from) {
        int const found = net.layers.find({{channels, 1, 2, 2}, from, "ConvTranspose", 2, channels});
        if (found < 0) return from;
        onnx_layer const& layer = net.layers.all()[std::size_t(found)];
        std::vector<float> const w = has_numbers(*layer.weight) ? numbers_of(*layer.weight) : std::vector<float>(1);
        for (std::size_t i = 0; i < w.size(); ++i)
            if (w[i] != (i % 4 == 0 ? 1 : 0)) net.refuse(say("pixels are spread otherwise"));
        net.used.insert(found);
        return {found};
    }
    int doubled(std::string const& name, int channels, layer_list const& from) {
        return depthwise(name + ".filter", channels, 4, spread(channels, from));
    }

    // Exporters multiply noise and its strength, both of which are constants.
    void noise(std::string const& name, int layer, int side) {
        stored_tensor const* const added = net.layers.added_to({layer}, {side, side});
        if (!added || !has_numbers(*added)) net.refuse(say("the noise of its layer {} is missing", show_name(name)));
        net.put(name + ".noise_const", *added);
        net.put(name + ".noise_strength", made_of({}, [] { return std::vector<float>{1}; }));
    }

    // SeparableConv2d; `side`: of what it makes.
    enum class resampled : std::uint8_t { no, halved, doubled };
    int separable(std::string const& name, int in, int out, layer_list const& from, resampled how = resampled::no,
                  int noise_side = 0) {
        int last = depthwise(name + ".conv1", in, 3, from);
        net.need_bias(name + ".conv1", last);
        if (how == resampled::halved) last = depthwise(name + ".downsample.filter", in, 4, {last}, 2);
        last = net.need(name + ".conv2", {{out, in, 1, 1}, {last}});
        if (how == resampled::doubled) last = doubled(name + ".upsample", out, {last});
        if (noise_side) noise(name, last, noise_side);
        return last;
    }

    // How far the encoder goes down, from the layers that halve.
    void find_sizes(int first_channels) {
        int halvings = 0;
        for (onnx_layer const& layer : net.layers.all()) {
            auto const strides = layer.node->find("strides");
            halvings += layer.node->op == "Conv" && strides && strides->numbers == std::vector<std::int64_t>{2, 2};
        }
        if (halvings < 1 || halvings > 9) net.refuse(say("it halves {} times", halvings));
        sizes.side = 4 << halvings;
        sizes.channel_pixels = sizes.side * first_channels;
        // Of the halved ones, the last is the widest.
        sizes.most_channels = first_channels;
        for (onnx_layer const& layer : net.layers.all())
            if (layer.weight->shape.size() == 4 && layer.weight->shape[0] <= 4096)
                sizes.most_channels = std::max(sizes.most_channels, int(layer.weight->shape[0]));
    }

    void read(int first_channels) {
        find_sizes(first_channels);
        auto const blocks = sizes.blocks();
        int const last_block = blocks.back();
        std::string const first = std::format("encoder.b{}.fromrgb", sizes.side);
        int x = net.need(first, {{first_channels, 4, 1, 1}, {}});
        net.need_bias(first, x);
        std::map<int, int> seen;
        for (int block : blocks) {
            int const own = sizes.channels(block);
            std::string const name = std::format("encoder.b{}.", block);
            seen[block] = x = separable(name + "conv1", own, own, {x});
            x = block == last_block ? separable(name + "conv2", own, own, {x})
                                    : separable(name + "conv2", own, sizes.channels(block / 2), {x}, resampled::halved);
        }
        layer_list picture;
        for (int block = last_block; block <= sizes.side; block *= 2) {
            int const own = sizes.channels(block), noisy = block == last_block ? 0 : block;
            std::string const name = std::format("synthesis.b{}.", block);
            x = noisy ? separable(name + "conv1", sizes.channels(block / 2), own, {x}, resampled::doubled, noisy)
                      : separable(name + "conv1", own, own, {x});
            x = separable(name + "conv2", own, own, joined({x}, {seen.at(block)}), resampled::no, noisy);
            if (noisy) picture = {doubled(name + "upsample", 3, picture)};
            int const colours = net.need(name + "torgb", {{3, own, 1, 1}, {x}});
            net.need_bias(name + "torgb", colours);
            picture = joined(picture, {colours});
        }
        net.expect_no_more();
        net.expect_none({"Relu", "PRelu", "Elu", "Gelu", "Tanh", "Sigmoid", "BatchNormalization"});
    }
};

} // namespace

bool begins_as_migan(onnx_layers const& layers) { return channels_of_first(layers, 1) > 0; }

decltype(checkpoint::tensors) migan_of(onnx_layers const& layers, std::string const& source) {
    migan_reader reader{.net = {layers, source, "MI-GAN", std::string(migan_prefix)}, .sizes = {}};
    reader.read(channels_of_first(layers, 1));
    return std::move(reader.net.tensors);
}

} // namespace sfumato
