// What a PNG says of its colours, and nothing of what libpng says of its chunks.
#include "pictures/picture_file.h"
#include "tests/cli/process.h"
#include "tests/pictures/gegl_file.h"
#include "tests/pictures/png_file.h"
#include "tests/pictures/test_profiles.h"

#include <zlib.h>

using namespace sfumato;

namespace {

std::string chunk(std::string const& type, std::string const& data) {
    auto const number = [](unsigned long v) {
        return std::string{char(v >> 24), char(v >> 16), char(v >> 8), char(v)};
    };
    std::string const body = type + data;
    return number(data.size()) + body +
           number(crc32(0, reinterpret_cast<Bytef const*>(body.data()), unsigned(body.size())));
}

std::string numbers(std::vector<unsigned> const& all) {
    std::string bytes;
    for (unsigned const v : all) bytes += {char(v >> 24), char(v >> 16), char(v >> 8), char(v)};
    return bytes;
}

struct png_kinds : testing::Test {
    scratch_folder folder;
    std::filesystem::path const in = folder.path / "in.png", out = folder.path / "out.png";

    // Grey steps, with more chunks after the header.
    void write(std::string const& chunks, png_file p = {.width = 2, .height = 1, .samples = {100, 100, 100, 9, 9, 9}}) {
        write_png(in, p);
        std::string const plain = text_of(in);
        write_text(in, plain.substr(0, 33) + chunks + plain.substr(33));
    }
    // Reads and writes it; what was said meanwhile.
    std::string copy() {
        testing::internal::CaptureStderr();
        picture_file(in).write(out, {});
        return testing::internal::GetCapturedStderr();
    }
};

} // namespace

TEST_F(png_kinds, a_foreign_chunk_is_not_spoken_of) {
    std::vector<std::string> const harmless{
        chunk("gAMA", numbers({45455})),
        chunk("gAMA", numbers({45455})) +
            chunk("cHRM", numbers({31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000})),
        chunk("gAMA", numbers({0})),
        chunk("gAMA", numbers({45455})) + chunk("gAMA", numbers({45455})),
        chunk("cHRM", numbers({1, 2, 3, 4, 5, 6, 7, 8})),
        chunk("bKGD", std::string(6, '\xFF')),
        chunk("bKGD", "xx"),
        chunk("sBIT", "\x63\x63\x63"),
        chunk("tIME", "no time"),
        chunk("iCCP", "broken"),
        chunk("sRGB", "\x09"),
        chunk("iTXt", "nothing"),
        chunk("quIz", "unknown to all"),
    };
    for (std::string const& chunks : harmless)
        for (int const depth : {8, 16}) {
            write(chunks, {.width = 2, .height = 1, .depth = depth, .samples = {100, 100, 100, 9, 9, 9}});
            EXPECT_EQ(copy(), "") << chunks.substr(4, 4);
            EXPECT_EQ(read_png(out).samples, (std::vector<std::uint16_t>{100, 100, 100, 9, 9, 9}));
            EXPECT_EQ(read_png(out).profile, "") << chunks.substr(4, 4);
            for (char const* foreign : {"bKGD", "sBIT", "tIME", "quIz"}) EXPECT_FALSE(mentions(text_of(out), foreign));
        }
}

