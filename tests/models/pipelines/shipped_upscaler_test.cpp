// The upscaler that comes with the program, as an artist would look at it: tones, seams, edges.
#include "tests/kernels/kernel_test.h"
#include "tests/models/pipelines/enlarge.h"

#include <set>

namespace sfumato {
namespace {

picture enlarge(picture const& p, double scale, int tile = 0) {
    request r{.operation = operation::upscale};
    r.upscale = {.scale = scale, .tile = tile};
    r = resolve(r);
    auto made = enlarge_whole(test_device(), r.upscale, p);
    EXPECT_TRUE(made);
    return std::move(*made);
}

template <class F> picture painted(int width, int height, F colour) {
    picture p(width, height);
    for (int y = 0; y < height; ++y)
        for (int x = 0; x < width; ++x)
            for (int c = 0; c < 4; ++c)
                p.pixels[4 * (std::size_t(y) * std::size_t(width) + std::size_t(x)) + std::size_t(c)] = colour(x, y, c);
    return p;
}

float at(picture const& p, int x, int y, int c) {
    return p.pixels[4 * (std::size_t(y) * std::size_t(p.width) + std::size_t(x)) + std::size_t(c)];
}

TEST(shipped_upscaler, flat_colours_stay) {
    double largest = 0;
    for (float grey : {0.f, 0.1f, 0.5f, 0.9f, 1.f})
        for (int hue = 0; hue < 3; ++hue) {
            auto const colour = [&](int, int, int c) { return c == 3 ? 1 : c == hue ? 1 - grey : grey; };
            picture const made = enlarge(painted(24, 24, colour), 2);
            for (int c = 0; c < 3; ++c)
                largest = std::max(largest, double(std::abs(at(made, 24, 24, c) - colour(0, 0, c))));
        }
    std::printf("largest change of a flat colour: %.4f of white\n", largest);
    EXPECT_LT(largest, 0.5 / 255 * 2);
}

// Tones finer than those of 8 bits come out as fine, and nobody can tell where tiles meet.
TEST(shipped_upscaler, a_gradient_stays_one_across_tiles) {
    auto const colour = [](double x, double y, int c) {
        return c == 3 ? 1 : float(0.3 + 0.1 * c + 0.04 * x / 200 + 0.01 * y / 120);
    };
    for (double scale : {2.0, 1.5, 3.0}) {
        picture const made = enlarge(painted(200, 120, colour), scale, 64);
        int const skip = int(8 * scale); // the picture's own border
        double largest = 0, step = 0;
        std::set<float> tones;
        for (int y = skip; y < made.height - skip; ++y)
            for (int x = skip; x < made.width - skip; ++x)
                for (int c = 0; c < 3; ++c) {
                    float const wanted = colour((x + 0.5) / scale - 0.5, (y + 0.5) / scale - 0.5, c);
                    largest = std::max(largest, double(std::abs(at(made, x, y, c) - wanted)));
                    // against the pixel a whole period of the network's own pattern away
                    int const period = int(std::lround(2 * scale));
                    if (x + period < made.width - skip)
                        step = std::max(
                            step, double(std::abs(at(made, x + period, y, c) - at(made, x, y, c) - 2 * 0.04f / 200)));
                    if (c == 0) tones.insert(at(made, x, y, c));
                }
        std::printf("×%.1f: at most %.5f from the gradient, steps at most %.6f from its own, %zu tones\n", scale,
                    largest, step, tones.size());
        EXPECT_LT(largest, 3e-3) << scale;
        EXPECT_LT(step, 5e-4) << scale; // an eighth of a tone of 8 bits
        EXPECT_GT(tones.size(), 1000u) << scale;
    }
}

// A cut-out over nothing: no dark rim, no halo, nothing of what is hidden.
TEST(shipped_upscaler, the_rim_of_a_cut_out_keeps_its_colour) {
    auto const inside = [](int x, int y) { return std::hypot(x - 31.5, y - 31.5) < 20; };
    auto const colour = [&](int x, int y, int c) {
        float const orange[] = {0.9f, 0.5f, 0.1f, 1};
        return inside(x, y) ? orange[c] : 0;
    };
    picture const made = enlarge(painted(64, 64, colour), 2, 40);
    for (int y = 0; y < 128; ++y)
        for (int x = 0; x < 128; ++x)
            if (at(made, x, y, 3) > 0.02f) {
                EXPECT_NEAR(at(made, x, y, 0), 0.9f, 0.02) << x << " " << y;
                EXPECT_NEAR(at(made, x, y, 2), 0.1f, 0.02) << x << " " << y;
            }
    EXPECT_EQ(at(made, 64, 64, 3), 1);
    EXPECT_EQ(at(made, 2, 2, 3), 0);
}

} // namespace
} // namespace sfumato
