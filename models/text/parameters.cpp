#include "models/text/parameters.h"

#include "request/json.h"

#include <format>
#include <nlohmann/json.hpp>

namespace sfumato {

namespace {

std::string quoted(std::string const& value) {
    return value.find_first_of(",:\n") == value.npos ? value : json_line(value);
}

} // namespace

std::string parameters_text(generation_parameters const& p) {
    std::string text = p.prompt;
    if (!p.negative_prompt.empty()) text += "\nNegative prompt: " + p.negative_prompt;
    text += std::format("\nSteps: {}", p.steps);
    auto const add = [&](char const* name, std::string const& value) {
        text += std::format(", {}: {}", name, quoted(value));
    };
    add("Sampler", p.sampler);
    if (!p.schedule_type.empty()) add("Schedule type", p.schedule_type);
    add("CFG scale", std::format("{}", p.cfg_scale));
    add("Seed", std::to_string(p.seed));
    add("Size", std::format("{}x{}", p.width, p.height));
    if (!p.model.empty()) add("Model", p.model);
    if (!p.vae.empty()) add("VAE", p.vae);
    if (p.denoising_strength) add("Denoising strength", std::format("{}", *p.denoising_strength));
    if (p.clip_skip) add("Clip skip", std::to_string(*p.clip_skip));
    if (!p.rng.empty()) add("RNG", p.rng);
    add("Version", "Sfumato " SFUMATO_VERSION);
    return text;
}

} // namespace sfumato
