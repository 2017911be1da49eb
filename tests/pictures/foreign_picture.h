// Pictures in files, written and read with the formats' own libraries: a row of patches, each of one colour.
#pragma once

#include "tests/pictures/png_file.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <gegl.h>
#include <jpeglib.h>
#include <string>
#include <tiffio.h>
#include <vector>
#include <webp/decode.h>
#include <webp/encode.h>
#include <webp/mux.h>

namespace sfumato {

constexpr int patch_side = 16;

struct foreign_picture {
    int channels = 3; // 1 grey, 3 colour, 4 inks; without alpha
    int bits = 8;     // 8, 16, 32 (floats)
    bool has_alpha = false;
    std::string icc{};
    std::vector<float> patches{}; // channels and alpha of each, 0 to 1; OpenEXR: light, not multiplied by alpha

    int all_channels() const { return channels + has_alpha; }
    int count() const { return int(patches.size()) / all_channels(); }
    int width() const { return count() * patch_side; }
    float at(int x, int channel) const { return patches[std::size_t(x / patch_side * all_channels() + channel)]; }
};

namespace foreign {

inline std::vector<std::uint8_t> row_of_bytes(foreign_picture const& p) {
    std::vector<std::uint8_t> row;
    for (int x = 0; x < p.width(); ++x)
        for (int c = 0; c < p.all_channels(); ++c) row.push_back(std::uint8_t(std::lround(p.at(x, c) * 255)));
    return row;
}

// From rows of samples: the middles of the patches.
template <class T> std::vector<float> middles(T const* row, int width, int channels, double most) {
    std::vector<float> patches;
    for (int x = patch_side / 2; x < width; x += patch_side)
        for (int c = 0; c < channels; ++c) patches.push_back(float(row[x * channels + c] / most));
    return patches;
}

// ---- PNG

inline void write_png_patches(std::filesystem::path const& path, foreign_picture const& p) {
    png_file file{.width = p.width(),
                  .height = patch_side,
                  .depth = p.bits,
                  .color = (p.channels == 3 ? PNG_COLOR_MASK_COLOR : 0) | (p.has_alpha ? PNG_COLOR_MASK_ALPHA : 0),
                  .samples = {},
                  .profile = p.icc};
    for (int y = 0; y < patch_side; ++y)
        for (int x = 0; x < p.width(); ++x)
            for (int c = 0; c < p.all_channels(); ++c)
                file.samples.push_back(std::uint16_t(std::lround(p.at(x, c) * (p.bits == 8 ? 255 : 65535))));
    write_png(path, file);
}

inline foreign_picture read_png_patches(std::filesystem::path const& path) {
    png_file const file = read_png(path);
    bool const alpha = file.color & PNG_COLOR_MASK_ALPHA;
    return {.channels = file.channels() - alpha,
            .bits = file.depth,
            .has_alpha = alpha,
            .icc = file.profile,
            .patches = middles(file.samples.data() + 8 * file.width * file.channels(), file.width, file.channels(),
                               file.depth == 8 ? 255 : 65535)};
}

// ---- JPEG

inline void write_jpeg_patches(std::filesystem::path const& path, foreign_picture const& p) {
    std::FILE* const file = std::fopen(path.c_str(), "wb");
    jpeg_compress_struct jpeg{};
    jpeg_error_mgr errors;
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_compress(&jpeg);
    jpeg_stdio_dest(&jpeg, file);
    jpeg.image_width = JDIMENSION(p.width());
    jpeg.image_height = patch_side;
    jpeg.input_components = p.channels;
    jpeg.in_color_space = p.channels == 1 ? JCS_GRAYSCALE : p.channels == 3 ? JCS_RGB : JCS_CMYK;
    jpeg_set_defaults(&jpeg);
    jpeg_set_quality(&jpeg, 100, TRUE);
    for (int c = 0; c < jpeg.num_components; ++c) jpeg.comp_info[c].h_samp_factor = jpeg.comp_info[c].v_samp_factor = 1;
    jpeg.write_Adobe_marker = p.channels == 4;
    jpeg_start_compress(&jpeg, TRUE);
    if (!p.icc.empty())
        jpeg_write_icc_profile(&jpeg, reinterpret_cast<JOCTET const*>(p.icc.data()), unsigned(p.icc.size()));
    std::vector<std::uint8_t> row = row_of_bytes(p);
    if (p.channels == 4)
        for (auto& v : row) v = std::uint8_t(255 - v); // as Photoshop does
    JSAMPROW rows[]{row.data()};
    while (jpeg.next_scanline < jpeg.image_height) jpeg_write_scanlines(&jpeg, rows, 1);
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    std::fclose(file);
}

inline foreign_picture read_jpeg_patches(std::filesystem::path const& path) {
    std::FILE* const file = std::fopen(path.c_str(), "rb");
    jpeg_decompress_struct jpeg{};
    jpeg_error_mgr errors;
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_decompress(&jpeg);
    jpeg_stdio_src(&jpeg, file);
    jpeg_save_markers(&jpeg, JPEG_APP0 + 2, 0xFFFF);
    jpeg_read_header(&jpeg, TRUE);
    foreign_picture p{.channels = jpeg.num_components};
    JOCTET* icc = nullptr;
    unsigned size = 0;
    if (jpeg_read_icc_profile(&jpeg, &icc, &size)) p.icc.assign(reinterpret_cast<char*>(icc), size);
    std::free(icc);
    jpeg.dct_method = JDCT_FLOAT;
    jpeg_start_decompress(&jpeg);
    std::vector<std::uint8_t> row(jpeg.output_width * unsigned(jpeg.output_components));
    JSAMPROW rows[]{row.data()};
    while (jpeg.output_scanline < jpeg.output_height) {
        jpeg_read_scanlines(&jpeg, rows, 1);
        if (jpeg.output_scanline == 8) p.patches = middles(row.data(), int(jpeg.output_width), p.channels, 255);
    }
    jpeg_finish_decompress(&jpeg);
    jpeg_destroy_decompress(&jpeg);
    std::fclose(file);
    for (float& v : p.patches)
        if (p.channels == 4) v = 1 - v;
    return p;
}

// ---- TIFF

inline void write_tiff_patches(std::filesystem::path const& path, foreign_picture const& p,
                               std::uint16_t photometric = 0xFFFF, bool separate = false) {
    TIFF* const tiff = TIFFOpen(path.c_str(), "w");
    TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, std::uint32_t(p.width()));
    TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, std::uint32_t(patch_side));
    TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, std::uint16_t(p.bits));
    TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, std::uint16_t(p.all_channels()));
    TIFFSetField(tiff, TIFFTAG_SAMPLEFORMAT, p.bits == 32 ? SAMPLEFORMAT_IEEEFP : SAMPLEFORMAT_UINT);
    TIFFSetField(tiff, TIFFTAG_PLANARCONFIG, separate ? PLANARCONFIG_SEPARATE : PLANARCONFIG_CONTIG);
    TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC,
                 photometric != 0xFFFF ? photometric
                 : p.channels == 1     ? PHOTOMETRIC_MINISBLACK
                 : p.channels == 3     ? PHOTOMETRIC_RGB
                                       : PHOTOMETRIC_SEPARATED);
    std::uint16_t const straight = EXTRASAMPLE_UNASSALPHA;
    if (p.has_alpha) TIFFSetField(tiff, TIFFTAG_EXTRASAMPLES, std::uint16_t(1), &straight);
    TIFFSetField(tiff, TIFFTAG_ROWSPERSTRIP, std::uint32_t(5));
    if (!p.icc.empty()) TIFFSetField(tiff, TIFFTAG_ICCPROFILE, std::uint32_t(p.icc.size()), p.icc.data());
    auto const put = [&](std::vector<char>& row, float v) {
        std::uint8_t const u8 = std::uint8_t(std::lround(std::clamp(v, 0.f, 1.f) * 255));
        std::uint16_t const u16 = std::uint16_t(std::lround(std::clamp(v, 0.f, 1.f) * 65535));
        char const* const from = p.bits == 8    ? reinterpret_cast<char const*>(&u8)
                                 : p.bits == 16 ? reinterpret_cast<char const*>(&u16)
                                                : reinterpret_cast<char const*>(&v);
        row.insert(row.end(), from, from + p.bits / 8);
    };
    for (int plane = 0; plane < (separate ? p.all_channels() : 1); ++plane)
        for (int y = 0; y < patch_side; ++y) {
            std::vector<char> row;
            for (int x = 0; x < p.width(); ++x)
                for (int c = 0; c < p.all_channels(); ++c)
                    if (!separate || c == plane) put(row, p.at(x, c));
            TIFFWriteScanline(tiff, row.data(), std::uint32_t(y), std::uint16_t(plane));
        }
    TIFFClose(tiff);
}

