// Models and LoRAs that want other steps than most, and how they are known.
#pragma once

#include "request/request.h"

namespace sfumato {

/// What goes together in a run.
struct step_settings {
    int steps = diffusion_settings().steps;
    double cfg = diffusion_settings().cfg;
    sfumato::sampler sampler = diffusion_settings().sampler;
    std::optional<sfumato::scheduler> scheduler{}; // none: the one that goes with the sampler

    bool operator==(step_settings const&) const = default;
};

struct known_model {
    std::string file; // the model, or a LoRA of the list or of the prompt, as the settings name it
    std::string kind; // "Lightning"
    step_settings settings;
};

/// Those that were taught to need few steps, Lightning, Hyper-SD, DMD2, LCM and Turbo, and Stable Diffusion 3, with the
/// settings of their makers (ByteDance 2024, Yin et al. 2024, Luo et al. 2023, Stability AI 2023 and 2024), by the
/// names of the files: of the first nothing else says so. Nothing: there is none among them, or one that needs more
/// than is done here (a single step of Lightning, Hyper-SD or DMD2).
std::optional<known_model> known_by_name(diffusion_settings const&);

step_settings steps_in(diffusion_settings const&);

/// "4 steps, guidance 1, Euler, Trailing".
sentence in_words(step_settings const&);

/// The settings that the model is made for, where others are set: a known one's own; or the usual ones for any other,
/// where those of a known one are left behind. Nothing: they are well.
std::optional<step_settings> better_steps(diffusion_settings const&);

} // namespace sfumato
