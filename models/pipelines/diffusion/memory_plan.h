// What a run of a diffusion model takes, known and decided before anything is allocated. Each network has its
// turn, and is planned as if it were alone on the device: the best of its settings that fits.
// What is loaded stays for as long as nobody needs the room (shelf.h).
#pragma once

#include "compute/error.h"
#include "models/pipelines/diffusion/diffusion_model.h"
#include "models/pipelines/diffusion/latent_codec.h"
#include "models/text/prompt.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>

namespace sfumato {

/// What is asked of a model.
struct run_size {
    int height = 64, width = 64;         // of the latent
    int pictures = 1;                    // one after the other
    int chunks = 1;                      // of the prompt
    int t5_tokens = 0;                   // of it for T5; 0: the model has none
    bool guided = true;                  // with a negative prompt, in the same batch
    bool encodes_picture = false;        // first: the one to begin with, or one that an inpainting model is shown
    bool masked = false;                 // what lies outside of a mask stays
    std::uint64_t preview_bytes = 0;     // beside the denoiser, where TAESD decodes previews
    std::uint64_t before = 0, after = 0; // of the networks: what is done with pictures
    std::vector<clip_config> texts{};    // the encoders, where the request lets them stop; empty: as the model has them
    bool has_learnt_words = false;       // the prompt does

    int tokens() const { return chunks * int(prompt_chunks::length) + t5_tokens; } // that the denoiser is shown
};

/// What changes the pixels: of a recipe, or chosen and then written into it.
struct run_precision {
    dtype text_and_denoiser = dtype::f32, encode = dtype::f32, decode = dtype::f32; // of activations
    int encode_tile = 0, decode_tile = 0; // cells along a side of the VAE's tiles; 0: as the memory allows

    bool operator==(run_precision const&) const = default;
};

/// How a network takes its turn.
struct part_plan {
    dtype storage = dtype::f32;   // of activations
    tiling tiles{};               // of the VAE
    bool decoded_previews = true; // of the denoiser, where there are any; else they are projected
    waiting_weights waiting{};    // these are fetched each time that they are needed

    // Bytes.
    std::uint64_t weights = 0;       // on the device
    std::uint64_t waiting_bytes = 0; // in the computer's memory
    std::uint64_t fetched = 0;       // that cross the bus in an evaluation, or for a tile
    std::uint64_t loading = 0;       // on the device beside the weights, while they are loaded …
    std::uint64_t running = 0;       // … and while it runs

    double work = 0; // operations, about: of all tiles; of the denoiser for an evaluation

    std::uint64_t peak(bool loaded = false) const { return weights + std::max(loaded ? 0 : loading, running); }
};

struct memory_plan {
    std::map<model_part, part_plan> parts;
    std::uint64_t needed = 0, available = 0; // bytes on the device: at the peak; free
    double work = 0;                         // of the whole run, operations, about

    std::string words; // of each part's turn

    part_plan const& of(model_part p) const { return parts.at(p); }
    /// "needs 1.4 GB, 1.5 GB free: prompt 0.3 GB, steps 1.5 GB (0.4 GB of 1.7 GB of weights wait outside), decode 1.4
    /// GB"
    std::string text() const;
};

/// Not even the last setting of a part fits.
struct no_room : error {
    model_part part;
    no_room(model_part part, sentence what) : error(std::move(what)), part(part) {}
};

/// Throws no_room saying what is needed at least and what there is.
memory_plan plan_memory(device&, diffusion_model&, run_size const&, run_precision const&);

/// The networks of a run, each of which has the device at its turn.
struct turns {
    device& d;
    diffusion_model& model;
    memory_plan const& memory;

    /// Makes room for it; its weights are still to be loaded.
    weight_store& begin(model_part) const;
};

} // namespace sfumato
