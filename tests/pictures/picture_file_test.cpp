#include "compute/error.h"
#include "pictures/picture_file.h"
#include "pictures/result.h"
#include "tests/cli/process.h"
#include "tests/pictures/gegl_file.h"
#include "tests/pictures/png_file.h"

#include <algorithm>
#include <random>
#include <sys/resource.h>

using namespace sfumato;

namespace {

struct png_case {
    int depth, color;
    bool profile;
};

void PrintTo(png_case const& c, std::ostream* to) {
    *to << c.depth << " bit, colour type " << c.color << (c.profile ? ", profile" : "");
}

// Every sample value there is: noise over the whole range.
png_file noise(int width, int height, png_case const& c) {
    png_file p{.width = width, .height = height, .depth = c.depth, .color = c.color};
    if (c.profile) p.profile = wide_gamut_profile();
    std::mt19937 random(7);
    p.samples.resize(std::size_t(width) * std::size_t(height) * std::size_t(p.channels()));
    for (auto& s : p.samples) s = std::uint16_t(random() & (c.depth == 16 ? 0xFFFF : 0xFF));
    return p;
}

// A round patch of grey with a soft rim.
struct patch {
    picture filled;
    mask composite;
    explicit patch(int side) : filled(side, side), composite(side, side) {
        for (int y = 0; y < side; ++y)
            for (int x = 0; x < side; ++x) {
                float const r = std::hypot(float(x) - float(side) / 2, float(y) - float(side) / 2) / (float(side) / 2);
                std::size_t const i = std::size_t(y * side + x);
                composite.values[i] = std::clamp((1 - r) * 4, 0.f, 1.f);
                for (std::size_t c = 0; c < 4; ++c) filled.pixels[i * 4 + c] = c == 3 ? 1.f : 0.5f;
            }
    }
};

std::string type_name(picture_file const& file) {
    return babl_get_name(babl_format_get_type(gegl_buffer_get_format(file.buffer.get()), 0));
}

} // namespace

// Of a document with a wide gamut: as numbers they are its own; as sRGB a diffusion model gets the colours that are
// seen, and its colours come back as the document's.
TEST(picture_file, colours_become_srgb_and_come_back) {
    scratch_folder const folder;
    png_file p{.width = 4, .height = 1, .depth = 16, .color = 2};
    p.profile = wide_gamut_profile();
    p.samples = {0, 65535, 0, 32768, 32768, 32768, 20000, 40000, 30000, 65535, 65535, 65535};
    std::string const path = folder / "wide.png";
    write_png(path, p);
    picture_file file(path);
    rect const all{0, 0, 4, 1};
    picture const own = file.crop(all), seen = file.crop(all, colours::srgb);
    EXPECT_NEAR(own.pixels[1], 1, 1e-6);
    EXPECT_LT(seen.pixels[0], -0.1) << "its green is outside of sRGB: red is below 0";
    for (int c = 0; c < 3; ++c) {
        EXPECT_NEAR(seen.pixels[4 + c], seen.pixels[4], 1e-3) << "grey stays grey";
        EXPECT_NEAR(seen.pixels[12 + c], 1, 1e-3) << "white stays white";
    }
    // 32768 of 65535 with an exponent of 2.2, as sRGB writes that light.
    EXPECT_NEAR(seen.pixels[4], 1.055 * std::pow(std::pow(32768 / 65535.0, 2.2), 1 / 2.4) - 0.055, 2e-3);
    EXPECT_GT(std::abs(seen.pixels[8] - own.pixels[8]), 0.02);
    file.write_pixels(0, 0, picture(4, 1));
    file.write_pixels(0, 0, seen, colours::srgb);
    picture const back = file.crop(all);
    for (std::size_t i = 0; i < own.pixels.size(); ++i) EXPECT_NEAR(back.pixels[i], own.pixels[i], 1e-3) << i;
}

