// What picture files say beside their pixels, read and written with gexiv2: EXIF, XMP and IPTC, among it how the
// picture is to be turned, and its resolution.
#pragma once

#include "compute/error.h"

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

using GExiv2Metadata = struct _GExiv2Metadata;

namespace sfumato {

struct resolution {
    double x = 0, y = 0; // pixels an inch; 0: unknown
};
inline bool is_known(resolution const& dots) { return dots.x > 0 && dots.y > 0; }

struct metadata {
    std::shared_ptr<GExiv2Metadata> tags; // none: the file has no EXIF, XMP or IPTC
    int orientation = 1;                  // EXIF's, 1 to 8; 1: as the pixels lie
    resolution dots;
    std::string damage; // what is wrong with it, "" when nothing is
};

struct metadata_error : error {
    using error::error;
};

/// Before anything else of exiv2, so that it says nothing on standard error; again does no harm.
void start_metadata();

/// Whether files of that format ("PNG", "OpenEXR" …) can carry it.
bool carries_metadata(std::string_view format);

/// Never throws: what cannot be read is in `damage`. A PNG's resolution is not among what is read.
metadata read_metadata(std::filesystem::path const&, std::string_view format);

/// Whether there is something to add to a picture of that format.
bool has_something_for(metadata const&, std::string_view format);

/// Adds it to a finished picture of width × height: sizes in pixels are set anew, embedded previews are left out, and
/// what describes how the other file stored its pixels, too. Throws metadata_error saying why it could not; then the
/// file may be damaged.
void write_metadata(metadata const&, std::filesystem::path const&, std::string_view format, int width, int height);

/// Forgets the XMP data, which may be larger than a JPEG can hold; false: there are none.
bool drop_xmp(metadata const&);

} // namespace sfumato
