// The UNet of Stable Diffusion 1, 2 and XL, as CompVis and Stability name its settings (openaimodel.py): its sizes, and
// its tensors. models/nets/unet.h runs it.
#pragma once

#include "models/files/prefixes.h"
#include "models/networks/tensor_shapes.h"

#include <optional>
#include <string>
#include <vector>

namespace sfumato {

/// Levels: finest first.
struct unet_config {
    /// 4: latent; 9: latent ‖ mask ‖ masked picture's latent (inpainting); 8: latent ‖ picture's latent (pix2pix)
    int in_channels = 4;
    int out_channels = 4;
    int model_channels = 320;
    std::vector<int> channel_mult = {1, 2, 4, 4};
    int res_blocks = 2;                                // a level on the way down; one more on the way up
    std::vector<int> transformer_depth = {1, 1, 1, 0}; // a level; 0: it has no attention
    int middle_depth = 1;
    int context_dim = 768;
    int heads = 8;           // everywhere, and a head has channels / heads; 0: head_dim says
    int head_dim = 0;        // everywhere, and there are channels / head_dim heads; 0: heads says
    bool use_linear = false; // proj_in and proj_out are linear [c, c]; else 1×1 convolutions [c, c, 1, 1]
    int adm_in_channels = 0; // width of label_emb's input; 0: there is none

    // What that input is, of Stable Diffusion XL: the pooled prompt, and a wave for each of six numbers.
    static constexpr int sizes = 6, wave = 256;

    /// Nothing where no tensor of it is there. Heads, which shapes cannot tell, are left as they are above. The sizes
    /// need not fit all tensors: difference() says.
    static std::optional<unet_config> found_in(checkpoint const&);
    tensor_shapes tensors() const;
    /// A clause: "the UNet takes 4 channels and a text of width 768, its projections are convolutions".
    std::string in_words() const;
    /// Why models/nets/unet.h cannot run it, a clause; "": it can.
    sentence unfit() const;

    int channels(std::size_t level) const { return model_channels * channel_mult[level]; }
    int time_embed_dim() const { return 4 * model_channels; }
    /// Of Stable Diffusion XL. 1024: Stable Diffusion 2's unCLIP, whose label is another.
    bool is_xl() const { return adm_in_channels != 0 && context_dim != 1024; }
    int pooled_channels() const { return is_xl() ? adm_in_channels - sizes * wave : 0; }
    int heads_of(int channels) const { return heads ? heads : channels / head_dim; }

    bool operator==(unet_config const&) const = default;
};

} // namespace sfumato