TEST(picture_file, a_result_has_the_permissions_of_a_new_file) {
    scratch_folder const folder;
    auto const permissions = [](std::string const& path) { return std::filesystem::status(path).permissions(); };
    auto const of_new = permissions(folder.put("new", ""));
    for (char const* name : {"a.png", "a.jpg", "a.tif", "a.webp", "a.exr"}) {
        picture_file(picture(3, 2)).write(folder / name, {});
        EXPECT_EQ(permissions(folder / name), of_new) << name;
    }
}

struct png_round_trip : testing::TestWithParam<png_case> {};

TEST_P(png_round_trip, pixels_outside_the_mask_are_bit_identical) {
    scratch_folder folder;
    gegl_init(nullptr, nullptr);
    png_file const before = noise(101, 67, GetParam());
    write_png(folder.path / "in.png", before);
    picture_file file(folder.path / "in.png");
    ASSERT_EQ(file.width(), 101);
    ASSERT_EQ(file.height(), 67);
    patch const p(31);
    file.paste(40, 20, p.filled, p.composite);
    file.write(folder.path / "out.png", {{"Comment", R"({"sfumato":1})"}, {"parameters", "é"}});

    png_file const after = read_png(folder.path / "out.png");
    EXPECT_EQ(after.depth, before.depth);
    EXPECT_EQ(after.color, before.color);
    EXPECT_EQ(after.profile.empty(), before.profile.empty());
    EXPECT_EQ(after.texts,
              (std::map<std::string, std::string>{{"Comment", R"({"sfumato":1})"}, {"parameters", "\xE9"}}));
    ASSERT_EQ(after.samples.size(), before.samples.size());
    int changed_outside = 0, changed_inside = 0;
    int const channels = before.channels();
    for (int i = 0; i < 101 * 67; ++i) {
        int const x = i % 101 - 40, y = i / 101 - 20;
        bool const inside = x >= 0 && y >= 0 && x < 31 && y < 31 && p.composite.values[std::size_t(y * 31 + x)] > 0;
        for (int c = 0; c < channels; ++c)
            if (after.samples[std::size_t(i * channels + c)] != before.samples[std::size_t(i * channels + c)])
                ++(inside ? changed_inside : changed_outside);
    }
    EXPECT_EQ(changed_outside, 0);
    EXPECT_GT(changed_inside, 31 * 31 / 2);
    if (!GetParam().profile && channels >= 3) { // the middle is the grey that was pasted
        double const scale = before.depth == 16 ? 65535 : 255;
        EXPECT_NEAR(after.samples[std::size_t((35 * 101 + 55) * channels)] / scale, 0.5, 1.0 / scale);
    }
}

INSTANTIATE_TEST_SUITE_P(
    all, png_round_trip,
    testing::Values(png_case{8, PNG_COLOR_TYPE_RGB, false}, png_case{8, PNG_COLOR_TYPE_RGBA, false},
                    png_case{8, PNG_COLOR_TYPE_GRAY, false}, png_case{8, PNG_COLOR_TYPE_GRAY_ALPHA, false},
                    png_case{8, PNG_COLOR_TYPE_RGB, true}, png_case{16, PNG_COLOR_TYPE_RGB, false},
                    png_case{16, PNG_COLOR_TYPE_RGBA, false}, png_case{16, PNG_COLOR_TYPE_GRAY, false},
                    png_case{16, PNG_COLOR_TYPE_GRAY_ALPHA, false}, png_case{16, PNG_COLOR_TYPE_RGBA, true}));

TEST(picture_file, values_are_perceptual) {
    scratch_folder folder;
    png_file p{.width = 2,
               .height = 1,
               .depth = 8,
               .color = PNG_COLOR_TYPE_RGBA,
               .samples = {255, 128, 0, 255, 10, 20, 30, 51}};
    write_png(folder.path / "in.png", p);
    picture const got = picture_file(folder.path / "in.png").crop({0, 0, 2, 1});
    for (std::size_t i = 0; i < 8; ++i) EXPECT_NEAR(got.pixels[i], p.samples[i] / 255.0, 1e-5) << i;
}

