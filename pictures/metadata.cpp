#include "pictures/metadata.h"

#include "compute/error.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <gexiv2/gexiv2.h>
#include <vector>

namespace sfumato {

namespace fs = std::filesystem;

namespace {

// What exiv2 tells only in its log, of the file that is being read.
std::string& complaint() {
    static std::string text;
    return text;
}

} // namespace

void start_metadata() {
    static bool const started = [] {
        gexiv2_initialize();
        gexiv2_log_set_level(GEXIV2_LOG_LEVEL_ERROR);
        gexiv2_log_set_handler([](GExiv2LogLevel, gchar const* text) { complaint() = text; });
        return true;
    }();
    (void)started;
    complaint().clear();
}

namespace {

// The sentence of a GError, which is freed; "" when there is none.
std::string take(GError* error) {
    if (!error) return "";
    std::string text = error->message;
    g_error_free(error);
    while (!text.empty() && (text.back() == '.' || text.back() == '\n' || text.back() == ' ')) text.pop_back();
    return text.empty() ? "unknown error" : text;
}

void clear(GExiv2Metadata* tags, char const* tag) { gexiv2_metadata_try_clear_tag(tags, tag, nullptr); }

bool has(GExiv2Metadata* tags, char const* tag) { return gexiv2_metadata_try_has_tag(tags, tag, nullptr); }

std::vector<std::string> names_of(gchar** list) {
    std::vector<std::string> names;
    for (gchar** name = list; name && *name; ++name) names.emplace_back(*name);
    g_strfreev(list);
    return names;
}

// How TIFF stores pixels, profile, XMP and IPTC (TIFF 6.0 and its supplements). It speaks of the file that was read.
constexpr std::array stored{"NewSubfileType",
                            "SubfileType",
                            "ImageWidth",
                            "ImageLength",
                            "BitsPerSample",
                            "Compression",
                            "PhotometricInterpretation",
                            "Thresholding",
                            "FillOrder",
                            "StripOffsets",
                            "SamplesPerPixel",
                            "RowsPerStrip",
                            "StripByteCounts",
                            "MinSampleValue",
                            "MaxSampleValue",
                            "PlanarConfiguration",
                            "Predictor",
                            "ColorMap",
                            "TileWidth",
                            "TileLength",
                            "TileOffsets",
                            "TileByteCounts",
                            "SubIFDs",
                            "InkSet",
                            "ExtraSamples",
                            "SampleFormat",
                            "SMinSampleValue",
                            "SMaxSampleValue",
                            "JPEGTables",
                            "JPEGProc",
                            "JPEGInterchangeFormat",
                            "JPEGInterchangeFormatLength",
                            "YCbCrCoefficients",
                            "YCbCrSubSampling",
                            "ReferenceBlackWhite",
                            "XMLPacket",
                            "IPTCNAA",
                            "ImageResources",
                            "InterColorProfile"};

// Smaller copies of the picture that was read.
bool is_of_preview(std::string const& tag) {
    return std::ranges::any_of(
        std::array{"Exif.Thumbnail.", "Exif.SubImage", "Exif.SubThumb", "Exif.Image2.", "Exif.Image3.", "Exif.Preview"},
        [&](char const* group) { return tag.starts_with(group); });
}

// … and what cameras say of more that is in their files: moving pictures, depth, the sizes of a panorama.
bool speaks_of_the_file(std::string const& tag) {
    return std::ranges::any_of(std::array{"Xmp.xmp.Thumbnails", "Xmp.GCamera.", "Xmp.Container.", "Xmp.GContainer.",
                                          "Xmp.GPano.", "Xmp.GDepth.", "Xmp.GImage."},
                               [&](char const* group) { return tag.starts_with(group); });
}

void clear_what_speaks_of_the_file(GExiv2Metadata* tags) {
    gexiv2_metadata_try_erase_exif_thumbnail(tags, nullptr);
    for (char const* name : stored) clear(tags, (std::string("Exif.Image.") + name).c_str());
    for (std::string const& tag : names_of(gexiv2_metadata_get_exif_tags(tags)))
        if (is_of_preview(tag)) clear(tags, tag.c_str());
    for (std::string const& tag : names_of(gexiv2_metadata_get_xmp_tags(tags)))
        if (speaks_of_the_file(tag)) clear(tags, tag.c_str());
    gexiv2_metadata_clear_comment(tags); // a PNG's may be the recipe of an earlier run
}

// The density of JFIF 1.02, which is no EXIF: it follows the first marker.
resolution jfif_density(fs::path const& path) {
    std::array<unsigned char, 18> b{};
    std::ifstream(path, std::ios::binary).read(reinterpret_cast<char*>(b.data()), b.size());
    std::string_view const name(reinterpret_cast<char const*>(b.data()) + 6, 5);
    if (b[0] != 0xFF || b[1] != 0xD8 || b[2] != 0xFF || b[3] != 0xE0 || name != std::string_view("JFIF", 5)) return {};
    double const inch = b[13] == 1 ? 1 : b[13] == 2 ? 2.54 : 0; // units: dots an inch, dots a centimetre, none
    return {(b[14] * 256 + b[15]) * inch, (b[16] * 256 + b[17]) * inch};
}

double rational(GExiv2Metadata* tags, char const* tag) {
    gint numerator = 0, denominator = 0;
    bool const is = gexiv2_metadata_try_get_exif_tag_rational(tags, tag, &numerator, &denominator, nullptr);
    return is && numerator > 0 && denominator > 0 ? double(numerator) / denominator : 0;
}

resolution exif_resolution(GExiv2Metadata* tags) {
    glong const unit = gexiv2_metadata_try_get_tag_long(tags, "Exif.Image.ResolutionUnit", nullptr);
    if (unit == 1) return {}; // no unit: how wide a pixel is for its height
    double const inch = unit == 3 ? 2.54 : 1;
    return {rational(tags, "Exif.Image.XResolution") * inch, rational(tags, "Exif.Image.YResolution") * inch};
}

void set_exif_resolution(GExiv2Metadata* tags, resolution const& dots) {
    auto const set = [&](char const* tag, double value) {
        gexiv2_metadata_try_set_exif_tag_rational(tags, tag, int(std::lround(value * 1000)), 1000, nullptr);
    };
    set("Exif.Image.XResolution", dots.x);
    set("Exif.Image.YResolution", dots.y);
    gexiv2_metadata_try_set_tag_long(tags, "Exif.Image.ResolutionUnit", 2, nullptr);
}

} // namespace

bool carries_metadata(std::string_view format) { return format != "OpenEXR"; }

metadata read_metadata(fs::path const& path, std::string_view format) {
    if (!carries_metadata(format)) return {};
    start_metadata();
    metadata m{.dots = jfif_density(path)};
    std::shared_ptr<GExiv2Metadata> const tags(gexiv2_metadata_new(), [](GExiv2Metadata* t) { g_object_unref(t); });
    GError* error = nullptr;
    bool const opened = gexiv2_metadata_open_path(tags.get(), path.c_str(), &error);
    m.damage = opened ? complaint() : take(error);
    if (!opened || (!gexiv2_metadata_has_exif(tags.get()) && !gexiv2_metadata_has_xmp(tags.get()) &&
                    !gexiv2_metadata_has_iptc(tags.get())))
        return m;
    m.tags = tags;
    glong const turned = gexiv2_metadata_try_get_tag_long(tags.get(), "Exif.Image.Orientation", nullptr);
    if (turned >= 1 && turned <= 8) m.orientation = int(turned);
    if (!is_known(m.dots)) m.dots = exif_resolution(tags.get());
    return m;
}

// PNG, JPEG and TIFF have a resolution of their own, which is there already.
bool has_something_for(metadata const& m, std::string_view format) {
    return carries_metadata(format) && (m.tags || (format == "WebP" && is_known(m.dots)));
}

void write_metadata(metadata const& m, fs::path const& path, std::string_view format, int width, int height) {
    if (!has_something_for(m, format)) return;
    start_metadata();
    std::shared_ptr<GExiv2Metadata> const fresh(m.tags ? nullptr : gexiv2_metadata_new(), [](GExiv2Metadata* t) {
        if (t) g_object_unref(t);
    });
    if (fresh) gexiv2_metadata_open_path(fresh.get(), path.c_str(), nullptr); // an empty one cannot be saved
    GExiv2Metadata* const tags = m.tags ? m.tags.get() : fresh.get();
    clear_what_speaks_of_the_file(tags);
    for (char const* tag : {"Exif.Photo.PixelXDimension", "Xmp.exif.PixelXDimension", "Xmp.tiff.ImageWidth"})
        if (has(tags, tag)) gexiv2_metadata_try_set_tag_long(tags, tag, width, nullptr);
    for (char const* tag : {"Exif.Photo.PixelYDimension", "Xmp.exif.PixelYDimension", "Xmp.tiff.ImageLength"})
        if (has(tags, tag)) gexiv2_metadata_try_set_tag_long(tags, tag, height, nullptr);
    if (is_known(m.dots)) set_exif_resolution(tags, m.dots);
    GError* error = nullptr;
    if (!gexiv2_metadata_save_file(tags, path.c_str(), &error)) throw metadata_error(take(error));
}

bool drop_xmp(metadata const& m) {
    if (!m.tags || !gexiv2_metadata_has_xmp(m.tags.get())) return false;
    gexiv2_metadata_clear_xmp(m.tags.get());
    return true;
}

} // namespace sfumato
