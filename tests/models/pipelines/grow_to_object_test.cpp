// A stroke on an object selects it: painted objects whose edges are known, on surroundings that are no plain colour.
#include "models/pipelines/imaging/grow_to_object.h"

#include "compute/error.h"
#include "models/pipelines/shelf.h"
#include "tests/models/pipelines/painted.h"

#include <atomic>
#include <gtest/gtest.h>

namespace sfumato {
namespace {

mask grown_from(picture const& p, mask const& stroke) {
    shelf const models;
    return grow_to_object(test_device(), models, p, stroke, {}).value();
}

float margin_of(picture const& p) { return 0.02f * float(std::max(p.width, p.height)); }

// As far as `outside` is above 0 from the object; below 0 within it.
using distance_of = std::function<float(int, int)>;
distance_of disc(float x, float y, float radius) {
    return [=](int u, int v) { return std::hypot(float(u) - x, float(v) - y) - radius; };
}

// Orange, lit from one side, on a pattern of greens and blues.
picture scene(int width, int height, distance_of const& object) {
    return paint(width, height, [&](int x, int y) {
        float const light = 0.6f + 0.4f * float(x) / float(width), wave = 0.5f + 0.3f * std::sin(0.3f * float(x + y));
        if (object(x, y) < 0) return colour{0.9f * light, 0.5f * light, 0.1f, 1};
        return colour{0.15f, 0.3f + 0.3f * wave, 0.6f - 0.3f * wave, 1};
    });
}

// All of the object, and nothing further from it than the margin; `slack`: pixels.
void expect_object(mask const& got, picture const& p, distance_of const& object, float slack) {
    int lacking = 0, beyond = 0;
    for (int y = 0; y < got.height; ++y)
        for (int x = 0; x < got.width; ++x) {
            float const value = got.values[std::size_t(y) * got.width + x], away = object(x, y);
            lacking += away < margin_of(p) - slack && value < 1;
            beyond += away > margin_of(p) + slack && value > 0;
        }
    EXPECT_EQ(lacking, 0);
    EXPECT_EQ(beyond, 0);
}

TEST(grow_to_object, a_stroke_selects_what_it_lies_on) {
    auto const object = disc(140, 100, 50);
    auto const p = scene(300, 220, object);
    expect_object(grown_from(p, select(300, 220, {110, 98, 60, 6})), p, object, 2);
}

// Another one of the same colours is another one; a hole is part of it.
TEST(grow_to_object, what_hangs_together_and_what_it_encloses) {
    auto const object = disc(100, 100, 50), other = disc(230, 100, 30), hole = disc(100, 110, 15);
    auto const all = [&](int x, int y) { return hole(x, y) < 0 ? 1 : std::min(object(x, y), other(x, y)); };
    auto const p = scene(300, 220, all);
    expect_object(grown_from(p, select(300, 220, {80, 70, 40, 6})), p, object, 2);
}

TEST(grow_to_object, what_is_selected_stays_selected) {
    auto const object = disc(140, 100, 50);
    auto const p = scene(300, 220, object);
    rect const stroke{130, 60, 100, 10}; // past the object's edge
    mask const got = grown_from(p, select(300, 220, stroke));
    for (int y = 0; y < 220; ++y)
        for (int x = 0; x < 300; ++x)
            if (object(x, y) < 0 || (x >= stroke.x && x < stroke.right() && y >= stroke.y && y < stroke.bottom())) {
                ASSERT_EQ(got.values[std::size_t(y) * 300 + x], 1) << x << ", " << y;
            }
}

// What a selection around an object holds of the surroundings makes them no object.
TEST(grow_to_object, a_selection_around_it_grows_no_further) {
    auto const p = scene(300, 220, disc(140, 100, 40));
    rect const around{90, 55, 100, 95};
    auto const away = [&](int x, int y) {
        return std::hypot(float(std::max({around.x - x, 0, x - around.right() + 1})),
                          float(std::max({around.y - y, 0, y - around.bottom() + 1})));
    };
    expect_object(grown_from(p, select(300, 220, around)), p, away, 2);
}

// The first cut sees 2.5 pixels as one; the border is exact all the same.
TEST(grow_to_object, the_border_is_that_of_the_full_size) {
    auto const object = disc(640, 500, 180);
    auto const p = scene(1280, 960, object);
    expect_object(grown_from(p, select(1280, 960, {560, 490, 170, 20})), p, object, 1.5f);
}

TEST(grow_to_object, where_there_is_no_edge_it_is_the_selection_and_its_margin) {
    auto const p = paint(200, 150, [](int, int) { return colour{0.4f, 0.5f, 0.6f, 1}; });
    auto const away = [](int x, int y) {
        return std::hypot(float(std::max({80 - x, 0, x - 119})), float(std::max({60 - y, 0, y - 79})));
    };
    expect_object(grown_from(p, select(200, 150, {80, 60, 40, 20})), p, away, 1.5f);
}

TEST(grow_to_object, odd_pictures) {
    auto const p = scene(60, 40, disc(30, 20, 10));
    mask const all = select(60, 40, {0, 0, 60, 40});
    EXPECT_EQ(grown_from(p, all).values, all.values);
    mask const one = grown_from(paint(1, 1, [](int, int) { return colour{1, 1, 1, 1}; }), select(1, 1, {0, 0, 1, 1}));
    EXPECT_EQ(one.values, std::vector{1.0f});
    auto const clear = paint(60, 40, [](int x, int) { return x < 30 ? colour{1, 0, 0, 1} : colour{0, 0, 0, 0}; });
    mask const beside = grown_from(clear, select(60, 40, {10, 10, 5, 5}));
    EXPECT_EQ(beside.values[20 * 60 + 50], 0); // what is transparent is no object's
    for (int side : {60, 600}) {               // nothing is known
        mask const got = grown_from(picture(side, 40), select(side, 40, {10, 10, 5, 5}));
        EXPECT_EQ(got.values[std::size_t(12 * side + 12)], 1);
        EXPECT_EQ(got.values[std::size_t(12 * side + 50)], 0);
    }
    EXPECT_THROW(grown_from(p, mask(60, 40)), error);
}

TEST(grow_to_object, soft_selections_stay_soft_beyond_it) {
    auto const object = disc(140, 100, 30);
    auto const p = scene(300, 220, object);
    mask stroke = select(300, 220, {120, 98, 40, 6});
    stroke.values[10 * 300 + 10] = 0.25f;
    EXPECT_EQ(grown_from(p, stroke).values[10 * 300 + 10], 0.25f);
}

TEST(grow_to_object, cancelled_it_returns_nothing) {
    auto const p = scene(300, 220, disc(140, 100, 50));
    std::atomic<bool> const cancelled = true;
    shelf const models;
    EXPECT_FALSE(
        grow_to_object(test_device(), models, p, select(300, 220, {110, 98, 60, 6}), {.cancelled = &cancelled}));
}

} // namespace
} // namespace sfumato