// To the nearest step of the file, in its own colour space.
TEST(picture_file, values_are_the_files_numbers) {
    gegl_init(nullptr, nullptr);
    scratch_folder folder;
    std::mt19937 random(3);
    for (bool const profile : {false, true})
        for (int const depth : {8, 16}) {
            float const most = depth == 8 ? 255 : 65535;
            write_png(folder.path / "in.png", noise(64, 64, {depth, PNG_COLOR_TYPE_RGBA, profile}));
            png_file const given = read_png(folder.path / "in.png");
            picture_file file(folder.path / "in.png");
            picture p = file.crop({0, 0, 64, 64});
            for (std::size_t i = 0; i < p.pixels.size(); ++i) ASSERT_EQ(p.pixels[i], float(given.samples[i]) / most);
            for (float& v : p.pixels) v = float(random() % 1'200'000) / 1e6f - 0.1f;
            file.write_pixels(0, 0, p);
            file.write(folder.path / "out.png", {});
            png_file const made = read_png(folder.path / "out.png");
            for (std::size_t i = 0; i < p.pixels.size(); ++i)
                ASSERT_EQ(made.samples[i], std::floor(std::clamp(p.pixels[i], 0.f, 1.f) * most + 0.5f)) << p.pixels[i];
        }
}

TEST(picture_file, linear_numbers_become_what_people_see) {
    scratch_folder folder;
    gegl_init(nullptr, nullptr);
    write_with_gegl(folder.path / "in.exr", "gegl:exr-save", "RGB float");
    picture_file file(folder.path / "in.exr");
    picture const seen = file.crop({0, 0, 32, 24});
    std::vector<float> light(32 * 24 * 4);
    Babl const* const in_its_space = babl_format_with_space("RGBA float", gegl_buffer_get_format(file.buffer.get()));
    gegl_buffer_get(file.buffer.get(), nullptr, 1, in_its_space, light.data(), GEGL_AUTO_ROWSTRIDE, GEGL_ABYSS_NONE);
    for (std::size_t i = 0; i < light.size(); ++i) {
        double const v = light[i];
        double const curve = v <= 0.0031308 ? v * 12.92 : 1.055 * std::pow(v, 1 / 2.4) - 0.055;
        ASSERT_NEAR(seen.pixels[i], i % 4 == 3 ? v : curve, 1e-6) << i;
    }
    file.write_pixels(0, 0, seen);
    picture const again = file.crop({0, 0, 32, 24});
    for (std::size_t i = 0; i < light.size(); ++i) ASSERT_NEAR(again.pixels[i], seen.pixels[i], 1e-6);
}

TEST(picture_file, a_new_picture_is_8_bit_srgb) {
    scratch_folder folder;
    picture p(2, 1);
    p.pixels = {0, 0.5f, 1, 1, 254.6f / 255, -3, 7, 1};
    picture_file(p).write(folder.path / "rgb.png", {});
    png_file const rgb = read_png(folder.path / "rgb.png");
    EXPECT_EQ(rgb.color, PNG_COLOR_TYPE_RGB);
    EXPECT_EQ(rgb.depth, 8);
    EXPECT_EQ(rgb.samples, (std::vector<std::uint16_t>{0, 128, 255, 255, 0, 255}));
    EXPECT_TRUE(rgb.texts.empty());
    p.pixels[3] = 0.2f;
    picture_file(p).write(folder.path / "rgba.png", {});
    png_file const rgba = read_png(folder.path / "rgba.png");
    EXPECT_EQ(rgba.color, PNG_COLOR_TYPE_RGBA);
    EXPECT_EQ(rgba.samples, (std::vector<std::uint16_t>{0, 128, 255, 51, 255, 0, 255, 255}));
}

