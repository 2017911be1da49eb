#include "models/networks/upconv7.h"

#include "models/networks/layer_writer.h"
#include "models/networks/ncnn_graph_writer.h"

#include <algorithm>
#include <format>

namespace sfumato {

namespace {

constexpr int most_layers = 64; // more than any model has

}

std::optional<upconv7_config> upconv7_config::found_in(network_tensors const& n) {
    int const channels = n.extent(1, "net.0.weight");
    if ((channels != 3 && channels != 1) || !n.find("net.12.weight")) return {};
    upconv7_config c{.features = {}, .channels = channels};
    for (int i = 0; i < 2 * most_layers && n.find("net.{}.weight", i + 2); i += 2)
        c.features.push_back(n.extent(0, "net.{}.weight", i));
    return c;
}

std::optional<upconv7_config> upconv7_config::found_in(ncnn_summary const& s) {
    if (s.denses > 0 || s.deconvolutions.empty() || s.convolutions.size() > most_layers) return {};
    upconv7_config c{.features = {}};
    for (ncnn_settings const& convolution : s.convolutions) c.features.push_back(convolution.outputs);
    return c;
}

std::vector<example<upconv7_config>> upconv7_config::examples() { return {{"upconv7"}}; }

tensor_shapes upconv7_config::tensors() const {
    tensor_shapes list;
    layer_writer add{list};
    int from = channels, number = 0;
    for (int outputs : features) {
        add.conv(std::format("net.{}", number), outputs, from, 3);
        from = outputs;
        number += 2; // between them: activations
    }
    add.transposed_conv(std::format("net.{}", number), channels, from, 4);
    return list;
}

upscaler_shape upconv7_config::shape() const { return {.channels = channels, .scale = 2, .margin = 7}; }

std::string upconv7_config::in_words() const {
    return std::format("{} layers of up to {} channels", features.size() + 1, std::ranges::max(features));
}

ncnn_graph upconv7_config::graph() const {
    ncnn_graph_writer w{.convolution = with_leaky({.kernel = 3}, 0.1f)};
    int x = w.picture(), number = 0;
    for (int outputs : features) {
        x = w.conv(std::format("net.{}", number), x, outputs);
        number += 2;
    }
    return w.finish(w.deconv(std::format("net.{}", number), x, 3, {.kernel = 4, .stride = 2, .padding = 3}));
}

} // namespace sfumato
