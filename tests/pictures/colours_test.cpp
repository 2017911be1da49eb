// Every format that is read into every format that is written, with every kind of profile: the colours are those that
// Little CMS finds, within a level of 8 bits, and profile, depth, channels and alpha are kept where the format has
// them.
#include "pictures/picture_file.h"
#include "tests/cli/process.h"
#include "tests/pictures/foreign_picture.h"
#include "tests/pictures/gegl_file.h"
#include "tests/pictures/test_profiles.h"

#include <gexiv2/gexiv2.h>
#include <memory>

using namespace sfumato;

namespace {

// Numbers of 8 bits.
std::vector<float> patches_of(int channels, bool alpha) {
    constexpr int numbers[][4]{{230, 60, 30, 10},  {30, 150, 60, 40},   {50, 80, 200, 90}, {128, 128, 128, 0},
                               {250, 245, 235, 0}, {12, 20, 28, 200},   {0, 0, 0, 0},      {255, 255, 255, 255},
                               {200, 40, 160, 5},  {90, 180, 120, 130}, {254, 254, 254, 0}};
    std::vector<float> patches;
    for (auto const& patch : numbers) {
        for (int c = 0; c < channels; ++c) patches.push_back(float(patch[c]) / 255);
        if (alpha) patches.push_back(128 / 255.f);
    }
    return patches;
}

double curve_of_srgb(double light) {
    double const a = std::abs(light);
    return std::copysign(a <= 0.0031308 ? a * 12.92 : 1.055 * std::pow(a, 1 / 2.4) - 0.055, light);
}

// One patch in sRGB, as Little CMS has it.
std::array<double, 3> in_srgb(foreign_picture const& p, std::vector<double> numbers, bool is_light) {
    if (p.channels == 1) numbers.assign(3, numbers[0]);
    std::array<double, 3> colour{};
    if (p.icc.empty()) {
        for (std::size_t c = 0; c < 3; ++c)
            colour[c] = p.channels == 4 ? (1 - numbers[c]) * (1 - numbers[3])
                        : is_light      ? curve_of_srgb(numbers[c])
                                        : numbers[c];
        return colour;
    }
    if (p.channels == 4)
        for (double& v : numbers) v *= 100;
    cmsHPROFILE const given = cmsOpenProfileFromMem(p.icc.data(), unsigned(p.icc.size())),
                      srgb = cmsCreate_sRGBProfile();
    auto const space = cmsGetColorSpace(given);
    cmsHTRANSFORM const transform = cmsCreateTransform(given,
                                                       space == cmsSigGrayData  ? TYPE_GRAY_DBL
                                                       : space == cmsSigRgbData ? TYPE_RGB_DBL
                                                                                : TYPE_CMYK_DBL,
                                                       srgb, TYPE_RGB_DBL, INTENT_PERCEPTUAL,
                                                       cmsFLAGS_NOOPTIMIZE | cmsFLAGS_BLACKPOINTCOMPENSATION);
    cmsDoTransform(transform, numbers.data(), colour.data(), 1);
    cmsDeleteTransform(transform);
    cmsCloseProfile(given);
    cmsCloseProfile(srgb);
    return colour;
}

// Red, green, blue of sRGB and alpha, for each patch; on white, where `flattened`.
std::vector<double> seen(foreign_picture const& p, bool is_light, bool flattened = false) {
    std::vector<double> all;
    for (int k = 0; k < p.count(); ++k) {
        float const* const patch = &p.patches[std::size_t(k * p.all_channels())];
        double const alpha = p.has_alpha ? patch[p.channels] : 1;
        std::vector<double> numbers(patch, patch + p.channels);
        std::array<double, 3> colour = in_srgb(p, numbers, is_light);
        if (flattened && alpha < 1 && (is_light || p.channels == 4)) // what the picture's own numbers are
            for (double& v : colour) v = v * alpha + 1 - alpha;
        else if (flattened && alpha < 1) {
            for (double& v : numbers) v = v * alpha + 1 - alpha;
            colour = in_srgb(p, numbers, is_light);
        }
        for (double const v : colour) all.push_back(std::clamp(v, 0., 1.));
        all.push_back(flattened ? 1 : alpha);
    }
    return all;
}

struct target {
    std::string ending;
    double levels; // of 8 bits, that a colour may be off
    int most_bits; // 0: as the source
    bool alpha, grey, profiles, grey_profiles;
};
std::vector<target> const targets{{".png", 1, 16, true, true, true, true},
                                  {".jpg", 5, 8, false, true, true, true},
                                  {".tif", 1, 0, true, true, true, true},
                                  {".webp", 5, 8, true, false, true, false},
                                  {".exr", 1, 32, true, true, false, false}};

// As a command does: read, a new picture like it, its pixels, written.
void copy_picture(std::filesystem::path const& from, std::filesystem::path const& to) {
    picture_file const file(from);
    picture_file made(file, file.width(), file.height());
    made.write_pixels(0, 0, file.crop({0, 0, file.width(), file.height()}));
    made.write(to, {});
}

void expect_same_colours(std::filesystem::path const& out, std::vector<double> const& expected, double levels) {
    std::vector<double> const got = seen(foreign::read(out), out.extension() == ".exr");
    ASSERT_EQ(got.size(), expected.size());
    for (std::size_t i = 0; i < got.size(); ++i)
        EXPECT_LE(std::abs(got[i] - expected[i]) * 255, levels)
            << "patch " << i / 4 << ", channel " << i % 4 << ": " << got[i] * 255 << " for " << expected[i] * 255;
}

void expect_in_every_format(scratch_folder const& folder, std::filesystem::path const& in) {
    foreign_picture const given = foreign::read(in);
    bool const is_light = in.extension() == ".exr";
    for (target const& t : targets) {
        SCOPED_TRACE("to " + t.ending);
        auto const out = folder.path / ("out" + t.ending);
        copy_picture(in, out);
        foreign_picture const made = foreign::read(out);
        EXPECT_EQ(made.channels, given.channels == 1 && t.grey ? 1 : 3);
        EXPECT_EQ(made.has_alpha, given.has_alpha && t.alpha);
        if (t.ending != ".exr") {
            EXPECT_EQ(made.bits, t.most_bits ? std::min(given.bits, t.most_bits) : given.bits);
        }
        bool const holds = t.profiles && given.channels != 4 && (given.channels == 3 || t.grey_profiles);
        EXPECT_EQ(made.icc, holds ? given.icc : "");
        expect_same_colours(out, seen(given, is_light, given.has_alpha && !t.alpha), t.levels);
    }
}

std::string profile_for(int channels) {
    return channels == 1 ? grey_profile() : channels == 3 ? wide_rgb_profile() : ink_profile();
}

struct source {
    std::string ending;
    std::vector<int> channels, bits;
    std::vector<bool> alpha;
};

} // namespace