// 1/gamma and primaries that are not sRGB's become a profile, which says the same.
TEST_F(png_kinds, gamma_and_primaries_become_a_profile) {
    write(chunk("gAMA", numbers({55556})) +
          chunk("cHRM", numbers({31270, 32900, 64000, 33000, 21000, 71000, 15000, 6000})));
    EXPECT_EQ(copy(), "");
    std::string const icc = read_png(out).profile;
    ASSERT_FALSE(icc.empty());
    auto const seen_with = [](std::string const& profile) {
        cmsHPROFILE const from = cmsOpenProfileFromMem(profile.data(), unsigned(profile.size())),
                          to = cmsCreate_sRGBProfile();
        cmsHTRANSFORM const t = cmsCreateTransform(from, TYPE_RGB_DBL, to, TYPE_RGB_DBL, INTENT_PERCEPTUAL, 0);
        double const given[]{0.2, 0.6, 0.4};
        std::vector<double> seen(3);
        cmsDoTransform(t, given, seen.data(), 1);
        cmsDeleteTransform(t);
        cmsCloseProfile(from);
        cmsCloseProfile(to);
        return seen;
    };
    for (std::size_t c = 0; c < 3; ++c) EXPECT_NEAR(seen_with(icc)[c], seen_with(wide_rgb_profile(1.8))[c], 0.002);
    // A profile, or sRGB, is believed before.
    write(chunk("sRGB", std::string(1, '\0')) + chunk("gAMA", numbers({100000})));
    copy();
    EXPECT_EQ(read_png(out).profile, "");
}

TEST_F(png_kinds, of_every_colour_type) {
    struct {
        int depth, type;
        std::vector<png_byte> row; // as it is packed
        std::string chunks;
        int becomes;
        std::vector<std::uint16_t> samples;
    } const cases[] = {
        {1, PNG_COLOR_TYPE_GRAY, {0b10000000}, "", PNG_COLOR_TYPE_GRAY, {255, 0}},
        {2, PNG_COLOR_TYPE_GRAY, {0b01100000}, "", PNG_COLOR_TYPE_GRAY, {85, 170}},
        {4, PNG_COLOR_TYPE_GRAY, {0x3F}, "", PNG_COLOR_TYPE_GRAY, {51, 255}},
        {1, PNG_COLOR_TYPE_GRAY, {0b10000000}, chunk("tRNS", {0, 1}), PNG_COLOR_TYPE_GRAY_ALPHA, {255, 0, 0, 255}},
        {8, PNG_COLOR_TYPE_GRAY, {7, 8}, chunk("tRNS", {0, 8}), PNG_COLOR_TYPE_GRAY_ALPHA, {7, 255, 8, 0}},
        {8,
         PNG_COLOR_TYPE_RGB,
         {1, 2, 3, 4, 5, 6},
         chunk("tRNS", {0, 1, 0, 2, 0, 3}),
         PNG_COLOR_TYPE_RGBA,
         {1, 2, 3, 0, 4, 5, 6, 255}},
        {1,
         PNG_COLOR_TYPE_PALETTE,
         {0b10000000},
         chunk("PLTE", {1, 2, 3, 4, 5, 6}),
         PNG_COLOR_TYPE_RGB,
         {4, 5, 6, 1, 2, 3}},
        {8,
         PNG_COLOR_TYPE_PALETTE,
         {0, 1},
         chunk("PLTE", {1, 2, 3, 4, 5, 6}) + chunk("tRNS", "\x40"),
         PNG_COLOR_TYPE_RGBA,
         {1, 2, 3, 64, 4, 5, 6, 255}},
    };
    for (auto const& c : cases) {
        SCOPED_TRACE(std::to_string(c.depth) + " bits of type " + std::to_string(c.type));
        std::string const filtered = std::string(1, '\0') + std::string(c.row.begin(), c.row.end());
        std::vector<Bytef> packed(compressBound(filtered.size()));
        uLongf size = packed.size();
        compress(packed.data(), &size, reinterpret_cast<Bytef const*>(filtered.data()), filtered.size());
        write_text(in, "\x89PNG\r\n\x1A\n" +
                           chunk("IHDR", numbers({2, 1}) + char(c.depth) + char(c.type) + std::string(3, '\0')) +
                           c.chunks + chunk("IDAT", std::string(packed.begin(), packed.begin() + long(size))) +
                           chunk("IEND", ""));
        EXPECT_EQ(copy(), "");
        EXPECT_EQ(read_png(out).color, c.becomes);
        EXPECT_EQ(read_png(out).samples, c.samples);
    }
}
