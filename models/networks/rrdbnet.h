// The ESRGAN family (BasicSR's RRDBNet): residual blocks of three dense blocks each, for ×1, ×2, ×4, ×8.
// models/nets/rrdbnet.h runs it.
#pragma once

#include "models/networks/upscaler_description.h"

namespace sfumato {

struct rrdbnet_config {
    int features = 64;
    int blocks = 23;
    int growth = 32;   // channels that each convolution of a dense block adds
    int unshuffle = 1; // the picture is pixel-unshuffled by it first
    int upsamples = 2; // ×2 each: conv_up1, conv_up2 …
    int channels = 3;  // of the picture

    static constexpr std::string_view key = "rrdbnet";
    static std::optional<rrdbnet_config> found_in(network_tensors const&);
    static std::optional<rrdbnet_config> found_in(ncnn_summary const&);
    static std::vector<example<rrdbnet_config>> examples();

    /// conv_first, body.N.rdb1.conv1 …, conv_body, conv_up1 …, conv_hr, conv_last
    tensor_shapes tensors() const;
    upscaler_shape shape() const;
    std::string_view name() const { return "RRDBNet"; }
    std::string in_words() const;
    ncnn_graph graph() const;

    bool operator==(rrdbnet_config const&) const = default;
};

} // namespace sfumato
