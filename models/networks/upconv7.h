// waifu2x's upconv_7 (nagadomi; in nunif's names): convolutions without padding, a transposed one at the end. ×2
// models/nets/upconv7.h runs it.
#pragma once

#include "models/networks/upscaler_description.h"

namespace sfumato {

struct upconv7_config {
    std::vector<int> features = {16, 32, 64, 128, 128, 256}; // of the convolutions before the last layer
    int channels = 3;                                        // of the picture

    static constexpr std::string_view key = "upconv7";
    static std::optional<upconv7_config> found_in(network_tensors const&);
    static std::optional<upconv7_config> found_in(ncnn_summary const&);
    static std::vector<example<upconv7_config>> examples();

    /// net.0, net.2 …; the last is the transposed convolution: [in, out, 4, 4]
    tensor_shapes tensors() const;
    upscaler_shape shape() const;
    std::string_view name() const { return "upconv_7"; }
    std::string in_words() const;
    ncnn_graph graph() const;

    bool operator==(upconv7_config const&) const = default;
};

} // namespace sfumato
