// Enlarging pictures: the same pixels however they are cut, any factor, alpha, colours beyond white, memory as planned.
#include "models/files/safetensors_write.h"
#include "models/library/open_checkpoint.h"
#include "models/pipelines/upscale/upscale_parts.h"
#include "tests/kernels/kernel_test.h"
#include "tests/models/pipelines/enlarge.h"
#include "tests/models/pipelines/less_memory.h"
#include "tests/scratch_folder.h"

#include <cstring>

namespace sfumato {
namespace {

constexpr char const* x4 = "procedural:srvgg-x4-tiny";           // its convolutions reach 6 pixels
constexpr char const* unshuffled = "procedural:rrdbnet-x2-tiny"; // its sides are even
constexpr char const* with_means = "procedural:cunet-x2";        // of the whole picture

// A picture with something everywhere.
picture sketch(int width, int height) {
    picture p(width, height);
    auto const noise = random_values(p.pixels.size());
    for (int y = 0; y < height; ++y)
        for (int x = 0; x < width; ++x)
            for (int c = 0; c < 4; ++c) {
                std::size_t const i = 4 * (std::size_t(y) * std::size_t(width) + std::size_t(x)) + std::size_t(c);
                p.pixels[i] = c == 3 ? 1 : 0.5f + 0.3f * std::sin(0.1f * float(x * (c + 1) + y)) + 0.1f * noise[i];
            }
    return p;
}

// Squares of 60 pixels, in turn dark and noise.
picture draughts(int width, int height) {
    picture p = sketch(width, height);
    for (int y = 0; y < height; ++y)
        for (int x = 0; x < width; ++x)
            for (int c = 0; c < 3; ++c)
                if ((x / 60 + y / 60) % 2 == 0) p.pixels[4 * std::size_t(y * width + x) + std::size_t(c)] = 0.1f;
    return p;
}

request asked(std::string model, double scale, int tile = 0) {
    request r{.operation = operation::upscale};
    r.upscale = {.model = std::move(model), .scale = scale, .tile = tile, .dtype = dtype::f32};
    return r;
}

struct enlarged {
    picture made;
    std::vector<upscale_plan> plans;
};

enlarged enlarge(picture const& p, request const& r, std::optional<upscale_part> part = {}) {
    shelf models;
    enlarged e;
    common_to_parts alone;
    auto made = upscale_one_part(test_device(), open_upscaler(models, r.upscale), r.upscale, p,
                                 part.value_or(whole_part(p, r.upscale.scale)), alone, {},
                                 [&](upscale_plan const& plan) { e.plans.push_back(plan); });
    EXPECT_TRUE(made);
    if (made) e.made = std::move(*made);
    return e;
}

double largest_difference(picture const& a, picture const& b) {
    if (a.pixels.size() != b.pixels.size()) return INFINITY;
    double largest = 0;
    for (std::size_t i = 0; i < a.pixels.size(); ++i)
        largest = std::max(largest, std::abs(double(a.pixels[i]) - b.pixels[i]));
    return largest;
}

float channel(picture const& p, int x, int y, int c) {
    return p.pixels[4 * (std::size_t(y) * std::size_t(p.width) + std::size_t(x)) + std::size_t(c)];
}

// Writes a procedural model of which each tensor is multiplied by what `factor` says to its name.
std::string write_scaled(scratch_folder const& folder, char const* model, float (*factor)(std::string_view name)) {
    checkpoint const c = open_checkpoint(model);
    std::map<std::string, std::vector<float>> values;
    std::map<std::string, stored_tensor, std::less<>> tensors;
    for (auto const& [name, t] : c.tensors) {
        std::vector<std::byte> scratch;
        auto const bytes = t.read(scratch);
        for (std::size_t i = 0; i < t.count(); ++i) {
            std::uint16_t half;
            std::memcpy(&half, &bytes[2 * i], 2);
            values[name].push_back(f16_value(half) * factor(name));
        }
        tensors[name] = f32_tensor(t.shape, values[name]);
    }
    std::string const path = folder / "scaled.safetensors";
    write_safetensors(path, tensors);
    return path;
}

// CUnet in which what a channel's mean says has much weight, as in trained ones.
std::string write_excited(scratch_folder const& folder) {
    return write_scaled(folder, with_means, [](std::string_view name) {
        return name.find("seblock") != name.npos && name.ends_with("weight") ? 20.f : 1.f;
    });
}

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

// The client of a run: what is read and given, and when.
struct parts_client final : run_client {
    picture const& given;
    picture made;
    std::vector<rect> reads{}, foreseen{}, taken{};
    std::vector<run_plan> plans{};

    parts_client(picture const& given, double scale)
        : given(given), made(upscaled(given.width, scale), upscaled(given.height, scale)) {}
    std::optional<picture> read_picture(std::string_view name, rect const& area) override {
        EXPECT_EQ(name, "picture");
        reads.push_back(area);
        return crop(given, area);
    }
    std::optional<mask> read_mask(std::string_view, rect const&) override { return std::nullopt; }
    void will_read(std::string_view, rect const& area) override { foreseen.push_back(area); }
    void take(run_result r) override {
        taken.push_back({r.x, r.y, r.picture.width, r.picture.height});
        for (int y = 0; y < r.picture.height; ++y)
            std::copy_n(&r.picture.pixels[4 * std::size_t(y * r.picture.width)], 4 * r.picture.width,
                        &made.pixels[4 * std::size_t((r.y + y) * made.width + r.x)]);
    }
    void planned(run_plan const& p) override { plans.push_back(p); }
};

run_input input_of(request const& r, picture const& p) {
    return {.request = r, .pictures = {{"picture", p.width, p.height}}};
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

TEST(upscale, a_model_of_another_kind_is_refused) {
    shelf models;
    try {
        open_upscaler(models, {.model = "procedural:sd1-tiny"});
        FAIL();
    } catch (error const& e) {
        EXPECT_NE(std::string(e.what()).find("Stable Diffusion 1.x"), std::string::npos) << e.what();
    }
}

} // namespace
} // namespace sfumato
