// SRVGGNetCompact, Real-ESRGAN's compact network (BasicSR): body.N alternates convolutions and PReLU at the picture's
// own size, pixel shuffle at the end. models/nets/srvgg.h runs it.
#pragma once

#include "models/networks/upscaler_description.h"

namespace sfumato {

struct srvgg_config {
    int scale = 4;
    int features = 64;
    int convolutions = 32; // between the first and the last
    int channels = 3;      // of the picture

    static constexpr std::string_view key = "srvgg";
    static std::optional<srvgg_config> found_in(network_tensors const&);
    static std::optional<srvgg_config> found_in(ncnn_summary const&);
    static std::vector<example<srvgg_config>> examples();

    /// body.N: convolutions, and between them PReLU's slopes
    tensor_shapes tensors() const;
    upscaler_shape shape() const;
    std::string_view name() const { return "SRVGG"; }
    std::string in_words() const;
    ncnn_graph graph() const;

    bool operator==(srvgg_config const&) const = default;
};

} // namespace sfumato
