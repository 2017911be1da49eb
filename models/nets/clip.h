// The CLIP text encoder, in transformers' names (CLIPTextModel): OpenAI's ViT-L and OpenCLIP's H and bigG.
//
// Easy to get wrong: ViT-L has quick_gelu and the others the exact one; the mask is causal, and padding takes part;
// which layer the UNet sees, and whether after the final norm, is the family's (clip_config).
#pragma once

#include "models/nets/scope.h"
#include "models/networks/clip.h"

namespace sfumato {

struct text_encoding {
    tensor context; // [n, 1, tokens, hidden]: what the UNet gets
    /// The last layer after the final norm; only when asked for.
    std::optional<tensor> last_normed;
};

/// Words that were taught to the encoder, beside its table: x·keep + values is what the layers get for a token of the
/// table (keep 1, values 0) and for another (keep 0).
struct learnt_tokens {
    tensor keep, values; // [n, 1, tokens, hidden] f32
};

/// w: clip_config::prefix. ids [n, 1, tokens, 1] u32; the result is stored as `type`.
text_encoding encode_text(scope const& w, clip_config const&, tensor const& ids, dtype type, bool want_last = false,
                          std::optional<learnt_tokens> const& learnt = {});

/// rows [n] u32: image · tokens + position of its first end token. → [n, 1, 1, hidden], times the text projection where
/// there is one.
tensor pool_text(scope const& w, clip_config const&, tensor const& last_normed, tensor const& rows);

} // namespace sfumato
