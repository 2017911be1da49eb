#include "request/known_models.h"

#include "request/names.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>
#include <regex>

namespace sfumato {

namespace {

struct known_row {
    char const* pattern; // of a file's name in lower case
    char const* kind;
    step_settings settings;
    bool takes_single_step = true;
};

// The first that fits. A name's own number of steps goes before the one here.
std::array<known_row, 7> const& rows() {
    static std::array<known_row, 7> const all{{
        {R"(lightning)", "Lightning", {4, 1, sampler::euler, scheduler::trailing}, false},
        {R"(hyper[-_ ]?sd|hyper[-_ ].*step)", "Hyper-SD", {8, 1, sampler::ddim, scheduler::trailing}, false},
        {R"(dmd2)", "DMD2", {4, 1, sampler::lcm, scheduler::trailing}, false},
        {R"((^|[^a-z])lcm([^a-z]|$))", "LCM", {4, 1, sampler::lcm, {}}},
        {R"((sd|stable[-_ ]diffusion)[-_ ]?3.*turbo)", "Turbo", {4, 1, sampler::euler, {}}},
        {R"(turbo)", "Turbo", {4, 1, sampler::euler_a, scheduler::trailing}},
        {R"((^|[^a-z])(sd|stable[-_ ]diffusion)[-_ ]?3(\.?5)?([^a-z0-9]|$))",
         "Stable Diffusion 3",
         {28, 4.5, sampler::dpmpp_2m, {}}},
    }};
    return all;
}

// "sdxl_lightning_4step_lora": of a file whose name says nothing that of its folder.
std::string name_in(std::string const& file) {
    std::filesystem::path path(file);
    if (!path.has_filename()) path = path.parent_path();
    std::string name = path.filename().string();
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return char(std::tolower(c)); });
    static std::regex const says_nothing(R"((pytorch_lora_weights|diffusion_pytorch_model|model)(\..*)?)");
    bool const has_folder = path.has_parent_path() && path.parent_path() != path;
    return std::regex_match(name, says_nothing) && has_folder ? name_in(path.parent_path().string()) : name;
}

std::optional<known_model> known_in(std::string const& file) {
    std::string const name = name_in(file);
    auto const row =
        std::ranges::find_if(rows(), [&](auto const& r) { return std::regex_search(name, std::regex(r.pattern)); });
    if (row == rows().end()) return {};
    known_model found{file, row->kind, row->settings};
    static std::regex const number(R"((\d{1,2})[-_ ]?steps?)"), guided(R"((^|[^a-z])cfg([^a-z]|$))");
    std::smatch match;
    if (std::regex_search(name, match, number)) found.settings.steps = std::clamp(std::stoi(match[1]), 1, 20);
    if (found.settings.steps == 1 && !row->takes_single_step) return {};
    if (found.kind == "Hyper-SD" && std::regex_search(name, guided)) found.settings.cfg = 5;
    return found;
}

// Of all <lora:NAME…> in a prompt.
std::vector<std::string> loras_in(std::string const& prompt) {
    static std::regex const lora(R"(<lora:([^:<>]+)[:>])", std::regex::icase);
    std::vector<std::string> names;
    for (std::sregex_iterator i(prompt.begin(), prompt.end(), lora), end; i != end; ++i) names.push_back((*i)[1]);
    return names;
}

} // namespace

// A LoRA goes before the model, which it changes.
std::optional<known_model> known_by_name(diffusion_settings const& d) {
    std::vector<std::string> files = loras_in(d.prompt);
    for (lora_choice const& l : d.loras) files.push_back(l.file);
    files.push_back(d.model);
    for (std::string const& file : files)
        if (auto found = known_in(file)) return found;
    return {};
}

step_settings steps_in(diffusion_settings const& d) { return {d.steps, d.cfg, d.sampler, d.scheduler}; }

sentence in_words(step_settings const& s) {
    auto const numbers =
        s.steps == 1 ? say("1 step, guidance {}", s.cfg) : say("{} steps, guidance {}", s.steps, s.cfg);
    if (!s.scheduler) return say("{}, {}", numbers, display_name(s.sampler));
    return say("{}, {}, {}", numbers, display_name(s.sampler), display_name(*s.scheduler));
}

std::optional<step_settings> better_steps(diffusion_settings const& d) {
    step_settings const now = steps_in(d);
    auto const known = known_by_name(d);
    step_settings const wanted = known ? known->settings : step_settings();
    bool const is_strict = wanted.steps < step_settings().steps; // few steps are as many as were taught
    bool const is_left_behind = (now.steps <= 8 && now.cfg <= 2) ||
                                std::ranges::any_of(rows(), [&](auto const& r) { return r.settings == now; });
    bool const is_somebodys = now != step_settings() && !is_left_behind;
    return now == wanted || (is_somebodys && !is_strict) ? std::nullopt : std::optional(wanted);
}

} // namespace sfumato