inline foreign_picture read_tiff_patches(std::filesystem::path const& path) {
    TIFF* const tiff = TIFFOpen(path.c_str(), "r");
    std::uint16_t bits = 0, samples = 0, extra = 0, *kinds = nullptr;
    std::uint32_t width = 0, size = 0;
    void* icc = nullptr;
    TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &width);
    TIFFGetField(tiff, TIFFTAG_BITSPERSAMPLE, &bits);
    TIFFGetField(tiff, TIFFTAG_SAMPLESPERPIXEL, &samples);
    TIFFGetField(tiff, TIFFTAG_EXTRASAMPLES, &extra, &kinds);
    foreign_picture p{.channels = samples - extra, .bits = bits, .has_alpha = extra > 0};
    if (TIFFGetField(tiff, TIFFTAG_ICCPROFILE, &size, &icc)) p.icc.assign(static_cast<char*>(icc), size);
    std::vector<char> row(std::size_t(TIFFScanlineSize(tiff)));
    for (std::uint32_t y = 0; y <= 8; ++y) TIFFReadScanline(tiff, row.data(), y, 0);
    TIFFClose(tiff);
    if (bits == 8) p.patches = middles(reinterpret_cast<std::uint8_t*>(row.data()), int(width), samples, 255);
    if (bits == 16) p.patches = middles(reinterpret_cast<std::uint16_t*>(row.data()), int(width), samples, 65535);
    if (bits == 32) p.patches = middles(reinterpret_cast<float*>(row.data()), int(width), samples, 1);
    return p;
}

