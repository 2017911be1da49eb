// The texts that a PNG carries beside its pixels (chunks tEXt, zTXt and iTXt; PNG specification, third
// edition, 11.3.3).
#pragma once

#include <filesystem>
#include <iosfwd>
#include <optional>
#include <span>
#include <string>

namespace sfumato {

struct text_entry {
    std::string keyword; // 1 to 79 printable ASCII characters
    std::string text;    // UTF-8, of any length
};

/// Copies the PNG `from` to `to` with `texts` after its header, where every reader looks. Latin-1 becomes tEXt, other
/// text iTXt; what is not UTF-8 and NUL become U+FFFD. Throws error calling it `name` when it
/// cannot be written.
void copy_with_texts(std::filesystem::path const& from, std::filesystem::path const& to,
                     std::span<text_entry const> texts, std::string const& name);

/// The first text under `keyword`, as UTF-8; of those longer than 4 MiB none is taken. `name` stands in the errors:
/// not a PNG, damaged.
std::optional<std::string> find_png_text(std::istream& png, std::string_view keyword, std::string_view name);

} // namespace sfumato
