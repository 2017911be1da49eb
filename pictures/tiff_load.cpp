#include "pictures/tiff_picture.h"

#include "compute/error.h"
#include "pictures/colour_profile.h"
#include "pictures/tiff_file.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <optional>
#include <vector>

namespace sfumato {

namespace fs = std::filesystem;

namespace {

// How the pixels lie in the file.
struct layout {
    std::uint32_t width, height;
    std::uint16_t photometric, bits, samples, sample_format;
    int colours;                 // channels without alpha
    std::optional<bool> alpha{}; // there is one; true: the colours are multiplied by it
    bool separate;               // a plane for each channel

    int channels() const { return colours + alpha.has_value(); }
    bool is_float() const { return sample_format == SAMPLEFORMAT_IEEEFP; }
    bool is_lab() const { return photometric == PHOTOMETRIC_CIELAB || photometric == PHOTOMETRIC_ICCLAB; }
    bool becomes_srgb() const { return colours == 4 || is_lab(); }
    std::size_t sample_size() const { return bits / 8u; }
};

int colours_of(std::uint16_t photometric) {
    switch (photometric) {
    case PHOTOMETRIC_MINISWHITE:
    case PHOTOMETRIC_MINISBLACK:
    case PHOTOMETRIC_PALETTE:
    case PHOTOMETRIC_LOGL: return 1;
    case PHOTOMETRIC_SEPARATED: return 4;
    default: return 3;
    }
}

// Without a photometric, fax machines mean black on white.
std::uint16_t photometric_of(tiff_file const& f) {
    std::uint16_t photometric = 0;
    if (TIFFGetField(f.tiff.get(), TIFFTAG_PHOTOMETRIC, &photometric)) return photometric;
    auto const compression = f.field<std::uint16_t>(TIFFTAG_COMPRESSION);
    bool const fax = compression >= COMPRESSION_CCITTRLE && compression <= COMPRESSION_CCITTFAX4;
    return fax ? PHOTOMETRIC_MINISWHITE : PHOTOMETRIC_MINISBLACK;
}

layout layout_of(tiff_file const& f) {
    layout l{.width = f.field<std::uint32_t>(TIFFTAG_IMAGEWIDTH),
             .height = f.field<std::uint32_t>(TIFFTAG_IMAGELENGTH),
             .photometric = photometric_of(f),
             .bits = f.field<std::uint16_t>(TIFFTAG_BITSPERSAMPLE),
             .samples = f.field<std::uint16_t>(TIFFTAG_SAMPLESPERPIXEL),
             .sample_format = f.field<std::uint16_t>(TIFFTAG_SAMPLEFORMAT, SAMPLEFORMAT_UINT),
             .separate = f.field<std::uint16_t>(TIFFTAG_PLANARCONFIG) == PLANARCONFIG_SEPARATE};
    l.colours = colours_of(l.photometric);
    std::uint16_t count = 0, *kinds = nullptr;
    bool const declared = TIFFGetField(f.tiff.get(), TIFFTAG_EXTRASAMPLES, &count, &kinds) && count > 0;
    if (l.samples > l.colours) l.alpha = declared && kinds[0] == EXTRASAMPLE_ASSOCALPHA;
    return l;
}

// Nothing: libtiff's own conversion to 8 bits has to do (palettes, YCbCr, LogLuv, fewer bits).
char const* type_of(layout const& l) {
    if (l.photometric > PHOTOMETRIC_RGB && !l.becomes_srgb()) return nullptr;
    bool const is_float = l.is_float();
    switch (l.bits) {
    case 8: return " u8";
    case 16: return is_float ? " half" : " u16";
    case 32: return is_float ? " float" : " u32";
    case 64: return is_float ? " double" : nullptr;
    default: return nullptr;
    }
}

bool is_sound(layout const& l) {
    constexpr std::uint32_t longest = 1 << 30;
    return l.width > 0 && l.height > 0 && l.width <= longest && l.height <= longest && l.samples >= l.colours &&
           l.samples <= 64;
}

void check_known(fs::path const& path, layout const& l, tiff_file const& f) {
    bool const is_signed = l.sample_format == SAMPLEFORMAT_INT && l.photometric != PHOTOMETRIC_CIELAB;
    bool const has_inks = l.photometric == PHOTOMETRIC_SEPARATED;
    if (has_inks && f.field<std::uint16_t>(TIFFTAG_INKSET, INKSET_CMYK) != INKSET_CMYK)
        fail("{} is made of other inks than cyan, magenta, yellow and black; save it as RGB or CMYK.", path.string());
    bool const rare = l.is_lab()                                ? l.is_float() || l.bits > 16
                      : has_inks                                ? l.is_float() ? l.bits != 32 : l.bits > 16
                      : l.photometric == PHOTOMETRIC_MINISWHITE ? l.is_float() && l.bits != 32
                                                                : false;
    if (is_signed || rare || l.sample_format > SAMPLEFORMAT_VOID)
        fail("{} has numbers of a kind that is not known here; save it with 8 or 16 bits, or as RGB.", path.string());
}

// ---- Rows

// The rows that lie together in the file: of tiles, of a strip where each channel has its own, or one.
struct band_reader {
    TIFF* tiff;
    layout const& l;
    bool tiled;
    std::uint32_t part_width, rows; // of a tile or a strip
    std::size_t in_part;            // samples of a pixel
    std::vector<std::byte> part{}, band{};

