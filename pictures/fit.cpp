#include "pictures/fit.h"

#include "pictures/colour_profile.h"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <vector>

namespace sfumato {

namespace {

// "R'G'B'A u16" for what is given as "RGBA half".
std::string encoding_for(Babl const* given, picture_format const& format) {
    using enum held_numbers;
    if (format.numbers == any && !is_light(given)) return babl_format_get_encoding(given);
    bool const grey = is_grey(given) && format.has_grey, alpha = babl_format_has_alpha(given) && format.has_alpha;
    std::string const type = babl_get_name(babl_format_get_type(given, 0));
    std::string const curve = format.numbers == light ? "" : "'";
    std::string const model = (grey ? "Y" + curve : "R" + curve + "G" + curve + "B" + curve) + (alpha ? "A " : " ");
    switch (format.numbers) {
    case u8: return model + "u8";
    case up_to_u16: return model + (type == "u8" ? "u8" : "u16");
    case light: return model + (type == "half" ? "half" : "float");
    case any: break;
    }
    return model + type;
}

// Red, green and blue of the picture's profile. Some profiles (of scanners) say only what their colours are, not how to
// make one: there the numbers of sRGB have to do.
plain_colour in_profile(plain_colour const& colour, std::string const& profile) try {
    if (colour == white) return white;
    float rgba[]{colour[0], colour[1], colour[2], 1};
    convert_colours("", profile, rgba, 1);
    return {rgba[0], rgba[1], rgba[2]};
} catch (std::runtime_error const&) {
    return colour;
}

void flatten(float* rgba, std::size_t pixels, plain_colour const& background) {
    for (std::size_t i = 0; i < pixels; ++i, rgba += 4) {
        for (std::size_t c = 0; c < 3; ++c) rgba[c] = rgba[c] * rgba[3] + background[c] * (1 - rgba[3]);
        rgba[3] = 1;
    }
}

rect extent_of(raster const& r) {
    return {0, 0, gegl_buffer_get_width(r.buffer.get()), gegl_buffer_get_height(r.buffer.get())};
}

} // namespace

bool has_transparency(raster const& r) {
    if (!babl_format_has_alpha(format_of(r.buffer.get()))) return false;
    number_formats const numbers = profile_numbers(format_of(r.buffer.get()));
    std::vector<float> pixels;
    bool found = false;
    for_rows(r.buffer.get(), extent_of(r), [&](GeglRectangle const& rows, std::byte* stored, std::size_t, long count) {
        if (found) return;
        read_rows(r.buffer.get(), rows, stored);
        pixels.resize(std::size_t(count) * 4);
        convert_numbers(numbers.stored, stored, numbers.floats, pixels.data(), count);
        for (std::size_t i = 3; i < pixels.size() && !found; i += 4) found = pixels[i] < 1;
    });
    return found;
}

raster fit(raster const& r, picture_format const& format, plain_colour const& background) {
    Babl const* const given = format_of(r.buffer.get());
    bool const light = format.numbers == held_numbers::light;
    if (light && is_light(given)) return r; // its primaries are in the buffer's format
    std::string const encoding = encoding_for(given, format);
    bool const keeps = r.profile.empty() || format.holds(r.profile, encoding.starts_with('Y'));
    if (keeps && !light && encoding == babl_format_get_encoding(given)) return r;

    raster made{.buffer = empty_buffer(extent_of(r).width, extent_of(r).height, babl_format(encoding.c_str())),
                .profile = keeps ? r.profile : "",
                .dots = r.dots};
    number_formats const from = profile_numbers(given), to = profile_numbers(format_of(made.buffer.get()));
    bool const flattens = babl_format_has_alpha(given) && !format.has_alpha;
    plain_colour const behind = flattens ? in_profile(background, r.profile) : white;
    std::vector<float> pixels;
    std::vector<std::byte> stored_there;
    for_rows(r.buffer.get(), extent_of(r), [&](GeglRectangle const& rows, std::byte* stored, std::size_t, long count) {
        read_rows(r.buffer.get(), rows, stored);
        pixels.resize(std::size_t(count) * 4);
        convert_numbers(from.stored, stored, from.floats, pixels.data(), count);
        if (flattens) flatten(pixels.data(), std::size_t(count), behind);
        convert_colours(r.profile, made.profile, pixels.data(), count);
        stored_there.resize(std::size_t(count) *
                            std::size_t(babl_format_get_bytes_per_pixel(format_of(made.buffer.get()))));
        convert_numbers(to.floats, pixels.data(), to.stored, stored_there.data(), count);
        GeglRectangle const there{0, rows.y - gegl_buffer_get_extent(r.buffer.get())->y, rows.width, rows.height};
        write_rows(made.buffer.get(), there, stored_there.data());
    });
    return made;
}

} // namespace sfumato
