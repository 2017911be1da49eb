#include "models/library/scan.h"

#include "compute/error.h"
#include "models/files/diffusers_folder.h"
#include "models/library/built_in.h"
#include "models/library/open_checkpoint.h"
#include "models/networks/upscaler.h"

#include <algorithm>
#include <array>
#include <set>
#include <sys/stat.h>

namespace sfumato {

namespace fs = std::filesystem;

namespace {

constexpr int deepest = 16;

bool is_model_file(fs::path const& path) {
    constexpr std::array endings = {".safetensors", ".ckpt", ".pt", ".pth", ".gguf", ".param", ".onnx"};
    std::string ending = path.extension().string();
    std::ranges::transform(ending, ending.begin(), [](unsigned char c) { return std::tolower(c); });
    return std::ranges::find(endings, ending) != endings.end();
}

std::uint64_t bytes_of(checkpoint const& c) {
    std::uint64_t bytes = 0;
    for (auto const& file : c.files) bytes += file.bytes.size();
    if (c.files.empty())
        for (auto const& [name, tensor] : c.tensors) bytes += tensor.bytes();
    return bytes;
}

struct scanner {
    std::function<void(fs::path const&)> const& visit_model;
    std::atomic<bool> const* stopped;
    std::set<std::pair<dev_t, ino_t>> seen;

    // By its place on the disk: links may lead in circles.
    bool is_new(fs::path const& folder) {
        struct stat status;
        return stat(folder.c_str(), &status) == 0 && seen.emplace(status.st_dev, status.st_ino).second;
    }

    void enter(fs::path const& folder, int depth) {
        if (depth > deepest || !is_new(folder)) return;
        if (is_diffusers_folder(folder)) return visit_model(folder);
        std::error_code unreadable;
        std::vector<fs::directory_entry> entries;
        for (fs::directory_iterator entry(folder, unreadable), end; entry != end; entry.increment(unreadable))
            entries.push_back(*entry);
        std::ranges::sort(entries, {}, [](fs::directory_entry const& e) -> auto& { return e.path().native(); });
        for (fs::directory_entry const& entry : entries) visit(entry, depth);
    }

    // What an entry is, its folder says; only links are asked themselves.
    void visit(fs::directory_entry const& entry, int depth) {
        if (stopped && *stopped) return;
        std::error_code gone;
        fs::path const& path = entry.path();
        if (entry.is_directory(gone)) {
            if (!path.filename().native().starts_with('.')) enter(path, depth + 1);
        } else if (is_model_file(path) && entry.is_regular_file(gone))
            visit_model(path);
    }
};

} // namespace

std::string_view name_of(prediction p) { return p == prediction::v ? "v" : p == prediction::flow ? "flow" : "epsilon"; }

found_model look_at_model(fs::path const& path, checkpoint const& c) {
    return {.path = path, .bytes = bytes_of(c), .format = c.format, .error = {}, .is = describe_model(c)};
}

model_summary summary_of(found_model const& m) {
    model_summary s{.path = m.path.string(), .error = m.error};
    if (!m.error.empty()) return s;
    s.family = m.is.family;
    s.format = m.format;
    s.bytes = m.bytes;
    s.supported = m.is.supported;
    s.reason = m.is.reason;
    s.missing = m.is.missing;
    if (m.is.has_denoiser()) {
        s.native_size = m.is.native_size;
        s.in_channels = m.is.unet ? m.is.unet->in_channels : m.is.mmdit->in_channels;
        s.prediction = name_of(m.is.prediction);
        s.prediction_reason = m.is.prediction_reason;
    }
    if (m.is.upscaler) {
        s.scale = shape_of(*m.is.upscaler).scale;
        s.factor = m.is.factor;
    }
    return s;
}

found_model look_at_model(fs::path const& path) try {
    return look_at_model(path, open_checkpoint(path));
} catch (error const& e) {
    return {.path = path, .error = e.what()};
}

void scan_built_in_models(std::function<void(found_model const&)> const& found) {
    for (std::string_view name : built_in_models()) found(look_at_model("sfumato:" + std::string(name)));
}

void visit_models(std::vector<fs::path> const& folders, std::function<void(fs::path const&)> const& visit,
                  std::atomic<bool> const* stopped) {
    std::error_code gone;
    for (fs::path const& folder : folders)
        if (!fs::is_directory(folder, gone)) fail("'{}' is not a folder.", folder.string());
    scanner scanner{visit, stopped, {}};
    for (fs::path const& folder : folders) scanner.enter(folder, 0);
}

void scan_models(std::vector<fs::path> const& folders, std::function<void(found_model const&)> const& found,
                 std::atomic<bool> const* stopped) {
    visit_models(folders, [&](fs::path const& path) { found(look_at_model(path)); }, stopped);
}

} // namespace sfumato
