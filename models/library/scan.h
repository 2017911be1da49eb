// Finds models below given folders (model_folders.h has those of other programs). Nothing is
// written.
#pragma once

#include "models/library/family.h"
#include "request/model_summary.h"

#include <atomic>
#include <functional>
#include <vector>

namespace sfumato {

struct found_model {
    std::filesystem::path path; // a file, a diffusers folder, or sfumato:NAME
    std::uint64_t bytes = 0;    // of all its files
    std::string format;
    std::string error; // what is wrong with it; then the rest is empty
    model_description is;
};

/// Opens and describes one.
found_model look_at_model(std::filesystem::path const&);
/// One that is open.
found_model look_at_model(std::filesystem::path const&, checkpoint const&);
/// "epsilon", "v", "flow"
std::string_view name_of(prediction);
/// For those who do not open it.
model_summary summary_of(found_model const&);

/// Calls `found` for each model that comes with the program: "sfumato:NAME".
void scan_built_in_models(std::function<void(found_model const&)> const& found);

/// Calls `visit` for each model below the folders, in the order of their names: files that end as model files do (of
/// ncnn's pairs the .param), and folders that diffusers made. Links are followed, each folder is entered once, hidden
/// ones are not; no deeper than 16 folders. Folders that cannot be read are passed over. Throws error where one that is
/// named is none. It ends early when `stopped` becomes true.
void visit_models(std::vector<std::filesystem::path> const& folders,
                  std::function<void(std::filesystem::path const&)> const& visit,
                  std::atomic<bool> const* stopped = nullptr);

/// The same with what each of them is.
void scan_models(std::vector<std::filesystem::path> const& folders,
                 std::function<void(found_model const&)> const& found, std::atomic<bool> const* stopped = nullptr);

} // namespace sfumato
