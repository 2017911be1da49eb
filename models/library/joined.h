// Models whose networks lie in several files, as one checkpoint.
#pragma once

#include "models/library/family.h"

namespace sfumato {

/// As open_checkpoint; TAESD's halves may be two files side by side, whose names differ in "encoder" and "decoder".
checkpoint open_taesd(std::string const& source);

/// Where networks are taken from instead of a model's own: files of their own, or other models. Empty: its own. Which
/// of a family's text encoders a file holds, its tensors say.
struct joined_parts {
    std::string vae, text_encoder, text_encoder_2, text_encoder_3;
    bool operator==(joined_parts const&) const = default;
};

/// As open_checkpoint, but with these parts. What the text encoder's file says of itself stands in the metadata
/// "joined". Throws error: as open_checkpoint; where a part's file holds no such network, not a whole one, or one of
/// another family, as far as that is known (models/library/vae_origin.h).
checkpoint open_joined(std::string const& source, joined_parts const&);

/// Whether a half of a model could take what it lacks ("text encoder", "VAE") from another, as far as that is known.
bool can_lend(model_description const& from, std::string_view part, model_description const& half);

} // namespace sfumato
