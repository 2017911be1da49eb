// What must hold for every fill: pixels outside untouched, the same seed the same pixels, nothing read from the hole.
#include "models/pipelines/fill/inpaint.h"

#include "compute/error.h"
#include "models/pipelines/shelf.h"
#include "tests/models/pipelines/painted.h"

#include <atomic>
#include <cstring>
#include <gtest/gtest.h>
#include <limits>

namespace sfumato {
namespace {

run_result fill(picture const& p, mask const& selection, std::int64_t seed = 1) {
    shelf const models;
    auto result = inpaint(test_device(), models, {.seed = seed}, p, selection, {});
    if (!result) throw std::runtime_error("cancelled");
    return *std::move(result);
}

TEST(inpaint, a_constant_picture_stays_constant) {
    auto const p = paint(97, 83, [](int, int) { return colour{0.25f, 0.5f, 0.75f, 1}; });
    auto const m = select(97, 83, {30, 20, 37, 41});
    each_pixel(p, m, fill(p, m), [](float const* given, float const* filled, float, float) {
        for (int k = 0; k < 4; ++k) ASSERT_NEAR(filled[k], given[k], 1e-4f);
    });
}

TEST(inpaint, a_ramp_continues) {
    auto const p = paint(128, 96, [](int x, int y) { return colour{x / 128.0f, y / 96.0f, 0.5f, 1}; });
    auto const m = select(128, 96, {50, 30, 30, 30});
    EXPECT_LT(mean_error(p, m, fill(p, m)), 0.02);
}

TEST(inpaint, a_texture_continues) {
    auto const p = paint(160, 120, texture);
    auto const m = select(160, 120, {60, 40, 40, 36});
    EXPECT_LT(mean_error(p, m, fill(p, m)), 0.05);
}

// A quarter of it is flat, and flat patches fit any mean of rough ones best.
TEST(inpaint, what_is_rough_stays_rough) {
    auto const noise = [](int x, int y) {
        auto v = std::uint32_t(x) * 0x9e3779b1u + std::uint32_t(y) * 0x85ebca77u;
        v = (v ^ v >> 16) * 0x7feb352du;
        v = (v ^ v >> 15) * 0x846ca68bu;
        return float((v ^ v >> 16) >> 8) / float(1 << 24);
    };
    auto const p = paint(300, 240, [&](int x, int y) {
        bool const flat = noise(x / 16 + 1000, y / 16) < 0.25f;
        float const grey = 0.5f + (flat ? 0.06f : 0.5f) * (noise(x / 2, y / 2) - 0.5f);
        return colour{grey, grey, grey, 1};
    });
    rect const hole{100, 70, 100, 100};
    for (int seed : {1, 2}) {
        auto const r = fill(p, select(300, 240, hole), seed);
        double const roughness = mean(steps_in(r.picture, {hole.x - r.x, hole.y - r.y, hole.width, hole.height}));
        EXPECT_NEAR(roughness / mean(steps_in(p, {0, 0, 300, 240})), 1, 0.3);
    }
}

TEST(inpaint, a_sky_at_the_border_has_no_steps) {
    auto const p = paint(240, 200, [](int x, int y) {
        float const tone = 0.35f + 0.4f * float(y) / 200 + 0.12f * std::sin(float(x) / 60);
        return colour{tone, tone, 0.8f, 1};
    });
    rect const hole{70, 0, 100, 90};
    auto const r = fill(p, select(240, 200, hole));
    auto const steps = steps_in(r.picture, {0, 0, r.picture.width, r.picture.height});
    auto const given = steps_in(p, {0, 0, 240, 200});
    EXPECT_LT(*std::ranges::max_element(steps), 2 * *std::ranges::max_element(given));
}

TEST(inpaint, nothing_is_read_from_the_hole) {
    auto const p = paint(120, 100, texture);
    auto const m = select(120, 100, {0, 30, 40, 70}); // at two borders
    EXPECT_EQ(fill(p, m).picture.pixels, fill(emptied(p, m), m).picture.pixels);
}

TEST(inpaint, the_seed_decides) {
    auto const p = paint(120, 100, texture);
    auto const m = select(120, 100, {40, 30, 30, 30});
    auto const first = fill(p, m, 7);
    EXPECT_EQ(first.picture.pixels, fill(p, m, 7).picture.pixels);
    EXPECT_NE(first.picture.pixels, fill(p, m, 8).picture.pixels);
}

TEST(inpaint, outside_the_selection_every_bit_stays) {
    auto p = paint(90, 70, texture);
    for (std::size_t i = 0; i < p.pixels.size(); i += 5) p.pixels[i] *= 3.1f; // beyond 1, and some alpha too
    auto m = select(90, 70, {20, 20, 30, 20}, 0.4f);
    m.values[25 * 90 + 30] = 1;
    auto const r = fill(p, m);
    EXPECT_TRUE(r.picture.width <= 34 && r.picture.height <= 24) << "only the selection and its rim";
    each_pixel(p, m, r, [](float const* given, float const* filled, float selected, float composite) {
        if (selected > 0) {
            ASSERT_EQ(composite, selected) << "soft values stay";
        } else {
            ASSERT_EQ(std::memcmp(given, filled, 16), 0);
        }
    });
}

TEST(inpaint, a_hard_selection_gets_a_soft_rim) {
    auto const p = paint(90, 70, texture);
    auto const m = select(90, 70, {20, 20, 30, 20});
    auto const r = fill(p, m);
    EXPECT_EQ((rect{r.x, r.y, r.picture.width, r.picture.height}), (rect{18, 18, 34, 24}));
    auto const row = r.mask.values.begin() + 10 * 34;
    EXPECT_NEAR(row[0], 1 / 3.0f, 1e-6f);
    EXPECT_NEAR(row[1], 2 / 3.0f, 1e-6f);
    EXPECT_EQ(row[2], 1);
}

TEST(inpaint, transparent_pixels_are_no_source) {
    auto const p = paint(100, 80, [](int x, int y) { return x < 50 ? texture(x, y) : colour{0, 0, 0, 0}; });
    auto const m = select(100, 80, {30, 20, 40, 30});
    each_pixel(p, m, fill(p, m), [](float const*, float const* filled, float selected, float) {
        if (selected > 0) {
            ASSERT_NEAR(filled[3], 1, 0.05f);
        }
    });
}

TEST(inpaint, pictures_without_room_for_a_patch_are_filled_smoothly) {
    for (auto const& [width, height] : {std::pair{3, 1}, {1, 17}, {6, 6}, {200, 5}}) {
        auto const p = paint(width, height, [](int, int) { return colour{0.5f, 0.25f, 1, 1}; });
        auto const m = select(width, height, {width / 2, height / 2, 1, 1});
        EXPECT_LT(mean_error(p, m, fill(p, m)), 1e-4) << width << " × " << height;
    }
}

TEST(inpaint, cancelled_it_returns_nothing) {
    auto const p = paint(120, 100, texture);
    auto const m = select(120, 100, {40, 30, 30, 30});
    std::atomic<bool> cancelled = false;
    int reports = 0;
    job j{.report =
              [&](progress const& now) {
                  EXPECT_TRUE(now.fraction >= 0 && now.fraction <= 1);
                  ++reports;
                  cancelled = true;
              },
          .cancelled = &cancelled};
    EXPECT_FALSE(inpaint(test_device(), shelf(), {.seed = 1}, p, m, j));
    EXPECT_EQ(reports, 1);
}

TEST(inpaint, says_what_is_wrong_with_a_selection) {
    auto const message = [](picture const& p, mask const& m) -> std::string {
        try {
            fill(p, m);
        } catch (error const& e) {
            return e.what();
        }
        return "no error";
    };
    auto const p = paint(20, 20, texture);
    EXPECT_NE(message(p, mask(20, 20)).find("Nothing is selected"), std::string::npos);
    EXPECT_NE(message(p, select(20, 20, {0, 0, 20, 20})).find("Nothing is left to fill from"), std::string::npos);
    auto const clear = paint(20, 20, [](int, int) { return colour{1, 1, 1, 0}; });
    EXPECT_NE(message(clear, select(20, 20, {5, 5, 5, 5})).find("Nothing is left to fill from"), std::string::npos);
}

// What overflows when it is squared is the picture's fault, not the driver's.
TEST(inpaint, a_picture_with_values_that_are_no_colours_is_told_of) {
    for (float wrong : {1e30f, -1e30f, 2e9f}) {
        picture p = paint(24, 20, texture);
        p.pixels[(3 * 24 + 7) * 4 + 1] = wrong;
        try {
            fill(p, select(24, 20, {10, 8, 4, 4}));
            ADD_FAILURE() << wrong;
        } catch (error const& e) {
            EXPECT_NE(std::string(e.what()).find("at x = 7, y = 3, which is no colour"), std::string::npos) << e.what();
        }
        p.pixels[(3 * 24 + 7) * 4 + 1] = 1e9f;
        EXPECT_NO_THROW(fill(p, select(24, 20, {10, 8, 4, 4})));
    }
}

// Renders have such pixels: they are unknown, as transparent ones are.
TEST(inpaint, what_is_infinite_or_no_number_is_unknown) {
    for (float wrong : {std::numeric_limits<float>::infinity(), std::nanf("")}) {
        picture p = paint(24, 20, texture);
        p.pixels[(3 * 24 + 7) * 4 + 1] = wrong;  // among what is read
        p.pixels[(9 * 24 + 11) * 4 + 2] = wrong; // in the hole
        mask const hole = select(24, 20, {10, 8, 4, 4});
        each_pixel(p, hole, fill(p, hole), [](float const*, float const* filled, float selected, float) {
            EXPECT_TRUE(selected == 0 || std::all_of(filled, filled + 4, [](float v) { return std::isfinite(v); }));
        });
    }
}

} // namespace
} // namespace sfumato
