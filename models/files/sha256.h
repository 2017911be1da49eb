// SHA-256 (FIPS 180-4): what tells one file from another.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace sfumato {

/// 64 hexadecimal digits, as sha256sum prints them.
std::string sha256(std::span<std::byte const>);

} // namespace sfumato
