// Picture files: PNG, JPEG, TIFF, WebP and OpenEXR.
#pragma once

#include "pictures/fit.h"
#include "pictures/png_text.h"
#include "request/picture.h"

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace sfumato {

/// A picture as its file holds it: its precision, channels, colour profile and metadata (EXIF, XMP, IPTC, resolution)
/// are kept, pixels that are not pasted over stay as they are. They lie as they are stored, before EXIF's orientation
/// turns them. Large pictures lie in GEGL's tiles, once. Inks (CMYK) and L*a*b* become sRGB.
class picture_file {
  public:
    using warn_user = std::function<void(std::string const&)>;

    /// Throws error: no such file, not a picture, damaged. Damaged metadata, or a damaged profile, is no error: `warn`
    /// is told once.
    explicit picture_file(std::filesystem::path const&, warn_user const& warn = [](std::string const&) {});
    /// A new picture, 8-bit sRGB, with alpha unless every pixel is opaque; values are clamped to 0..1.
    explicit picture_file(picture const&, warn_user warn = [](std::string const&) {});

    /// A new picture with the precision, channels, colour profile and metadata of another; its pixels are transparent
    /// or black.
    picture_file(picture_file const& like, int width, int height);

    int width() const;
    int height() const;
    int bytes_per_pixel() const;                                       // in memory
    picture crop(rect const& area, colours = colours::document) const; // area must lie inside

    /// Lays `filled` over the picture at (x, y) as a layer with the mask `composite` would lie; where the mask is 0
    /// nothing is written.
    void paste(int x, int y, picture const& filled, mask const& composite, colours = colours::document);

    /// Replaces the pixels there, alpha too (dropped where the file has none); the part must lie inside.
    void write_pixels(int x, int y, picture const&, colours = colours::document);

    /// The same picture as it is to be seen, turned as its orientation says; without metadata that would turn it again.
    picture_file upright() const;

    /// The format follows the name. A PNG carries the `texts`, the others cannot. 8-bit files stay 8-bit, deeper ones
    /// as deep as the format can (PNG 16, TIFF as it was, OpenEXR float, JPEG and WebP 8). What the format cannot hold
    /// of the colours becomes sRGB, and what can be seen through lies on `background` where it has no alpha (a
    /// warning). OpenEXR has no metadata, so there the picture is written upright. A link stays one: the file behind it
    /// is written. Throws error when that cannot be; then what was there before is still there.
    void write(std::filesystem::path const&, std::vector<text_entry> const& texts,
               plain_colour const& background = white) const;

    buffer_handle const buffer;

  private:
    bool add_metadata(std::filesystem::path const& pixels, picture_format const&, std::string const& name) const;
    raster pixels() const;

    picture_file(raster const&, std::shared_ptr<metadata const>, warn_user);
    static picture_file open(std::filesystem::path const&, warn_user const&);

    std::string profile; // ICC; "": sRGB
    std::shared_ptr<metadata const> about;
    warn_user warn = [](std::string const&) {};
};

/// crop(); throws error naming the file (`name`) when pixels there are infinite or not a number.
picture finite_crop(picture_file const&, rect const& area, std::string const& name, colours = colours::document);

/// Throws error when both are the same file, whatever their names.
void check_differ(std::filesystem::path const& in, std::filesystem::path const& out);

/// The selection in a file: its lightness times its alpha, or its alpha alone when everything has one colour. Throws
/// error unless it is exactly width × height.
mask read_mask(std::filesystem::path const&, int width, int height);

} // namespace sfumato
