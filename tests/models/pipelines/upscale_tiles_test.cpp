// How an enlargement is cut: parts and tiles cover the result once, and lie over what they need.
#include "models/pipelines/upscale/upscale_parts.h"
#include "models/pipelines/upscale/upscale_tiles.h"
#include "request/run.h"

#include <cmath>
#include <cstdint>
#include <gtest/gtest.h>
#include <random>

using namespace sfumato;

namespace {

// True when the rectangles fill width × height, each pixel once.
bool covers(std::vector<rect> const& all, int width, int height) {
    std::vector<char> hit(std::size_t(width) * height);
    for (rect const& r : all)
        for (int y = r.y; y < r.bottom(); ++y)
            for (int x = r.x; x < r.right(); ++x) {
                if (x < 0 || y < 0 || x >= width || y >= height || hit[std::size_t(y) * width + x]++) return false;
            }
    return std::find(hit.begin(), hit.end(), 0) == hit.end();
}

} // namespace

TEST(upscale_parts, cover_the_result_and_lie_over_their_pixels) {
    struct {
        int width, height;
        double scale;
    } const cases[] = {{1, 1, 1},   {1, 1, 16},     {7, 5, 2.5},      {1500, 40, 4},   {40, 3001, 3.7},
                       {999, 1, 8}, {5000, 3, 1.0}, {4097, 2, 1.001}, {1025, 1030, 4}, {333, 333, 15.99}};
    for (auto const& c : cases) {
        int const w = upscaled(c.width, c.scale), h = upscaled(c.height, c.scale);
        part_overlap const overlap{.margin = 21, .multiple = 4};
        auto const parts = upscale_parts(c.width, c.height, c.scale, overlap);
        std::vector<rect> results;
        for (upscale_part const& p : parts) {
            results.push_back(p.to);
            EXPECT_LE(std::int64_t(p.to.width) * p.to.height, 1 << 24);
            EXPECT_EQ(intersect(p.from, {0, 0, c.width, c.height}), p.from);
            // Every pixel of the result lies over one that is read: pixel k at (k + ½) / scale, perhaps on the very
            // edge.
            EXPECT_GE((p.to.y + 0.5) / c.scale, p.from.y);
            EXPECT_LE((p.to.right() - 0.5) / c.scale, p.from.right() + 1e-6);
            EXPECT_LE((p.to.bottom() - 0.5) / c.scale, p.from.bottom() + 1e-6);
            EXPECT_EQ(p.from.x % 4, 0);
            EXPECT_EQ(p.from.y % 4, 0);
            EXPECT_LE(p.from.x, std::max(0.0, p.to.x / c.scale - 21));
            EXPECT_GE(p.from.right(), std::min(double(c.width), p.to.right() / c.scale + 21));
        }
        EXPECT_TRUE(covers(results, w, h)) << c.width << " × " << c.height << " by " << c.scale;
    }
}

TEST(upscale_parts, of_the_size_that_gimp_scales_an_image_to) {
    EXPECT_EQ(upscaled(3, 1.5), 5);
    EXPECT_EQ(upscaled(4000, 2), 8000);
    EXPECT_EQ(upscaled(1, 1), 1);
    EXPECT_EQ(upscaled(1001, 1.37), 1371);
}

// Each time that a network goes over the picture it sees its reach, and Lanczos its own.
TEST(upscale_parts, overlap_as_the_network_needs) {
    upscaler_shape const s{.scale = 4, .multiple = 2, .margin = 18, .reach = 6};
    EXPECT_EQ(overlap_for(s, 1.5).margin, 28);
    EXPECT_EQ(overlap_for(s, 4).margin, 28);
    EXPECT_EQ(overlap_for(s, 4.5).margin, 28 + 7);
    EXPECT_EQ(overlap_for(s, 4).multiple, 2);
    EXPECT_EQ(overlap_for({.scale = 1, .reach = 6}, 16).margin, 10);
    EXPECT_EQ(pixels_under({-5, 7, 10, 10}, 1, {.margin = 2, .multiple = 4}), (rect{-8, 4, 15, 15}));
}

TEST(upscale_tiles, cover_the_part_with_reach_around) {
    std::mt19937 random(1);
    auto const among = [&](int low, int high) { return std::uniform_int_distribution(low, high)(random); };
    for (int i = 0; i < 300; ++i) {
        int const width = among(1, 400), height = among(1, 400);
        double const scale = among(0, 1) ? among(1, 4) : 1 + among(0, 300) / 100.0;
        tile_needs const needs{.multiple = among(1, 4), .reach = among(0, 40)};
        rect const whole{0, 0, upscaled(width, scale), upscaled(height, scale)};
        // Of a part in the middle of a larger picture, too.
        rect const from{among(0, 50), among(0, 50), width, height};
        int const left = int(std::ceil(from.x * scale)), top = int(std::ceil(from.y * scale));
        rect const to{left, top, std::max(1, whole.width - 2), std::max(1, whole.height - 2)};
        int const longest = among(16, 300);
        auto const cut = cut_into_tiles({from, to}, scale, needs, longest);
        int const tall = (height + needs.multiple - 1) / needs.multiple * needs.multiple;
        EXPECT_LE(cut.height, std::max(longest, needs.least()));
        EXPECT_EQ(cut.height % needs.multiple, 0);
        std::vector<rect> results;
        for (upscale_tile const& t : cut.tiles) {
            results.push_back({t.to.x - to.x, t.to.y - to.y, t.to.width, t.to.height});
            EXPECT_EQ(t.y % needs.multiple, 0);
            EXPECT_GE(t.y, 0);
            EXPECT_LE(t.y + cut.height, tall);
            EXPECT_LE(t.to.height, cut.window_height);
            EXPECT_LE(t.to.width, cut.window_width);
            double const first = t.to.y / scale - from.y - t.y, last = t.to.bottom() / scale - from.y - t.y;
            if (t.y > 0) {
                EXPECT_GE(first, needs.reach) << i;
            }
            if (t.y + cut.height < tall) {
                EXPECT_LE(last, cut.height - needs.reach + 1e-9) << i;
            }
        }
        EXPECT_TRUE(covers(results, to.width, to.height)) << i;
    }
}

// No more is computed than the fewest tiles need.
TEST(upscale_tiles, are_as_small_as_their_number_allows) {
    auto const cut = cut_into_tiles({{0, 0, 600, 100}, {0, 0, 1200, 200}}, 2, {.reach = 10}, 512);
    ASSERT_EQ(cut.tiles.size(), 2u);
    EXPECT_EQ(cut.height, 100);
    EXPECT_EQ(cut.width, 310);
    EXPECT_EQ(cut.tiles[0].to, (rect{0, 0, 600, 200}));
}
