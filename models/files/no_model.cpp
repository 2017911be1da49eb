#include "models/files/no_model.h"

#include "compute/error.h"
#include "models/files/checkpoint.h"

#include <algorithm>
#include <array>

namespace sfumato {

namespace {

using namespace std::string_view_literals;

constexpr std::size_t looked_at = 1024, shown = 60; // bytes

// Of files of other programs: what they begin with, from some byte on.
struct beginning {
    std::string_view bytes, what;
    std::size_t at = 0;
};

constexpr std::array beginnings = {
    beginning{"\x89PNG\r\n"sv, "a PNG picture"},
    beginning{"\xff\xd8\xff"sv, "a JPEG picture"},
    beginning{"GIF8"sv, "a GIF picture"},
    beginning{"WEBP"sv, "a WebP picture", 8},
    beginning{"II*\0"sv, "a TIFF picture"},
    beginning{"MM\0*"sv, "a TIFF picture"},
    beginning{"gimp xcf"sv, "a GIMP picture"},
    beginning{"8BPS"sv, "a Photoshop picture"},
    beginning{"ftyp"sv, "a film or an AVIF or HEIC picture", 4},
    beginning{"%PDF-"sv, "a PDF document"},
    beginning{"\x89HDF\r\n\x1a\n"sv, "a file of Keras or another program (HDF5)"},
    beginning{"TFL3"sv, "a TensorFlow Lite model", 4},
    beginning{"\x93NUMPY"sv, "an array of NumPy"},
    beginning{"SQLite format 3\0"sv, "an SQLite database"},
    beginning{"\177ELF"sv, "a program"},
    beginning{"MZ\x90\0"sv, "a program"},
};

constexpr std::array archives = {
    beginning{"7z\xbc\xaf\x27\x1c"sv, "a 7-Zip archive"},
    beginning{"Rar!\x1a\x07"sv, "a RAR archive"},
    beginning{"\x1f\x8b"sv, "a gzip archive"},
    beginning{"\3757zXZ\0"sv, "an xz archive"},
    beginning{"BZh"sv, "a bzip2 archive"},
    beginning{"\x28\xb5\x2f\xfd"sv, "a Zstandard archive"},
    beginning{"ustar"sv, "a tar archive", 257},
};

template <class Table> std::string_view found_in(Table const& table, std::string_view text) {
    for (beginning const& b : table)
        if (text.size() > b.at && text.substr(b.at).starts_with(b.bytes)) return b.what;
    return "";
}

bool is_web_page(std::string_view text) {
    constexpr std::string_view mark = "\xef\xbb\xbf"; // of UTF-8
    if (text.starts_with(mark)) text.remove_prefix(mark.size());
    text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
    std::string lower(text.substr(0, 16));
    std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
    return std::ranges::any_of(std::array{"<!doctype", "<html", "<head", "<body", "<?xml", "<!--"},
                               [&](char const* tag) { return lower.starts_with(tag); });
}

// All that is looked at is ASCII that can be shown.
bool is_text(std::string_view text) {
    return std::ranges::all_of(text,
                               [](char c) { return (c >= 0x20 && c < 0x7f) || c == '\t' || c == '\n' || c == '\r'; });
}

} // namespace

void refuse_what_is_no_model(std::span<std::byte const> bytes, std::string const& source) {
    std::string_view const text(reinterpret_cast<char const*>(bytes.data()), std::min(bytes.size(), looked_at));
    if (text.starts_with("version https://git-lfs.github.com/"))
        fail("'{}' is a Git LFS pointer of {} bytes, not the model that it stands for: run \"git lfs pull\" in its "
             "folder, or download the file from its page.",
             source, bytes.size());
    if (is_web_page(text))
        fail("'{}' is a web page, not a model: what came instead of the download was an error or a login; open the "
             "model's page in a browser and get the file there.",
             source);
    if (auto const what = found_in(archives, text); !what.empty())
        fail("'{}' is {}, not a model: unpack it and choose the model in it.", source, what);
    if (auto const what = found_in(beginnings, text); !what.empty())
        fail("'{}' is {}, not a model: choose another file (.safetensors, .ckpt, .pth, .gguf).", source, what);
    if (text.find_first_not_of('\0') == text.npos)
        fail("'{}' begins with {} bytes of zeros: its download has not finished; get the file again.", source,
             text.size());
    if (is_text(text))
        fail("'{}' is a text, not a model (it begins with {}): if it came from a download, get the file again.", source,
             show_name(text.substr(0, shown)));
}

} // namespace sfumato
