// The tiles of an inpaint's second pass.
#include "models/pipelines/diffusion/detail_tiles.h"

#include <gtest/gtest.h>

namespace sfumato {
namespace {

inpaint_masks masks_with(pixel_size all, rect const& made, int ring = 20) {
    inpaint_masks m{.denoise = mask(all.width, all.height), .composite = {}, .beyond = {}, .ring = ring};
    for (int y = made.y; y < made.bottom(); ++y)
        std::fill_n(m.denoise.values.begin() + std::ptrdiff_t(y) * all.width + made.x, made.width, 1.0f);
    return m;
}

inpaint_window seen(pixel_size context, pixel_size by_model) { return {context, by_model, context != by_model}; }

TEST(detail_tiles, are_none_where_all_was_seen) {
    auto const m = masks_with({1000, 800}, {100, 100, 300, 300});
    EXPECT_TRUE(tiles_of(m, seen({1000, 800}, {1000, 800}), 512, 8).empty());
    EXPECT_TRUE(tiles_of(m, seen({1000, 800}, {1216, 960}), 512, 8).empty()) << "enlarged";
    EXPECT_TRUE(tiles_of(m, seen({1000, 800}, {960, 768}), 512, 8).empty()) << "a little smaller";
    EXPECT_FALSE(tiles_of(m, seen({1000, 800}, {704, 576}), 512, 8).empty());
}

TEST(detail_tiles, cover_what_is_made_anew_and_its_ring) {
    struct {
        pixel_size context;
        rect made;
        std::size_t count;
    } const cases[] = {
        {{1400, 1200}, {500, 400, 300, 300}, 1},  {{1400, 1200}, {300, 400, 800, 300}, 2},
        {{1400, 1200}, {200, 200, 1000, 900}, 9}, {{1400, 1200}, {0, 0, 1400, 1200}, 12},
        {{1400, 300}, {1200, 100, 200, 100}, 1},  {{2000, 2000}, {1990, 1990, 10, 10}, 1},
    };
    for (auto const& c : cases) {
        auto const m = masks_with(c.context, c.made);
        detail_tiles const t = tiles_of(m, seen(c.context, {256, 256}), 512, 8);
        EXPECT_EQ(t.places.size(), c.count);
        EXPECT_EQ(t.window.seen.width % 8, 0);
        EXPECT_EQ(t.window.seen.height % 8, 0);
        std::vector<char> covered(m.denoise.values.size());
        for (rect const& place : t.places) {
            EXPECT_EQ(intersect(place, {0, 0, c.context.width, c.context.height}), place) << "inside";
            EXPECT_EQ(place.width, t.window.context.width);
            EXPECT_EQ(place.height, t.window.context.height);
            for (int y = place.y; y < place.bottom(); ++y)
                std::fill_n(covered.begin() + std::ptrdiff_t(y) * c.context.width + place.x, place.width, 1);
        }
        for (std::size_t i = 0; i < covered.size(); ++i)
            if (m.denoise.values[i] > 0) {
                ASSERT_TRUE(covered[i]);
            }
    }
}

TEST(detail_tiles, leave_out_what_has_nothing_to_make) {
    auto m = masks_with({1400, 1400}, {0, 0, 100, 100});
    auto const corner = masks_with({1400, 1400}, {1300, 1300, 100, 100});
    for (std::size_t i = 0; i < m.denoise.values.size(); ++i)
        m.denoise.values[i] = std::max(m.denoise.values[i], corner.denoise.values[i]);
    EXPECT_EQ(tiles_of(m, seen({1400, 1400}, {512, 512}), 512, 8).places.size(), 2u);
}

// Of tiles of one value each, which differ by 1 and more, the whole changes gently.
TEST(detail_tiles, blend_into_each_other) {
    auto const m = masks_with({1200, 1200}, {0, 0, 1200, 1200});
    detail_tiles const t = tiles_of(m, seen({1200, 1200}, {512, 512}), 512, 8);
    picture whole(1200, 1200), above;
    float value = 0;
    for (rect const& place : t.places) {
        if (place.x == 0) above = whole;
        picture made(t.window.seen.width, t.window.seen.height);
        std::ranges::fill(made.pixels, value += 1);
        blend(whole, above, made, place, t);
    }
    EXPECT_EQ(whole.pixels.front(), 1);
    EXPECT_EQ(whole.pixels.back(), value);
    float const most = 0.1f;
    for (int y = 0; y < 1200; ++y)
        for (int x = 1; x < 1200; ++x) {
            std::size_t const i = 4 * (std::size_t(y) * 1200 + x), above = 4 * (std::size_t(x) * 1200 + y);
            ASSERT_LE(std::abs(whole.pixels[i] - whole.pixels[i - 4]), most) << x << ' ' << y;
            ASSERT_LE(std::abs(whole.pixels[above] - whole.pixels[above - 4 * 1200]), most) << y << ' ' << x;
        }
}

} // namespace
} // namespace sfumato
