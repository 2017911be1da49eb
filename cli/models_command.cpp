#include "cli/commands.h"
#include "cli/help.h"
#include "compute/error.h"
#include "models/library/model_folders.h"
#include "models/library/scan.h"
#include "request/json.h"

#include <cstdio>
#include <nlohmann/json.hpp>

namespace sfumato {

namespace {

std::string shown_bytes(std::uint64_t bytes) {
    if (bytes < 1'000'000) return std::format("{:.1f} kB", double(bytes) / 1e3);
    return bytes < 1'000'000'000 ? std::format("{:.1f} MB", double(bytes) / 1e6)
                                 : std::format("{:.2f} GB", double(bytes) / 1e9);
}

std::string_view name_of(prediction p) { return p == prediction::v ? "v" : "epsilon"; }

// "Stable Diffusion 1.x, 2.13 GB, safetensors: the UNet takes 4 channels …"
std::string sentence(found_model const& m) {
    if (!m.error.empty()) return m.error;
    return std::format("{}, {}, {}{}: {}", m.is.family, shown_bytes(m.bytes), m.format,
                       m.is.supported ? "" : "; cannot be used", m.is.reason);
}

int scan(std::vector<std::filesystem::path> const& folders, bool as_lines) {
    std::size_t all = 0, usable = 0;
    auto const print = [&](found_model const& m) {
        ++all;
        usable += m.error.empty() && m.is.supported;
        if (as_lines)
            std::printf("%s\n", json_line(to_json(summary_of(m))).c_str());
        else
            std::printf("%s\n    %s\n", m.path.c_str(), sentence(m).c_str());
    };
    scan_models(folders, print);
    scan_built_in_models(print);
    if (!as_lines) std::printf("%zu models, %zu of them usable\n", all, usable);
    if (!as_lines && folders.empty())
        std::printf("No other program's models were found; name the folder of yours: sfumato models scan DIR\n");
    return exit_code::ok;
}

std::string list(std::vector<int> const& numbers) {
    std::string text;
    for (int n : numbers) text += (text.empty() ? "" : ", ") + std::to_string(n);
    return text;
}

// One line for each network that is there.
void print_networks(model_description const& m) {
    if (m.unet)
        std::printf(
            "  UNet          %d → %d channels; %d × (%s); attention (%s), middle %d; context %d; %s; predicts %s (%s); "
            "%d² pixels\n",
            m.unet->in_channels, m.unet->out_channels, m.unet->model_channels, list(m.unet->channel_mult).c_str(),
            list(m.unet->transformer_depth).c_str(), m.unet->middle_depth, m.unet->context_dim,
            (m.unet->heads ? std::format("{} heads", m.unet->heads) : std::format("heads of {}", m.unet->head_dim))
                .c_str(),
            std::string(name_of(m.prediction)).c_str(), m.prediction_reason.c_str(), m.native_size);
    if (m.text)
        std::printf("  text encoder  %d layers, %d of them used; width %d, %d heads; %d tokens of %d\n", m.text->layers,
                    m.text->layers_used, m.text->hidden, m.text->heads, m.text->context, m.text->vocabulary);
    if (m.vae)
        std::printf("  VAE           %d × (%s); latent of %d channels, scale %g%s\n", m.vae->channels,
                    list(m.vae->channel_mult).c_str(), m.vae->z_channels, m.vae->scale,
                    m.vae->encoder && m.vae->decoder ? ""
                    : m.vae->encoder                 ? "; encoder only"
                                                     : "; decoder only");
    if (m.taesd)
        std::printf("  TAESD         width %d; latent of %d channels\n", m.taesd->channels, m.taesd->z_channels);
}

int info(std::span<std::string const> files, bool as_lines) {
    if (files.size() != 1) throw usage_error("models info takes one file or diffusers folder");
    found_model const m = look_at_model(files[0]);
    if (!m.error.empty()) fail("{}", m.error);
    if (as_lines)
        std::printf("%s\n", json_line(to_json(summary_of(m))).c_str());
    else {
        std::printf("%s\n", sentence(m).c_str());
        print_networks(m.is);
    }
    return exit_code::ok;
}

int models(options const& given) {
    std::span<std::string const> const files = given.files;
    if (files.empty()) throw usage_error("models needs scan or info");
    if (files[0] == "scan")
        return scan(files.size() > 1 ? std::vector<std::filesystem::path>(files.begin() + 1, files.end())
                                     : model_folders(),
                    given.has("--json"));
    if (files[0] == "info") return info(files.subspan(1), given.has("--json"));
    throw usage_error(std::format("models knows no \"{}\"", files[0]));
}

std::string const help = help_text(
    {.example = "sfumato models scan ~/stable-diffusion-webui/models",
     .usage = "sfumato models scan [DIR…] [--json]\n"
              "       sfumato models info MODEL [--json]",
     .about =
         "scan lists the models in folders and all folders below, and those that come with Sfumato. Without a "
         "folder: in those of the environment variable SFUMATO_MODELS (with colons between), in "
         "~/.local/share/sfumato/models, and where ComfyUI, A1111, Forge, SD.Next, SwarmUI, Krita's AI Diffusion and "
         "Upscayl keep theirs. Nothing is changed. Each is opened, so that damaged ones are found as well.\n"
         "info tells what one model is, and what says so.\n"
         "MODEL is a .safetensors, .ckpt, .pt, .pth, .gguf, .param or .bin file, a folder of diffusers, sfumato:NAME "
         "or procedural:NAME.",
     .options = {{"--json", "one JSON object a model"}}});

} // namespace

command const models_command{
    .name = "models",
    .summary = "find models on this machine, tell what a model is",
    .help = help,
    .run = models,
    .flags = {"--json"},
};

} // namespace sfumato
