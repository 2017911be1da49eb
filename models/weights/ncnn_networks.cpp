#include "models/weights/ncnn_networks.h"

#include <algorithm>
#include <format>

namespace sfumato {

namespace {

using op = ncnn_operation;

// More than any network has.
constexpr int most_convolutions = 1000, most_channels = 1024, most_shuffled = 16, most_upsamples = 5, most_layers = 64;

// Writes a network down, node by node.
struct writer {
    ncnn_graph graph = {};
    ncnn_settings convolution = {}; // what all of them share: kernel, padding, activation

    int add(ncnn_settings s, std::vector<int> operands, std::string name = "") {
        return graph.add(std::move(s), std::move(operands), std::move(name), "");
    }
    int picture() { return add({.operation = op::picture}, {}); }
    int conv(std::string name, int x, int outputs) {
        ncnn_settings s = convolution;
        s.operation = op::convolution;
        s.outputs = outputs;
        return add(std::move(s), {x}, std::move(name));
    }
    int conv(std::string name, int x, int outputs, ncnn_settings s) {
        s.operation = op::convolution;
        s.outputs = outputs;
        return add(std::move(s), {x}, std::move(name));
    }
    int deconv(std::string name, int x, int outputs, ncnn_settings s) {
        s.operation = op::deconvolution;
        s.outputs = outputs;
        return add(std::move(s), {x}, std::move(name));
    }
    int sum(int a, float weight, int b) { return add({.operation = op::sum, .weights = {weight, 1}}, {a, b}); }
    int sum(int a, int b) { return sum(a, 1, b); }
    int nearest(int x, int factor) { return add({.operation = op::nearest, .factor = float(factor)}, {x}); }
    int pixel_shuffle(int x, int factor) { return add({.operation = op::pixel_shuffle, .factor = float(factor)}, {x}); }
    int crop(int x, int border) { return add({.operation = op::crop, .factor = float(border)}, {x}); }
};

ncnn_settings with_leaky(ncnn_settings s, float slope) {
    s.activation = ncnn_activation::leaky_relu;
    s.slope = slope;
    return s;
}

ncnn_settings const same_3x3 = {.kernel = 3, .padding = 1};

// ---- RRDBNet

int dense_block(writer& w, std::string const& name, int x, rrdbnet_config const& c) {
    std::vector<int> all = {x};
    for (int i = 1; i <= 4; ++i) {
        int const joined = i == 1 ? x : w.add({.operation = op::concat}, all);
        all.push_back(w.conv(std::format("{}.conv{}", name, i), joined, c.growth, with_leaky(same_3x3, 0.2f)));
    }
    return w.sum(w.conv(name + ".conv5", w.add({.operation = op::concat}, all), c.features), 0.2f, x);
}

void write(writer& w, rrdbnet_config const& c) {
    w.convolution = same_3x3;
    auto const leaky = with_leaky(same_3x3, 0.2f);
    int const first = w.conv("conv_first", w.picture(), c.features);
    int x = first;
    for (int block = 0; block < c.blocks; ++block) {
        int h = x;
        for (int dense = 1; dense <= 3; ++dense) h = dense_block(w, std::format("body.{}.rdb{}", block, dense), h, c);
        x = w.sum(h, 0.2f, x);
    }
    x = w.sum(w.conv("conv_body", x, c.features), first);
    for (int i = 1; i <= c.upsamples; ++i) x = w.conv(std::format("conv_up{}", i), w.nearest(x, 2), c.features, leaky);
    w.graph.output = w.conv("conv_last", w.conv("conv_hr", x, c.features, leaky), 3);
}

// ---- SRVGG

void write(writer& w, srvgg_config const& c) {
    w.convolution = same_3x3;
    int const picture = w.picture();
    int x = picture;
    for (int i = 0; i <= 2 * c.convolutions; i += 2) {
        x = w.conv(std::format("body.{}", i), x, c.features);
        x = w.add({.operation = op::prelu, .outputs = c.features}, {x}, std::format("body.{}", i + 1));
    }
    x = w.conv(std::format("body.{}", 2 * c.convolutions + 2), x, 3 * c.scale * c.scale);
    int const detail = w.pixel_shuffle(x, c.scale);
    w.graph.output = w.sum(detail, w.nearest(picture, c.scale));
}

// ---- waifu2x and Real-CUGAN

ncnn_settings const valid_3x3 = with_leaky({.kernel = 3}, 0.1f),
                    half_2x2 = with_leaky({.kernel = 2, .stride = 2}, 0.1f);

void write(writer& w, upconv7_config const& c) {
    w.convolution = valid_3x3;
    int x = w.picture(), number = 0;
    for (int features : c.features) {
        x = w.conv(std::format("net.{}", number), x, features);
        number += 2;
    }
    w.graph.output = w.deconv(std::format("net.{}", number), x, 3, {.kernel = 4, .stride = 2, .padding = 3});
}

int unet_conv(writer& w, std::string const& name, int x, int middle, int out, bool excitation) {
    x = w.conv(name + ".conv.2", w.conv(name + ".conv.0", x, middle), out);
    if (!excitation) return x;
    auto const dense = [&](char const* which, int operand, int outputs, ncnn_activation activation) {
        return w.add({.operation = op::dense, .outputs = outputs, .activation = activation}, {operand}, name + which);
    };
    int const mean = w.add({.operation = op::mean}, {x});
    int const squeezed = dense(".seblock.conv1", mean, out / 8, ncnn_activation::relu);
    return w.add({.operation = op::product}, {x, dense(".seblock.conv2", squeezed, out, ncnn_activation::sigmoid)});
}

int first_unet(writer& w, int picture, int out, int scale) {
    int const x1 = unet_conv(w, "unet1.conv1", picture, 32, 64, false);
    int x2 = w.conv("unet1.conv1_down", x1, 64, half_2x2);
    x2 = unet_conv(w, "unet1.conv2", x2, 128, 64, true);
    x2 = w.deconv("unet1.conv2_up", x2, 64, half_2x2);
    int const x3 = w.conv("unet1.conv3", w.sum(w.crop(x1, 4), x2), 64);
    switch (scale) {
    case 1: return w.conv("unet1.conv_bottom", x3, out, {.kernel = 3});
    case 2: return w.deconv("unet1.conv_bottom", x3, out, {.kernel = 4, .stride = 2, .padding = 3});
    default: return w.deconv("unet1.conv_bottom", x3, out, {.kernel = 5, .stride = 3, .padding = 2});
    }
}

// The second corrects what the first makes.
int second_unet(writer& w, int x, int channels) {
    int const x1 = unet_conv(w, "unet2.conv1", x, 32, 64, false);
    int const x2 = unet_conv(w, "unet2.conv2", w.conv("unet2.conv1_down", x1, 64, half_2x2), 64, 128, true);
    int x3 = unet_conv(w, "unet2.conv3", w.conv("unet2.conv2_down", x2, 128, half_2x2), 256, 128, true);
    x3 = w.deconv("unet2.conv3_up", x3, 128, half_2x2);
    int x4 = unet_conv(w, "unet2.conv4", w.sum(w.crop(x2, 4), x3), 64, 64, true);
    x4 = w.deconv("unet2.conv4_up", x4, 64, half_2x2);
    int const x5 = w.conv("unet2.conv5", w.sum(w.crop(x1, 16), x4), 64);
    int const correction = w.conv("unet2.conv_bottom", x5, channels, {.kernel = 3});
    return w.sum(correction, w.crop(x, 20));
}

void write(writer& w, cunet_config const& c) {
    w.convolution = valid_3x3;
    w.graph.output = second_unet(w, first_unet(w, w.picture(), 3, c.scale), 3);
}

void write(writer& w, cugan_config const& c) {
    w.convolution = valid_3x3;
    bool const shuffled = c.scale == 4;
    int const channels = shuffled ? 64 : 3;
    int const x = second_unet(w, first_unet(w, w.picture(), channels, shuffled ? 2 : c.scale), channels);
    if (!shuffled)
        w.graph.output = x;
    else
        w.graph.output = w.pixel_shuffle(w.crop(w.conv("conv_final", x, 12, {.kernel = 3}), 1), 2);
}

} // namespace

ncnn_graph graph_of(upscaler_config const& c) {
    writer w;
    std::visit([&](auto const& network) { write(w, network); }, c);
    return std::move(w.graph);
}

std::optional<upscaler_config> likely_network(ncnn_graph const& graph) {
    std::vector<ncnn_settings> convolutions, deconvolutions;
    int denses = 0, prelus = 0, concats = 0, nearests = 0, shuffle = 1;
    for (auto const& [s, operands, name, depth, channels, size] : graph.nodes) {
        if (s.operation == op::convolution) convolutions.push_back(s);
        if (s.operation == op::deconvolution) deconvolutions.push_back(s);
        denses += s.operation == op::dense;
        prelus += s.operation == op::prelu;
        concats += s.operation == op::concat;
        nearests += s.operation == op::nearest;
        if (s.operation == op::pixel_shuffle) shuffle = int(s.factor);
    }
    auto const deconvolution_of = [&](int kernel) {
        return std::ranges::count(deconvolutions, kernel, &ncnn_settings::kernel) > 0;
    };
    bool const usual = std::ranges::all_of(
        convolutions, [](ncnn_settings const& s) { return s.outputs <= most_channels && s.kernel <= 3; });
    if (convolutions.size() < 2 || convolutions.size() > most_convolutions || !usual || shuffle > most_shuffled ||
        nearests > most_upsamples)
        return {};
    if (denses > 0) {
        if (shuffle > 1) return cugan_config{.scale = 4};
        if (deconvolution_of(5)) return cugan_config{.scale = 3};
        return cunet_config{.scale = deconvolution_of(4) ? 2 : 1};
    }
    if (!deconvolutions.empty() && convolutions.size() <= most_layers) {
        upconv7_config c{.features = {}};
        for (auto const& s : convolutions) c.features.push_back(s.outputs);
        return c;
    }
    if (prelus > 0)
        return srvgg_config{
            .scale = shuffle, .features = convolutions[0].outputs, .convolutions = int(convolutions.size()) - 2};
    if (concats > 0)
        return rrdbnet_config{.features = convolutions[0].outputs,
                              .blocks = concats / 12,
                              .growth = convolutions[1].outputs,
                              .upsamples = nearests};
    return {};
}

} // namespace sfumato
