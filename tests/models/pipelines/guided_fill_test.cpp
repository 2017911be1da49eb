// The fill after a guide: what a network found stays, and the picture's own sharpness comes to it.
#include "models/pipelines/fill/inpaint.h"

#include "models/pipelines/shelf.h"
#include "tests/models/pipelines/painted.h"

#include <gtest/gtest.h>

namespace sfumato {
namespace {

// Boxes of `side` pixels, each of one colour: the mean.
picture coarse(picture const& p, int side) {
    picture made(p.width, p.height);
    for (int y = 0; y < p.height; ++y)
        for (int x = 0; x < p.width; ++x)
            for (int c = 0; c < 4; ++c) {
                double sum = 0, count = 0;
                for (int v = y / side * side; v < std::min(y / side * side + side, p.height); ++v)
                    for (int u = x / side * side; u < std::min(x / side * side + side, p.width); ++u, ++count)
                        sum += p.pixels[4 * (std::size_t(v) * p.width + u) + c];
                made.pixels[4 * (std::size_t(y) * p.width + x) + c] = float(sum / count);
            }
    return made;
}

run_result fill_after(picture const& p, mask const& selection, picture made, double blur) {
    shelf const models;
    inpaint_guide const guide{std::move(made), blur};
    return inpaint(test_device(), models, {.seed = 1}, p, selection, {}, &guide).value();
}

// A bar that ends nowhere in what is known, so that patches alone do not find it.
colour bar_on_texture(int x, int y) {
    colour c = texture(x, y);
    if (std::abs(x - 100) < 12 && y > 70 && y < 110) c = {c[0] * 0.3f, c[1] * 0.3f, c[2] * 0.3f, 1};
    return c;
}

constexpr rect hole{60, 50, 80, 80};

TEST(guided_fill, what_the_guide_has_stays) {
    auto const p = paint(200, 180, bar_on_texture);
    auto const m = select(200, 180, hole);
    auto const guided = fill_after(p, m, coarse(p, 4), 4);
    shelf const models;
    auto const alone = inpaint(test_device(), models, {.seed = 1}, p, m, {}).value();
    EXPECT_LT(mean_error(p, m, guided), 0.6 * mean_error(p, m, alone));
}

TEST(guided_fill, it_is_sharper_than_the_guide) {
    auto const p = paint(200, 180, texture);
    auto const m = select(200, 180, hole);
    picture const guide = coarse(p, 4);
    auto const r = fill_after(p, m, guide, 4);
    run_result const as_it_is{r.x, r.y, crop(guide, {r.x, r.y, r.picture.width, r.picture.height}), r.mask, {}};
    EXPECT_LT(mean_error(p, m, r), 0.6 * mean_error(p, m, as_it_is));
}

// A network's colours may lie beside the picture's: what is seen of that at the rim is taken from all of the hole.
TEST(guided_fill, a_wrong_tone_is_carried_away_from_the_rim) {
    for (double blur : {1, 2, 4}) {
        auto const p = paint(200, 180, [](int, int) { return colour{0.5f, 0.25f, 0.75f, 1}; });
        auto const wrong = paint(200, 180, [](int, int) { return colour{0.6f, 0.2f, 0.5f, 1}; });
        auto const m = select(200, 180, hole);
        EXPECT_LT(mean_error(p, m, fill_after(p, m, wrong, blur)), 0.001) << blur;
    }
}

TEST(guided_fill, where_there_is_no_room_for_patches_it_is_the_guide) {
    auto const p = paint(9, 6, [](int x, int) { return colour{float(x) / 9, 0.5f, 0.5f, 1}; });
    auto const m = select(9, 6, {3, 0, 3, 6});
    EXPECT_LT(mean_error(p, m, fill_after(p, m, p, 1)), 0.02);
}

TEST(guided_fill, what_is_transparent_becomes_opaque) {
    auto const p = paint(100, 80, [](int x, int y) { return x < 50 ? texture(x, y) : colour{0, 0, 0, 0}; });
    auto const m = select(100, 80, {30, 20, 40, 30});
    each_pixel(p, m, fill_after(p, m, paint(100, 80, texture), 1),
               [](float const*, float const* filled, float selected, float) {
                   if (selected > 0) {
                       ASSERT_EQ(filled[3], 1);
                   }
               });
}

} // namespace
} // namespace sfumato
