#include "pictures/png_file.h"

#include "compute/error.h"
#include "pictures/colour_profile.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cmath>
#include <csetjmp>
#include <cstdio>
#include <cstring>
#include <memory>
#include <new>
#include <png.h>
#include <string>
#include <vector>

namespace sfumato {

namespace fs = std::filesystem;

namespace {

using file_handle = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

// Nothing of libpng goes to standard error: chunks that do no harm are not spoken of.
[[noreturn]] void keep_message(png_structp png, png_const_charp message) {
    *static_cast<std::string*>(png_get_error_ptr(png)) = message;
    png_longjmp(png, 1);
}
void no_warning(png_structp, png_const_charp) {}

// libpng's objects, to read (or to write), and gone at the end.
struct png_objects {
    std::string complaint; // libpng's, of the error that it met
    png_structp png;
    png_infop info;
    bool const reads;

    explicit png_objects(bool reads)
        : png((reads ? png_create_read_struct : png_create_write_struct)(PNG_LIBPNG_VER_STRING, &complaint,
                                                                         keep_message, no_warning)),
          info(png ? png_create_info_struct(png) : nullptr), reads(reads) {
        if (!info) throw std::bad_alloc();
        png_set_option(png, PNG_SKIP_sRGB_CHECK_PROFILE, PNG_OPTION_ON);
        png_set_benign_errors(png, 1);
    }
    png_objects(png_objects const&) = delete;
    ~png_objects() { reads ? png_destroy_read_struct(&png, &info, nullptr) : png_destroy_write_struct(&png, &info); }