TEST(picture_file, every_format_is_read_and_written) {
    scratch_folder folder;
    struct {
        char const *name, *saver, *format, *type;
        double tolerance;
    } const cases[] = {
        {"a.png", "gegl:png-save", "R'G'B'A u8", "u16", 0.004},
        {"b.jpg", "gegl:jpg-save", "R'G'B' u8", "u8", 0.1},
        {"c.tif", "gegl:tiff-save", "R'G'B'A u8", "u8", 0.004},
        {"d.tiff", "gegl:tiff-save", "R'G'B'A u16", "u16", 0.001},
        {"e.tif", "gegl:tiff-save", "RGBA float", "float", 0.001},
        {"f.webp", "gegl:webp-save", "R'G'B'A u8", "u8", 0.1},
        {"g.exr", "gegl:exr-save", "RGBA float", "float", 0.001},
        {"h.JPEG", "gegl:jpg-save", "R'G'B' u8", "u8", 0.1},
    };
    for (auto const& c : cases) {
        SCOPED_TRACE(c.name);
        write_with_gegl(folder.path / c.name, c.saver, c.format);
        picture_file file(folder.path / c.name);
        EXPECT_EQ(type_name(file), c.type);
        patch const p(9);
        file.paste(4, 4, p.filled, p.composite);
        auto const out = folder.path / (std::string("out-") + c.name);
        file.write(out, {{"Comment", "{}"}});
        picture_file const again(out);
        EXPECT_EQ(type_name(again), c.type);
        picture const pixels = again.crop({0, 0, 32, 24});
        EXPECT_NEAR(pixels.pixels[(8 * 32 + 8) * 4], 0.5, c.tolerance);
        EXPECT_NEAR(pixels.pixels[(2 * 32 + 16) * 4], 0.5, c.tolerance);
        EXPECT_NEAR(pixels.pixels[(20 * 32 + 30) * 4 + 2], 0.25, c.tolerance);
    }
    for (auto const& entry : std::filesystem::directory_iterator(folder.path))
        EXPECT_NE(entry.path().filename().string()[0], '.') << "a file was left behind: " << entry.path();
}

TEST(picture_file, float_pixels_keep_their_range) {
    scratch_folder folder;
    write_with_gegl(folder.path / "in.exr", "gegl:exr-save", "RGBA float");
    picture_file file(folder.path / "in.exr");
    picture bright(1, 1);
    bright.pixels = {4, 2, 1, 1};
    mask all(1, 1);
    all.values = {1};
    file.paste(3, 3, bright, all);
    file.write(folder.path / "out.exr", {});
    EXPECT_NEAR(picture_file(folder.path / "out.exr").crop({3, 3, 1, 1}).pixels[0], 4, 1e-3);
}

TEST(picture_file, soft_edges_blend_like_a_layer) {
    scratch_folder folder;
    png_file p{
        .width = 2, .height = 1, .depth = 8, .color = PNG_COLOR_TYPE_RGBA, .samples = {200, 0, 0, 255, 200, 0, 0, 0}};
    write_png(folder.path / "in.png", p);
    picture_file file(folder.path / "in.png");
    picture over(2, 1);
    over.pixels = {0, 0, 1, 1, 0, 0, 1, 1};
    mask half(2, 1);
    half.values = {0.5f, 0.5f};
    file.paste(0, 0, over, half);
    picture const got = file.crop({0, 0, 2, 1});
    float const expected[] = {100 / 255.f, 0, 0.5f, 1, /* over nothing: its own colour, half there */ 0, 0, 1, 0.5f};
    for (std::size_t i = 0; i < 8; ++i) EXPECT_NEAR(got.pixels[i], expected[i], 0.005) << i;
}

