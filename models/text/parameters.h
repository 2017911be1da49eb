// The `parameters` text that A1111 and others keep in their pictures, and read to fill their fields again.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace sfumato {

/// How a picture was made, in A1111's words.
struct generation_parameters {
    std::string prompt, negative_prompt;
    int steps = 20;
    std::string sampler;       // "DPM++ 2M"
    std::string schedule_type; // "Karras"; empty: left out
    float cfg_scale = 7;
    std::uint64_t seed = 0;
    int width = 512, height = 512;
    std::string model;                       // the file's name without its ending; empty: left out
    std::string vae;                         // the file's name; empty, the model's own, is left out
    std::optional<float> denoising_strength; // of img2img and inpainting
    std::optional<int> clip_skip;            // none, the model's own, is left out
    std::string rng;                         // "CPU"; empty, the GPU's noise, is left out
};

/// Three lines: the prompt, `Negative prompt: …` unless it is empty, `Steps: 20, Sampler: DPM++ 2M, …, Version: Sfumato
/// 0.1.0`. Values that hold a comma, a colon or a line's end are quoted as JSON.
std::string parameters_text(generation_parameters const&);

} // namespace sfumato
