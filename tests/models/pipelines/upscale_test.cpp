// Enlarging pictures: the same pixels however they are cut, any factor, alpha, colours beyond white, memory as planned.
#include "tests/models/pipelines/less_memory.h"
#include "tests/models/pipelines/upscale_cases.h"

namespace sfumato {
namespace {

// Against the network alone, without a pipeline around it.
TEST(upscale, is_what_the_network_computes) {
    picture const p = sketch(41, 33);
    upscale_model m({.source = x4});
    graph g(test_device().target().storing(dtype::f32));
    tensor const in = g.input({.h = 33, .w = 41, .c = 3});
    tensor const out = upscaler(scope(g, m.weights(), ""), m.network(), in);
    g.output(out);
    ASSERT_TRUE(m.weights().load(test_device()));
    plan run(test_device(), std::move(g));
    std::vector<float> colours;
    for (std::size_t i = 0; i < p.pixels.size(); ++i)
        if (i % 4 != 3) colours.push_back(p.pixels[i]);
    run.upload<float>(in, colours);
    run.run();
    auto const wanted = run.download<float>(out);
    picture const made = enlarge(p, asked(x4, 4)).made;
    ASSERT_EQ(made.width, 164);
    ASSERT_EQ(made.height, 132);
    for (std::size_t i = 0; i < wanted.size(); ++i) ASSERT_EQ(made.pixels[i / 3 * 4 + i % 3], wanted[i]) << i;
    for (std::size_t i = 3; i < made.pixels.size(); i += 4) ASSERT_EQ(made.pixels[i], 1);
}

TEST(upscale, tiles_equal_the_whole) {
    picture const p = sketch(97, 75);
    for (double scale : {4.0, 2.0, 1.5, 1.0, 3.37}) {
        auto const whole = enlarge(p, asked(x4, scale));
        ASSERT_EQ(whole.plans.at(0).cut.tiles.size(), 1u);
        auto const tiled = enlarge(p, asked(x4, scale, 40));
        EXPECT_GE(tiled.plans.at(0).cut.tiles.size(), 6u);
        EXPECT_LE(tiled.plans.at(0).cut.width, 40);
        EXPECT_LT(largest_difference(whole.made, tiled.made), 1e-4) << scale;
    }
}

TEST(upscale, parts_equal_the_whole) {
    picture const p = sketch(90, 64);
    for (double scale : {4.0, 1.7, 5.0}) {
        picture const whole = enlarge(p, asked(x4, scale)).made;
        int const w = whole.width, h = whole.height;
        for (rect const& to : {rect{w / 2, h / 2, w - w / 2, h - h / 2}, rect{w / 3, 0, w / 3, h / 4}}) {
            part_overlap const overlap = overlap_for(upscale_model({.source = x4}).shape(), scale);
            rect const from = intersect(pixels_under(to, scale, overlap), {0, 0, p.width, p.height});
            picture const part = enlarge(crop(p, from), asked(x4, scale), upscale_part{from, to}).made;
            EXPECT_LT(largest_difference(part, crop(whole, to)), 1e-4) << scale;
        }
    }
}

TEST(upscale, sides_that_are_no_multiples_are_mirrored) {
    picture const odd = sketch(31, 23);
    picture even(32, 24);
    for (int y = 0; y < 24; ++y)
        for (int x = 0; x < 32; ++x)
            for (int c = 0; c < 4; ++c)
                even.pixels[4 * std::size_t(y * 32 + x) + std::size_t(c)] =
                    channel(odd, x < 31 ? x : 29, y < 23 ? y : 21, c);
    picture const made = enlarge(odd, asked(unshuffled, 2)).made;
    EXPECT_EQ(made.width, 62);
    EXPECT_LT(largest_difference(made, crop(enlarge(even, asked(unshuffled, 2)).made, {0, 0, 62, 46})), 1e-5);
}

// ×4 twice, then Lanczos down.
TEST(upscale, goes_over_the_picture_as_often_as_the_scale_asks) {
    auto const e = enlarge(sketch(20, 17), asked(x4, 7.5));
    EXPECT_EQ(e.plans.size(), 2u);
    EXPECT_EQ(e.made.width, 150);
    EXPECT_EQ(e.made.height, 128);
    picture const once = enlarge(sketch(20, 17), asked(x4, 4)).made;
    EXPECT_LT(largest_difference(enlarge(sketch(20, 17), asked(x4, 16)).made, enlarge(once, asked(x4, 4)).made), 1e-4);
}

// What fp16 cannot hold of the picture is not lost: two pictures that are one in fp16 stay as far apart as they were.
TEST(upscale, half_precision_keeps_tones_that_it_cannot_hold) {
    for (char const* model : {x4, unshuffled}) {
        picture low = sketch(24, 24), high = low;
        for (std::size_t i = 0; i < low.pixels.size(); ++i)
            if (i % 4 != 3) low.pixels[i] = 0.75f, high.pixels[i] = 0.7501f;
        request r = asked(model, 2);
        r.upscale.dtype = dtype::f16;
        picture const a = enlarge(low, r).made, b = enlarge(high, r).made;
        for (std::size_t i = 0; i < a.pixels.size(); ++i)
            ASSERT_NEAR(b.pixels[i] - a.pixels[i], i % 4 == 3 ? 0 : 1e-4f, 2e-6) << model;
    }
}

TEST(upscale, colours_beyond_white_stay_beyond) {
    picture p = sketch(24, 24);
    for (std::size_t i = 0; i < p.pixels.size(); ++i)
        if (i % 4 != 3) p.pixels[i] = i % 4 == 1 ? -0.25f : 3.f; // flat
    picture white = p;
    for (float& v : white.pixels) v = std::clamp(v, 0.f, 1.f);
    for (double scale : {4.0, 2.5}) {
        picture const made = enlarge(p, asked(x4, scale)).made, wanted = enlarge(white, asked(x4, scale)).made;
        for (std::size_t i = 0; i < made.pixels.size(); ++i)
            ASSERT_NEAR(made.pixels[i] - wanted.pixels[i], i % 4 == 3 ? 0 : i % 4 == 1 ? -0.25f : 2.f, 1e-4);
    }
}

TEST(upscale, what_is_opaque_stays_opaque_and_what_is_not_does_not) {
    picture p = sketch(48, 40);
    for (int y = 0; y < 40; ++y)
        for (int x = 20; x < 48; ++x) p.pixels[4 * std::size_t(y * 48 + x) + 3] = x == 20 ? 0.5f : 0;
    for (int tile : {0, 30}) {
        picture const made = enlarge(p, asked(x4, 4, tile)).made;
        for (int y = 0; y < 160; ++y) {
            for (int x = 0; x < 4 * 19; ++x) ASSERT_EQ(channel(made, x, y, 3), 1) << x;
            for (int x = 4 * 22; x < 192; ++x) ASSERT_EQ(channel(made, x, y, 3), 0) << x;
        }
    }
}

// Black hidden under full transparency must not darken the edge, nor what is brighter than white lighten it: what is
// there in its stead is the colour beside it.
void check_hidden(float hidden, float brightness) {
    picture opaque = sketch(40, 32), cut = opaque;
    for (int y = 0; y < 32; ++y)
        for (int x = 0; x < 40; ++x)
            for (int c = 0; c < 3; ++c) {
                std::size_t const i = 4 * std::size_t(y * 40 + x);
                float const flat = brightness + 0.3f * float(c);
                opaque.pixels[i + std::size_t(c)] = flat;
                cut.pixels[i + std::size_t(c)] = x < 20 ? flat : hidden;
                cut.pixels[i + 3] = x < 20;
            }
    picture const made = enlarge(cut, asked(x4, 4)).made, wanted = enlarge(opaque, asked(x4, 4)).made;
    for (int y = 0; y < 128; ++y)
        for (int x = 0; x < 80; ++x)
            for (int c = 0; c < 3; ++c) ASSERT_NEAR(channel(made, x, y, c), channel(wanted, x, y, c), 1e-3) << x;
}

TEST(upscale, hidden_colours_do_not_bleed_into_what_is_seen) {
    check_hidden(0, 0.2f);
    check_hidden(12.5f, 0.2f);
    check_hidden(0, 2.5f);
}

TEST(upscale, nothing_to_see_needs_no_network) {
    picture p = sketch(16, 16);
    for (std::size_t i = 0; i < p.pixels.size(); ++i) p.pixels[i] = i % 4 == 3 ? 0 : 0.25f;
    picture const made = enlarge(p, asked(x4, 2)).made;
    for (std::size_t i = 0; i < made.pixels.size(); ++i) ASSERT_NEAR(made.pixels[i], i % 4 == 3 ? 0 : 0.25f, 1e-6);
}

TEST(upscale, less_memory_means_smaller_tiles_and_the_same_picture) {
    picture const p = sketch(300, 200);
    std::uint64_t const before = test_device().memory_used();
    test_device().memory_peak(true);
    auto const whole = enlarge(p, asked(x4, 4));
    EXPECT_NEAR(double(test_device().memory_peak() - before), double(whole.plans.at(0).needed),
                0.01 * double(whole.plans.at(0).needed));
    // On a software device the pictures lie in the same memory.
    auto const all = [](upscale_plan const& plan) { return plan.needed + (plan.is_software ? plan.pixels : 0); };
    std::uint64_t needed = all(whole.plans.at(0));
    int const plans = run_with_less_and_less_memory(before + needed, [&] {
        auto const less = enlarge(p, asked(x4, 4));
        EXPECT_LT(all(less.plans.at(0)), needed);
        EXPECT_LE(test_device().memory_peak() - before, less.plans.at(0).needed + 4096); // a page rounded up
        EXPECT_LT(largest_difference(less.made, whole.made), 1e-4);
        needed = all(less.plans.at(0));
        return before + needed;
    });
    EXPECT_GE(plans, 4);
}

TEST(upscale, what_fp16_cannot_hold_is_computed_in_fp32) {
    scratch_folder const folder;
    picture const p = sketch(20, 20);
    upscale_settings s = asked(write_scaled(folder, x4, [](auto) { return 10.f; }), 8).upscale;
    auto const run = [&](std::optional<dtype> asked) {
        s.dtype = asked;
        shelf models;
        enlarged e;
        double last = 0;
        job const j{.report = [&](progress const& now) {
            EXPECT_GE(now.fraction, last - 1e-9);
            last = now.fraction;
        }};
        common_to_parts common{.means = {}, .storage = dtype::f16}; // as a GPU likes it
        auto made = upscale_one_part(test_device(), models.open<upscale_model>({s.model, {}}), s, p, whole_part(p, 8),
                                     common, j, [&](upscale_plan const& plan) { e.plans.push_back(plan); });
        if (made) e.made = std::move(*made);
        if (!asked) {
            EXPECT_EQ(common.storage, dtype::f32); // of the run's other parts, too
        }
        return e;
    };
    auto const e = run({});
    ASSERT_EQ(e.plans.size(), 3u); // the second time it goes over the picture, it is known
    EXPECT_EQ(e.plans[0].storage, dtype::f16);
    EXPECT_EQ(e.plans[1].storage, dtype::f32);
    EXPECT_EQ(e.plans[2].storage, dtype::f32);
    EXPECT_EQ(e.plans[0].text().text().find("fp32"), std::string::npos);
    EXPECT_TRUE(e.plans[1].text().text().starts_with("once more in fp32"));
    EXPECT_TRUE(e.plans[2].text().text().starts_with("needs "));
    EXPECT_EQ(e.made.pixels, run(dtype::f32).made.pixels);

    auto const message = [&](std::optional<dtype> asked) -> std::string {
        try {
            run(asked);
        } catch (error const& e) {
            return e.what();
        }
        return "";
    };
    EXPECT_NE(message(dtype::f16).find("take fp32"), std::string::npos) << message(dtype::f16);
    s.model = write_scaled(folder, x4, [](auto) { return 1e9f; });
    EXPECT_NE(message({}).find("take another model"), std::string::npos) << message({});
    EXPECT_EQ(message({}).find("--"), std::string::npos) << message({});
}

// What one run found out about a network says nothing of the next: the same request makes the same pixels.
TEST(upscale, a_run_does_not_depend_on_the_one_before_it) {
    scratch_folder const folder;
    upscale_settings const s{
        .model = write_scaled(folder, x4, [](auto) { return 10.f; }), .scale = 4, .tile = 0, .dtype = {}};
    upscale_model m({s.model, {}});
    auto const plans = [&](picture const& p) {
        std::vector<dtype> storage;
        common_to_parts common{.means = {}, .storage = dtype::f16};
        EXPECT_TRUE(upscale_one_part(test_device(), m, s, p, whole_part(p, 4), common, {},
                                     [&](upscale_plan const& plan) { storage.push_back(plan.storage); }));
        return storage;
    };
    EXPECT_EQ(plans(sketch(20, 20)), (std::vector{dtype::f16, dtype::f32}));
    EXPECT_EQ(plans(sketch(20, 20)), (std::vector{dtype::f16, dtype::f32}));
}

TEST(upscale, a_model_of_another_kind_is_refused) {
    shelf models;
    try {
        open_upscaler(models, {.model = "procedural:sd1-tiny"});
        FAIL();
    } catch (error const& e) {
        EXPECT_NE(std::string(e.what()).find("Stable Diffusion 1.x"), std::string::npos) << e.what();
    }
}

// Lanczos goes beyond what is given; the largest floats stay numbers all the same.
TEST(upscale, of_the_largest_numbers_is_finite) {
    picture p = sketch(9, 7);
    for (std::size_t i = 0; i < p.pixels.size(); i += 4) p.pixels[i] = (i / 4 + i / 36) % 2 ? 3.4e38f : -3.4e38f;
    for (double scale : {1.0, 3.0, 7.3})
        for (float v : enlarge(p, asked(x4, scale)).made.pixels) ASSERT_TRUE(std::isfinite(v)) << scale;
}

} // namespace
} // namespace sfumato
