// Pictures in other sizes.
#include "plugin/resize.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>

using namespace sfumato;

namespace {

// Its red grows to the right, its green downwards, by 1 for each pixel; blue is 0.25 everywhere.
picture ramp(int width, int height) {
    picture p(width, height);
    for (int y = 0; y < height; ++y)
        for (int x = 0; x < width; ++x) {
            float* const pixel = &p.pixels[4 * (std::size_t(y) * width + x)];
            pixel[0] = float(x), pixel[1] = float(y), pixel[2] = 0.25f, pixel[3] = 1;
        }
    return p;
}

float const* at(picture const& p, int x, int y) { return &p.pixels[4 * (std::size_t(y) * p.width + x)]; }

} // namespace

TEST(cover, the_same_size_is_the_same_picture) {
    picture const p = ramp(7, 5);
    EXPECT_EQ(cover(p, 7, 5).pixels, p.pixels);
}

TEST(cover, only_narrower_is_the_middle) {
    picture const p = ramp(104, 80), made = cover(p, 100, 80);
    for (int y = 0; y < 80; ++y)
        for (int x = 0; x < 100; ++x) EXPECT_NEAR(at(made, x, y)[0], float(x + 2), 1e-3) << x << ", " << y;
}

// Where no border is near, splines repeat what is straight, whether it becomes larger or smaller.
TEST(cover, what_is_straight_stays_so) {
    for (auto const& [width, height] : {std::pair{160, 120}, {60, 45}, {20, 15}, {37, 31}}) {
        picture const p = ramp(80, 60), made = cover(p, width, height);
        ASSERT_EQ(made.width, width);
        ASSERT_EQ(made.height, height);
        double const scale = std::max(width / 80.0, height / 60.0), support = 2 * std::max(1.0, scale) + 2;
        for (int y = int(support); y < height - support; ++y)
            for (int x = int(support); x < width - support; ++x) {
                EXPECT_NEAR(at(made, x, y)[0], (x + 0.5 + (80 * scale - width) / 2) / scale - 0.5, 0.02);
                EXPECT_NEAR(at(made, x, y)[1], (y + 0.5 + (60 * scale - height) / 2) / scale - 0.5, 0.02);
            }
        for (std::size_t i = 0; i < made.pixels.size(); i += 4) {
            EXPECT_NEAR(made.pixels[i + 2], 0.25f, 1e-5);
            EXPECT_NEAR(made.pixels[i + 3], 1, 1e-5);
        }
    }
}

TEST(cover, what_becomes_smaller_is_averaged) {
    picture p(64, 64);
    for (std::size_t i = 0; i < p.pixels.size() / 4; ++i) p.pixels[4 * i] = float((i + i / 64) % 2); // a chessboard
    picture const made = cover(p, 8, 8);
    for (std::size_t i = 0; i < made.pixels.size(); i += 4) EXPECT_NEAR(made.pixels[i], 0.5, 0.02);
}

TEST(cover, one_pixel_fills_everything) {
    picture p(1, 1);
    p.pixels = {0.1f, 0.2f, 0.3f, 1};
    for (picture const& made = cover(p, 5, 9); float v : {made.pixels[0], made.pixels[4 * 44]})
        EXPECT_NEAR(v, 0.1, 1e-6);
}
