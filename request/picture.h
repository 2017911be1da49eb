// Pixels as they travel between GIMP, files and pipelines.
#pragma once

#include <cstddef>
#include <vector>

namespace sfumato {

/// A rectangle of pixels; x and y may lie outside the canvas (layers do).
struct rect {
    int x = 0, y = 0, width = 0, height = 0;

    int right() const { return x + width; }   // exclusive
    int bottom() const { return y + height; } // exclusive
    bool empty() const { return width <= 0 || height <= 0; }
    bool operator==(rect const&) const = default;
};

rect intersect(rect const& a, rect const& b); // empty (all zero) when they do not meet
rect grown(rect const&, int by);              // on each side

/// Whose red, green and blue a picture's numbers are: the document's own, or those of sRGB.
enum class colours : unsigned char { document, srgb };

/// Colour with straight alpha, perceptual (sRGB-like) transfer in the document's own RGB space unless something else is
/// said (colours), 1.0 = white; values outside 0..1 are kept (high dynamic range, out-of-gamut).
struct picture {
    int width = 0, height = 0;
    std::vector<float> pixels; // [height, width, 4]: red, green, blue, alpha

    picture() = default;
    picture(int width, int height) : width(width), height(height), pixels(std::size_t(width) * height * 4) {}
};

/// A selection or a layer mask: 0 = outside, 1 = fully inside, soft values in between.
struct mask {
    int width = 0, height = 0;
    std::vector<float> values; // [height, width]

    mask() = default;
    mask(int width, int height) : width(width), height(height), values(std::size_t(width) * height) {}
};

picture crop(picture const&, rect const& area); // area must lie inside
mask crop(mask const&, rect const& area);
rect bounds(mask const&); // smallest rectangle holding every value > 0

/// Pixels with a value that is infinite or no number become transparent black. A fill neither needs them nor copies
/// from them.
void make_unknown_transparent(picture&);

} // namespace sfumato
