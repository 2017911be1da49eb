// Colour profiles (ICC), with Little CMS: whose red, green and blue the numbers of a picture are.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace sfumato {

enum class colour_model { grey, rgb, cmyk, lab };

/// What its numbers are; nothing: it is damaged, or of something else (a link between devices, many inks).
std::optional<colour_model> model_of_profile(std::string_view icc);

/// Whether its numbers are proportional to light.
bool is_linear_profile(std::string_view icc);

/// A profile of three primaries with one curve: light = number to the power of `gamma`. x, y of CIE 1931: white, red,
/// green, blue.
std::string profile_with(std::array<double, 8> const& chromaticities, double gamma);
inline constexpr std::array srgb_chromaticities{0.3127, 0.3290, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06};

/// Colours between two profiles, with perceptual intent and black point compensation (as GIMP, and ImageMagick's
/// -black-point-compensation), and no shortcuts by tables. Each is an ICC profile, or "" for sRGB.
class colour_transform {
  public:
    colour_transform(std::string_view from, std::string_view to);
    /// From CIE L*a*b* with the white D50.
    static colour_transform from_lab(std::string_view to);
    colour_transform(colour_transform&&) noexcept;
    ~colour_transform();

    /// Floats, 0 to 1 where the profile is bounded: 1 (grey), 3 or 4 (CMYK, as much ink) of each pixel; L*a*b* in its
    /// own units.
    void operator()(float const* from, float* to, long pixels) const;

    colour_model const from, to;

  private:
    colour_transform(void* from_profile, void* to_profile); // which it closes
    void* transform;
};

/// `pixels` of 4 floats in place: red, green, blue and alpha from one profile's numbers to another's ("": sRGB). A grey
/// profile's number is the red, and all three.
void convert_colours(std::string const& from, std::string const& to, float* rgba, long pixels);

/// Cyan, magenta, yellow and black (0 to 1: as much ink) to red, green and blue of sRGB. Without a profile of inks, as
/// programs that have none show them: what one ink leaves of the light, times what black leaves.
class ink_transform {
  public:
    explicit ink_transform(std::string_view icc);
    void operator()(float const* cmyk, float* rgb, long pixels) const;

  private:
    std::optional<colour_transform> transform;
};

} // namespace sfumato
