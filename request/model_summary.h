// What a model is, for whoever chooses one: what the engine answers who may not open its file.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace sfumato {

/// Which models are asked for: all; the upscalers among them, which lie in folders of their own; or the one LaMa or
/// MI-GAN that fills where nobody says otherwise.
enum class model_kind { all, upscaler, lama };

struct model_summary {
    std::string path;   // as a request names it: a file, a diffusers folder, sfumato:NAME or procedural:NAME
    std::string error;  // what is wrong with it; then the rest is empty
    std::string family; // "Stable Diffusion 1.x", "upscaler (RRDBNet ×4)"
    std::string format; // "safetensors"
    std::uint64_t bytes = 0;
    bool supported = false;           // false: not to be run
    std::string reason;               // a clause: what says so, or why it cannot be run
    std::vector<std::string> missing; // what a half of a model lacks: "text encoder", "VAE"
    int scale = 0;                    // of an upscaler's network; 0: it is none
    int factor = 0;                   // by how much an upscaler's file is meant to enlarge
    int native_size = 0;              // of a diffusion model: the side of the pictures it was trained on; 0: it is none
    int in_channels = 0;              // … what its denoiser takes in
    std::string prediction, prediction_reason; // … "epsilon", "v" or "flow", and a clause

    bool is_upscaler() const { return error.empty() && factor > 0; }
    bool operator==(model_summary const&) const = default;
};

/// Whether a model was trained on small squares, so that Sfumato's upscaler makes what is asked for of what it makes
/// (models/pipelines/diffusion/small_pictures.h), up to 16 times the side.
inline bool makes_small_pictures(int native_size) { return native_size > 0 && native_size < 256; }
inline constexpr int largest_enlargement = 16;

/// The side of the squares that a model makes where nobody says how large: those that it was trained on, of small ones
/// four times that.
inline int usual_side(int native_size) { return makes_small_pictures(native_size) ? 4 * native_size : native_size; }

nlohmann::json to_json(model_summary const&);
/// Throws error when it is none.
model_summary model_summary_from_json(nlohmann::json const&);

} // namespace sfumato
