// What files say beside their pixels goes from one to the other.
#include "pictures/metadata.h"
#include "pictures/picture_file.h"
#include "tests/cli/process.h"
#include "tests/pictures/gegl_file.h"
#include "tests/pictures/png_file.h"

#include <array>
#include <cmath>
#include <gexiv2/gexiv2.h>
#include <map>

using namespace sfumato;

namespace {

namespace fs = std::filesystem;

std::map<std::string, char const*> const savers{
    {".jpg", "gegl:jpg-save"}, {".png", "gegl:png-save"}, {".tif", "gegl:tiff-save"}, {".webp", "gegl:webp-save"}};

struct tags_of {
    std::shared_ptr<GExiv2Metadata> const tags;
    fs::path const path;

    explicit tags_of(fs::path const& path)
        : tags(gexiv2_metadata_new(), [](GExiv2Metadata* t) { g_object_unref(t); }), path(path) {
        EXPECT_TRUE(gexiv2_metadata_open_path(tags.get(), path.c_str(), nullptr)) << path;
    }
    long number(char const* tag) const { return gexiv2_metadata_try_get_tag_long(tags.get(), tag, nullptr); }
    std::string text(char const* tag) const {
        char* const value = gexiv2_metadata_try_get_tag_string(tags.get(), tag, nullptr);
        std::string const copy = value ? value : "";
        g_free(value);
        return copy;
    }
    bool has(char const* tag) const { return gexiv2_metadata_try_has_tag(tags.get(), tag, nullptr); }
    void set(char const* tag, std::string const& value) const {
        EXPECT_TRUE(gexiv2_metadata_try_set_tag_string(tags.get(), tag, value.c_str(), nullptr)) << tag;
    }
    void save() const { EXPECT_TRUE(gexiv2_metadata_save_file(tags.get(), path.c_str(), nullptr)) << path; }
};

// 32 × 24, as a camera held upright would have left it.
void write_photo(fs::path const& path) {
    gexiv2_initialize();
    write_with_gegl(path, savers.at(path.extension().string()), "R'G'B' u8");
    tags_of const t(path);
    t.set("Exif.Image.Orientation", "6");
    t.set("Exif.Image.Make", "Camera");
    t.set("Exif.Image.XResolution", "240/1");
    t.set("Exif.Image.YResolution", "240/1");
    t.set("Exif.Image.ResolutionUnit", "2");
    t.set("Exif.Photo.PixelXDimension", "32");
    t.set("Exif.Photo.PixelYDimension", "24");
    t.set("Xmp.dc.title", "lang=x-default A title");
    t.set("Iptc.Application2.Caption", "A caption");
    t.set("Exif.Thumbnail.Compression", "6");
    std::string const preview = "\xFF\xD8\xFF\xD9";
    gexiv2_metadata_try_set_exif_thumbnail_from_buffer(t.tags.get(), reinterpret_cast<guint8 const*>(preview.data()),
                                                       int(preview.size()), nullptr);
    t.save();
}

std::vector<std::string> warnings_of(std::function<void(picture_file::warn_user const&)> const& use) {
    std::vector<std::string> all;
    use([&](std::string const& text) { all.push_back(text); });
    return all;
}

// 3 × 2 pixels, red 1 to 6.
constexpr std::array<int, 6> numbered{1, 2, 3, 4, 5, 6};

void write_numbered(fs::path const& path, int orientation) {
    png_file p{.width = 3, .height = 2, .color = PNG_COLOR_TYPE_RGB, .samples = {}};
    for (int n : numbered) p.samples.insert(p.samples.end(), {std::uint16_t(n * 40), 0, 0});
    write_png(path, p);
    tags_of const t(path);
    t.set("Exif.Image.Orientation", std::to_string(orientation));
    t.save();
}

std::vector<int> numbers_in(picture_file const& file) {
    std::vector<int> all;
    picture const p = file.crop({0, 0, file.width(), file.height()});
    for (std::size_t i = 0; i < p.pixels.size(); i += 4) all.push_back(int(std::lround(p.pixels[i] * 255 / 40)));
    return all;
}

} // namespace

