// A CLIP text encoder, in transformers' names (CLIPTextModel): OpenAI's ViT-L, OpenCLIP's H and bigG. Its sizes, and
// its tensors. models/nets/clip.h runs it.
#pragma once

#include "models/files/prefixes.h"
#include "models/networks/tensor_shapes.h"

#include <algorithm>
#include <optional>
#include <string>

namespace sfumato {

/// CLIP's own tokens, of which the last two are BOS and EOS. Embeddings beyond them, which fine-tuning adds, stand for
/// no text. A smaller vocabulary (of small test models) is the same table, cut before these two.
inline constexpr int clip_tokens = 49408;
constexpr int clip_eos(int vocabulary) { return std::min(vocabulary, clip_tokens) - 1; }

struct clip_config {
    std::string prefix = std::string(clip_prefix); // before text_model.
    int hidden = 768;
    int heads = 12;
    int layers = 12;        // in the file
    int layers_used = 12;   // the UNet gets what layer layers_used − 1 puts out …
    int stops_at = 1;       // which is so many layers from the end of the encoder as it was trained: 1, the last
    bool final_norm = true; // … after text_model.final_layer_norm
    bool pooled = false; // it also gets the last layer's first end token, normed, through text_projection if there is
    int feed_forward = 3072;
    bool quick_gelu = true;       // else the exact gelu
    int vocabulary = clip_tokens; // rows of its table
    int context = 77;             // tokens
    int bos = 49406, eos = 49407, pad = 49407;
    int projection = 0; // rows of text_projection.weight; 0: there is none

    /// Nothing where no tensor of it is there. Heads, activation, tokens and layers_used, which shapes cannot tell, are
    /// left as they are above. The sizes need not fit all tensors: difference() says.
    static std::optional<clip_config> found_in(checkpoint const&, std::string_view prefix = clip_prefix);
    /// text_model.…, and text_projection.weight where there is one.
    tensor_shapes tensors() const;
    /// The same encoder as open_clip names it: transformer.resblocks.N.attn.in_proj_weight …
    tensor_shapes open_clip_tensors() const;
    /// A clause: "12 layers of width 768".
    std::string in_words() const;
    /// Why models/nets/clip.h cannot run it, a clause; "": it can.
    sentence unfit() const;

    bool operator==(clip_config const&) const = default;
};

} // namespace sfumato
