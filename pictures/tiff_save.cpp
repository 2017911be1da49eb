#include "pictures/tiff_picture.h"

#include "compute/error.h"
#include "pictures/tiff_file.h"

#include <vector>

namespace sfumato {

namespace fs = std::filesystem;

namespace {

std::uint16_t bits_of(Babl const* type) {
    if (type == babl_type("u8")) return 8;
    if (type == babl_type("u16") || type == babl_type("half")) return 16;
    return type == babl_type("double") ? 64 : 32;
}

// As GEGL names them, so that they can be written as they are.
void describe(TIFF* tiff, raster const& r) {
    Babl const* const format = format_of(r.buffer.get());
    Babl const* const type = babl_format_get_type(format, 0);
    bool const alpha = babl_format_has_alpha(format),
               is_integer = type == babl_type("u8") || type == babl_type("u16") || type == babl_type("u32");
    TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, std::uint32_t(gegl_buffer_get_width(r.buffer.get())));
    TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, std::uint32_t(gegl_buffer_get_height(r.buffer.get())));
    TIFFSetField(tiff, TIFFTAG_ORIENTATION, ORIENTATION_TOPLEFT);
    TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, is_grey(format) ? PHOTOMETRIC_MINISBLACK : PHOTOMETRIC_RGB);
    TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, std::uint16_t((is_grey(format) ? 1 : 3) + alpha));
    TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, bits_of(type));
    TIFFSetField(tiff, TIFFTAG_SAMPLEFORMAT, is_integer ? SAMPLEFORMAT_UINT : SAMPLEFORMAT_IEEEFP);
    TIFFSetField(tiff, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
    TIFFSetField(tiff, TIFFTAG_COMPRESSION, COMPRESSION_NONE);
    std::uint16_t const kind = is_premultiplied(format) ? EXTRASAMPLE_ASSOCALPHA : EXTRASAMPLE_UNASSALPHA;
    if (alpha) TIFFSetField(tiff, TIFFTAG_EXTRASAMPLES, std::uint16_t(1), &kind);
    TIFFSetField(tiff, TIFFTAG_ROWSPERSTRIP, TIFFDefaultStripSize(tiff, 0));
    if (!r.profile.empty()) TIFFSetField(tiff, TIFFTAG_ICCPROFILE, std::uint32_t(r.profile.size()), r.profile.data());
    if (is_known(r.dots)) {
        TIFFSetField(tiff, TIFFTAG_RESOLUTIONUNIT, RESUNIT_INCH);
        TIFFSetField(tiff, TIFFTAG_XRESOLUTION, r.dots.x);
        TIFFSetField(tiff, TIFFTAG_YRESOLUTION, r.dots.y);
    }
}

bool write_all(TIFF* tiff, raster const& r) {
    int const width = gegl_buffer_get_width(r.buffer.get()), height = gegl_buffer_get_height(r.buffer.get());
    std::vector<std::byte> row(std::size_t(TIFFScanlineSize(tiff)));
    for (int y = 0; y < height; ++y) {
        read_rows(r.buffer.get(), {0, y, width, 1}, row.data());
        if (TIFFWriteScanline(tiff, row.data(), std::uint32_t(y), 0) < 0) return false;
    }
    return TIFFFlush(tiff);
}

} // namespace

void save_tiff(raster const& r, fs::path const& path, std::string const& name) {
    start_gegl();
    constexpr double most_of_tiff = 4.2e9; // bytes; offsets have 32 bits
    double const bytes = double(gegl_buffer_get_width(r.buffer.get())) * gegl_buffer_get_height(r.buffer.get()) *
                         babl_format_get_bytes_per_pixel(format_of(r.buffer.get()));
    tiff_file f(path, bytes > most_of_tiff ? "w8" : "w");
    if (f.tiff) describe(f.tiff.get(), r);
    bool const written = f.tiff && write_all(f.tiff.get(), r);
    f.tiff.reset();
    if (!written || !f.complaint.empty()) fail("{} could not be written: {}.", name, f.complaint);
}

} // namespace sfumato
