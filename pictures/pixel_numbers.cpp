#include "pictures/pixel_numbers.h"

#include <algorithm>
#include <babl/babl.h>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sfumato {

namespace {

// The first of the marks in an encoding ("R'G'B'A u8"): ' follows the space's curve, ~ that of sRGB, ' ' none.
char curve_of(std::string_view encoding) {
    auto const mark = encoding.find_first_of("'~");
    return mark == encoding.npos ? ' ' : encoding[mark];
}

enum class number_type { u8, u16, f32 };

struct layout {
    number_type type;
    int colours; // 3 or 1
    bool alpha, linear;
    int channels() const { return colours + alpha; }
};

// Nothing: neither RGB nor grey with straight alpha, or of another type.
std::optional<layout> layout_of(Babl const* format) {
    std::string encoding = babl_format_get_encoding(format);
    bool const linear = curve_of(encoding) == ' ';
    std::erase_if(encoding, [](char c) { return c == '\'' || c == '~'; });
    for (auto const& [type, name] :
         {std::pair{number_type::u8, " u8"}, {number_type::u16, " u16"}, {number_type::f32, " float"}})
        for (auto const& [colours, model] : {std::pair{3, "RGB"}, {1, "Y"}})
            for (bool const alpha : {false, true})
                if (encoding == std::string(model) + (alpha ? "A" : "") + name)
                    return layout{type, colours, alpha, linear};
    return {};
}

// IEC 61966-2-1; negative values mirrored.
float light_of(float v) {
    float const a = std::abs(v);
    return std::copysign(a <= 0.04045f ? a / 12.92f : std::pow((a + 0.055f) / 1.055f, 2.4f), v);
}
float value_of(float light) {
    float const a = std::abs(light);
    return std::copysign(a <= 0.0031308f ? a * 12.92f : 1.055f * std::pow(a, 1 / 2.4f) - 0.055f, light);
}

// Luminance of Rec. 709. What is grey stays exactly what it is.
float grey_of(float const* rgb, bool linear) {
    if (rgb[0] == rgb[1] && rgb[1] == rgb[2]) return rgb[0];
    auto const sum = [](float r, float g, float b) { return 0.2126f * r + 0.7152f * g + 0.0722f * b; };
    return linear ? sum(rgb[0], rgb[1], rgb[2]) : value_of(sum(light_of(rgb[0]), light_of(rgb[1]), light_of(rgb[2])));
}

float as_float(float v) { return v; }
float as_float(std::uint8_t v) { return float(v) / 255; }
float as_float(std::uint16_t v) { return float(v) / 65535; }

void store(float v, float& to) { to = v; }
template <class T> void store(float v, T& to) {
    constexpr float most = T(-1);
    to = T((v > 0 ? std::min(v, 1.f) : 0.f) * most + 0.5f); // NaN becomes 0
}

template <class From, class To>
void convert(layout const& from, From const* source, layout const& to, To* target, long pixels) {
    for (long i = 0; i < pixels; ++i, source += from.channels(), target += to.channels()) {
        float colour[3];
        for (int c = 0; c < 3; ++c) colour[c] = as_float(source[from.colours == 3 ? c : 0]);
        if (to.colours == 1) colour[0] = grey_of(colour, from.linear);
        for (int c = 0; c < to.colours; ++c)
            store(from.linear == to.linear ? colour[c]
                  : from.linear            ? value_of(colour[c])
                                           : light_of(colour[c]),
                  target[c]);
        if (to.alpha) store(from.alpha ? as_float(source[from.colours]) : 1.f, target[to.colours]);
    }
}

void for_type(number_type type, auto const& use) {
    switch (type) {
    case number_type::u8: return use(std::uint8_t());
    case number_type::u16: return use(std::uint16_t());
    case number_type::f32: return use(float());
    }
}

} // namespace

number_formats picture_numbers(Babl const* format, bool linear_profile) {
    std::string encoding = babl_format_get_encoding(format);
    if (!encoding.starts_with('R') && !encoding.starts_with('Y'))
        return {format, babl_format_with_space("R~G~B~A float", babl_format_get_space(format))};
    if (curve_of(encoding) == '\'' && linear_profile) std::erase(encoding, '\'');
    return {babl_format(encoding.c_str()), babl_format(curve_of(encoding) == '\'' ? "R'G'B'A float" : "R~G~B~A float")};
}

void convert_numbers(Babl const* from, void const* source, Babl const* to, void* target, long pixels) {
    auto const given = layout_of(from), wanted = layout_of(to);
    if (!given || !wanted) {
        babl_process(babl_fish(from, to), source, target, pixels);
        return;
    }
    for_type(given->type, [&]<class From>(From) {
        for_type(wanted->type, [&]<class To>(To) {
            convert(*given, static_cast<From const*>(source), *wanted, static_cast<To*>(target), pixels);
        });
    });
}

} // namespace sfumato