TEST(picture_file, errors_are_sentences) {
    scratch_folder folder;
    auto const read = [&](std::string const& name) { return error_of([&] { picture_file file(folder.path / name); }); };
    EXPECT_TRUE(mentions(read("missing.png"), "No such file")) << read("missing.png");
    EXPECT_TRUE(mentions(read(""), "is a directory")) << read("");
    write_text(folder.path / "text.png", "this is not a picture at all");
    EXPECT_TRUE(mentions(read("text.png"), "is not a PNG")) << read("text.png");
    write_text(folder.path / "empty.png", "");
    EXPECT_TRUE(mentions(read("empty.png"), "is not a PNG")) << read("empty.png");

    write_png(folder.path / "good.png", noise(64, 64, {8, PNG_COLOR_TYPE_RGB, false}));
    write_text(folder.path / "cut.png", text_of(folder.path / "good.png").substr(0, 2000));
    EXPECT_TRUE(mentions(read("cut.png"), "damaged PNG")) << read("cut.png");
    for (auto [name, saver, format] :
         {std::tuple{"x.jpg", "gegl:jpg-save", "R'G'B' u8"}, std::tuple{"x.tif", "gegl:tiff-save", "R'G'B'A u8"},
          std::tuple{"x.webp", "gegl:webp-save", "R'G'B'A u8"}, std::tuple{"x.exr", "gegl:exr-save", "RGBA float"}}) {
        write_with_gegl(folder.path / name, saver, format, 200, 150);
        std::string const whole = text_of(folder.path / name);
        EXPECT_EQ(read(name), "no error");
        for (std::size_t const length : {std::size_t(13), std::size_t(40), whole.size() / 2, whole.size() - 9}) {
            write_text(folder.path / name, whole.substr(0, length));
            EXPECT_TRUE(mentions(read(name), std::string(name) + " is a damaged ")) << length << ": " << read(name);
        }
    }
    // A JPEG that ends the process under GEGL, and one that is whole but for junk between its segments.
    write_with_gegl(folder.path / "x.jpg", "gegl:jpg-save", "R'G'B' u8");
    std::string jpeg = text_of(folder.path / "x.jpg");
    auto const table = jpeg.find("\xFF\xC4");
    ASSERT_NE(table, jpeg.npos);
    write_text(folder.path / "broken.jpg", jpeg.substr(0, table) + std::string("\xFF\xC4\0\x09\x99\x99", 6) + jpeg);
    EXPECT_TRUE(mentions(read("broken.jpg"), "damaged JPEG picture (")) << read("broken.jpg");
    write_text(folder.path / "junk.jpg", jpeg.substr(0, table) + "junk" + jpeg.substr(table));
    EXPECT_EQ(read("junk.jpg"), "no error");

    picture_file const good(folder.path / "good.png");
    auto const write = [&](std::filesystem::path const& path) { return error_of([&] { good.write(path, {}); }); };
    EXPECT_TRUE(mentions(write(folder.path / "out.gif"), "must end in .png"));
    EXPECT_TRUE(mentions(write(folder.path / "png"), "must end in .png"));
    EXPECT_TRUE(mentions(write(folder.path / "nowhere/out.png"), "No such file"));
    EXPECT_EQ(error_of([&] { check_can_write(folder.path / "out.png"); }), "no error");
    std::filesystem::create_directory(folder.path / "dir.png");
    EXPECT_TRUE(mentions(write(folder.path / "dir.png"), "is a directory"));
}

TEST(picture_file, a_link_stays_one) {
    namespace fs = std::filesystem;
    scratch_folder folder;
    fs::create_directory(folder.path / "there");
    picture_file const file(picture(3, 2));
    for (std::string const name : {"old.png", "new.png"}) {
        if (name == "old.png") write_text(folder.path / "there" / name, "an older picture");
        fs::create_symlink("there/" + name, folder.path / name);
        fs::create_symlink(name, folder.path / ("twice-" + name));
        file.write(folder.path / ("twice-" + name), {});
        EXPECT_TRUE(fs::is_symlink(folder.path / name));
        EXPECT_TRUE(fs::is_symlink(folder.path / ("twice-" + name)));
        EXPECT_FALSE(fs::is_symlink(folder.path / "there" / name));
        EXPECT_EQ(read_png(folder.path / "there" / name).width, 3);
    }
    EXPECT_EQ(error_of([&] { check_differ(folder.path / "old.png", folder.path / "new.png"); }), "no error");
    EXPECT_TRUE(mentions(error_of([&] { check_differ(folder.path / "old.png", folder.path / "there/old.png"); }),
                         "cannot be written over"));
}

