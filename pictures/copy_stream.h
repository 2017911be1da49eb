// A stream's bytes into another one.
#pragma once

#include <istream>
#include <ostream>
#include <vector>

namespace sfumato {

/// All that is left of `from`; what went wrong is in the streams. (`to << from.rdbuf()` takes a part for the whole when
/// a disk is full.)
inline void copy_stream(std::istream& from, std::ostream& to) {
    for (std::vector<char> some(1 << 16); to && from.read(some.data(), std::streamsize(some.size())).gcount() > 0;)
        to.write(some.data(), from.gcount());
}

} // namespace sfumato