TEST(metadata, goes_from_every_format_to_every_other) {
    scratch_folder folder;
    for (auto const& [from, unused] : savers) {
        write_photo(folder.path / ("in" + from));
        for (auto const& [to, unused_too] : savers) {
            SCOPED_TRACE(from + " to " + to);
            fs::path const out = folder.path / ("out" + to);
            EXPECT_EQ(warnings_of([&](auto const& warn) {
                          picture_file const given(folder.path / ("in" + from), warn);
                          EXPECT_EQ(given.width(), 32); // the pixels lie as they lay
                          picture_file made(given, 64, 48);
                          picture grey(64, 48);
                          std::ranges::fill(grey.pixels, 0.5f);
                          made.write_pixels(0, 0, grey);
                          made.write(out, {{"Comment", "{}"}});
                      }),
                      std::vector<std::string>{});
            tags_of const t(out);
            EXPECT_EQ(t.number("Exif.Image.Orientation"), 6);
            EXPECT_EQ(t.text("Exif.Image.Make"), "Camera");
            EXPECT_EQ(t.number("Exif.Photo.PixelXDimension"), 64);
            EXPECT_EQ(t.number("Exif.Photo.PixelYDimension"), 48);
            if (from != ".tif") { // where only the writer of the pixels can set it
                EXPECT_EQ(t.number("Exif.Image.XResolution"), 240);
            }
            EXPECT_TRUE(mentions(t.text("Xmp.dc.title"), "A title"));
            if (from != ".webp" && to != ".webp") { // which has no IPTC
                EXPECT_EQ(t.text("Iptc.Application2.Caption"), "A caption");
            }
            EXPECT_FALSE(t.has("Exif.Thumbnail.Compression"));
            EXPECT_EQ(t.has("Exif.Image.StripOffsets"), to == ".tif");
            picture_file const again(out);
            EXPECT_EQ(again.width(), 64);
            EXPECT_EQ(again.height(), 48);
            EXPECT_NEAR(again.crop({9, 9, 1, 1}).pixels[0], 0.5, 0.01);
            if (to == ".png") {
                EXPECT_EQ(read_png(out).texts.at("Comment"), "{}");
            }
        }
    }
    for (auto const& entry : fs::directory_iterator(folder.path))
        EXPECT_NE(entry.path().filename().string()[0], '.') << "a file was left behind: " << entry.path();
}

TEST(metadata, the_profile_and_the_recipe_are_not_in_its_way) {
    scratch_folder folder;
    gegl_init(nullptr, nullptr);
    png_file p{.width = 2, .height = 2, .color = PNG_COLOR_TYPE_RGBA, .samples = {}};
    for (std::uint16_t i = 0; i < 16; ++i) p.samples.push_back(std::uint16_t(i * 16));
    p.profile = wide_gamut_profile();
    write_png(folder.path / "in.png", p);
    tags_of const t(folder.path / "in.png");
    t.set("Exif.Image.Orientation", "3");
    t.save();
    picture_file(folder.path / "in.png").write(folder.path / "once.png", {{"Comment", "first"}});
    picture_file(folder.path / "once.png").write(folder.path / "twice.png", {{"Comment", "second"}});
    png_file const made = read_png(folder.path / "twice.png");
    EXPECT_EQ(made.samples, p.samples);
    EXPECT_FALSE(made.profile.empty());
    EXPECT_EQ(made.texts.at("Comment"), "second");
    EXPECT_FALSE(mentions(text_of(folder.path / "twice.png"), "first"));
    EXPECT_EQ(tags_of(folder.path / "twice.png").number("Exif.Image.Orientation"), 3);
}

TEST(metadata, the_resolution_stays) {
    scratch_folder folder;
    gexiv2_initialize();
    write_photo(folder.path / "exif.webp");
    picture_file(folder.path / "exif.webp").write(folder.path / "a.png", {}); // as pixels a metre, without EXIF's help:
    tags_of const t(folder.path / "a.png");
    gexiv2_metadata_clear(t.tags.get());
    t.save();
    for (std::string const to : {"b.jpg", "c.tif", "d.webp", "e.png"}) {
        picture_file(folder.path / "a.png").write(folder.path / to, {});
        picture_file(folder.path / to).write(folder.path / "again.tif", {});
        EXPECT_EQ(tags_of(folder.path / "again.tif").number("Exif.Image.XResolution"), 240) << to;
    }
    write_with_gegl(folder.path / "none.png", "gegl:png-save", "R'G'B' u8");
    picture_file(folder.path / "none.png").write(folder.path / "none.jpg", {});
    EXPECT_FALSE(is_known(read_metadata(folder.path / "none.jpg", "JPEG").dots));
}

// EXIF 2.32, 4.6.4 A: where the first row and the first column are to be seen.
TEST(metadata, where_it_cannot_be_kept_the_pixels_are_turned) {
    scratch_folder folder;
    gexiv2_initialize();
    std::vector<int> const seen[]{{1, 2, 3, 4, 5, 6}, {3, 2, 1, 6, 5, 4}, {6, 5, 4, 3, 2, 1}, {4, 5, 6, 1, 2, 3},
                                  {1, 4, 2, 5, 3, 6}, {4, 1, 5, 2, 6, 3}, {6, 3, 5, 2, 4, 1}, {3, 6, 2, 5, 1, 4}};
    for (int orientation = 1; orientation <= 8; ++orientation) {
        write_numbered(folder.path / "in.png", orientation);
        picture_file const file(folder.path / "in.png");
        EXPECT_EQ(numbers_in(file), seen[0]);
        EXPECT_EQ(numbers_in(file.upright()), seen[orientation - 1]) << orientation;
        file.write(folder.path / "out.exr", {});
        picture_file const turned(folder.path / "out.exr");
        EXPECT_EQ(turned.width(), orientation < 5 ? 3 : 2);
        EXPECT_EQ(numbers_in(turned), seen[orientation - 1]) << orientation;
        file.upright().write(folder.path / "out.png", {}); // turned once, not twice
        EXPECT_EQ(read_metadata(folder.path / "out.png", "PNG").orientation, 1);
    }
}

