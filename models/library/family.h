// Which model a checkpoint is. Family and sizes are read from the tensors' names and shapes; the user never chooses an
// architecture. What shapes cannot tell (the number of heads, tokens of a small vocabulary, what is predicted) is the
// family's own, unless the file says it: metadata "config" (as procedural models have it) or a diffusers folder's
// config.json files.
#pragma once

#include "models/library/vae_origin.h"
#include "models/networks/clip.h"
#include "models/networks/filler.h"
#include "models/networks/mmdit.h"
#include "models/networks/t5.h"
#include "models/networks/taesd.h"
#include "models/networks/unet.h"
#include "models/networks/upscaler.h"
#include "models/networks/vae.h"
#include "request/choices.h"

#include <optional>
#include <string>
#include <vector>

namespace sfumato {

/// What was found. A file may hold a whole model or one network of it (a VAE alone).
struct model_description {
    std::string family;     // "Stable Diffusion 1.x", "Stable Diffusion 2.x inpainting", "VAE", "TAESD",
                            // "inpainting (LaMa)", "inpainting (MI-GAN)", "upscaler (RRDBNet ×4)" …
    std::string reason;     // a clause: what says so, or why it cannot be run
    sentence refusal;       // the latter in parts; empty: supported
    bool supported = false; // false: not to be run; the configs below are what could be read all the same
    /// What a half of a model lacks, "text encoder", "VAE"; it can be run once it is joined with files that have them
    /// (models/library/joined.h). Empty: it is no half, or cannot be run for another reason.
    std::vector<std::string> missing;

    std::optional<unet_config> unet; // the denoiser is one of these two
    std::optional<mmdit_config> mmdit;
    std::optional<vae_config> vae;
    sfumato::vae_origin vae_origin; // … of that
    std::vector<clip_config> texts; // in the family's order
    std::optional<t5_config> t5;
    std::optional<taesd_config> taesd;
    std::optional<lama_config> lama;
    std::optional<migan_config> migan;
    std::optional<upscaler_config> upscaler;
    /// By how much an upscaler's file is meant to enlarge: as its network does, but for those of ncnn that shrink the
    /// result (realesr-animevideov3-x2 is the ×4 network).
    int factor = 1;

    bool has_denoiser() const { return unet || mmdit; }
    /// CLIP-L and OpenCLIP's bigG.
    bool takes_two_texts() const { return mmdit || (unet && unet->is_xl()); }

    sfumato::prediction prediction = sfumato::prediction::epsilon;
    std::string prediction_reason;  // a clause
    bool zero_terminal_snr = false; // it was trained down to a last step of noise alone; with v only
    int native_size = 512;          // the side of the square pictures that it was trained on, in pixels
};

/// Never throws for a file that is only unknown or incomplete: then `supported` is false and the reason says what.
/// `prediction`: the user's own choice.
model_description describe_model(checkpoint const&, std::optional<prediction> prediction = {});

/// The same, but throws error with the reason where the model cannot be run.
model_description require_model(checkpoint const&, std::optional<prediction> prediction = {});

/// Of a checkpoint that is an upscaler; else throws error.
upscaler_config require_upscaler(checkpoint const&);
/// Of a checkpoint that is a LaMa or a MI-GAN; else throws error.
filler_config require_filler(checkpoint const&);

} // namespace sfumato
