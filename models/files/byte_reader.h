// Reads a foreign file piece by piece; never beyond its end.
#pragma once

#include "compute/error.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

namespace sfumato {

struct byte_reader {
    std::span<std::byte const> rest;
    std::string const& source; // the file, for messages

    /// The next `count` bytes; throws error where there are fewer.
    std::span<std::byte const> take(std::uint64_t count) {
        if (count > rest.size())
            fail("'{}' is cut off or damaged: {} more bytes should follow where there are {}; get the file again.",
                 source, count, rest.size());
        auto const taken = rest.first(count);
        rest = rest.subspan(count);
        return taken;
    }
    std::string_view text(std::uint64_t length) {
        auto const taken = take(length);
        return {reinterpret_cast<char const*>(taken.data()), taken.size()};
    }
    /// Little endian.
    template <class T> T number() {
        T value;
        std::memcpy(&value, take(sizeof value).data(), sizeof value);
        return value;
    }
};

} // namespace sfumato
