// Files that are called as models are and hold something else: what came instead of a download, and what other programs
// write.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace sfumato {

/// Throws error, saying what the file is and what to do, where its beginning tells that it is no model's.
void refuse_what_is_no_model(std::span<std::byte const> bytes, std::string const& source);

} // namespace sfumato
