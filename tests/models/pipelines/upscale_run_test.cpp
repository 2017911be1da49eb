// Whole runs of an enlargement: parts are read, given and fit together, and have the means of the whole picture.
#include "models/pipelines/upscale/upscale_parts.h"
#include "tests/models/pipelines/upscale_cases.h"

namespace sfumato {
namespace {

// CUnet takes in means over the whole picture: tiles with means of their own would show, the plain ones beside those
// with noise.
TEST(upscale, tiles_have_the_means_of_the_whole_picture) {
    picture p = sketch(240, 60);
    for (int y = 0; y < 60; ++y)
        for (int x = 0; x < 160; ++x)
            for (int c = 0; c < 3; ++c) p.pixels[4 * std::size_t(y * 240 + x) + std::size_t(c)] = 0.4f;
    auto const e = enlarge(p, asked("procedural:cunet-x2", 2, 60));
    ASSERT_GE(e.plans.at(0).cut.tiles.size(), 4u);
    for (int y = 50; y < 70; ++y)
        for (int x = 50; x < 240; x += 4)
            for (int c = 0; c < 3; ++c)
                ASSERT_NEAR(channel(e.made, x, y, c), channel(e.made, 50, y, c), 1e-4) << x << " " << y;
}

// Each of CUnet's means hangs on those before it: the tiles differ from one another, and the means found from them are
// nearly those of the whole.
TEST(upscale, means_of_unlike_tiles_are_those_of_the_whole) {
    scratch_folder const folder;
    std::string const model = write_excited(folder);
    picture const p = draughts(180, 120);
    picture const whole = enlarge(p, asked(model, 2)).made;
    EXPECT_LT(largest_difference(whole, enlarge(p, asked(model, 2, 60)).made), 2e-3);
}

// What lies hidden where the picture is transparent is not looked at, and alpha has means of its own.
TEST(upscale, tiles_of_a_picture_with_alpha_are_those_of_the_whole) {
    scratch_folder const folder;
    std::string const model = write_excited(folder);
    picture p = draughts(180, 120);
    auto const from_hole = [](float x, float y) { // of which each square has one; pixels from its middle
        return std::hypot(std::fmod(x, 60.f) - 29.5f, std::fmod(y, 60.f) - 29.5f);
    };
    for (int y = 0; y < 120; ++y)
        for (int x = 0; x < 180; ++x) {
            float* at = &p.pixels[4 * std::size_t(y * 180 + x)];
            at[3] = std::clamp((from_hole(float(x), float(y)) - 8) / 4, 0.f, 1.f);
            if (at[3] == 0) at[0] = at[1] = at[2] = 1; // unlike what is seen
        }
    picture const whole = enlarge(p, asked(model, 2)).made, tiled = enlarge(p, asked(model, 2, 60)).made;
    double colours = 0, alpha = 0;
    for (int y = 0; y < 240; ++y)
        for (int x = 0; x < 360; ++x)
            for (int c = 0; c < 4; ++c) {
                double const d = std::abs(double(channel(whole, x, y, c)) - channel(tiled, x, y, c));
                if (c == 3)
                    alpha = std::max(alpha, d);
                else if (from_hole(float(x) / 2, float(y) / 2) > 29) // no colour that was continued reaches so far
                    colours = std::max(colours, d);
            }
    EXPECT_LT(colours, 2e-3);
    EXPECT_LT(alpha, 2e-3);
}

TEST(upscale, a_picture_of_any_size_is_read_and_given_in_parts) {
    picture const p = sketch(1100, 20); // its result is longer than a part
    request const r = asked(x4, 4);
    picture const whole = enlarge(p, r).made;
    shelf models;
    double last = 0;
    job const j{.report = [&](progress const& now) {
        EXPECT_GE(now.fraction, last - 1e-9);
        last = now.fraction;
    }};
    parts_client client(p, 4);
    EXPECT_TRUE(upscale(test_device(), open_upscaler(models, r.upscale), input_of(r, p), client, j));
    EXPECT_EQ(client.reads.size(), 2u);
    EXPECT_EQ(client.foreseen, std::vector{client.reads[1]});
    EXPECT_EQ(client.taken.size(), 2u);
    EXPECT_GE(client.plans.size(), 1u);
    EXPECT_LT(largest_difference(client.made, whole), 1e-4);
}

// Means are found once, and all parts have the same: where two meet nothing shows.
TEST(upscale, parts_of_a_run_have_means_in_common) {
    scratch_folder const folder;
    picture const p = draughts(2100, 16);
    request const r = asked(write_excited(folder), 2);
    shelf models;
    upscale_model& m = open_upscaler(models, r.upscale);
    parts_client client(p, 2);
    EXPECT_TRUE(upscale(test_device(), m, input_of(r, p), client, {}));
    ASSERT_EQ(client.taken.size(), 2u);
    // The same part with the means that the part in the middle finds, by hand.
    common_to_parts common{.means = std::vector<network_means>{}, .storage = {}};
    for (std::size_t i = 0; i < 2; ++i) {
        rect const& to = client.taken[i];
        upscale_part const part{client.reads[i], to};
        auto const made = upscale_one_part(test_device(), m, r.upscale, crop(p, part.from), part, common, {});
        ASSERT_TRUE(made);
        EXPECT_EQ(made->pixels, crop(client.made, to).pixels) << i;
    }
    EXPECT_EQ(common.means->at(0).colours.size(), 4u);
}

TEST(upscale, an_estimate_is_the_plan_of_an_opaque_picture) {
    picture const p = sketch(60, 40);
    request const r = asked(x4, 4);
    shelf models;
    upscale_model& m = open_upscaler(models, r.upscale);
    run_plan const estimate = plan_of_upscale(test_device(), m, input_of(r, p));
    parts_client client(p, 4);
    EXPECT_TRUE(upscale(test_device(), m, input_of(r, p), client, {}));
    ASSERT_EQ(client.plans.size(), 1u);
    EXPECT_EQ(estimate.needed, client.plans[0].needed);
    EXPECT_EQ(estimate.text.format, client.plans[0].text.format);
}

// Parts on the network's own grid, and with the same means: none differs from its neighbour.
TEST(upscale, parts_of_any_network_fit_together) {
    for (char const* model : {unshuffled, "procedural:cunet-x2"}) {
        upscale_model m({.source = model});
        picture p = sketch(150, 60);
        request const r = asked(model, 2);
        rect const left{0, 0, 141, 120}, right{141, 0, 159, 120}; // begins at an odd pixel
        part_overlap const overlap = overlap_for(m.shape(), 2);
        common_to_parts common{.means = std::vector<network_means>{}, .storage = {}};
        auto const part = [&](rect const& to) {
            rect const from = intersect(pixels_under(to, 2, overlap), {0, 0, p.width, p.height});
            auto made = upscale_one_part(test_device(), m, r.upscale, crop(p, from), {from, to}, common, {});
            EXPECT_TRUE(made);
            return std::move(*made);
        };
        picture const first = part(left), second = part(right);
        EXPECT_EQ(common.means->at(0).colours.empty(), !m.shape().has_means);
        // The whole with the same means.
        auto const whole = upscale_one_part(test_device(), m, r.upscale, p, whole_part(p, 2), common, {});
        ASSERT_TRUE(whole);
        EXPECT_LT(largest_difference(first, crop(*whole, left)), 2e-3) << model;
        EXPECT_LT(largest_difference(second, crop(*whole, right)), 2e-3) << model;
    }
}

// Each part finds what it needs and no earlier one has found.
TEST(upscale, parts_find_means_where_there_is_something_to_see) {
    upscale_model m({.source = with_means});
    common_to_parts common{.means = std::vector<network_means>{}, .storage = {}};
    auto const part = [&](float left, float right) {
        picture p = sketch(24, 24);
        for (int i = 0; i < 24 * 24; ++i) p.pixels[4 * std::size_t(i) + 3] = i % 24 < 12 ? left : right;
        EXPECT_TRUE(upscale_one_part(test_device(), m, asked(with_means, 2).upscale, p, whole_part(p, 2), common, {}));
    };
    part(0, 0);
    EXPECT_EQ(*common.means, std::vector<network_means>(1));
    part(1, 1);
    network_means const& means = common.means->at(0);
    ASSERT_EQ(means.colours.size(), 4u);
    EXPECT_TRUE(means.alpha.empty());
    auto const colours = means.colours;
    part(0, 0);
    part(0, 1);
    EXPECT_EQ(means.colours, colours);
    ASSERT_EQ(means.alpha.size(), 4u);
    EXPECT_NE(means.alpha, colours);
    auto const found = means;
    part(0.5f, 1);
    EXPECT_EQ(means, found);
}

TEST(upscale, a_cancelled_run_gives_nothing) {
    std::atomic<bool> cancelled = false;
    shelf models;
    request const r = asked(x4, 4, 40);
    picture const p = sketch(200, 200);
    int reports = 0;
    job const j{.report = [&](progress const&) { cancelled = ++reports > 3; }, .cancelled = &cancelled};
    parts_client client(p, 4);
    EXPECT_FALSE(upscale(test_device(), open_upscaler(models, r.upscale), input_of(r, p), client, j));
    EXPECT_TRUE(client.taken.empty());
    EXPECT_LT(reports, 20);
}

} // namespace
} // namespace sfumato
