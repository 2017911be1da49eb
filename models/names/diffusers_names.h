// The names of diffusers' networks → those of the original code, component by component, without prefixes.
#pragma once

#include <set>
#include <string>
#include <string_view>

namespace sfumato {

/// What the numbers of UNet blocks depend on.
struct diffusers_unet {
    int res_blocks = 0;              // a level on the way down
    std::set<int> up_with_attention; // numbers of up_blocks

    /// Learns from each name of a UNet.
    void see(std::string_view name);
};

/// UNet2DConditionModel → ldm's UNetModel. The name itself where it is not one of diffusers'.
std::string ldm_unet_name(std::string_view name, diffusers_unet const&);

/// Back again, of a module: "input_blocks.1.0.in_layers.2" → "down_blocks.0.resnets.0.conv1".
std::string diffusers_unet_name(std::string_view module, int res_blocks);

/// AutoencoderKL → ldm's; `levels`: how many up_blocks there are.
std::string ldm_vae_name(std::string_view name, int levels);

/// The number behind "up_blocks." in `name`; −1: there is none.
int up_block_of(std::string_view name);

} // namespace sfumato
