#include "models/weights/upscalers.h"

#include "models/weights/network_tensors.h"

namespace sfumato {

namespace {

// More than any model has.
constexpr int most_blocks = 64, most_layers = 200, most_upsamples = 5;

rrdbnet_config rrdbnet_sizes(network_tensors const& n) {
    rrdbnet_config c{.features = n.extent(0, "conv_first.weight"), .upsamples = 0};
    c.blocks = count(n, "body", "rdb1.conv1.weight", most_blocks);
    c.growth = n.extent(0, "body.0.rdb1.conv1.weight");
    for (int factor : {2, 4})
        if (n.extent(1, "conv_first.weight") == 3 * factor * factor) c.unshuffle = factor;
    while (c.upsamples < most_upsamples && n.find("conv_up{}.weight", c.upsamples + 1)) ++c.upsamples;
    return c;
}

srvgg_config srvgg_sizes(network_tensors const& n) {
    int const last = count(n, "body", "weight", most_layers) - 1;
    int scale = 1;
    while (3 * scale * scale < n.extent(0, "body.{}.weight", last)) ++scale;
    return {.scale = scale, .features = n.extent(0, "body.0.weight"), .convolutions = std::max(0, (last - 2) / 2)};
}

upconv7_config upconv7_sizes(network_tensors const& n) {
    upconv7_config c{.features = {}};
    for (int i = 0; i < most_layers && n.find("net.{}.weight", i + 2); i += 2)
        c.features.push_back(n.extent(0, "net.{}.weight", i));
    return c;
}

// The two that are one network but for its ends.
upscaler_config unet_sizes(network_tensors const& n) {
    if (n.find("conv_final.weight")) return cugan_config{.scale = 4};
    switch (n.extent(3, "unet1.conv_bottom.weight")) {
    case 5: return cugan_config{.scale = 3};
    case 4: return cunet_config{.scale = 2};
    default: return cunet_config{.scale = 1};
    }
}

} // namespace

std::optional<upscaler_config> upscaler_sizes(checkpoint const& all) {
    network_tensors const n{all, ""};
    if (n.find("conv_first.weight") && n.find("body.0.rdb1.conv1.weight")) return rrdbnet_sizes(n);
    if (auto const slopes = n.find("body.1.weight"); slopes && slopes->shape.size() == 1) return srvgg_sizes(n);
    if (n.extent(1, "net.0.weight") == 3 && n.find("net.12.weight")) return upconv7_sizes(n);
    if (n.find("unet1.conv1.conv.0.weight")) return unet_sizes(n);
    return {};
}

upscaler_shape shape_of(upscaler_config const& c) {
    struct {
        // Its 15 convolutions a block see further, but ever less of it: tests/bench/LOG.md, 2026-11-24, has what was
        // measured.
        upscaler_shape operator()(rrdbnet_config const& c) {
            int const reach = std::min(16 + 8 * c.blocks, 96);
            return {.scale = (1 << c.upsamples) / c.unshuffle, .multiple = c.unshuffle, .reach = reach * c.unshuffle};
        }
        // Each convolution sees one pixel further.
        upscaler_shape operator()(srvgg_config const& c) {
            return {.scale = c.scale, .reach = c.convolutions + 2, .adds_picture = true};
        }
        upscaler_shape operator()(upconv7_config const&) { return {.scale = 2, .margin = 7}; }
        upscaler_shape operator()(cunet_config const& c) {
            if (c.scale == 1) return {.multiple = 4, .margin = 28, .has_means = true};
            return {.scale = 2, .multiple = 2, .margin = 18, .has_means = true};
        }
        upscaler_shape operator()(cugan_config const& c) {
            if (c.scale == 3) return {.scale = 3, .multiple = 4, .margin = 14, .has_means = true};
            if (c.scale == 2) return {.scale = 2, .multiple = 2, .margin = 18, .has_means = true};
            return {.scale = 4, .multiple = 2, .margin = 19, .has_means = true, .adds_picture = true};
        }
    } shape;
    return std::visit(shape, c);
}

std::string name_of(upscaler_config const& c) {
    struct {
        std::string_view operator()(rrdbnet_config const&) { return "RRDBNet"; }
        std::string_view operator()(srvgg_config const&) { return "SRVGG"; }
        std::string_view operator()(upconv7_config const&) { return "upconv_7"; }
        std::string_view operator()(cunet_config const&) { return "CUnet"; }
        std::string_view operator()(cugan_config const&) { return "Real-CUGAN"; }
    } network;
    return std::format("{} ×{}", std::visit(network, c), shape_of(c).scale);
}

std::string sizes_in_words(upscaler_config const& c) {
    struct {
        std::string operator()(rrdbnet_config const& c) {
            std::string const unshuffled =
                c.unshuffle > 1 ? std::format(", the picture is pixel-unshuffled by {}", c.unshuffle) : "";
            return std::format("{} blocks of {} channels, growth {}{}", c.blocks, c.features, c.growth, unshuffled);
        }
        std::string operator()(srvgg_config const& c) {
            return std::format("{} convolutions of {} channels", c.convolutions + 2, c.features);
        }
        std::string operator()(upconv7_config const& c) {
            return std::format("{} layers of up to {} channels", c.features.size() + 1, std::ranges::max(c.features));
        }
        std::string operator()(cunet_config const& c) {
            return c.scale == 2 ? "two U-Nets; waifu2x's CUnet and Real-CUGAN ×2 are one network" : "two U-Nets";
        }
        std::string operator()(cugan_config const&) { return "two U-Nets"; }
    } words;
    return std::visit(words, c);
}

} // namespace sfumato
