#include "models/networks/srvgg.h"

#include "models/networks/layer_writer.h"
#include "models/networks/ncnn_graph_writer.h"

#include <algorithm>
#include <format>

namespace sfumato {

namespace {

constexpr int most_layers = 200; // more than any model has

}

std::optional<srvgg_config> srvgg_config::found_in(network_tensors const& n) {
    auto const slopes = n.find("body.1.weight");
    if (!slopes || slopes->shape.size() != 1) return {};
    int const last = count(n, "body", "weight", most_layers) - 1;
    int const first = n.extent(1, "body.0.weight"), channels = first == 1 || first == 4 ? first : 3;
    int scale = 1;
    while (channels * scale * scale < n.extent(0, "body.{}.weight", last)) ++scale;
    return srvgg_config{.scale = scale,
                        .features = n.extent(0, "body.0.weight"),
                        .convolutions = std::max(0, (last - 2) / 2),
                        .channels = channels};
}

std::optional<srvgg_config> srvgg_config::found_in(ncnn_summary const& s) {
    if (s.denses > 0 || !s.deconvolutions.empty() || s.prelus == 0) return {};
    return srvgg_config{
        .scale = s.shuffle, .features = s.convolutions[0].outputs, .convolutions = int(s.convolutions.size()) - 2};
}

std::vector<example<srvgg_config>> srvgg_config::examples() {
    return {{"srvgg-x4-tiny", 12, {4, 16, 4}}, {"srvgg-x1-tiny", 17, {1, 16, 4}}, {"srvgg-x4"}};
}

tensor_shapes srvgg_config::tensors() const {
    tensor_shapes list;
    layer_writer add{list};
    int const last = 2 * convolutions + 2;
    for (int i = 0; i < last; i += 2) {
        add.conv(std::format("body.{}", i), features, i ? features : channels, 3);
        add.weight(std::format("body.{}", i + 1), {features});
    }
    add.conv(std::format("body.{}", last), channels * scale * scale, features, 3);
    return list;
}

upscaler_shape srvgg_config::shape() const { // each convolution sees one pixel further
    return {.channels = channels, .scale = scale, .reach = convolutions + 2, .adds_picture = true};
}

std::string srvgg_config::in_words() const {
    return std::format("{} convolutions of {} channels", convolutions + 2, features);
}

ncnn_graph srvgg_config::graph() const {
    ncnn_graph_writer w{.convolution = ncnn_same_3x3};
    int const picture = w.picture();
    int x = picture;
    for (int i = 0; i <= 2 * convolutions; i += 2) {
        x = w.conv(std::format("body.{}", i), x, features);
        x = w.add({.operation = ncnn_operation::prelu, .outputs = features}, {x}, std::format("body.{}", i + 1));
    }
    x = w.conv(std::format("body.{}", 2 * convolutions + 2), x, 3 * scale * scale);
    int const detail = w.pixel_shuffle(x, scale);
    return w.finish(w.sum(detail, w.nearest(picture, scale)));
}

} // namespace sfumato
