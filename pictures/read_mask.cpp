#include "compute/error.h"
#include "pictures/colour_profile.h"
#include "pictures/picture_file.h"

#include <algorithm>

namespace sfumato {

namespace {

float within_0_1(float v) { return v > 0 ? std::min(v, 1.f) : 0.f; } // NaN becomes 0

} // namespace

mask read_mask(std::filesystem::path const& path, int width, int height) {
    raster const loaded = load_picture(path, format_by_content(path));
    buffer_handle const& buffer = loaded.buffer;
    GeglRectangle const extent = *gegl_buffer_get_extent(buffer.get());
    if (extent.width != width || extent.height != height)
        fail("The mask {} has {} × {} pixels, but the picture {} × {}; they must be the same size.", path.string(),
             extent.width, extent.height, width, height);
    // A selection's values are taken as the file has them, whatever its transfer curve.
    Babl const* const stored = numbers_of(buffer.get(), is_linear_profile(loaded.profile)).stored;
    bool const linear = babl_get_model_flags(babl_format_get_model(stored)) & BABL_MODEL_FLAG_LINEAR;
    Babl const* const floats = babl_format(linear ? "YA float" : "Y'A float");

    mask lightness(width, height);
    std::vector<float> values; // of some rows: lightness, alpha
    auto const for_each_pixel = [&](auto use) {
        for_rows(buffer.get(), {0, 0, width, height},
                 [&](GeglRectangle const& rows, std::byte* row, std::size_t first, long pixels) {
                     values.resize(std::size_t(pixels) * 2);
                     read_rows(buffer.get(), rows, row);
                     convert_numbers(stored, row, floats, values.data(), pixels);
                     for (std::size_t i = 0; i < std::size_t(pixels); ++i)
                         use(first + i, within_0_1(values[2 * i]), within_0_1(values[2 * i + 1]));
                 });
    };
    float darkest = 1, lightest = 0, thinnest = 1;
    for_each_pixel([&](std::size_t i, float value, float alpha) {
        lightness.values[i] = value * alpha;
        darkest = std::min(darkest, value);
        lightest = std::max(lightest, value);
        thinnest = std::min(thinnest, alpha);
    });
    if (darkest == lightest && thinnest < 1) // one colour: the shape is in its alpha
        for_each_pixel([&](std::size_t i, float, float alpha) { lightness.values[i] = alpha; });
    return lightness;
}

} // namespace sfumato