TEST(colours, go_from_every_format_to_every_other) {
    gegl_init(nullptr, nullptr);
    scratch_folder const folder;
    source const sources[]{{".png", {1, 3}, {8, 16}, {false, true}},
                           {".jpg", {1, 3, 4}, {8}, {false}},
                           {".tif", {1, 3, 4}, {8, 16, 32}, {false, true}},
                           {".webp", {3}, {8}, {false, true}},
                           {".exr", {1, 3}, {32}, {false, true}}};
    for (source const& s : sources)
        for (int const channels : s.channels)
            for (int const bits : s.bits)
                for (bool const alpha : s.alpha)
                    for (bool const profile : {false, true}) {
                        if (profile && s.ending == ".exr") continue; // its primaries: a test of their own
                        SCOPED_TRACE(s.ending + ", " + std::to_string(channels) + " channels" +
                                     (alpha ? " and alpha, " : ", ") + std::to_string(bits) + " bits" +
                                     (profile ? ", profile" : ""));
                        auto const in = folder.path / ("in" + s.ending);
                        foreign::write(in,
                                       {.channels = channels,
                                        .bits = bits,
                                        .has_alpha = alpha,
                                        .icc = profile ? profile_for(channels) : "",
                                        .patches = patches_of(channels, alpha)},
                                       s.ending);
                        expect_in_every_format(folder, in);
                    }
}

