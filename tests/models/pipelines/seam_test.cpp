// How what a model made is fitted in: masks, sizes, tone and membrane, without any model.
#include "models/pipelines/diffusion/seam.h"

#include "models/pipelines/diffusion/inpaint_window.h"
#include "models/pipelines/diffusion/tone.h"
#include "tests/kernels/kernel_test.h"
#include "tests/models/pipelines/seam_reference.h"

#include <cstring>
#include <functional>

namespace sfumato {
namespace {

shelf const no_models;

picture paint(int width, int height, std::function<std::array<float, 3>(int, int)> const& at) {
    picture p(width, height);
    for (int y = 0; y < height; ++y)
        for (int x = 0; x < width; ++x) {
            float* const to = &p.pixels[4 * (std::size_t(y) * width + x)];
            std::ranges::copy(at(x, y), to);
            to[3] = 1;
        }
    return p;
}
picture grey(int width, int height, float v) {
    return paint(width, height, [v](int, int) { return std::array{v, v, v}; });
}
mask select(int width, int height, std::function<float(int, int)> const& at) {
    mask m(width, height);
    for (int y = 0; y < height; ++y)
        for (int x = 0; x < width; ++x) m.values[std::size_t(y) * width + x] = at(x, y);
    return m;
}
mask disc(int width, int height, double x, double y, double radius) {
    return select(width, height, [=](int u, int v) { return float(std::hypot(u - x, v - y) <= radius); });
}
std::array<float, 3> scene(int x, int y) {
    float const wave = 0.5f + 0.2f * std::sin(0.11f * x + 0.05f * y) + 0.1f * std::sin(0.9f * x) * std::cos(0.7f * y);
    return {wave, 0.8f * wave + 0.1f, 0.9f - 0.6f * wave};
}

inpaint_masks masks_with(mask const& selection, int edge) {
    return *masks_of(test_device(), no_models, selection, edge, {});
}
picture fitted(picture const& given, picture const& made, mask const& selection, inpaint_masks const& masks) {
    return *fit(test_device(), no_models, given, made, selection, masks, {});
}
void expect_outside_untouched(picture const& given, picture const& now, mask const& composite) {
    for (std::size_t i = 0; i < composite.values.size(); ++i)
        if (composite.values[i] <= 0) {
            ASSERT_EQ(std::memcmp(&given.pixels[4 * i], &now.pixels[4 * i], 16), 0) << i;
        }
}

// ---- Masks

TEST(inpaint_masks, equal_the_reference) {
    int const width = 63, height = 57;
    mask soft = disc(width, height, 32, 24, 9);
    for (int x = 20; x < 30; ++x) soft.values[std::size_t(50) * width + x] = 0.1f * float(x - 20); // a feather alone
    for (int edge : {0, 12, 40}) {
        auto const wanted = seam_reference::masks_of(soft, edge);
        inpaint_masks const made = masks_with(soft, edge);
        EXPECT_EQ(made.ring, wanted.ring);
        for (std::size_t i = 0; i < soft.values.size(); ++i) {
            ASSERT_NEAR(made.denoise.values[i], wanted.denoise[i], 1e-5) << edge << ", " << i;
            ASSERT_NEAR(made.composite.values[i], wanted.composite[i], 1e-5) << edge << ", " << i;
            ASSERT_NEAR(made.beyond.values[i], wanted.beyond[i], 1e-4) << edge << ", " << i;
        }
    }
}

// All of the selection is made anew and seen, nothing further than the edge, and nothing is seen that is not made anew.
TEST(inpaint_masks, spill_as_far_as_the_edge_says) {
    mask const selection = disc(160, 120, 80, 60, 20);
    for (int edge : {0, 3, 24}) {
        inpaint_masks const m = masks_with(selection, edge);
        int spilt = 0;
        for (int y = 0; y < 120; ++y)
            for (int x = 0; x < 160; ++x) {
                std::size_t const i = std::size_t(y) * 160 + x;
                if (selection.values[i] == 1) {
                    ASSERT_EQ(m.denoise.values[i], 1);
                    ASSERT_EQ(m.composite.values[i], 1);
                }
                if (std::hypot(x - 80, y - 60) > 21 + edge) {
                    ASSERT_EQ(m.denoise.values[i], 0);
                }
                ASSERT_FALSE(m.composite.values[i] > 0 && m.denoise.values[i] == 0);
                spilt += m.composite.values[i] > 0 && selection.values[i] == 0;
            }
        EXPECT_EQ(spilt > 0, edge > 0);
    }
}

TEST(latent_mask, takes_what_is_asked_of_a_cell) {
    mask m(16, 16);
    m.values[3 * 16 + 5] = 0.75f; // in the first cell, not its first pixel
    m.values[8 * 16 + 8] = 0.5f;  // the first pixel of the last
    inpaint_window const whole{.context = {16, 16}, .seen = {16, 16}};
    EXPECT_EQ(latent_mask(m, whole, 8, mask_cells::maximum), (std::vector<float>{0.75f, 0, 0, 0.5f}));
    EXPECT_EQ(latent_mask(m, whole, 8, mask_cells::nearest), (std::vector<float>{0, 0, 0, 0.5f}));
    EXPECT_EQ(latent_mask(m, whole, 8, mask_cells::mean), (std::vector<float>{0.75f / 64, 0, 0, 0.5f / 64}));
    inpaint_window const doubled{.context = {16, 16}, .seen = {32, 32}, .is_scaled = true},
        halved{.context = {16, 16}, .seen = {8, 8}, .is_scaled = true}, padded{.context = {16, 16}, .seen = {24, 24}};
    auto const cells = latent_mask(m, doubled, 8, mask_cells::maximum);
    EXPECT_EQ(cells[0 * 4 + 1], 0.75f);
    EXPECT_EQ(cells[2 * 4 + 2], 0.5f);
    EXPECT_EQ(std::ranges::count(cells, 0.0f), 14);
    EXPECT_EQ(latent_mask(m, halved, 8, mask_cells::maximum), (std::vector<float>{0.75f}));
    m.values[15 * 16 + 15] = 1; // the border goes on
    EXPECT_EQ(latent_mask(m, padded, 8, mask_cells::nearest).back(), 1);
}

// ---- Sizes

TEST(inpaint_window, is_what_a_model_was_trained_on) {
    struct {
        pixel_size context, asked, seen;
        bool is_scaled;
        int native = 512;
    } const cases[] = {
        {{640, 512}, {}, {640, 512}, false},      // as it is
        {{613, 509}, {}, {616, 512}, false},      // … in whole cells
        {{1536, 1536}, {}, {640, 640}, true},     // less
        {{272, 272}, {}, {512, 512}, true},       // more
        {{640, 640}, {}, {768, 768}, true, 768},  // of another family
        {{3000, 200}, {}, {1024, 64}, true},      // no longer than twice as long as it knows
        {{640, 512}, {320, 0}, {320, 256}, true}, // as asked
        {{640, 512}, {128, 64}, {128, 64}, true},
    };
    for (auto const& c : cases) {
        inpaint_window const w = window_of(c.context, c.asked, c.native, 8);
        EXPECT_EQ(w.seen, c.seen) << c.context.width << " × " << c.context.height << ": " << w.seen.width << " × "
                                  << w.seen.height;
        EXPECT_EQ(w.is_scaled, c.is_scaled);
    }
}

// ---- What was made equals what was there

struct error_of {
    double largest = 0, squared = 0;
    int pixels = 0;

