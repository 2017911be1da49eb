// Inpainting by LaMa, with a small network of no trained weights: what holds for every fill, and what the network sees.
#include "models/pipelines/lama/inpaint_by_lama.h"

#include "compute/error.h"
#include "models/pipelines/lama/lama_view.h"
#include "models/pipelines/shelf.h"
#include "tests/environment_variable.h"
#include "tests/models/pipelines/painted.h"
#include "tests/scratch_folder.h"

#include <atomic>
#include <cstring>
#include <gtest/gtest.h>
#include <limits>

namespace sfumato {
namespace {

request lama_request(std::string const& model = "procedural:lama-tiny") {
    return {.method = method::lama, .seed = 1, .diffusion = {.model = model}};
}

run_result fill(picture const& p, mask const& selection, request const& r = lama_request()) {
    shelf models;
    return inpaint_by_lama(test_device(), models, r, p, selection, {}).value();
}

// ---- What it sees

TEST(lama_view, contexts_of_about_the_trained_size_are_not_scaled) {
    lama_config const c;
    auto const sizes = [&](int width, int height) {
        lama_view const v = view_of({width, height}, c);
        return std::array{v.scaled.width, v.scaled.height, v.padded.width, v.padded.height};
    };
    EXPECT_EQ(sizes(512, 512), (std::array{512, 512, 512, 512}));
    EXPECT_EQ(sizes(509, 633), (std::array{509, 633, 512, 640}));
    EXPECT_EQ(sizes(1024, 700), (std::array{512, 350, 512, 352}));
    EXPECT_EQ(sizes(3, 1), (std::array{3, 1, 16, 16}));
    EXPECT_EQ(view_of({2048, 1024}, c).blur(), 4);
    EXPECT_EQ(view_of({600, 512}, c).blur(), 1);
}

TEST(lama_view, a_migan_sees_pictures_of_one_size) {
    migan_config const c{.side = 256};
    auto const sizes = [&](int width, int height) {
        lama_view const v = view_of({width, height}, c);
        EXPECT_EQ(v.padded, (pixel_size{256, 256}));
        return std::array{v.scaled.width, v.scaled.height};
    };
    EXPECT_EQ(sizes(256, 200), (std::array{256, 200}));
    EXPECT_EQ(sizes(31, 60), (std::array{31, 60}));
    EXPECT_EQ(sizes(257, 200), (std::array{256, 199}));
    EXPECT_EQ(sizes(700, 1024), (std::array{175, 256}));
}

TEST(lama_view, sides_go_on_mirrored) {
    picture p(3, 2);
    for (int i = 0; i < 6; ++i) p.pixels[4 * i] = float(i) / 8, p.pixels[4 * i + 3] = 1;
    p.pixels[4 * 4 + 3] = 0.9f; // not known in whole
    lama_view const v{.context = {3, 2}, .scaled = {3, 2}, .padded = {8, 8}};
    auto const input = network_input(p, v);
    auto const at = [&](int x, int y) { return &input[4 * (std::size_t(y) * 8 + x)]; };
    for (auto const& [x, y, value] :
         {std::tuple{2, 0, 2}, {3, 0, 2}, {5, 0, 0}, {6, 0, 0}, {7, 0, 1}, {0, 2, 3}, {0, 3, 0}})
        EXPECT_EQ(at(x, y)[0], float(value) / 8) << x << ", " << y;
    EXPECT_EQ(at(1, 1)[0], 0);
    EXPECT_EQ(at(1, 1)[3], 1);
    EXPECT_EQ(at(4, 2)[3], 1);
    EXPECT_EQ(at(0, 0)[3], 0);
}

// ---- Whole fills

TEST(inpaint_by_lama, nothing_is_read_from_the_hole) {
    auto const p = paint(120, 100, texture);
    auto const m = select(120, 100, {0, 30, 40, 70}); // at two borders
    EXPECT_EQ(fill(p, m).picture.pixels, fill(emptied(p, m), m).picture.pixels);
}

TEST(inpaint_by_lama, outside_the_selection_every_bit_stays) {
    auto p = paint(90, 70, texture);
    for (std::size_t i = 0; i < p.pixels.size(); i += 5) p.pixels[i] *= 3.1f; // beyond 1, and some alpha too
    auto const m = select(90, 70, {20, 20, 30, 20});
    each_pixel(p, m, fill(p, m), [](float const* given, float const* filled, float selected, float) {
        if (selected > 0) {
            ASSERT_TRUE(std::all_of(filled, filled + 4, [](float v) { return std::isfinite(v); }));
        } else {
            ASSERT_EQ(std::memcmp(given, filled, 16), 0);
        }
    });
}

// Larger than the network sees at once: the hole is of the context's own size all the same.
TEST(inpaint_by_lama, a_large_context) {
    auto const p = paint(900, 700, texture);
    rect const hole{250, 200, 400, 300};
    auto const r = fill(p, select(900, 700, hole));
    EXPECT_EQ((rect{r.x, r.y, r.picture.width, r.picture.height}), (rect{248, 198, 404, 304}));
    EXPECT_EQ(r.recipe.diffusion.model, "procedural:lama-tiny");
}

TEST(inpaint_by_lama, the_network_decides) {
    auto const p = paint(160, 120, texture);
    auto const m = select(160, 120, {60, 40, 40, 36});
    shelf models;
    auto const patches = inpaint(test_device(), models, lama_request(), p, m, {}).value();
    EXPECT_NE(fill(p, m).picture.pixels, patches.picture.pixels);
    EXPECT_EQ(fill(p, m).picture.pixels, fill(p, m).picture.pixels);
}

TEST(inpaint_by_lama, the_file_says_which_network) {
    auto const p = paint(160, 120, texture);
    auto const m = select(160, 120, {60, 40, 40, 36});
    request const by_migan = lama_request("procedural:migan-tiny");
    run_result const made = fill(p, m, by_migan);
    EXPECT_EQ(made.picture.pixels, fill(emptied(p, m), m, by_migan).picture.pixels);
    EXPECT_NE(made.picture.pixels, fill(p, m).picture.pixels);
    each_pixel(p, m, made, [](float const* given, float const* filled, float selected, float) {
        if (selected <= 0) {
            ASSERT_EQ(std::memcmp(given, filled, 16), 0);
        }
    });
}

TEST(inpaint_by_lama, it_takes_what_was_planned) {
    auto const p = paint(300, 200, texture);
    auto const m = select(300, 200, {100, 60, 90, 80});
    for (char const* model : {"procedural:lama-tiny", "procedural:migan-256"}) {
        SCOPED_TRACE(model);
        shelf models;
        device& d = test_device();
        run_plan const planned = plan_of_inpaint_by_lama(d, models, lama_request(model), p, m);
        d.memory_peak(true);
        std::uint64_t const before = d.memory_used();
        ASSERT_TRUE(inpaint_by_lama(d, models, lama_request(model), p, m, {}));
        EXPECT_LE(d.memory_peak() - before, planned.needed);
        EXPECT_GT(d.memory_peak() - before, planned.needed * 9 / 10);
    }
}

TEST(inpaint_by_lama, cancelled_it_returns_nothing) {
    auto const p = paint(120, 100, texture);
    auto const m = select(120, 100, {40, 30, 30, 30});
    std::atomic<bool> cancelled = false;
    for (double at : {0.01, 0.3, 0.6}) {
        cancelled = false;
        job const j{.report = [&](progress const& now) { cancelled = cancelled || now.fraction >= at; },
                    .cancelled = &cancelled};
        shelf models;
        EXPECT_FALSE(inpaint_by_lama(test_device(), models, lama_request(), p, m, j)) << at;
    }
}

std::string told(picture const& p, mask const& m, request const& r) {
    try {
        fill(p, m, r);
    } catch (error const& e) {
        return e.what();
    }
    return "no error";
}

TEST(inpaint_by_lama, says_what_is_wrong) {
    auto const p = paint(20, 20, texture);
    auto const m = select(20, 20, {5, 5, 5, 5});
    EXPECT_NE(told(p, mask(20, 20), lama_request()).find("Nothing is selected"), std::string::npos);
    EXPECT_NE(told(p, select(20, 20, {0, 0, 20, 20}), lama_request()).find("Nothing is left"), std::string::npos);
    EXPECT_NE(told(p, m, lama_request("procedural:srvgg-x4-tiny")).find("is no LaMa but upscaler"), std::string::npos);
    scratch_folder const empty;
    environment_variable const home("HOME", empty.path), models("SFUMATO_MODELS", ""), data("XDG_DATA_HOME", "");
    EXPECT_NE(told(p, m, lama_request("")).find("No LaMa and no MI-GAN was found"), std::string::npos);
}

} // namespace
} // namespace sfumato