// ---- WebP

inline void write_webp_patches(std::filesystem::path const& path, foreign_picture const& p) {
    std::vector<std::uint8_t> const row = row_of_bytes(p);
    std::vector<std::uint8_t> all;
    for (int y = 0; y < patch_side; ++y) all.insert(all.end(), row.begin(), row.end());
    std::uint8_t* coded = nullptr;
    std::size_t const size = p.has_alpha
                                 ? WebPEncodeLosslessRGBA(all.data(), p.width(), patch_side, p.width() * 4, &coded)
                                 : WebPEncodeLosslessRGB(all.data(), p.width(), patch_side, p.width() * 3, &coded);
    WebPMux* const mux = WebPMuxNew();
    WebPData const picture{coded, size};
    WebPMuxSetImage(mux, &picture, 1);
    WebPData const icc{reinterpret_cast<std::uint8_t const*>(p.icc.data()), p.icc.size()};
    if (!p.icc.empty()) WebPMuxSetChunk(mux, "ICCP", &icc, 1);
    WebPData file{};
    WebPMuxAssemble(mux, &file);
    std::ofstream(path, std::ios::binary).write(reinterpret_cast<char const*>(file.bytes), std::streamsize(file.size));
    WebPDataClear(&file);
    WebPMuxDelete(mux);
    WebPFree(coded);
}

inline foreign_picture read_webp_patches(std::filesystem::path const& path) {
    std::ifstream stream(path, std::ios::binary);
    std::string const bytes{std::istreambuf_iterator<char>(stream), {}};
    WebPData const file{reinterpret_cast<std::uint8_t const*>(bytes.data()), bytes.size()};
    WebPBitstreamFeatures features{};
    WebPGetFeatures(file.bytes, file.size, &features);
    foreign_picture p{.has_alpha = features.has_alpha != 0};
    WebPMux* const mux = WebPMuxCreate(&file, 1);
    WebPData icc{};
    if (WebPMuxGetChunk(mux, "ICCP", &icc) == WEBP_MUX_OK)
        p.icc.assign(reinterpret_cast<char const*>(icc.bytes), icc.size);
    WebPMuxDelete(mux);
    int width = 0, height = 0;
    std::uint8_t* const pixels = (p.has_alpha ? WebPDecodeRGBA : WebPDecodeRGB)(file.bytes, file.size, &width, &height);
    p.patches = middles(pixels + 8 * width * p.all_channels(), width, p.all_channels(), 255);
    WebPFree(pixels);
    return p;
}