// Which babl does not know.
TEST(colours, of_a_profile_that_is_a_table) {
    gegl_init(nullptr, nullptr);
    scratch_folder const folder;
    for (std::string const ending : {".png", ".jpg", ".tif", ".webp"}) {
        SCOPED_TRACE(ending);
        auto const in = folder.path / ("in" + ending);
        foreign::write(in, {.icc = table_rgb_profile(), .patches = patches_of(3, false)}, ending);
        expect_in_every_format(folder, in);
    }
}

TEST(colours, of_a_linear_profile) {
    gegl_init(nullptr, nullptr);
    scratch_folder const folder;
    for (std::string const ending : {".png", ".tif"}) {
        SCOPED_TRACE(ending);
        auto const in = folder.path / ("in" + ending);
        foreign::write(in, {.bits = 16, .icc = wide_rgb_profile(1), .patches = patches_of(3, false)}, ending);
        for (std::string const to : {".png", ".tif", ".exr"}) {
            copy_picture(in, folder.path / ("out" + to));
            expect_same_colours(folder.path / ("out" + to), seen(foreign::read(in), false), 1);
        }
        // What a diffusion model is given, and its answer.
        picture_file file(in);
        rect const all{0, 0, file.width(), file.height()};
        picture const own = file.crop(all, colours::srgb);
        std::vector<double> const expected = seen(foreign::read(in), false);
        for (int k = 0; k < foreign::read(in).count(); ++k)
            for (std::size_t c = 0; c < 3; ++c)
                EXPECT_NEAR(std::clamp(own.pixels[std::size_t(k * patch_side * 4) + c], 0.f, 1.f),
                            expected[std::size_t(k) * 4 + c], 1 / 255.);
        file.write_pixels(0, 0, own, colours::srgb);
        file.write(folder.path / "out.png", {});
        expect_same_colours(folder.path / "out.png", expected, 1);
    }
}

TEST(colours, of_openexrs_primaries) {
    gegl_init(nullptr, nullptr);
    scratch_folder const folder;
    Babl const* const space =
        babl_space_from_chromaticities(nullptr, 0.3127, 0.3290, 0.708, 0.292, 0.170, 0.797, 0.131, 0.046,
                                       babl_trc("sRGB"), nullptr, nullptr, BABL_SPACE_FLAG_EQUALIZE);
    foreign::write_exr_patches(folder.path / "in.exr", {.bits = 32, .patches = patches_of(3, false)}, space);
    std::vector<double> const expected = seen(foreign::read(folder.path / "in.exr"), true);
    for (std::string const to : {".png", ".tif", ".exr", ".jpg"}) {
        SCOPED_TRACE(to);
        copy_picture(folder.path / "in.exr", folder.path / ("out" + to));
        expect_same_colours(folder.path / ("out" + to), expected, to == ".jpg" ? 4 : 1);
    }
}

// Both are parts of the same file, written by different hands.
TEST(colours, and_metadata_leave_each_other_alone) {
    gegl_init(nullptr, nullptr);
    gexiv2_initialize();
    scratch_folder const folder;
    auto const with_tags = [](std::filesystem::path const& path) {
        std::shared_ptr<GExiv2Metadata> const tags(gexiv2_metadata_new(), [](auto* t) { g_object_unref(t); });
        EXPECT_TRUE(gexiv2_metadata_open_path(tags.get(), path.c_str(), nullptr));
        return tags;
    };
    std::string const icc = wide_rgb_profile();
    for (std::string const from : {".png", ".jpg", ".tif", ".webp"}) {
        auto const in = folder.path / ("in" + from);
        foreign::write(in, {.icc = icc, .patches = patches_of(3, false)}, from);
        auto const given = with_tags(in);
        gexiv2_metadata_try_set_tag_string(given.get(), "Exif.Image.Make", "Camera", nullptr);
        EXPECT_TRUE(gexiv2_metadata_save_file(given.get(), in.c_str(), nullptr));
        for (std::string const to : {".png", ".jpg", ".tif", ".webp"}) {
            SCOPED_TRACE(from + " to " + to);
            auto const out = folder.path / ("out" + to);
            copy_picture(in, out);
            EXPECT_EQ(foreign::read(out).icc, icc);
            EXPECT_TRUE(gexiv2_metadata_try_has_tag(with_tags(out).get(), "Exif.Image.Make", nullptr));
        }
    }
}