    band_reader(tiff_file& f, layout const& l)
        : tiff(f.tiff.get()), l(l), tiled(TIFFIsTiled(tiff)),
          part_width(tiled ? f.field<std::uint32_t>(TIFFTAG_TILEWIDTH) : l.width),
          rows(tiled        ? f.field<std::uint32_t>(TIFFTAG_TILELENGTH)
               : l.separate ? std::min(f.field<std::uint32_t>(TIFFTAG_ROWSPERSTRIP), l.height)
                            : 1),
          in_part(l.separate ? 1 : l.samples) {}

    // False: its sizes do not fit together.
    bool make_room() {
        constexpr std::uint32_t longest_tile = 1 << 16;
        if (part_width == 0 || rows == 0 || (tiled && (part_width > longest_tile || rows > longest_tile))) return false;
        tmsize_t const size = tiled ? TIFFTileSize(tiff) : l.separate ? TIFFStripSize(tiff) : TIFFScanlineSize(tiff);
        if (size < 0 || std::size_t(size) < std::size_t(rows) * part_width * in_part * l.sample_size()) return false;
        part.resize(std::size_t(size));
        band.resize(std::size_t(rows) * l.width * l.samples * l.sample_size()); // [rows, width, samples]
        return true;
    }

    // The rows from `top` on. False: damaged.
    bool read(std::uint32_t top) {
        for (std::uint16_t plane = 0; plane < (l.separate ? l.samples : 1); ++plane)
            for (std::uint32_t left = 0; left < l.width; left += part_width) {
                if (!read_part(left, top, plane)) return false;
                put(left, plane);
            }
        return true;
    }

    bool read_part(std::uint32_t left, std::uint32_t top, std::uint16_t plane) {
        if (tiled) return TIFFReadTile(tiff, part.data(), left, top, 0, plane) >= 0;
        if (!l.separate) return TIFFReadScanline(tiff, part.data(), top, 0) >= 0;
        return TIFFReadEncodedStrip(tiff, TIFFComputeStrip(tiff, top, plane), part.data(), tmsize_t(part.size())) >= 0;
    }

