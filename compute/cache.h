// Files that save time at the next start, in $XDG_CACHE_HOME/sfumato or ~/.cache/sfumato. Anyone may delete them.
#pragma once

#include <string>
#include <string_view>

namespace sfumato {

/// Where the file `name` lies; empty when there is no such directory to be had.
std::string cache_path(std::string_view name);

/// Puts `bytes` there whole: readers never see half a file. When it cannot be written, nothing happens.
void cache_write(std::string const& path, std::string_view bytes);

} // namespace sfumato
