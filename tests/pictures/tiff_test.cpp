// The kinds of TIFF that other programs write.
#include "pictures/picture_file.h"
#include "tests/cli/process.h"
#include "tests/pictures/foreign_picture.h"
#include "tests/pictures/gegl_file.h"
#include "tests/pictures/test_profiles.h"

using namespace sfumato;

namespace {

std::vector<float> const grey_steps{0, 51 / 255.f, 128 / 255.f, 1}, colour_steps{1, 0, 0, 0.2f, 0.6f, 0.4f, 0, 0, 1};

// Red, green, blue of the patches, of 255.
std::vector<float> levels_in(std::filesystem::path const& path) {
    picture_file const file(path);
    picture const p = file.crop({0, 0, file.width(), file.height()});
    std::vector<float> all;
    for (int x = patch_side / 2; x < p.width; x += patch_side)
        for (int c = 0; c < 3; ++c)
            all.push_back(p.pixels[std::size_t(((patch_side - 1) * p.width + x) * 4 + c)] * 255);
    return all;
}

void expect_levels(std::filesystem::path const& path, std::vector<float> const& expected, float off) {
    std::vector<float> const got = levels_in(path);
    ASSERT_EQ(got.size(), expected.size());
    for (std::size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], expected[i], off) << i;
}

struct tiff_kinds : testing::Test {
    scratch_folder folder;
    std::filesystem::path const in = folder.path / "in.tif";
    tiff_kinds() { gegl_init(nullptr, nullptr); }
};

} // namespace

TEST_F(tiff_kinds, where_0_is_white) {
    for (int const bits : {8, 16, 32}) {
        SCOPED_TRACE(bits);
        foreign::write_tiff_patches(in, {.channels = 1, .bits = bits, .patches = grey_steps}, PHOTOMETRIC_MINISWHITE);
        expect_levels(in, {255, 255, 255, 204, 204, 204, 127, 127, 127, 0, 0, 0}, 0.6f);
        foreign::write_tiff_patches(in, {.channels = 1, .bits = bits, .has_alpha = true, .patches = {0, 0.8f, 1, 0.2f}},
                                    PHOTOMETRIC_MINISWHITE);
        picture const p = picture_file(in).crop({0, 0, 2 * patch_side, 1});
        EXPECT_NEAR(p.pixels[0], 1, 0.003);
        EXPECT_NEAR(p.pixels[3], 0.8, 0.003);
        EXPECT_NEAR(p.pixels[std::size_t(patch_side * 4)], 0, 0.003);
        EXPECT_NEAR(p.pixels[std::size_t(patch_side * 4 + 3)], 0.2, 0.003);
    }
}

TEST_F(tiff_kinds, with_a_plane_for_each_channel) {
    for (int const bits : {8, 16, 32}) {
        foreign::write_tiff_patches(in, {.bits = bits, .patches = colour_steps}, PHOTOMETRIC_RGB, true);
        expect_levels(in, {255, 0, 0, 51, 153, 102, 0, 0, 255}, 0.6f);
    }
    foreign::write_tiff_patches(in, {.channels = 4, .patches = {0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 1}},
                                PHOTOMETRIC_SEPARATED, true);
    expect_levels(in, {255, 255, 255, 255, 0, 0, 0, 0, 0}, 0.6f);
}

// a* and b* are signed in the one, and not in the other.
TEST_F(tiff_kinds, of_lab) {
    auto const encoded = [](int bits, bool icc, double l, double a, double b) {
        std::vector<float> patch;
        double const most = bits == 8 ? 255 : 65535, unit = bits == 8 ? 1 : 256;
        patch.push_back(float(l / 100 * (bits == 16 && icc ? 65280 / 65535. : 1)));
        for (double const v : {a, b}) {
            double const number = icc ? (v + 128) * unit : v < 0 ? v * unit + (bits == 8 ? 256 : 65536) : v * unit;
            patch.push_back(float(std::round(number) / most));
        }
        return patch;
    };
    double const labs[][3]{{100, 0, 0}, {50, 0, 0}, {54.29, 80.81, 69.89}, {29.57, 68.30, -112.03}}; // sRGB's red, blue
    for (int const bits : {8, 16})
        for (bool const icc : {false, true}) {
            SCOPED_TRACE(std::to_string(bits) + (icc ? " bits, unsigned" : " bits, signed"));
            foreign_picture p{.bits = bits};
            for (auto const& lab : labs) {
                auto const patch = encoded(bits, icc, lab[0], lab[1], lab[2]);
                p.patches.insert(p.patches.end(), patch.begin(), patch.end());
            }
            foreign::write_tiff_patches(in, p, icc ? PHOTOMETRIC_ICCLAB : PHOTOMETRIC_CIELAB);
            float const coarse = bits == 8 ? 6.f : 1.f; // a level of 8 bits in a*
            expect_levels(in, {255, 255, 255, 119, 119, 119, 255, 0, 0, 0, 0, 255}, coarse);
        }
}

