#include "pictures/png_text.h"

#include "compute/error.h"
#include "models/text/characters.h"
#include "pictures/copy_stream.h"

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <zlib.h>

namespace sfumato {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view signature("\x89PNG\r\n\x1A\n", 8);
constexpr std::size_t header_end = 8 + 12 + 13; // after the signature and IHDR
constexpr std::size_t longest_text = 4 << 20;

std::string big_endian(std::uint32_t v) { return {char(v >> 24), char(v >> 16), char(v >> 8), char(v)}; }

std::uint32_t big_endian(std::string_view b) {
    auto const byte = [&](std::size_t i) { return std::uint32_t(static_cast<unsigned char>(b[i])); };
    return byte(0) << 24 | byte(1) << 16 | byte(2) << 8 | byte(3);
}

std::uint32_t checksum(std::string_view bytes) {
    return std::uint32_t(crc32(0, reinterpret_cast<Bytef const*>(bytes.data()), uInt(bytes.size())));
}

std::string from_latin1(std::string_view text) {
    std::u32string characters;
    for (char const c : text) characters += char32_t(static_cast<unsigned char>(c));
    return utf8_encode(characters);
}

// The whole chunk: length, type, data, checksum.
std::string chunk_of(text_entry const& t) {
    assert(!t.keyword.empty() && t.keyword.size() <= 79);
    std::u32string characters = utf8_decode(t.text);
    std::ranges::replace(characters, U'\0', U'\uFFFD');
    std::string body;
    if (std::ranges::all_of(characters, [](char32_t c) { return c <= 0xFF; })) {
        body = "tEXt" + t.keyword + '\0';
        for (char32_t const c : characters) body += char(c);
    } else // not compressed, no language, no translated keyword
        body = "iTXt" + t.keyword + std::string(5, '\0') + utf8_encode(characters);
    return big_endian(std::uint32_t(body.size() - 4)) + body + big_endian(checksum(body));
}

// What `compressed` inflates to; nothing when it is damaged or too long.
std::optional<std::string> inflated(std::string_view compressed) {
    z_stream stream{};
    if (inflateInit(&stream) != Z_OK) return std::nullopt;
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(compressed.data()));
    stream.avail_in = uInt(compressed.size());
    std::string text;
    int status = Z_OK;
    while (status == Z_OK && text.size() < longest_text) {
        std::size_t const before = text.size();
        text.resize(before + (64 << 10));
        stream.next_out = reinterpret_cast<Bytef*>(text.data() + before);
        stream.avail_out = uInt(text.size() - before);
        status = inflate(&stream, Z_NO_FLUSH);
        text.resize(text.size() - stream.avail_out);
    }
    inflateEnd(&stream);
    return status == Z_STREAM_END ? std::optional(text) : std::nullopt;
}

// The part of `data` before its first NUL, which both are taken off; nothing when there is no NUL.
std::optional<std::string_view> take_field(std::string_view& data) {
    auto const end = data.find('\0');
    if (end == data.npos) return std::nullopt;
    std::string_view const field = data.substr(0, end);
    data.remove_prefix(end + 1);
    return field;
}

// What follows the keyword, as UTF-8; nothing when it is damaged.
std::optional<std::string> text_in(std::string_view type, std::string_view data) {
    if (type == "tEXt") return from_latin1(data);
    if (type == "zTXt") {
        if (!data.starts_with('\0')) return std::nullopt; // the method: deflate
        auto const text = inflated(data.substr(1));
        return text ? std::optional(from_latin1(*text)) : std::nullopt;
    }
    assert(type == "iTXt");
    bool const compressed = data.starts_with('\1');
    if (data.size() < 2 || (!compressed && data[0] != 0) || data[1] != 0) return std::nullopt; // flag, method
    data.remove_prefix(2);
    if (!take_field(data) || !take_field(data)) return std::nullopt; // language, translated keyword
    auto const text = compressed ? inflated(data) : std::optional(std::string(data));
    return text ? std::optional(utf8_encode(utf8_decode(*text))) : std::nullopt;
}

bool is_text(std::string_view type) { return type == "tEXt" || type == "zTXt" || type == "iTXt"; }

std::string read_bytes(std::istream& png, std::size_t count, std::string_view name) {
    std::string bytes(count, '\0');
    if (!png.read(bytes.data(), std::streamsize(count))) fail("{} is a damaged PNG: it ends too early.", name);
    return bytes;
}

} // namespace

void copy_with_texts(fs::path const& from, fs::path const& to, std::span<text_entry const> texts,
                     std::string const& name) {
    std::ifstream in(from, std::ios::binary);
    std::ofstream out(to, std::ios::binary);
    out << read_bytes(in, header_end, from.string());
    for (text_entry const& t : texts) out << chunk_of(t);
    copy_stream(in, out);
    out.close();
    if (in.bad() || !out) fail("{} could not be written: {}.", name, std::strerror(errno));
}

std::optional<std::string> find_png_text(std::istream& png, std::string_view keyword, std::string_view name) {
    if (read_bytes(png, signature.size(), name) != signature) fail("{} is not a PNG.", name);
    while (true) {
        std::string const head = read_bytes(png, 8, name);
        std::size_t const length = big_endian(head);
        std::string const type = head.substr(4);
        if (type == "IEND") return std::nullopt;
        if (!is_text(type) || length > longest_text) {
            png.seekg(std::streamoff(length) + 4, std::ios::cur);
            continue;
        }
        std::string const data = read_bytes(png, length, name), sum = read_bytes(png, 4, name);
        std::string_view rest = data;
        if (take_field(rest) != keyword) continue;
        auto text = text_in(type, rest);
        if (!text || checksum(type + data) != big_endian(sum))
            fail("{} is a damaged PNG: its text \"{}\" is not readable.", name, keyword);
        return text;
    }
}

} // namespace sfumato