// A segment of JPEG has at most 64 KB; XMP may be longer.
TEST(metadata, what_is_too_much_for_the_format_is_left_out_alone) {
    scratch_folder folder;
    write_photo(folder.path / "in.png");
    tags_of const given(folder.path / "in.png");
    given.set("Xmp.dc.description", "lang=x-default " + std::string(70'000, 'x'));
    given.save();
    auto const warnings = warnings_of(
        [&](auto const& warn) { picture_file(folder.path / "in.png", warn).write(folder.path / "out.jpg", {}); });
    ASSERT_EQ(warnings.size(), 1u);
    EXPECT_TRUE(mentions(warnings[0], "out.jpg has no XMP data: ")) << warnings[0];
    tags_of const made(folder.path / "out.jpg");
    EXPECT_EQ(made.number("Exif.Image.Orientation"), 6);
    EXPECT_EQ(made.text("Exif.Image.Make"), "Camera");
}

TEST(metadata, what_speaks_of_more_in_the_file_and_of_no_unit_is_left_out) {
    scratch_folder folder;
    write_photo(folder.path / "in.tif");
    tags_of const given(folder.path / "in.tif");
    gexiv2_metadata_try_register_xmp_namespace("http://ns.google.com/photos/1.0/panorama/", "GPano", nullptr);
    given.set("Xmp.GPano.FullPanoWidthPixels", "32");
    given.set("Exif.Image.ResolutionUnit", "1");
    given.save();
    EXPECT_FALSE(is_known(read_metadata(folder.path / "in.tif", "TIFF").dots));
    picture_file(folder.path / "in.tif").write(folder.path / "out.jpg", {});
    EXPECT_FALSE(tags_of(folder.path / "out.jpg").has("Xmp.GPano.FullPanoWidthPixels"));
    EXPECT_EQ(tags_of(folder.path / "out.jpg").text("Xmp.dc.title"), "lang=\"x-default\" A title");
}

// libtiff turns pixels of a palette by itself.
TEST(metadata, a_tiff_with_a_palette_lies_as_it_is_stored) {
    scratch_folder folder;
    std::string file("II*\0\x08\0\0\0", 8);
    auto const number = [&](unsigned value, int bytes) {
        for (int i = 0; i < bytes; ++i) file += char(value >> (8 * i));
    };
    constexpr unsigned entries = 10, colours = 8 + 2 + 12 * entries + 4, pixels = colours + 2 * 768, us = 3, ul = 4;
    auto const entry = [&](unsigned tag, unsigned type, unsigned count, unsigned value) {
        number(tag, 2), number(type, 2), number(count, 4), number(value, 4);
    };
    number(entries, 2);
    entry(256, us, 1, 3), entry(257, us, 1, 2), entry(258, us, 1, 8), entry(259, us, 1, 1), entry(262, us, 1, 3);
    entry(273, ul, 1, pixels), entry(274, us, 1, 3), entry(277, us, 1, 1), entry(279, ul, 1, 6);
    entry(320, us, 768, colours);
    number(0, 4);
    for (unsigned i = 0; i < 768; ++i) number(i < 256 ? i * 40 * 257 : 0, 2);
    for (int n : numbered) number(unsigned(n), 1);
    write_text(folder.path / "in.tif", file);
    picture_file const read(folder.path / "in.tif");
    EXPECT_EQ(numbers_in(read), std::vector(numbered.begin(), numbered.end()));
    EXPECT_EQ(numbers_in(read.upright()), (std::vector{6, 5, 4, 3, 2, 1}));
}

TEST(metadata, damaged_it_is_warned_of_once) {
    scratch_folder folder;
    write_with_gegl(folder.path / "good.jpg", "gegl:jpg-save", "R'G'B' u8");
    std::string const good = text_of(folder.path / "good.jpg");
    auto const with_exif = [&](std::string const& exif) { // a segment after the first marker
        std::string const data = std::string("Exif\0\0", 6) + exif;
        std::size_t const size = data.size() + 2;
        return good.substr(0, 2) + "\xFF\xE1" + char(size >> 8) + char(size) + data + good.substr(2);
    };
    std::string const endless("II*\0\x08\0\0\0\xFF\xFF\x12\x01\x03\0\xFF\xFF\xFF\xFF\x99\x99\x99\x99", 22);
    for (std::string const& exif : {std::string("MM and then no TIFF"), endless}) {
        write_text(folder.path / "in.jpg", with_exif(exif));
        auto const warnings = warnings_of([&](auto const& warn) {
            picture_file const file(folder.path / "in.jpg", warn);
            picture_file(file, 9, 9).write(folder.path / "out.jpg", {});
        });
        ASSERT_EQ(warnings.size(), 1u);
        EXPECT_TRUE(mentions(warnings[0], "in.jpg: its EXIF, XMP or IPTC data are damaged (")) << warnings[0];
        EXPECT_EQ(picture_file(folder.path / "out.jpg").width(), 9);
    }
}
