// PNG files written and read with libpng alone, so that what GEGL does to samples cannot hide.
#pragma once

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <map>
#include <png.h>
#include <stdexcept>
#include <string>
#include <vector>

namespace sfumato {

struct png_file {
    int width = 0, height = 0, depth = 8, color = PNG_COLOR_TYPE_RGB;
    std::vector<std::uint16_t> samples{}; // [height, width, channels()]
    std::string profile{};                // ICC, "" = none
    std::map<std::string, std::string> texts{};
    int orientation = 0; // EXIF's; 0: there is none

    int channels() const { return 1 + (color & PNG_COLOR_MASK_COLOR ? 2 : 0) + (color & PNG_COLOR_MASK_ALPHA ? 1 : 0); }
};

inline void write_png(std::filesystem::path const& path, png_file const& p) {
    std::FILE* file = std::fopen(path.c_str(), "wb");
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
    png_infop info = png_create_info_struct(png);
    if (setjmp(png_jmpbuf(png))) throw std::runtime_error("libpng cannot write " + path.string());
    png_init_io(png, file);
    png_set_IHDR(png, info, png_uint_32(p.width), png_uint_32(p.height), p.depth, p.color, 0, 0, 0);
    if (!p.profile.empty())
        png_set_iCCP(png, info, "test", 0, reinterpret_cast<png_const_bytep>(p.profile.data()),
                     png_uint_32(p.profile.size()));
    std::string exif("MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\0\0\0\0\0\0\0", 26);
    exif[19] = char(p.orientation);
    if (p.orientation) png_set_eXIf_1(png, info, png_uint_32(exif.size()), reinterpret_cast<png_bytep>(exif.data()));
    png_write_info(png, info);
    std::size_t const stride = std::size_t(p.width) * std::size_t(p.channels());
    std::vector<png_byte> row(stride * std::size_t(p.depth / 8));
    for (int y = 0; y < p.height; ++y) {
        for (std::size_t i = 0; i < stride; ++i) {
            std::uint16_t const v = p.samples[std::size_t(y) * stride + i];
            if (p.depth == 16) row[2 * i] = png_byte(v >> 8), row[2 * i + 1] = png_byte(v);
            if (p.depth == 8) row[i] = png_byte(v);
        }
        png_write_row(png, row.data());
    }
    png_write_end(png, nullptr);
    png_destroy_write_struct(&png, &info);
    std::fclose(file);
}

inline png_file read_png(std::filesystem::path const& path) {
    std::FILE* file = std::fopen(path.c_str(), "rb");
    if (!file) throw std::runtime_error("no file " + path.string());
    png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
    png_infop info = png_create_info_struct(png);
    if (setjmp(png_jmpbuf(png))) throw std::runtime_error("libpng cannot read " + path.string());
    png_init_io(png, file);
    png_read_png(png, info, PNG_TRANSFORM_IDENTITY, nullptr);
    png_file p{.width = int(png_get_image_width(png, info)),
               .height = int(png_get_image_height(png, info)),
               .depth = png_get_bit_depth(png, info),
               .color = png_get_color_type(png, info)};
    std::size_t const stride = std::size_t(p.width) * std::size_t(p.channels());
    png_bytepp const rows = png_get_rows(png, info);
    for (int y = 0; y < p.height; ++y)
        for (std::size_t i = 0; i < stride; ++i)
            p.samples.push_back(p.depth == 16 ? std::uint16_t(rows[y][2 * i] << 8 | rows[y][2 * i + 1]) : rows[y][i]);
    png_charp name = nullptr;
    png_bytep profile = nullptr;
    png_uint_32 length = 0;
    int compression = 0;
    if (png_get_iCCP(png, info, &name, &compression, &profile, &length))
        p.profile.assign(reinterpret_cast<char*>(profile), length);
    png_uint_32 exif_length = 0;
    png_bytep exif = nullptr; // of one tag, or of more with the orientation first
    if (png_get_eXIf_1(png, info, &exif_length, &exif) && exif_length >= 20)
        p.orientation = exif[0] == 'M' ? exif[19] : exif[18];
    png_textp texts = nullptr;
    int const count = png_get_text(png, info, &texts, nullptr);
    for (int i = 0; i < count; ++i) p.texts[texts[i].key] = texts[i].text;
    png_destroy_read_struct(&png, &info, nullptr);
    std::fclose(file);
    return p;
}

} // namespace sfumato
