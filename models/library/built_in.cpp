#include "models/library/built_in.h"

#include "compute/error.h"
#include "models/files/gguf.h"
#include "models/files/safetensors.h"

#include <algorithm>

namespace sfumato {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view drawing = "draw";

checkpoint read_beside_program(std::string const& name) {
    std::error_code unknown;
    fs::path const program = fs::read_symlink("/proc/self/exe", unknown);
    fs::path const file = program.parent_path() / "sfumato-draw.gguf";
    if (program.empty() || !fs::exists(file, unknown))
        fail("Sfumato's own model '{}' is missing: it should lie at {}. Install Sfumato again.", name, file.string());
    return read_gguf(map_file(file), name);
}

} // namespace

std::vector<std::string_view> built_in_models() {
    std::vector<std::string_view> names;
    for (embedded_model const& model : embedded_models()) names.push_back(model.name);
    names.push_back(drawing);
    return names;
}

checkpoint built_in_checkpoint(std::string_view name) {
    std::string const source = "sfumato:" + std::string(name);
    auto const all = embedded_models();
    auto const model = std::ranges::find(all, name, &embedded_model::name);
    checkpoint c;
    if (model != all.end()) {
        c = read_safetensors({nullptr, model->file}, source);
        c.files.clear(); // they are no files of their own
    } else if (name == drawing) {
        c = read_beside_program(source);
    } else {
        std::string known;
        for (std::string_view other : built_in_models()) known += (known.empty() ? "" : ", ") + std::string(other);
        fail("Sfumato has no model '{}' of its own; it has {}.", name, known);
    }
    c.format = "built in";
    return c;
}

} // namespace sfumato