    void put(std::uint32_t left, std::uint16_t plane) {
        std::size_t const size = l.sample_size(), pixel = in_part * size;
        for (std::size_t y = 0; y < rows; ++y)
            for (std::size_t x = 0; x < std::min(part_width, l.width - left); ++x)
                std::memcpy(&band[((y * l.width + left + x) * l.samples + plane) * size],
                            &part[(y * part_width + x) * pixel], pixel);
    }
};

// ---- What the numbers mean

float as_float(std::byte const* sample, layout const& l) {
    if (l.sample_format == SAMPLEFORMAT_IEEEFP && l.bits == 32) {
        float v;
        std::memcpy(&v, sample, sizeof v);
        return v;
    }
    std::uint16_t wide = 0;
    std::memcpy(&wide, sample, l.sample_size());
    return l.bits == 8 ? float(wide) / 255 : float(wide) / 65535;
}

// In L*a*b*'s units: TIFF 6.0, section 23 (CIELAB: a* and b* are signed), and Adobe's supplement (ICCLAB: they are
// not).
void lab_of(std::byte const* pixel, layout const& l, float* lab) {
    lab[0] = as_float(pixel, l) * 100;
    for (std::size_t c = 1; c < 3; ++c) {
        std::byte const* const sample = pixel + c * l.sample_size();
        std::uint16_t wide = 0;
        std::memcpy(&wide, sample, l.sample_size());
        if (l.photometric == PHOTOMETRIC_CIELAB)
            lab[c] = l.bits == 8 ? float(std::int8_t(wide)) : float(std::int16_t(wide)) / 256;
        else
            lab[c] = l.bits == 8 ? float(wide) - 128 : float(wide) / 256 - 128;
    }
    if (l.bits == 16 && l.photometric == PHOTOMETRIC_ICCLAB) lab[0] = as_float(pixel, l) * 65535 / 65280 * 100;
}

// Inks and L*a*b* to floats of sRGB, with alpha.
class to_srgb {
  public:
    to_srgb(layout const& l, std::string const& icc)
        : l(l), inks(l.colours == 4 ? std::optional<ink_transform>(icc) : std::nullopt),
          lab(inks ? std::nullopt : std::optional(colour_transform::from_lab(""))) {}

    void operator()(std::byte const* pixels, float* rgba, std::size_t count) {
        std::size_t const n = std::size_t(l.colours), size = l.sample_size();
        given.resize(count * n);
        made.resize(count * 3);
        for (std::size_t i = 0; i < count; ++i) {
            std::byte const* const pixel = pixels + i * l.samples * size;
            float const alpha = l.alpha ? as_float(pixel + n * size, l) : 1;
            rgba[4 * i + 3] = alpha;
            if (!inks) lab_of(pixel, l, &given[i * n]);
            for (std::size_t c = 0; inks && c < n; ++c) {
                float const v = as_float(pixel + c * size, l);
                given[i * n + c] = l.alpha.value_or(false) && alpha > 0 ? std::min(v / alpha, 1.f) : v;
            }
        }
        inks ? (*inks)(given.data(), made.data(), long(count)) : (*lab)(given.data(), made.data(), long(count));
        for (std::size_t i = 0; i < count; ++i) std::copy_n(&made[3 * i], 3, &rgba[4 * i]);
    }