    // False: libpng met an error, and jumped out of `use`: no object in there may need its destructor. Not inlined, so
    // that nothing else is alive in a register then.
    template <class Use> [[gnu::noinline]] bool guarded(Use const& use) {
        if (setjmp(png_jmpbuf(png))) return false;
        use();
        return true;
    }
};

// ---- Reading

struct head {
    png_uint_32 width, height;
    int depth, type, passes;
};

// Everything before the pixels.
bool read_chunks(png_objects& p, std::FILE* file) {
    return p.guarded([&] {
        png_init_io(p.png, file);
        png_read_info(p.png, p.info);
    });
}

// Makes the pixels come as 8 or 16 bits, grey or colour, with alpha or without.
bool expand(png_objects& p, head& h) {
    return p.guarded([&] {
        png_set_expand(p.png);
        h.passes = png_set_interlace_handling(p.png);
        if constexpr (std::endian::native == std::endian::little)
            if (png_get_bit_depth(p.png, p.info) == 16) png_set_swap(p.png);
        png_read_update_info(p.png, p.info);
        h = {png_get_image_width(p.png, p.info), png_get_image_height(p.png, p.info), png_get_bit_depth(p.png, p.info),
             png_get_color_type(p.png, p.info), h.passes};
    });
}

Babl const* format_for(int depth, bool colour, bool alpha) {
    std::string const name =
        std::string(colour ? "R'G'B'" : "Y'") + (alpha ? "A" : "") + (depth == 16 ? " u16" : " u8");
    return babl_format(name.c_str());
}

bool is_near(std::array<double, 8> const& a, std::array<double, 8> const& b) {
    return std::ranges::equal(a, b, [](double x, double y) { return std::abs(x - y) < 2e-3; });
}

// A gamma of 1/2.2 is what writers say who mean sRGB.
std::string profile_of(png_objects& p) {
    png_charp name = nullptr;
    png_bytep icc = nullptr;
    png_uint_32 size = 0;
    int method = 0;
    if (png_get_iCCP(p.png, p.info, &name, &method, &icc, &size)) return {reinterpret_cast<char const*>(icc), size};
    double gamma = 0;
    if (png_get_valid(p.png, p.info, PNG_INFO_sRGB) || !png_get_gAMA(p.png, p.info, &gamma) || !(gamma > 0.01))
        return "";
    std::array<double, 8> c = srgb_chromaticities;
    png_get_cHRM(p.png, p.info, &c[0], &c[1], &c[2], &c[3], &c[4], &c[5], &c[6], &c[7]);
    bool const is_srgb = std::abs(gamma - 1 / 2.2) < 0.005 && is_near(c, srgb_chromaticities);
    return is_srgb ? "" : profile_with(c, 1 / gamma);
}

// Pixels a metre make 300 an inch 299.9994.
resolution dots_of(png_objects& p) {
    png_uint_32 x = 0, y = 0;
    int unit = 0;
    if (!png_get_pHYs(p.png, p.info, &x, &y, &unit) || unit != PNG_RESOLUTION_METER) return {};
    auto const an_inch = [](double dots) {
        dots *= 0.0254;
        return std::abs(dots - std::round(dots)) < 0.02 ? std::round(dots) : dots;
    };
    return {an_inch(x), an_inch(y)};
}

// Row by row; an interlaced one comes in passes, each of which needs what those before it have left.
bool read_rows_of(png_objects& p, head const& h, GeglBuffer* to) {
    std::size_t const stride = png_get_rowbytes(p.png, p.info);
    std::vector<png_byte> row(stride);
    bool const whole = p.guarded([&] {
        for (int pass = 0; pass < h.passes; ++pass)
            for (int y = 0; y < int(h.height); ++y) {
                GeglRectangle const line{0, y, int(h.width), 1};
                if (pass > 0) gegl_buffer_get(to, &line, 1, nullptr, row.data(), int(stride), GEGL_ABYSS_NONE);
                png_read_row(p.png, row.data(), nullptr);
                gegl_buffer_set(to, &line, 0, nullptr, row.data(), int(stride));
            }
        png_read_end(p.png, nullptr);
    });
    return whole;
}

} // namespace

raster load_png(fs::path const& path) {
    start_gegl();
    file_handle const file(std::fopen(path.c_str(), "rb"), std::fclose);
    if (!file) return {};
    png_objects p(true);
    head h{};
    if (!read_chunks(p, file.get())) return {};
    std::string const profile = profile_of(p); // before libpng puts in what it assumes
    if (!expand(p, h)) return {};
    bool const colour = h.type & PNG_COLOR_MASK_COLOR, alpha = h.type & PNG_COLOR_MASK_ALPHA;
    raster r{.buffer = empty_buffer(int(h.width), int(h.height), format_for(h.depth, colour, alpha)),
             .profile = profile,
             .dots = dots_of(p)};
    return read_rows_of(p, h, r.buffer.get()) ? r : raster();
}

// ---- Writing

namespace {

void set_profile(png_objects& p, std::string const& icc) {
    png_set_iCCP(p.png, p.info, "ICC profile", PNG_COMPRESSION_TYPE_BASE, reinterpret_cast<png_const_bytep>(icc.data()),
                 png_uint_32(icc.size()));
}

bool write_all(png_objects& p, raster const& r, std::FILE* file, std::vector<png_byte>& row) {
    Babl const* const format = format_of(r.buffer.get());
    int const width = gegl_buffer_get_width(r.buffer.get()), height = gegl_buffer_get_height(r.buffer.get());
    int const depth = babl_format_get_type(format, 0) == babl_type("u16") ? 16 : 8;
    int const type =
        (is_grey(format) ? 0 : PNG_COLOR_MASK_COLOR) | (babl_format_has_alpha(format) ? PNG_COLOR_MASK_ALPHA : 0);
    auto const a_metre = [](double dots) { return png_uint_32(std::lround(dots / 0.0254)); };
    return p.guarded([&] {
        png_init_io(p.png, file);
        png_set_IHDR(p.png, p.info, png_uint_32(width), png_uint_32(height), depth, type, PNG_INTERLACE_NONE,
                     PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
        if (!r.profile.empty())
            set_profile(p, r.profile);
        else if (type & PNG_COLOR_MASK_COLOR)
            png_set_sRGB_gAMA_and_cHRM(p.png, p.info, PNG_sRGB_INTENT_PERCEPTUAL);
        if (is_known(r.dots)) png_set_pHYs(p.png, p.info, a_metre(r.dots.x), a_metre(r.dots.y), PNG_RESOLUTION_METER);
        png_set_compression_level(p.png, 3);
        png_write_info(p.png, p.info);
        if constexpr (std::endian::native == std::endian::little)
            if (depth == 16) png_set_swap(p.png);
        for (int y = 0; y < height; ++y) {
            GeglRectangle const line{0, y, width, 1};
            gegl_buffer_get(r.buffer.get(), &line, 1, nullptr, row.data(), GEGL_AUTO_ROWSTRIDE, GEGL_ABYSS_NONE);
            png_write_row(p.png, row.data());
        }
        png_write_end(p.png, nullptr);
    });
}

} // namespace

void save_png(raster const& r, fs::path const& path, std::string const& name) {
    start_gegl();
    errno = 0;
    file_handle file(std::fopen(path.c_str(), "wb"), std::fclose);
    png_objects p(false);
    std::vector<png_byte> row(std::size_t(gegl_buffer_get_width(r.buffer.get())) *
                              std::size_t(babl_format_get_bytes_per_pixel(format_of(r.buffer.get()))));
    bool written = file && write_all(p, r, file.get(), row) && !std::ferror(file.get());
    if (file && std::fclose(file.release()) != 0) written = false;
    if (!written) fail("{} could not be written: {}.", name, errno ? std::strerror(errno) : p.complaint);
}

// libpng refuses some profiles when it writes, and some more when it reads.
bool png_holds(std::string const& icc, bool grey) {
    if (model_of_profile(icc) != (grey ? colour_model::grey : colour_model::rgb)) return false;
    png_objects p(false);
    bool const written = p.guarded([&] {
        png_set_write_fn(p.png, nullptr, [](png_structp, png_bytep, png_size_t) {}, nullptr);
        png_set_IHDR(p.png, p.info, 1, 1, 8, grey ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
                     PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
        set_profile(p, icc);
        png_write_info(p.png, p.info);
    });
    return written && png_get_valid(p.png, p.info, PNG_INFO_iCCP);
}

} // namespace sfumato
