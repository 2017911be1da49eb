#include "models/library/model_folders.h"

#include "models/library/scan.h"

#include <cstdlib>
#include <span>
#include <string>

namespace sfumato {

namespace fs = std::filesystem;

namespace {

enum class holds { anything, upscalers, kinds }; // kinds: a folder for each kind of model

struct place {
    fs::path folder;
    holds what;
};

// Below the home folder, or from / on.
constexpr struct {
    char const* folder;
    holds what;
} known[] = {
    {"ComfyUI/models", holds::kinds},
    {"Documents/ComfyUI/models", holds::kinds}, // ComfyUI Desktop
    {"stable-diffusion-webui/models", holds::kinds},
    {"stable-diffusion-webui-forge/models", holds::kinds},
    {"sdnext/models", holds::kinds},
    {"automatic/models", holds::kinds}, // SD.Next, as its repository was called
    {"SwarmUI/Models", holds::kinds},
    {".local/share/krita/ai_diffusion/server/ComfyUI/models", holds::kinds},
    {".local/share/krita/ai_diffusion/server/models", holds::kinds},
    {".local/share/krita-ai-diffusion/server/models", holds::kinds},
    {".cache/torch/hub/checkpoints", holds::kinds}, // where IOPaint and lama-cleaner put big-lama.pt
    {"/opt/Upscayl/resources/models", holds::upscalers},
    {".local/share/flatpak/app/org.upscayl.Upscayl/current/active/files/upscayl/resources/models", holds::upscalers},
    {"/var/lib/flatpak/app/org.upscayl.Upscayl/current/active/files/upscayl/resources/models", holds::upscalers},
};

// Of ComfyUI, SwarmUI and Krita's; of A1111's and its kin.
constexpr char const* upscaler_kinds[] = {"upscale_models", "ESRGAN", "RealESRGAN"};
constexpr char const* embedding_kinds[] = {"embeddings", "Embedding"}; // … of SwarmUI the latter
constexpr char const* lora_kinds[] = {"loras", "Lora", "LyCORIS"};

std::string from_environment(char const* name) {
    char const* const value = std::getenv(name);
    return value ? value : "";
}

std::vector<fs::path> named_by_user() {
    std::vector<fs::path> folders;
    std::string const list = from_environment("SFUMATO_MODELS");
    for (std::size_t begin = 0, end; begin < list.size(); begin = end + 1) {
        end = std::min(list.find(':', begin), list.size());
        if (end > begin) folders.push_back(list.substr(begin, end - begin));
    }
    return folders;
}

void add_if_there(std::vector<place>& to, fs::path const& folder, holds what) {
    std::error_code gone;
    if (fs::is_directory(folder, gone)) to.push_back({folder, what});
}

std::vector<place> places() {
    std::vector<place> found;
    fs::path const home = from_environment("HOME"), data = from_environment("XDG_DATA_HOME");
    for (fs::path const& folder : named_by_user()) add_if_there(found, folder, holds::anything);
    fs::path const own = (data.is_absolute() ? data : home / ".local/share") / "sfumato/models";
    if (own.is_absolute()) add_if_there(found, own, holds::anything);
    for (auto const& k : known)
        if (fs::path const folder = home / k.folder; folder.is_absolute()) add_if_there(found, folder, k.what);
    return found;
}

// Those for anything, and of a program's those of these kinds.
std::vector<fs::path> folders_of(std::span<char const* const> kinds, bool upscalers_too) {
    std::vector<fs::path> folders;
    std::error_code gone;
    for (place const& p : places()) {
        if (p.what == holds::anything || (p.what == holds::upscalers && upscalers_too)) folders.push_back(p.folder);
        if (p.what == holds::kinds)
            for (char const* kind : kinds)
                if (fs::is_directory(p.folder / kind, gone)) folders.push_back(p.folder / kind);
    }
    return folders;
}

} // namespace

std::vector<fs::path> model_folders() {
    std::vector<fs::path> folders;
    for (place const& p : places()) folders.push_back(p.folder);
    return folders;
}

std::vector<fs::path> upscaler_folders() { return folders_of(upscaler_kinds, true); }
std::vector<fs::path> lora_folders() { return folders_of(lora_kinds, false); }

std::vector<embedding_folder> embedding_folders() {
    std::vector<embedding_folder> folders;
    std::error_code gone;
    auto const add = [&](fs::path const& folder, bool names_are_words) {
        if (fs::is_directory(folder, gone)) folders.push_back({folder, names_are_words});
    };
    for (place const& p : places()) {
        if (p.what == holds::upscalers) continue;
        // SD.Next is of A1111's kind.
        auto const program = p.folder.parent_path().filename();
        bool const is_sdnext = program == "sdnext" || program == "automatic";
        for (char const* kind : embedding_kinds) add(p.folder / kind, is_sdnext);
        if (p.what == holds::kinds) add(p.folder.parent_path() / "embeddings", true); // A1111, Forge: beside models
    }
    return folders;
}

std::vector<fs::path> find_loras(std::string_view name) {
    std::vector<fs::path> found;
    for (fs::path const& folder : lora_folders())
        visit_models({folder}, [&](fs::path const& path) {
            fs::path const without_ending = fs::path(path).replace_extension();
            if (without_ending.filename() == name || without_ending.lexically_relative(folder) == name)
                found.push_back(path);
        });
    return found;
}

} // namespace sfumato