TEST(colours, a_grey_picture_with_a_profile_of_colours) {
    gegl_init(nullptr, nullptr);
    scratch_folder const folder;
    foreign_picture const p{.channels = 1, .icc = wide_rgb_profile(), .patches = patches_of(1, false)};
    for (std::string const ending : {".jpg", ".tif"}) {
        foreign::write(folder.path / ("in" + ending), p, ending);
        for (std::string const to : {".jpg", ".tif", ".png", ".webp", ".exr"}) {
            SCOPED_TRACE(ending + " to " + to);
            copy_picture(folder.path / ("in" + ending), folder.path / ("out" + to));
            foreign_picture const made = foreign::read(folder.path / ("out" + to));
            EXPECT_EQ(made.icc.empty(), to == ".png" || to == ".exr");
            // Grey is on the axis of all three.
            foreign_picture const given = foreign::read(folder.path / ("in" + ending));
            expect_same_colours(folder.path / ("out" + to), seen(given, false), to == ".webp" ? 5 : 3);
        }
    }
}

TEST(colours, a_profile_that_does_not_fit_is_warned_of) {
    gegl_init(nullptr, nullptr);
    scratch_folder const folder;
    std::string const good = wide_rgb_profile();
    for (auto const& [icc, says] : {std::pair{std::string(500, 'x'), "damaged"},
                                    {good.substr(0, 200), "damaged"},
                                    {ink_profile(), "not one for its pixels"},
                                    {grey_profile(), "not one for its pixels"}}) {
        foreign::write(folder.path / "in.tif", {.icc = icc, .patches = patches_of(3, false)}, ".tif");
        std::string warning;
        picture_file const file(folder.path / "in.tif", [&](std::string const& text) { warning += text; });
        EXPECT_TRUE(mentions(warning, "in.tif: its colour profile is " + std::string(says))) << warning;
        file.write(folder.path / "out.png", {});
        EXPECT_EQ(foreign::read(folder.path / "out.png").icc, "");
    }
}

TEST(colours, what_can_be_seen_through_lies_on_the_background) {
    gegl_init(nullptr, nullptr);
    scratch_folder const folder;
    foreign_picture p{.has_alpha = true, .icc = "", .patches = {1, 0, 0, 1, 1, 0, 0, 0, 0, 0, 1, 0.4f}};
    foreign::write(folder.path / "in.png", p, ".png");
    std::vector<std::string> warnings;
    picture_file const file(folder.path / "in.png", [&](std::string const& text) { warnings.push_back(text); });
    auto const expect = [&](std::vector<double> const& colours) {
        expect_same_colours(folder.path / "out.jpg", colours, 3);
    };
    file.write(folder.path / "out.jpg", {});
    expect({1, 0, 0, 1, 1, 1, 1, 1, 0.6, 0.6, 1, 1});
    ASSERT_EQ(warnings.size(), 1u);
    EXPECT_TRUE(mentions(warnings[0], "out.jpg: JPEG has no transparency; what can be seen through lies on white"));
    file.write(folder.path / "out.jpg", {}, {0, 1, 0});
    expect({1, 0, 0, 1, 0, 1, 0, 1, 0, 0.6, 0.4, 1});
    // Nothing to see through, nothing to say.
    for (std::size_t i = 3; i < p.patches.size(); i += 4) p.patches[i] = 1;
    foreign::write(folder.path / "in.png", p, ".png");
    warnings.clear();
    picture_file(folder.path / "in.png", [&](std::string const& text) {
        warnings.push_back(text);
    }).write(folder.path / "out.jpg", {});
    EXPECT_TRUE(warnings.empty()) << warnings.front();
}