    error_of(picture const& a, picture const& b) {
        for (std::size_t i = 0; i < a.pixels.size(); ++i) {
            double const d = std::abs(double(a.pixels[i]) - b.pixels[i]);
            largest = std::max(largest, d);
            squared += d * d;
        }
        pixels = int(a.pixels.size());
    }
    double psnr() const { return -10 * std::log10(squared / pixels + 1e-20); }
};

TEST(fit, what_is_the_same_stays_at_full_size) {
    picture const given = paint(203, 149, [](int x, int y) {
        auto c = scene(x, y);
        return x % 17 == 3 ? std::array{1.5f, -0.2f, 0.0f} : c; // beyond what a screen shows, too
    });
    mask const selection = disc(203, 149, 90, 70, 25);
    inpaint_masks const masks = masks_with(selection, 20);
    inpaint_window const window = window_of({203, 149}, {}, 160, 8);
    ASSERT_FALSE(window.is_scaled);
    picture const seen = *to_model(test_device(), no_models, given, window, {}),
                  back = *from_model(test_device(), no_models, seen, window, {});
    picture const now = fitted(given, back, selection, masks);
    EXPECT_LE(error_of(given, now).largest, 1 / 65535.0);
    expect_outside_untouched(given, now, masks.composite);
}

TEST(fit, what_is_the_same_stays_at_other_sizes) {
    picture const given = paint(240, 200, [](int x, int y) {
        float const wave = 0.5f + 0.3f * std::sin(0.07f * x) * std::cos(0.05f * y);
        return std::array{wave, 0.7f * wave + 0.1f, 1 - wave};
    });
    mask const selection = disc(240, 200, 110, 90, 30);
    inpaint_masks const masks = masks_with(selection, 20);
    for (pixel_size const seen : {pixel_size{128, 104}, {320, 256}, {512, 448}}) {
        inpaint_window const window = window_of({240, 200}, seen, 512, 8);
        picture const small = *to_model(test_device(), no_models, given, window, {}),
                      back = *from_model(test_device(), no_models, small, window, {});
        picture const now = fitted(given, back, selection, masks);
        EXPECT_GT(error_of(given, now).psnr(), 50) << seen.width;
        expect_outside_untouched(given, now, masks.composite);
    }
}

// ---- What was made is something else

TEST(fit, equals_the_reference) {
    int const width = 84, height = 78;
    picture const given = paint(width, height, scene);
    mask const selection = disc(width, height, 44, 40, 12);
    inpaint_masks const masks = masks_with(selection, 9);
    picture const made =
        paint(width, height, [](int x, int y) { // darker, greener, more so to the right, and other grain
            auto c = scene(x + (std::hypot(x - 44, y - 40) < 15 ? 5 : 0), y);
            float const shift = 0.03f + 0.0004f * x;
            return std::array{c[0] - shift, c[1] - 0.5f * shift + 0.01f * std::sin(2.3f * x + 1.9f * y), c[2] - shift};
        });
    picture const now = fitted(given, made, selection, masks);
    auto const wanted = seam_reference::fit(given, made, seam_reference::masks_of(selection, 9));
    double squared = 0, changed = 0;
    int inside = 0;
    for (std::size_t i = 0; i < wanted.size(); ++i)
        for (std::size_t c = 0; c < 3; ++c) {
            if (masks.composite.values[i] <= 0) {
                ASSERT_EQ(now.pixels[4 * i + c], given.pixels[4 * i + c]);
                continue;
            }
            squared += std::pow(now.pixels[4 * i + c] - wanted[i][c], 2);
            changed += std::pow(now.pixels[4 * i + c] - made.pixels[4 * i + c], 2);
            ++inside;
        }
    EXPECT_GT(-10 * std::log10(squared / inside), 80);
    EXPECT_LT(-10 * std::log10(changed / inside), 40) << "there was something to match";
}

// A VAE that shifts everything is not seen, and one that shifts more to one side hardly.
TEST(fit, takes_a_shift_away) {
    picture const given = paint(256, 256, scene);
    mask const selection = disc(256, 256, 120, 128, 50);
    inpaint_masks const masks = masks_with(selection, 16);
    for (float slope : {0.0f, 0.0002f}) {
        picture const made = paint(256, 256, [slope](int x, int y) {
            auto c = scene(x, y);
            for (float& v : c) v += 0.02f + slope * float(x - 128);
            return c;
        });
        picture const now = fitted(given, made, selection, masks);
        double before = 0, after = 0;
        for (std::size_t i = 0; i < masks.composite.values.size(); ++i)
            if (masks.composite.values[i] > 0) {
                before += std::abs(made.pixels[4 * i] - given.pixels[4 * i]);
                after += std::abs(now.pixels[4 * i] - given.pixels[4 * i]);
            }
        EXPECT_LT(after, (slope ? 0.25 : 0.2) * before) << slope; // push–pull is not quite a membrane
    }
}

// Something of the picture ends at the selection and the model did not go on with it: it does not stain what is inside.
TEST(fit, an_object_at_the_rim_stains_nothing) {
    picture const made = grey(256, 256, 0.6f);
    picture const given = paint(256, 256, [](int x, int y) {
        float const v = x > 128 && std::abs(y - 128) < 33 ? 0.25f : 0.6f; // 15 % of the rim
        return std::array{v, v, v};
    });
    mask const selection = disc(256, 256, 128, 128, 70);
    inpaint_masks const masks = masks_with(selection, 0);
    picture const now = fitted(given, made, selection, masks);
    double moved = 0, pixels = 0;
    for (std::size_t i = 0; i < selection.values.size(); ++i)
        if (selection.values[i] == 1) moved += std::abs(now.pixels[4 * i] - 0.6), ++pixels;
    EXPECT_LT(moved / pixels, 0.01);
}

TEST(fit, a_blank_canvas_tells_nothing) {
    picture const given = grey(96, 96, 1), made = paint(96, 96, scene);
    mask const selection = disc(96, 96, 48, 48, 16);
    inpaint_masks const masks = masks_with(selection, 8);
    picture const now = fitted(given, made, selection, masks);
    for (std::size_t i = 0; i < selection.values.size(); ++i)
        if (masks.composite.values[i] > 0) {
            ASSERT_EQ(std::memcmp(&now.pixels[4 * i], &made.pixels[4 * i], 12), 0);
        }
}

TEST(fit, transparent_parts_stay_so_unless_they_are_selected) {
    picture given = paint(96, 96, scene);
    for (std::size_t i = 0; i < given.pixels.size() / 4; ++i)
        if (i % 96 >= 48) std::fill_n(&given.pixels[4 * i], 4, 0.0f);
    mask const selection = disc(96, 96, 48, 48, 12);
    inpaint_masks const masks = masks_with(selection, 8);
    picture const now = fitted(given, paint(96, 96, scene), selection, masks);
    for (std::size_t i = 0; i < selection.values.size(); ++i)
        ASSERT_EQ(now.pixels[4 * i + 3], selection.values[i] > 0 ? 1 : given.pixels[4 * i + 3]);
}

// ---- Tone

std::vector<known_pixel> shifted(std::vector<std::pair<int, double>> const& counts) {
    std::vector<known_pixel> all;
    for (auto const& [count, shift] : counts)
        for (int i = 0; i < count; ++i) {
            double const l = 0.3 + 0.002 * (all.size() % 100);
            all.push_back({{l + shift, 0, 0}, {l, 0, 0}, 1});
        }
    return all;
}

TEST(tone, an_object_in_the_ring_drags_nothing) {
    // Of 400 pixels 60 are an object's. Their mean shift is −0.0175.
    auto all = shifted({{340, 0.05}, {60, -0.4}});
    for (std::size_t i = 0; i < all.size(); ++i) all[i].given[0] += 0.002 * (double(i % 7) - 3);
    tone_match const found = match_tone(all);
    EXPECT_NEAR(found.offset[0], 0.05, 0.002);
    EXPECT_EQ(found.gain, 1);
}

TEST(tone, a_gain_is_taken_where_it_is_certain) {
    std::vector<known_pixel> all;
    for (int i = 0; i < 1000; ++i) {
        double const l = 0.3 + 0.0004 * i;
        all.push_back({{1.06 * (l - 0.5) + 0.5 + 0.002 * std::sin(7.0 * i), 0, 0}, {l, 0, 0}, 1});
    }
    tone_match const found = match_tone(all);
    EXPECT_NEAR(found.gain, 1.06, 0.01);
    for (double l : {0.35, 0.5, 0.65}) EXPECT_NEAR(found.apply({l, 0, 0})[0], 1.06 * (l - 0.5) + 0.5, 0.004);
    for (known_pixel& p : all) p.given[0] = p.made[0] + 0.2 * std::sin(37.0 * p.made[0] * 1000); // no more than noise
    EXPECT_EQ(match_tone(all).gain, 1);
}

TEST(tone, few_pixels_or_small_shifts_tell_nothing) {
    EXPECT_TRUE(match_tone({}).is_none());
    EXPECT_TRUE(match_tone(shifted({{20, 0.1}})).is_none());
    EXPECT_TRUE(match_tone(shifted({{400, 0.001}})).is_none());
    EXPECT_FALSE(match_tone(shifted({{400, 0.01}})).is_none());
    auto unseen = shifted({{400, 0.1}});
    for (known_pixel& p : unseen) p.weight = 0;
    EXPECT_TRUE(match_tone(unseen).is_none());
}

TEST(oklab, has_its_published_colours) {
    struct {
        std::array<float, 3> rgb;
        lab_colour lab;
    } const cases[] = {{{1, 1, 1}, {1, 0, 0}},
                       {{1, 0, 0}, {0.627955, 0.224863, 0.125846}},
                       {{0.461356f, 0.461356f, 0.461356f}, {0.564622, 0, 0}}}; // 18 % grey
    for (auto const& c : cases) {
        lab_colour const lab = lab_of(c.rgb.data());
        std::array<float, 3> back{};
        put_rgb(lab, back.data());
        for (std::size_t i = 0; i < 3; ++i) {
            EXPECT_NEAR(lab[i], c.lab[i], 2e-5);
            EXPECT_NEAR(back[i], c.rgb[i], 1e-5);
        }
    }
    std::array<float, 3> const beyond{1.7f, -0.3f, 0.2f};
    std::array<float, 3> back{};
    put_rgb(lab_of(beyond.data()), back.data());
    for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR(back[i], beyond[i], 1e-5);
}

} // namespace
} // namespace sfumato
