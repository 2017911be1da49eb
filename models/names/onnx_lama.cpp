#include "models/files/prefixes.h"
#include "models/names/onnx_network.h"
#include "models/networks/lama.h"

#include <cmath>
#include <format>

namespace sfumato {

namespace {

constexpr float norm_eps = 1e-5f; // torch's

using numbers = std::vector<float>;

struct lama_reader {
    onnx_network net;
    lama_config sizes{.halvings = 0, .blocks = 0, .global_channels = 0};

    // A convolution that pads by reflection.
    int convolution(std::string const& name, wanted_layer const& wanted) {
        int const found = net.need(name, wanted);
        if (wanted.weight[2] > 1 && !net.layers.is_reflected(found))
            net.refuse(say("its layer {} does not pad by reflection", show_name(name)));
        return found;
    }

    stored_tensor parameter(std::string const& name, onnx_node const& norm, std::size_t input, int channels) const {
        stored_tensor const* const t = input < norm.inputs.size() ? net.layers.constant(norm.inputs[input]) : nullptr;
        if (!t || t->shape != std::vector<std::int64_t>{channels} || !has_numbers(*t))
            net.refuse(say("its norm {} is another", show_name(name)));
        return *t;
    }

    // Of the sum of `layers`. Where it was folded into them it does nothing, but add their biases.
    void norm(std::string const& name, layer_list const& layers, int channels, bool biases_stay = false) {
        std::vector<stored_tensor> biases;
        for (int layer : layers)
            if (auto const bias = net.bias_of(layer); bias && !biases_stay) biases.push_back(*bias);
        for (stored_tensor const& bias : biases)
            if (bias.shape != std::vector<std::int64_t>{channels})
                net.refuse(say("a bias before its norm {} is another", show_name(name)));
        auto const sum = [biases, channels](float sign, std::optional<stored_tensor> const& start) {
            numbers all = start ? numbers_of(*start) : numbers(std::size_t(channels));
            for (stored_tensor const& bias : biases) {
                numbers const one = numbers_of(bias);
                for (std::size_t i = 0; i < all.size(); ++i) all[i] += sign * one[i];
            }
            return all;
        };
        auto const repeated = [&](float value) {
            return made_of({channels}, [=] { return numbers(std::size_t(channels), value); });
        };
        onnx_node const* const found = net.layers.norm_of(layers);
        if (!found) {
            if (biases.empty() && !biases_stay) net.refuse(say("its norm {} is missing", show_name(name)));
            net.put(name + ".weight", repeated(1));
            net.put(name + ".bias", made_of({channels}, [=] { return sum(1, {}); }));
            net.put(name + ".running_mean", repeated(0));
            net.put(name + ".running_var", repeated(1 - norm_eps));
            return;
        }
        auto const eps = found->find("epsilon");
        if (eps && std::abs(eps->real - norm_eps) > norm_eps / 1000)
            net.refuse(say("its norm {} is another", show_name(name)));
        net.put(name + ".weight", parameter(name, *found, 1, channels));
        net.put(name + ".bias", parameter(name, *found, 2, channels));
        net.put(name + ".running_var", parameter(name, *found, 4, channels));
        stored_tensor const mean = parameter(name, *found, 3, channels);
        net.put(name + ".running_mean", biases.empty() ? mean : made_of({channels}, [=] { return sum(-1, mean); }));
    }

    // What the blocks see and make.
    struct channels {
        layer_list local, global;
    };

    // A fast Fourier convolution with its norms, as lama_config::tensors() has it.
    channels fourier_convolution(std::string const& name, channels const& x) {
        int const local = sizes.local_channels(), global = sizes.global_channels, spectral = sizes.spectral_channels();
        std::string const ffc = name + ".ffc.", through = ffc + "convg2g.";
        int const l2l = convolution(ffc + "convl2l", {{local, local, 3, 3}, x.local}),
                  l2g = convolution(ffc + "convl2g", {{global, local, 3, 3}, x.local}),
                  g2l = convolution(ffc + "convg2l", {{local, global, 3, 3}, x.global}),
                  into = convolution(through + "conv1.0", {{spectral, global, 1, 1}, x.global});
        norm(through + "conv1.1", {into}, spectral);
        int const unit = convolution(through + "fu.conv_layer", {{2 * spectral, 2 * spectral, 1, 1}, {into}});
        norm(through + "fu.bn", {unit}, 2 * spectral);
        int const out = convolution(through + "conv2", {{global, spectral, 1, 1}, joined({into}, {unit})});
        channels const y{joined({l2l}, {g2l}), joined({l2g}, {out})};
        norm(name + ".bn_l", y.local, local);
        norm(name + ".bn_g", y.global, global);
        return y;
    }