TEST_F(tiff_kinds, of_a_palette_has_no_alpha) {
    TIFF* const file = TIFFOpen(in.c_str(), "w");
    std::vector<std::uint16_t> red(256), green(256), blue(256);
    red[7] = green[9] = blue[9] = 65535;
    TIFFSetField(file, TIFFTAG_IMAGEWIDTH, 2 * patch_side);
    TIFFSetField(file, TIFFTAG_IMAGELENGTH, patch_side);
    TIFFSetField(file, TIFFTAG_BITSPERSAMPLE, 8);
    TIFFSetField(file, TIFFTAG_SAMPLESPERPIXEL, 1);
    TIFFSetField(file, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_PALETTE);
    TIFFSetField(file, TIFFTAG_COLORMAP, red.data(), green.data(), blue.data());
    std::vector<std::uint8_t> row(2 * patch_side, 7);
    std::fill(row.begin() + patch_side, row.end(), std::uint8_t(9));
    for (std::uint32_t y = 0; y < patch_side; ++y) TIFFWriteScanline(file, row.data(), y, 0);
    TIFFClose(file);
    expect_levels(in, {255, 0, 0, 0, 255, 255}, 0.1f);
    picture_file(in).write(folder.path / "out.png", {});
    EXPECT_EQ(read_png(folder.path / "out.png").color, PNG_COLOR_TYPE_RGB);
}

TEST_F(tiff_kinds, of_one_bit_is_grey) {
    for (std::uint16_t const photometric : {PHOTOMETRIC_MINISWHITE, PHOTOMETRIC_MINISBLACK}) {
        TIFF* const file = TIFFOpen(in.c_str(), "w");
        TIFFSetField(file, TIFFTAG_IMAGEWIDTH, 2 * patch_side);
        TIFFSetField(file, TIFFTAG_IMAGELENGTH, patch_side);
        TIFFSetField(file, TIFFTAG_BITSPERSAMPLE, 1);
        TIFFSetField(file, TIFFTAG_SAMPLESPERPIXEL, 1);
        TIFFSetField(file, TIFFTAG_PHOTOMETRIC, photometric);
        std::vector<std::uint8_t> row{0, 0, 255, 255};
        for (std::uint32_t y = 0; y < patch_side; ++y) TIFFWriteScanline(file, row.data(), y, 0);
        TIFFClose(file);
        float const first = photometric == PHOTOMETRIC_MINISWHITE ? 255 : 0;
        expect_levels(in, {first, first, first, 255 - first, 255 - first, 255 - first}, 0.1f);
        picture_file(in).write(folder.path / "out.png", {});
        EXPECT_EQ(read_png(folder.path / "out.png").color, PNG_COLOR_TYPE_GRAY);
    }
}

TEST_F(tiff_kinds, of_other_inks_is_refused_in_a_sentence) {
    TIFF* const file = TIFFOpen(in.c_str(), "w");
    TIFFSetField(file, TIFFTAG_IMAGEWIDTH, 4);
    TIFFSetField(file, TIFFTAG_IMAGELENGTH, 1);
    TIFFSetField(file, TIFFTAG_BITSPERSAMPLE, 8);
    TIFFSetField(file, TIFFTAG_SAMPLESPERPIXEL, 5);
    TIFFSetField(file, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_SEPARATED);
    TIFFSetField(file, TIFFTAG_INKSET, INKSET_MULTIINK);
    std::vector<std::uint8_t> row(20, 7);
    TIFFWriteScanline(file, row.data(), 0, 0);
    TIFFClose(file);
    std::string const message = error_of([&] { picture_file const read(in); });
    EXPECT_TRUE(mentions(message, "in.tif is made of other inks")) << message;
}

TEST_F(tiff_kinds, a_large_one_is_bigtiff) {
    TIFF* const big = TIFFOpen((folder.path / "big.tif").c_str(), "w8");
    TIFFSetField(big, TIFFTAG_IMAGEWIDTH, 2);
    TIFFSetField(big, TIFFTAG_IMAGELENGTH, 1);
    TIFFSetField(big, TIFFTAG_BITSPERSAMPLE, 8);
    TIFFSetField(big, TIFFTAG_SAMPLESPERPIXEL, 1);
    TIFFSetField(big, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_MINISBLACK);
    std::uint8_t row[]{10, 200};
    TIFFWriteScanline(big, row, 0, 0);
    TIFFClose(big);
    picture const p = picture_file(folder.path / "big.tif").crop({0, 0, 2, 1});
    EXPECT_NEAR(p.pixels[4], 200 / 255., 1e-4);
}
