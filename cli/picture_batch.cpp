#include "cli/picture_batch.h"

#include "compute/error.h"

#include <filesystem>
#include <format>

namespace sfumato {

namespace {

std::string name_of_picture(std::string const& out, int k, int count) {
    if (count == 1) return out;
    std::filesystem::path const path = out;
    return (path.parent_path() / std::format("{}-{}{}", path.stem().string(), k + 1, path.extension().string()))
        .string();
}

} // namespace

picture_batch::picture_batch(std::string const& out, int count, result_size const& size, plain_colour const& background,
                             progress_line& line)
    : background_(background), line_(line) {
    for (int k = 0; k < count; ++k) {
        names_.push_back(name_of_picture(out, k, count));
        check_can_write(names_.back(), size);
    }
}

void picture_batch::write(picture_file const& file, std::vector<text_entry> const& texts, request const& recipe) {
    if (taken_ == 0) recipe_ = recipe;
    try {
        write_result(file, names_.at(taken_++), texts, background_);
    } catch (std::exception const& e) {
        if (names_.size() == 1) throw; // the run is over
        line_.warn(e.what());
        ++lost_;
    }
}

std::string picture_batch::cancelled() const {
    if (!taken_) return "cancelled";
    return std::format("cancelled; {} of {} pictures are there", taken_ - lost_, names_.size());
}

void picture_batch::check_all_written() const {
    if (lost_) fail("{} of {} pictures could not be written under their names.", lost_, names_.size());
}

} // namespace sfumato
