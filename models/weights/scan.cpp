#include "models/weights/scan.h"

#include "compute/error.h"
#include "models/weights/built_in.h"
#include "models/weights/diffusers_folder.h"

#include <algorithm>
#include <array>
#include <set>
#include <sys/stat.h>

namespace sfumato {

namespace fs = std::filesystem;

namespace {

constexpr int deepest = 16;

bool is_model_file(fs::path const& path) {
    constexpr std::array endings = {".safetensors", ".ckpt", ".pt", ".pth", ".gguf", ".param"};
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
    std::function<void(found_model const&)> const& found;
    std::atomic<bool> const* stopped;
    std::set<std::pair<dev_t, ino_t>> seen;

    // By its place on the disk: links may lead in circles.
    bool is_new(fs::path const& folder) {
        struct stat status;
        return stat(folder.c_str(), &status) == 0 && seen.emplace(status.st_dev, status.st_ino).second;
    }

    void enter(fs::path const& folder, int depth) {
        if (depth > deepest || !is_new(folder)) return;
        if (is_diffusers_folder(folder)) return found(look_at_model(folder));
        std::error_code unreadable;
        std::vector<fs::path> entries;
        for (fs::directory_iterator entry(folder, unreadable), end; entry != end; entry.increment(unreadable))
            entries.push_back(entry->path());
        std::ranges::sort(entries);
        for (fs::path const& entry : entries) visit(entry, depth);
    }

    void visit(fs::path const& entry, int depth) {
        if (stopped && *stopped) return;
        std::error_code gone;
        auto const kind = fs::status(entry, gone).type();
        bool const hidden = entry.filename().string().starts_with(".");
        if (kind == fs::file_type::directory && !hidden) enter(entry, depth + 1);
        if (kind == fs::file_type::regular && is_model_file(entry)) found(look_at_model(entry));
    }
};

} // namespace

found_model look_at_model(fs::path const& path) try {
    checkpoint const c = open_checkpoint(path);
    return {.path = path, .bytes = bytes_of(c), .format = c.format, .error = {}, .is = describe_model(c)};
} catch (error const& e) {
    return {.path = path, .error = e.what()};
}

void scan_built_in_models(std::function<void(found_model const&)> const& found) {
    for (auto const& model : built_in_models()) found(look_at_model("sfumato:" + std::string(model.name)));
}

void scan_models(std::vector<fs::path> const& folders, std::function<void(found_model const&)> const& found,
                 std::atomic<bool> const* stopped) {
    std::error_code gone;
    for (fs::path const& folder : folders)
        if (!fs::is_directory(folder, gone)) fail("'{}' is not a folder.", folder.string());
    scanner scanner{found, stopped, {}};
    for (fs::path const& folder : folders) scanner.enter(folder, 0);
}

} // namespace sfumato
