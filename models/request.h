// A request: everything that influences the pixels of a result, and nothing else.
// The same JSON is the command line's --recipe, the engine's socket message, what tests use, and the recipe that stays
// on the finished layer.
#pragma once

#include "compute/error.h"
#include "compute/tensor.h"
#include "models/picture.h"
#include "models/sampling/noise.h"
#include "models/sampling/samplers.h"

#include <cstdint>
#include <format>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sfumato {

enum class operation { inpaint, txt2img, img2img, upscale };
enum class method { patchmatch };
/// How much of the surroundings a pipeline sees.
enum class context { automatic, image, selection };
/// Which pixels are read: the active layer alone or all that is visible.
enum class source { layer, visible };

/// What a diffusion model is asked for: txt2img and img2img.
struct diffusion_settings {
    std::string model; // a file, a diffusers folder, or procedural:NAME
    std::string vae;   // a file that the VAE is taken from instead; empty: the model's own
    std::string prompt, negative_prompt;
    int width = 0, height = 0; // of txt2img: pixels, multiples of 8; 0: as the model was trained
    int steps = 20;
    double cfg = 7; // guidance scale; 1: the prompt alone, without the negative one
    sfumato::sampler sampler = sampler::dpmpp_2m;
    std::optional<sfumato::scheduler> scheduler; // none: the one that goes with the sampler
    generator rng = generator::cpu;
    int clip_skip = 1;      // the text encoder's last layers left out, plus 1
    int batch = 1;          // pictures, of seed, seed + 1 …
    double strength = 0.75; // of img2img: 1 = nothing of the picture stays
    sfumato::strength_rule strength_rule = sfumato::strength_rule::full_steps;
    std::optional<sfumato::prediction> prediction; // none: as the model's file says
    bool zero_terminal_snr = false;
    std::optional<sfumato::dtype> dtype; // of weights and activations; none: as the device likes it

    bool operator==(diffusion_settings const&) const = default;
};

/// What an upscaling network is asked for.
struct upscale_settings {
    static constexpr double largest_scale = 16;

    std::string model; // as open_checkpoint takes it; empty: ours that fits the scale (resolve)
    double scale = 2;  // pixels of the result for a pixel of the picture, along each side, whatever the network's own
    int tile = 0;      // at most so many pixels a side go through the network at once; 0: as the memory allows
    std::optional<sfumato::dtype> dtype; // of weights and activations; none: as the device likes it

    bool operator==(upscale_settings const&) const = default;
};

/// A key's value is not what it may be: "The request's \"scale\" must be a number from 1 to 16, not 99."
struct request_error : error {
    std::string key, rule; // "scale", "must be a number from 1 to 16"
    request_error(std::string key, std::string rule, std::string const& value)
        : error(std::format("The request's \"{}\" {}, not {}.", key, rule, value)), key(std::move(key)),
          rule(std::move(rule)) {}
};

struct request {
    static constexpr int version = 1; // key "sfumato"; raised when an old reader would misunderstand

    sfumato::operation operation = operation::inpaint;
    sfumato::method method = method::patchmatch;
    /// 0 … 2³² − 1, of diffusion models up to 2⁶³ − 1; −1: choose one (resolve), never found in a recipe. An
    /// upscale has none.
    std::int64_t seed = -1;
    sfumato::context context = context::automatic;
    sfumato::source source = source::layer;
    rect area; // the crop that was sent, in image coordinates; empty = the whole picture
    diffusion_settings diffusion;
    upscale_settings upscale;

    bool operator==(request const&) const = default;
};

/// Checks types, ranges and the version; throws error, where it is about a value request_error. Unknown keys are not an
/// error (a newer Sfumato wrote them) but are reported in `unknown`.
request request_from_json(nlohmann::json const&, std::vector<std::string>* unknown = nullptr);
nlohmann::json request_to_json(request const&);

/// The same request with a random seed where none was given, and ours for an upscale without a model: what it is from
/// now on makes the same pixels again.
request resolve(request);

} // namespace sfumato
