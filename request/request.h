// A request: everything that influences the pixels of a result, and nothing else.
// The same JSON is the command line's --recipe, the engine's socket message, what tests use, and the recipe that stays
// on the finished layer.
#pragma once

#include "compute/error.h"
#include "compute/tensor.h"
#include "request/choices.h"
#include "request/picture.h"

#include <cstdint>
#include <format>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sfumato {

/// A LoRA that is added to a model.
struct lora_choice {
    static constexpr double largest_weight = 100;
    static constexpr std::size_t most = 64; // of a request

    std::string file;                    // or the name of one in a program's folder of LoRAs
    double weight = 1;                   // how much of it is added; below 0: taken away
    std::optional<double> text_weight{}; // … to the text encoders; none: as much
    std::string sha256{};                // of the file, in hexadecimal; empty: whatever is in it

    bool operator==(lora_choice const&) const = default;
};

struct diffusion_settings;
/// The prompt with the request's LoRAs as A1111 writes them, by the names of their files: "a fox <lora:ink:0.5>".
std::string prompt_with_loras(diffusion_settings const&);

/// What a diffusion model is asked for: txt2img, img2img and inpaint.
struct diffusion_settings {
    std::string model;        // a file, a diffusers folder, or procedural:NAME; for LaMa, too: its file, or empty for
                              // one that is found
    std::string vae;          // a file that the VAE is taken from instead; empty: the model's own
    std::string text_encoder; // … the text encoder, or one of several
    std::string text_encoder_2, text_encoder_3; // … further ones
    std::vector<lora_choice> loras;
    std::string prompt, negative_prompt;
    int width = 0, height = 0; // of txt2img: pixels, multiples of 8; 0: as the model was trained
    int steps = 20;
    double cfg = 7; // guidance scale; 1: the prompt alone, without the negative one
    sfumato::sampler sampler = sampler::dpmpp_2m;
    std::optional<sfumato::scheduler> scheduler; // none: the one that goes with the sampler
    generator rng = generator::cpu;
    std::optional<int> clip_skip; // the text encoder stops at its N-th layer from the end; none: as it was trained
    int batch = 1;                // pictures, of seed, seed + 1 …
    double strength = 0.75;       // of img2img: 1 = nothing of the picture stays
    sfumato::strength_rule strength_rule = sfumato::strength_rule::full_steps;
    std::optional<sfumato::prediction> prediction; // none: as the model's file says
    bool zero_terminal_snr = false;
    std::optional<sfumato::dtype>
        dtype; // of weights and activations; none: as the file has them and the device likes it
    // What changes pixels, too, and a run decides where it is left open; its recipe says what it took.
    std::optional<sfumato::dtype> precision;                          // of activations; none: dtype
    std::optional<sfumato::dtype> encode_precision, decode_precision; // of the VAE's; none: as all, or fp32 where that
                                                                      // is not enough
    int encode_tile = 0, decode_tile = 0; // at most so many pixels a side go through the VAE at once; 0: as the memory
                                          // allows

    bool operator==(diffusion_settings const&) const = default;
};

/// … and beside that for an inpaint.
struct inpaint_settings {
    static constexpr int largest_edge = 1024;

    double strength = 1; // 1 = nothing of what is selected stays
    sfumato::quality quality = sfumato::quality::normal;
    sfumato::mask_cells mask_cells = sfumato::mask_cells::maximum;
    std::optional<int> edge;   // pixels that the result may spill past the selection; none: by its size (edge_of)
    int width = 0, height = 0; // of what the model sees: pixels, multiples of 8; 0: as fits
    double detail = 0.4;       // where it sees less than there is: strength of a second pass at full size; 0: none
    // The LaMa or MI-GAN whose fill the model begins with where no words say what is wanted; empty: patches do that;
    // none: one that is found, or else patches.
    std::optional<std::string> prefill;

    bool operator==(inpaint_settings const&) const = default;
};

/// What an upscaling network is asked for.
struct upscale_settings {
    static constexpr double largest_scale = 16;

    std::string model; // as open_checkpoint takes it; empty: ours that fits the scale (resolve)
    double scale = 2;  // pixels of the result for a pixel of the picture, along each side, whatever the network's own
    int tile = 0;      // at most so many pixels a side go through the network at once; 0: as fits, 1024 at most
    std::optional<sfumato::dtype> dtype; // of weights and activations; none: as the device likes it

    bool operator==(upscale_settings const&) const = default;
};

/// A key's value is not what it may be: "The request's \"scale\" must be a number from 1 to 16, not 99."
struct request_error : error {
    std::string key;   // "scale"
    sentence rule;     // "a number from 1 to 16"
    std::string value; // "99"
    request_error(std::string key, sentence rule, std::string value)
        : error(say("The request's \"{}\" must be {}, not {}.", key, rule, value)), key(std::move(key)),
          rule(std::move(rule)), value(std::move(value)) {}
};

struct request {
    /// Key "sfumato"; raised when an old reader would misunderstand. Older ones are read.
    /// 1: clip_skip was always there, and counted from the layer that the model was trained with.
    /// 2: models always began with patches where no words said what was wanted.
    static constexpr int version = 3;

    sfumato::operation operation = operation::inpaint;
    std::optional<sfumato::method> method; // of an inpaint; none: as choose_method() says
    /// 0 … 2³² − 1, of diffusion models up to 2⁶³ − 1; −1: choose one (resolve), never found in a recipe. An
    /// upscale has none.
    std::int64_t seed = -1;
    bool object = false; // of an inpaint: the selection is rough, and grows to the object that it lies on
    sfumato::context context = context::automatic;
    sfumato::source source = source::layer;
    rect area; // the crop that was sent, in image coordinates; empty = the whole picture
    diffusion_settings diffusion;
    inpaint_settings inpaint;
    upscale_settings upscale;

    bool operator==(request const&) const = default;
};

/// A diffusion model does it.
inline bool by_diffusion(request const& r) {
    if (r.operation != operation::inpaint) return r.operation != operation::upscale;
    return r.method ? r.method == method::diffusion : !r.diffusion.model.empty();
}

/// LaMa does it.
inline bool by_lama(request const& r) { return r.operation == operation::inpaint && r.method == method::lama; }

/// In which colours its pictures go to the engine and come back. What is copied or enlarged may have any; diffusion
/// models, their VAEs and LaMa have only ever seen sRGB.
inline colours colours_of(request const& r) {
    return by_diffusion(r) || by_lama(r) ? colours::srgb : colours::document;
}

/// Checks types, ranges and the version; throws error, where it is about a value request_error. Unknown keys are not an
/// error (a newer Sfumato wrote them) but are reported in `unknown`.
request request_from_json(nlohmann::json const&, std::vector<std::string>* unknown = nullptr);
nlohmann::json request_to_json(request const&);

/// The file of a LaMa or MI-GAN on this machine; empty: there is none.
using lama_finder = std::function<std::string()>;

/// The same inpaint with its method, if it leaves that open: diffusion where a model is named, else LaMa where one is
/// found, which it then names, else patchmatch.
request choose_method(request, lama_finder const&);

/// The same request with a random seed where none was given, the method of an inpaint, and ours for an upscale without
/// a model: what it is from now on makes the same pixels again.
request resolve(request, lama_finder const& = {});

} // namespace sfumato