    // Into local and global channels. Only the local ones are convolved alone in what follows.
    channels split(std::string const& name, int from, int outputs) {
        std::vector<int> const both = parts_of(from, outputs);
        auto const width = [&](int layer) { return int(net.layers.all()[std::size_t(layer)].weight->shape[0]); };
        auto const is_local = [&](int layer) {
            return net.layers.find({{width(layer), width(layer), 3, 3}, {layer}}) >= 0;
        };
        if (both.size() != 2 || width(both[0]) + width(both[1]) != outputs || is_local(both[0]) == is_local(both[1]))
            net.refuse(say("its layer {} is missing, or is another", show_name(name)));
        int const local = is_local(both[0]) ? both[0] : both[1], global = is_local(both[0]) ? both[1] : both[0];
        sizes.global_channels = width(global);
        std::int64_t const inputs = outputs / 2;
        channels const y{{convolution(name + ".ffc.convl2l", {{width(local), inputs, 3, 3}, {from}, "Conv", 2})},
                         {convolution(name + ".ffc.convl2g", {{width(global), inputs, 3, 3}, {from}, "Conv", 2})}};
        norm(name + ".bn_l", y.local, width(local));
        norm(name + ".bn_g", y.global, width(global));
        return y;
    }

    // The 3 × 3 convolutions to less than `outputs` channels of the result of `from`.
    std::vector<int> parts_of(int from, int outputs) const {
        std::vector<int> found;
        for (std::size_t i = 0; i < net.layers.all().size(); ++i) {
            auto const& [node, weight, bias, sees] = net.layers.all()[i];
            if (sees == layer_list{from} && weight->shape.size() == 4 && weight->shape[0] < outputs)
                found.push_back(int(i));
        }
        return found;
    }

    bool has_block(channels const& x) const {
        return net.layers.find({{sizes.local_channels(), sizes.local_channels(), 3, 3}, x.local}) >= 0;
    }

    void read(int first_channels) {
        sizes.channels = first_channels;
        int last = convolution("1.ffc.convl2l", {{first_channels, 4, 7, 7}, {}});
        norm("1.bn_l", {last}, first_channels);
        int channels_now = first_channels, layer = 2;
        auto const halved = [&] { return wanted_layer{{2 * channels_now, channels_now, 3, 3}, {last}, "Conv", 2}; };
        for (; net.layers.find(halved()) >= 0; ++layer, channels_now *= 2) {
            last = convolution(std::format("{}.ffc.convl2l", layer), halved());
            norm(std::format("{}.bn_l", layer), {last}, 2 * channels_now);
        }
        sizes.halvings = layer - 1;
        channels x = split(std::to_string(layer), last, 2 * channels_now);
        for (++layer; has_block(x); ++layer) {
            channels const h = fourier_convolution(std::format("{}.conv1", layer), x),
                           y = fourier_convolution(std::format("{}.conv2", layer), h);
            x = {joined(x.local, y.local), joined(x.global, y.global)};
        }
        layer_list from = joined(x.local, x.global);
        ++layer; // the one that joins them has no tensors
        for (int i = 0, width = sizes.block_channels(); i < sizes.halvings; ++i, width /= 2, layer += 3) {
            std::string const name = std::to_string(layer);
            last = net.need(name, {{width, width / 2, 3, 3}, from, "ConvTranspose", 2});
            net.need_bias(name, last);
            norm(std::to_string(layer + 1), {last}, width / 2, true);
            from = {last};
        }
        ++layer; // padding
        net.need_bias(std::to_string(layer), convolution(std::to_string(layer), {{3, first_channels, 7, 7}, from}));
        net.expect_no_more();
        net.expect_none({"LeakyRelu", "PRelu", "Elu", "Gelu", "Tanh", "InstanceNormalization"});
    }
};

} // namespace

bool begins_as_lama(onnx_layers const& layers) { return channels_of_first(layers, 7) > 0; }

decltype(checkpoint::tensors) lama_of(onnx_layers const& layers, std::string const& source) {
    lama_reader reader{.net = {layers, source, "LaMa", std::string(lama_prefix)}};
    reader.read(channels_of_first(layers, 7));
    return std::move(reader.net.tensors);
}

} // namespace sfumato
