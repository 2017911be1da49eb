// What a run of a diffusion model takes, known and decided before anything is allocated: on a smaller card the same
// picture comes slower.
#pragma once

#include "models/pipelines/diffusion_model.h"
#include "models/pipelines/latent_codec.h"

#include <cstdint>
#include <map>
#include <string>

namespace sfumato {

/// As people read it: "870 MB", "2.9 GB".
std::string gigabytes(std::uint64_t bytes);

/// What is asked of a model.
struct run_size {
    int height = 64, width = 64;     // of the latent
    int pictures = 1;                // one after the other
    int chunks = 1;                  // of the prompt
    bool guided = true;              // with a negative prompt
    bool encodes_picture = false;    // first: the one to begin with, or one that an inpainting model is shown
    bool masked = false;             // what lies outside of a mask stays
    std::uint64_t preview_bytes = 0; // beside the UNet, where TAESD decodes previews
};

/// How a run saves memory, the first of these that fits.
struct memory_choice {
    bool keep_weights = true; // from stage to stage and for the next run; false: each network makes room for the next
    bool decoded_previews = true;               // where there are any; else they are projected
    tiling vae;                                 // of both directions
    bool guidance_in_one_batch = true;          // else the network runs twice, one after the other
    residence unet_weights = residence::device; // host: each is fetched when it is needed
    bool operator==(memory_choice const&) const = default;
};

struct memory_plan {
    memory_choice choice;
    std::uint64_t needed = 0, available = 0;      // bytes on the device, at the peak; of which there could be had
    dtype storage = dtype::f32;                   // of activations
    std::map<diffusion_model::part, double> work; // operations, about: for a picture; of the UNet for an evaluation

    /// "needs 2.9 GB, 5.6 GB free: weights resident, guidance in one batch, VAE whole"
    std::string text() const;
};

/// Throws error saying what is needed at least and what there is.
memory_plan plan_memory(device&, diffusion_model&, run_size const&, dtype storage);

} // namespace sfumato
