// waifu2x's CUnet (nagadomi; in nunif's names) and what was made of it for animation, Real-CUGAN (bilibili; UpCunet2x,
// 3x, 4x): two U-Nets in a row, with squeeze and excitation, without padding. models/nets/cunet.h runs it.
#pragma once

#include "models/networks/upscaler_description.h"

namespace sfumato {

struct cunet_config {
    /// 1: CUnet that only removes noise. 2: CUnet, and Real-CUGAN ×2, which is the same network. 3: Real-CUGAN.
    /// 4: Real-CUGAN; the U-Nets make ×2 of 64 channels, then come conv_final and a pixel shuffle, and the picture,
    /// enlarged by repeating its pixels, is added.
    int scale = 2;

    static constexpr std::string_view key = "cunet";
    static std::optional<cunet_config> found_in(network_tensors const&);
    static std::optional<cunet_config> found_in(ncnn_summary const&);
    static std::vector<example<cunet_config>> examples();

    /// unet1.conv1.conv.0 …, unet1.conv2.seblock.conv1 …, unet2.…, conv_final (×4). Transposed convolutions are
    /// [in, out, k, k]: unet1.conv2_up, unet1.conv_bottom (of ×2 and more), unet2.conv3_up, unet2.conv4_up
    tensor_shapes tensors() const;
    upscaler_shape shape() const;
    std::string_view name() const { return scale <= 2 ? "CUnet" : "Real-CUGAN"; }
    std::string in_words() const;
    ncnn_graph graph() const;

    bool shuffles() const { return scale == 4; }
    int unet_scale() const { return shuffles() ? 2 : scale; } // by how much the first U-Net enlarges
    int unet_channels() const { return shuffles() ? 64 : 3; } // that both put out

    bool operator==(cunet_config const&) const = default;
};

} // namespace sfumato
