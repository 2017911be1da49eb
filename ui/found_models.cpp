#include "ui/found_models.h"

#include "engine/client.h"

#include <algorithm>
#include <filesystem>
#include <format>
#include <glib.h>
#include <map>
#include <memory>

namespace sfumato {

namespace fs = std::filesystem;

namespace {

// "4x-UltraSharp (×4)", "dreamshaper (Stable Diffusion 1.x, 2.1 GB)".
std::string name_of(model_summary const& m) {
    fs::path const path = m.path;
    std::string const name = (fs::is_directory(path) ? path.filename() : path.stem()).string(); // "sd-v1.5"
    if (m.is_upscaler()) return std::format("{} (×{})", name, m.factor);
    return std::format("{} ({}, {:.1f} GB)", name, m.family, double(m.bytes) / 1e9);
}

listed_models labelled(std::vector<model_summary> const& models) {
    std::map<std::string, int> count;
    for (model_summary const& m : models) ++count[name_of(m)];
    listed_models list;
    for (model_summary const& m : models) {
        std::string const name = name_of(m), folder = fs::path(m.path).parent_path().string();
        std::string const label = count[name] == 1 ? name : std::format("{} – {}", name, folder);
        std::unique_ptr<char, decltype(&g_free)> const shown(g_filename_display_name(label.c_str()), g_free);
        // As a GFile has it, to be found again in the list.
        std::unique_ptr<char, decltype(&g_free)> const path(g_canonicalize_filename(m.path.c_str(), nullptr), g_free);
        list.push_back({path.get(), shown.get()});
    }
    std::ranges::sort(list, [](listed_model const& a, listed_model const& b) {
        return g_utf8_collate(a.label.c_str(), b.label.c_str()) < 0;
    });
    return list;
}

bool is_wanted(model_summary const& m, model_kind kind) {
    if (!m.error.empty() || !m.supported || m.path.starts_with("sfumato:")) return false;
    return kind == model_kind::upscaler ? m.is_upscaler() : m.native_size > 0 && m.missing.empty();
}

listed_models look(model_kind kind, std::atomic<bool> const& stopped) {
    std::vector<model_summary> models;
    auto const add = [&](model_summary const& m) {
        if (is_wanted(m, kind)) models.push_back(m);
    };
    try {
        engine_models(kind, add, {.cancelled = &stopped});
    } catch (std::exception const&) { // no engine, memory: the list is only a convenience
    }
    return labelled(models);
}

model_summary ask(std::string const& model, std::atomic<bool> const& stopped) {
    try {
        if (auto const answer = engine_describe(model, {.cancelled = &stopped})) return *answer;
        return {.path = model, .error = "stopped"};
    } catch (std::exception const& e) {
        return {.path = model, .error = e.what()};
    }
}

std::string ask_for_lama(std::atomic<bool> const& stopped) {
    std::string file;
    try {
        engine_models(model_kind::lama, [&](model_summary const& m) { file = m.path; }, {.cancelled = &stopped});
    } catch (std::exception const&) { // what is wrong with the engine, the run itself says
    }
    return file;
}

bool is_ready(auto const& future) { return future.wait_for(std::chrono::seconds(0)) == std::future_status::ready; }

} // namespace

model_search::model_search(model_kind kind)
    : found(std::async(std::launch::async, [this, kind] { return look(kind, stopped); })) {}

model_search::~model_search() { stopped = true; }

std::optional<listed_models> model_search::result() {
    if (!found.valid() || !is_ready(found)) return {};
    return found.get();
}

model_question::model_question(std::string model)
    : answer(std::async(std::launch::async, [this, model = std::move(model)] { return ask(model, stopped); })) {}

model_question::~model_question() { stopped = true; }

std::optional<model_summary> model_question::result() {
    if (!answer.valid() || !is_ready(answer)) return {};
    return answer.get();
}

lama_question::~lama_question() { stopped = true; }

void lama_question::ask() {
    if (answer.valid()) return;
    answer = std::async(std::launch::async, [this] { return ask_for_lama(stopped); });
}

std::string lama_question::known() {
    if (!found) ask();
    if (answer.valid() && is_ready(answer)) found = answer.get();
    return found.value_or("");
}

std::string lama_question::wait() {
    if (!found) ask();
    if (answer.valid()) found = answer.get();
    return *found;
}

void lama_question::ask_again() {
    if (found == "") ask();
}

} // namespace sfumato