// ---- OpenEXR, through GEGL, whose only reader and writer of it is the library's

inline Babl const* exr_format(foreign_picture const& p, Babl const* space) {
    std::string const name = std::string(p.channels == 1 ? "Y" : "RGB") + (p.has_alpha ? "A" : "") + " float";
    return babl_format_with_space(name.c_str(), space);
}

inline void write_exr_patches(std::filesystem::path const& path, foreign_picture const& p, Babl const* space) {
    GeglRectangle const area{0, 0, p.width(), patch_side};
    GeglBuffer* const buffer = gegl_buffer_new(&area, exr_format(p, space));
    std::vector<float> pixels;
    for (int y = 0; y < patch_side; ++y)
        for (int x = 0; x < p.width(); ++x)
            for (int c = 0; c < p.all_channels(); ++c) pixels.push_back(p.at(x, c));
    gegl_buffer_set(buffer, &area, 0, nullptr, pixels.data(), GEGL_AUTO_ROWSTRIDE);
    GeglNode* const graph = gegl_node_new();
    GeglNode* const source = gegl_node_new_child(graph, "operation", "gegl:buffer-source", "buffer", buffer, nullptr);
    GeglNode* const save = gegl_node_new_child(graph, "operation", "gegl:exr-save", "path", path.c_str(), nullptr);
    gegl_node_link(source, save);
    gegl_node_process(save);
    g_object_unref(graph);
    g_object_unref(buffer);
}

/// As light of sRGB's primaries.
inline foreign_picture read_exr_patches(std::filesystem::path const& path) {
    GeglNode* const graph = gegl_node_new();
    GeglBuffer* buffer = nullptr;
    GeglNode* const load = gegl_node_new_child(graph, "operation", "gegl:exr-load", "path", path.c_str(), nullptr);
    GeglNode* const sink = gegl_node_new_child(graph, "operation", "gegl:buffer-sink", "buffer", &buffer, nullptr);
    gegl_node_link(load, sink);
    gegl_node_process(sink);
    Babl const* const given = gegl_buffer_get_format(buffer);
    bool const alpha = babl_format_has_alpha(given);
    foreign_picture p{.channels = babl_format_get_n_components(given) - alpha, .bits = 32, .has_alpha = alpha};
    int const width = gegl_buffer_get_width(buffer);
    std::vector<float> row(std::size_t(width * p.all_channels()));
    GeglRectangle const line{0, 8, width, 1};
    gegl_buffer_get(buffer, &line, 1, exr_format(p, nullptr), row.data(), GEGL_AUTO_ROWSTRIDE, GEGL_ABYSS_NONE);
    p.patches = middles(row.data(), width, p.all_channels(), 1);
    g_object_unref(buffer);
    g_object_unref(graph);
    return p;
}

inline foreign_picture read(std::filesystem::path const& path) {
    std::string const ending = path.extension().string();
    return ending == ".png"    ? read_png_patches(path)
           : ending == ".jpg"  ? read_jpeg_patches(path)
           : ending == ".tif"  ? read_tiff_patches(path)
           : ending == ".webp" ? read_webp_patches(path)
                               : read_exr_patches(path);
}

inline void write(std::filesystem::path const& path, foreign_picture const& p, std::string const& ending) {
    if (ending == ".png") write_png_patches(path, p);
    if (ending == ".jpg") write_jpeg_patches(path, p);
    if (ending == ".tif") write_tiff_patches(path, p);
    if (ending == ".webp") write_webp_patches(path, p);
    if (ending == ".exr") write_exr_patches(path, p, nullptr);
}

} // namespace foreign

} // namespace sfumato
