// The MMDiT of Stable Diffusion 3 and 3.5 (Esser et al. 2024): tokens of the text and patches of the picture attend to
// each other as one sequence, but have weights of their own.
//
// Easy to get wrong: LayerNorms have no weights, eps is 1e-6, in the norms of queries and keys too; modulation comes in
// the order shift, scale, gate (attention), shift, scale, gate (feed-forward), shift, scale, gate (second attention);
// both attentions of a dual block see the same x; the text's last block gives only keys and values; positions are the
// middle of their table; a token of the result has its channels in the order (row, column, channel).
#pragma once

#include "models/nets/scope.h"
#include "models/networks/mmdit.h"

namespace sfumato {

/// What it makes of a prompt alone, once. w: at unet_prefix. context [n, 1, tokens, context_channels] → [n, 1, tokens,
/// width].
tensor mmdit_context(scope const& w, tensor const& context);
/// pooled [n, 1, 1, pooled_channels] f32 → [n, 1, 1, width] f32.
tensor mmdit_label(scope const& w, tensor const& pooled);

struct mmdit_inputs {
    tensor x;        // [n, h, w, in_channels]; h and w even, and no more patches than the table of positions has
    tensor timestep; // [n] f32: 1000 · σ
    tensor context, label;
};
/// → [n, h, w, in_channels] f32
tensor mmdit(scope const& w, mmdit_config const&, mmdit_inputs const&);

} // namespace sfumato
