// What every parser of foreign files must survive: the file cut off anywhere, and each bit of it flipped.
#pragma once

#include "models/files/mapped_file.h"
#include "tests/models/files/scratch.h"

namespace sfumato {

using parser = checkpoint (*)(mapped_file const&, std::string const& source);

/// What the parser says of these bytes, and of all tensors' bytes; "" where it takes them.
inline std::string told_by(parser read, std::string_view bytes) {
    // On the heap and no byte longer, so that a sanitizer sees what lies beyond.
    std::vector<std::byte> const exact(reinterpret_cast<std::byte const*>(bytes.data()),
                                       reinterpret_cast<std::byte const*>(bytes.data()) + bytes.size());
    return error_of([&] {
        checkpoint const c = read({nullptr, exact}, "m");
        std::vector<std::byte> scratch;
        for (auto const& [name, tensor] : c.tensors) EXPECT_EQ(tensor.read(scratch).size(), tensor.bytes()) << name;
    });
}

inline void expect_every_cut_refused(parser read, std::string const& good) {
    ASSERT_EQ(told_by(read, good), "");
    for (std::size_t length = 0; length < good.size(); ++length)
        EXPECT_NE(told_by(read, good.substr(0, length)), "") << length;
}

/// Returns how many flips were refused.
inline int flip_every_bit(parser read, std::string const& good) {
    int refused = 0;
    for (std::size_t at = 0; at < good.size(); ++at)
        for (int bit = 0; bit < 8; ++bit) {
            std::string bad = good;
            bad[at] = char(bad[at] ^ 1 << bit);
            refused += !told_by(read, bad).empty();
        }
    return refused;
}

} // namespace sfumato
