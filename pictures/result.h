// Where a result goes: what could refuse it is tried before the work starts, and what cannot be written there after it
// is kept elsewhere.
#pragma once

#include "pictures/picture_file.h"

#include <filesystem>
#include <vector>

namespace sfumato {

/// Of a result: 0 where it is not known before the run.
struct result_size {
    int width = 0, height = 0, bytes_per_pixel = 4;
};

/// Throws error unless a picture of that size could be written under that name now: its ending, its length, the folder
/// and the rights to it, the largest picture of its format, and room on the disk. Leaves nothing behind.
void check_can_write(std::filesystem::path const&, result_size = {});

/// picture_file::write of what took long to make. Where that fails, the pixels go to another name as PNG, beside it or
/// in the user's cache, or with the temporary files; the error says which.
void write_result(picture_file const&, std::filesystem::path const&, std::vector<text_entry> const& texts,
                  plain_colour const& background = white);

} // namespace sfumato