// As a full disk would: no file grows beyond its limit. (Nor does memory that GEGL writes a JPEG into, so that is not
// among them.)
TEST(picture_file, what_cannot_be_written_is_named_as_the_user_names_it) {
    scratch_folder folder;
    write_png(folder.path / "noise.png", noise(300, 300, {8, PNG_COLOR_TYPE_RGB, false}));
    picture_file const file(folder.path / "noise.png");
    for (std::string const name : {"out.png", "out.tif", "out.webp", "out.exr"}) {
        write_text(folder.path / name, "before");
        rlimit before{};
        getrlimit(RLIMIT_FSIZE, &before);
        auto const handler = std::signal(SIGXFSZ, SIG_IGN);
        rlimit const small{4096, before.rlim_max};
        setrlimit(RLIMIT_FSIZE, &small);
        testing::internal::CaptureStderr();
        std::string const message = error_of([&] { file.write(folder.path / name, {{"Comment", "{}"}}); });
        std::string const printed = testing::internal::GetCapturedStderr();
        setrlimit(RLIMIT_FSIZE, &before);
        std::signal(SIGXFSZ, handler);
        EXPECT_TRUE(mentions(message, name + " could not be written")) << name << ": " << message;
        EXPECT_FALSE(mentions(message, "/.out")) << message;
        EXPECT_LE(std::ranges::count(printed, '\n'), 1) << printed;
        EXPECT_EQ(text_of(folder.path / name), "before");
    }
}

TEST(read_mask, lightness_or_alpha) {
    scratch_folder folder;
    auto const read = [&](int color, std::vector<std::uint16_t> samples, int depth = 8) {
        write_png(folder.path / "m.png",
                  {.width = 2, .height = 1, .depth = depth, .color = color, .samples = std::move(samples)});
        return read_mask(folder.path / "m.png", 2, 1).values;
    };
    auto const near = [](std::vector<float> const& got, float a, float b) {
        EXPECT_NEAR(got[0], a, 1e-3);
        EXPECT_NEAR(got[1], b, 1e-3);
    };
    near(read(PNG_COLOR_TYPE_GRAY, {0, 255}), 0, 1);
    near(read(PNG_COLOR_TYPE_GRAY, {51, 128}), 0.2f, 128 / 255.f); // as stored, no transfer curve undone
    near(read(PNG_COLOR_TYPE_GRAY, {32768, 65535}, 16), 0.5f, 1);
    near(read(PNG_COLOR_TYPE_RGB, {0, 0, 0, 255, 255, 255}), 0, 1);
    near(read(PNG_COLOR_TYPE_RGBA, {0, 0, 0, 255, 255, 255, 255, 255}), 0, 1);
    near(read(PNG_COLOR_TYPE_RGBA, {9, 9, 9, 0, 9, 9, 9, 255}), 0, 1);        // one colour: alpha
    near(read(PNG_COLOR_TYPE_RGBA, {0, 0, 0, 51, 0, 0, 0, 204}), 0.2f, 0.8f); // black counts by its alpha, too
    near(read(PNG_COLOR_TYPE_RGBA, {255, 255, 255, 0, 0, 0, 0, 255}), 0, 0);  // transparent white is not selected
    near(read(PNG_COLOR_TYPE_GRAY, {255, 255}), 1, 1);                        // all selected
}

TEST(read_mask, must_have_the_pictures_size) {
    scratch_folder folder;
    write_png(folder.path / "m.png", {.width = 2, .height = 1, .color = PNG_COLOR_TYPE_GRAY, .samples = {0, 0}});
    std::string const message = error_of([&] { read_mask(folder.path / "m.png", 3, 1); });
    EXPECT_TRUE(mentions(message, "2 × 1 pixels, but the picture 3 × 1")) << message;
}
