#include "cli/commands.h"
#include "cli/help.h"
#include "compute/error.h"
#include "models/library/export_model.h"
#include "models/library/joined.h"
#include "models/library/model_folders.h"
#include "models/library/scan.h"
#include "request/json.h"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace sfumato {

namespace {

std::string shown_bytes(std::uint64_t bytes) {
    if (bytes < 1'000'000) return std::format("{:.1f} kB", double(bytes) / 1e3);
    return bytes < 1'000'000'000 ? std::format("{:.1f} MB", double(bytes) / 1e6)
                                 : std::format("{:.2f} GB", double(bytes) / 1e9);
}

bool is_half(found_model const& m) { return !m.is.missing.empty(); }

// "Stable Diffusion 1.x, 2.13 GB, safetensors: the UNet takes 4 channels …"
std::string sentence(found_model const& m) {
    if (!m.error.empty()) return m.error;
    return std::format("{}, {}, {}{}: {}", m.is.family, shown_bytes(m.bytes), m.format,
                       is_half(m) || m.is.supported ? "" : "; cannot be used", m.is.reason);
}

// For each half among them, which of the others has what it lacks.
void print_joins(std::vector<found_model> const& all) {
    for (found_model const& half : all)
        for (std::string const& part : half.is.missing) {
            auto const lends = [&](found_model const& m) { return m.error.empty() && can_lend(m.is, part, half.is); };
            if (auto const other = std::ranges::find_if(all, lends); other != all.end())
                std::printf("%s: it can take the %s in %s\n", half.path.c_str(), part.c_str(), other->path.c_str());
        }
}

std::string counts(std::vector<found_model> const& all) {
    auto const usable =
        std::ranges::count_if(all, [](found_model const& m) { return m.error.empty() && m.is.supported; });
    auto const halves = std::ranges::count_if(all, is_half);
    return std::format("{} models, {} of them usable", all.size(), usable) +
           (halves ? std::format(", {} halves of models", halves) : "");
}

int scan(std::vector<std::filesystem::path> const& folders, bool as_lines) {
    std::vector<found_model> all;
    auto const print = [&](found_model const& m) {
        all.push_back(m);
        if (as_lines)
            std::printf("%s\n", json_line(to_json(summary_of(m))).c_str());
        else
            std::printf("%s\n    %s\n", m.path.c_str(), sentence(m).c_str());
    };
    scan_models(folders, print);
    scan_built_in_models(print);
    if (as_lines) return exit_code::ok;
    print_joins(all);
    std::printf("%s\n", counts(all).c_str());
    if (folders.empty())
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
            "  UNet          %d → %d channels; %d × (%s); attention (%s), middle %d; context %d; %s; predicts %s "
            "(%s)%s; "
            "%d² pixels\n",
            m.unet->in_channels, m.unet->out_channels, m.unet->model_channels, list(m.unet->channel_mult).c_str(),
            list(m.unet->transformer_depth).c_str(), m.unet->middle_depth, m.unet->context_dim,
            (m.unet->heads ? std::format("{} heads", m.unet->heads) : std::format("heads of {}", m.unet->head_dim))
                .c_str(),
            std::string(name_of(m.prediction)).c_str(), m.prediction_reason.c_str(),
            m.zero_terminal_snr ? ", down to a terminal SNR of zero" : "", m.native_size);
    if (m.mmdit)
        std::printf("  MMDiT         %d channels; %s; %s%s; %d² pixels\n", m.mmdit->in_channels,
                    m.mmdit->in_words().c_str(),
                    m.mmdit->qk_norm ? "queries and keys are normed" : "no norms of queries",
                    m.mmdit->dual_blocks ? std::format(", {} blocks attend twice", m.mmdit->dual_blocks).c_str() : "",
                    m.native_size);
    for (clip_config const& text : m.texts)
        std::printf("  text encoder  %d layers, %d of them used; width %d, %d heads; %d tokens of %d\n", text.layers,
                    text.layers_used, text.hidden, text.heads, text.context, text.vocabulary);
    if (m.t5)
        std::printf("  T5            %d layers; width %d, %d heads; %d tokens\n", m.t5->layers, m.t5->width,
                    m.t5->heads, m.t5->vocabulary);
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

int write_ordinary(std::span<std::string const> names, options const& given) {
    if (names.size() != 1 || !given.has("-o")) throw usage_error("models export takes one sfumato:NAME and -o FILE");
    export_model(names[0], given.value("-o"));
    std::printf("%s: %s as safetensors\n", given.value("-o").c_str(), names[0].c_str());
    return exit_code::ok;
}

int models(options const& given) {
    std::span<std::string const> const files = given.files;
    if (files.empty()) throw usage_error("models needs scan, info or export");
    if (files[0] == "scan")
        return scan(files.size() > 1 ? std::vector<std::filesystem::path>(files.begin() + 1, files.end())
                                     : model_folders(),
                    given.has("--json"));
    if (files[0] == "info") return info(files.subspan(1), given.has("--json"));
    if (files[0] == "export") return write_ordinary(files.subspan(1), given);
    throw usage_error(std::format("models knows no \"{}\"", files[0]));
}

std::string const help = help_text(
    {.example = "sfumato models scan ~/stable-diffusion-webui/models",
     .usage = "sfumato models scan [DIR…] [--json]\n"
              "       sfumato models info MODEL [--json]\n"
              "       sfumato models export sfumato:NAME -o FILE",
     .about =
         "scan lists the models in folders and all folders below, and those that come with Sfumato. Without a "
         "folder: in those of the environment variable SFUMATO_MODELS (with colons between), in "
         "~/.local/share/sfumato/models, and where ComfyUI, A1111, Forge, SD.Next, SwarmUI, Krita's AI Diffusion and "
         "Upscayl keep theirs. Nothing is changed. Each is opened, so that damaged ones are found as well. A half of a "
         "model, without text encoder or VAE, is told with what it lacks and which of the others have it.\n"
         "info tells what one model is, and what says so.\n"
         "export writes one of Sfumato's own models as a .safetensors file with the usual names; sfumato:draw has "
         "Stable "
         "Diffusion 1's layers in sizes of its own, which a program has to take from the file.\n"
         "MODEL is a .safetensors, .ckpt, .pt, .pth, .gguf, .param, .bin or .onnx file, a folder of diffusers, "
         "sfumato:NAME "
         "or procedural:NAME.",
     .options = {{"--json", "one JSON object a model"}, {"-o FILE", "what export writes"}}});

} // namespace

command const models_command{
    .name = "models",
    .summary = "find models on this machine, tell what a model is",
    .help = help,
    .run = models,
    .with_value = {"-o"},
    .flags = {"--json"},
};

} // namespace sfumato