  private:
    layout const& l;
    std::optional<ink_transform> inks;
    std::optional<colour_transform> lab;
    std::vector<float> given, made;
};

// 0 is white, in place.
void invert(std::byte* pixel, layout const& l) {
    if (l.sample_format != SAMPLEFORMAT_IEEEFP) {
        for (std::size_t i = 0; i < l.sample_size(); ++i) pixel[i] = ~pixel[i];
    } else if (l.bits == 32) {
        float const v = 1 - as_float(pixel, l);
        std::memcpy(pixel, &v, sizeof v);
    }
}

Babl const* format_for(layout const& l, char const* type) {
    bool const premultiplied = l.alpha.value_or(false) && l.colours != 4;
    char const* const model = l.colours == 1 ? (premultiplied ? "Y'aA"
                                                : l.alpha     ? "Y'A"
                                                              : "Y'")
                                             : (premultiplied ? "R'aG'aB'aA"
                                                : l.alpha     ? "R'G'B'A"
                                                              : "R'G'B'");
    return babl_format((std::string(model) + type).c_str());
}

bool read_direct(tiff_file& f, layout const& l, std::string const& icc, GeglBuffer* to) {
    band_reader bands(f, l);
    if (!bands.make_room()) return false;
    std::optional<to_srgb> convert;
    if (l.becomes_srgb()) convert.emplace(l, icc);
    std::size_t const pixel = std::size_t(l.samples) * l.sample_size(),
                      kept = std::size_t(l.channels()) * l.sample_size(), width = l.width;
    std::vector<std::byte> row(width * kept);
    std::vector<float> floats(convert ? width * 4 : 0);
    for (std::uint32_t y = 0; y < l.height; ++y) {
        if (y % bands.rows == 0 && !bands.read(y)) return false;
        std::byte* const from = &bands.band[y % bands.rows * width * pixel];
        if (convert) {
            (*convert)(from, floats.data(), width);
            convert_numbers(babl_format("R'G'B'A float"), floats.data(), format_of(to), row.data(), long(width));
        }
        for (std::size_t x = 0; !convert && x < width; ++x) {
            if (l.photometric == PHOTOMETRIC_MINISWHITE) invert(from + x * pixel, l);
            std::memcpy(&row[x * kept], from + x * pixel, kept);
        }
        write_rows(to, {0, int(y), int(l.width), 1}, row.data());
    }
    return true;
}

// By libtiff's own conversion, which turns some as their orientation says unless it is told that there is none.
buffer_handle read_as_8_bit(tiff_file& f, layout const& l) {
    TIFFSetField(f.tiff.get(), TIFFTAG_ORIENTATION, ORIENTATION_TOPLEFT);
    constexpr std::size_t most = std::size_t(1) << 30;
    if (std::size_t(l.width) * l.height > most) return {};
    std::vector<std::uint32_t> pixels(std::size_t(l.width) * l.height); // red in the lowest 8 bits
    if (!TIFFReadRGBAImageOriented(f.tiff.get(), l.width, l.height, pixels.data(), ORIENTATION_TOPLEFT, 1)) return {};
    bool const grey = l.photometric <= PHOTOMETRIC_MINISBLACK, alpha = l.alpha.has_value();
    std::size_t const channels = (grey ? 1 : 3) + alpha;
    buffer_handle made =
        empty_buffer(int(l.width), int(l.height),
                     babl_format(grey ? (alpha ? "Y'aA u8" : "Y' u8") : (alpha ? "R'aG'aB'aA u8" : "R'G'B' u8")));
    std::vector<std::byte> row(l.width * channels);
    for (std::uint32_t y = 0; y < l.height; ++y) {
        for (std::size_t x = 0; x < l.width; ++x) {
            std::uint32_t const v = pixels[std::size_t(y) * l.width + x];
            for (std::size_t c = 0; c < channels; ++c)
                row[x * channels + c] = std::byte(v >> 8 * (alpha && c + 1 == channels ? 3 : c));
        }
        write_rows(made.get(), {0, int(y), int(l.width), 1}, row.data());
    }
    return made;
}

std::string profile_of(tiff_file const& f) {
    std::uint32_t size = 0;
    void const* icc = nullptr;
    if (!TIFFGetField(f.tiff.get(), TIFFTAG_ICCPROFILE, &size, &icc)) return "";
    return {static_cast<char const*>(icc), size};
}

} // namespace

raster load_tiff(fs::path const& path) {
    start_gegl();
    tiff_file f(path, "rm"); // not mapped: the file may be cut short meanwhile
    if (!f.tiff) return {};
    layout const l = layout_of(f);
    if (!is_sound(l)) return {};
    check_known(path, l, f);
    raster r{.profile = profile_of(f)};
    char const* const type = type_of(l);
    bool whole = true;
    if (type) {
        r.buffer = empty_buffer(int(l.width), int(l.height), format_for(l, type));
        whole = read_direct(f, l, r.profile, r.buffer.get());
    } else
        r.buffer = read_as_8_bit(f, l);
    if (!whole || !f.complaint.empty()) return {};
    if (l.becomes_srgb()) r.profile.clear();
    return r;
}

} // namespace sfumato
