#include "pictures/picture_file.h"

#include "compute/error.h"
#include "pictures/gegl_buffer.h"
#include "pictures/memory_file.h"

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <unistd.h>
#include <utility>

namespace sfumato {

namespace fs = std::filesystem;

namespace {

// One pixel of a layer with straight alpha over another, `c` of it showing.
void blend(float const* over, float c, float* under) {
    float const alpha = under[3] + (over[3] - under[3]) * c;
    for (int i = 0; i < 3; ++i)
        under[i] = alpha > 0 ? (under[i] * under[3] * (1 - c) + over[i] * over[3] * c) / alpha : over[i];
    under[3] = alpha;
}

// A name in the same directory as `path`, whose file is gone at the end unless it was moved.
struct scratch_file {
    fs::path const path;
    scratch_file(fs::path const& beside, std::string_view purpose)
        : path(fs::absolute(beside).parent_path() /
               std::format(".{}.{}.{}{}", beside.stem().string(), ::getpid(), purpose, beside.extension().string())) {}
    ~scratch_file() {
        std::error_code ignored;
        fs::remove(path, ignored);
    }
};

bool is_opaque(picture const& p) {
    for (std::size_t i = 3; i < p.pixels.size(); i += 4)
        if (p.pixels[i] < 1) return false;
    return true;
}

buffer_handle make_buffer(picture const& p) {
    start_gegl();
    return empty_buffer(p.width, p.height, babl_format(is_opaque(p) ? "R'G'B' u8" : "R'G'B'A u8"));
}

// The file that a name stands for: what its links lead to, there or not.
fs::path behind_links(fs::path path) {
    std::error_code none;
    for (int links = 0; links < 40 && fs::is_symlink(path, none); ++links)
        path = fs::absolute(path).parent_path() / fs::read_symlink(path, none);
    return path;
}

// libtiff turns some TIFFs (with a palette, YCbCr) half way to what their orientation says: GEGL is given one that says
// nothing of it.
buffer_handle load_as_stored(fs::path const& path, picture_format const& format, int orientation, resolution* dots) {
    if (format.name == "TIFF" && orientation != 1) try {
            memory_file const copy(path);
            if (set_upright(copy.path)) return load_buffer(copy.path, format, dots);
        } catch (error const&) {} // what is wrong is said of the file itself
    return load_buffer(path, format, dots);
}

} // namespace

picture_file picture_file::open(fs::path const& path, warn_user const& warn) {
    picture_format const& format = format_by_content(path);
    auto const about = std::make_shared<metadata>(read_metadata(path, format.name));
    resolution dots;
    buffer_handle const loaded = load_as_stored(path, format, about->orientation, &dots);
    if (!is_known(about->dots)) about->dots = dots;
    if (!about->damage.empty())
        warn(std::format("{}: its EXIF, XMP or IPTC data are damaged ({}); only what can be read of them is kept",
                         path.string(), about->damage));
    return {loaded, about, warn};
}

picture_file::picture_file(fs::path const& path, warn_user const& warn) : picture_file(open(path, warn)) {}

picture_file::picture_file(picture const& p) : buffer(make_buffer(p)), about(std::make_shared<metadata>()) {
    write_pixels(0, 0, p);
}

picture_file::picture_file(picture_file const& like, int width, int height)
    : buffer(empty_buffer(width, height, format_of(like.buffer.get()))), about(like.about), warn(like.warn) {}

picture_file::picture_file(buffer_handle buffer, std::shared_ptr<metadata const> about, warn_user warn)
    : buffer(std::move(buffer)), about(std::move(about)), warn(std::move(warn)) {}

picture_file picture_file::upright() const {
    if (about->orientation == 1) return *this;
    resolution dots = about->dots;
    if (about->orientation >= 5) std::swap(dots.x, dots.y);
    return {sfumato::upright(buffer.get(), about->orientation), std::make_shared<metadata>(metadata{.dots = dots}),
            warn};
}

int picture_file::width() const { return gegl_buffer_get_width(buffer.get()); }
int picture_file::height() const { return gegl_buffer_get_height(buffer.get()); }

picture picture_file::crop(rect const& area, colours wanted) const {
    assert(intersect(area, {0, 0, width(), height()}) == area);
    picture p(area.width, area.height);
    get_pixels(buffer.get(), area, p.pixels.data(), wanted);
    return p;
}

picture finite_crop(picture_file const& file, rect const& area, std::string const& name, colours wanted) {
    picture p = file.crop(area, wanted);
    if (!std::ranges::all_of(p.pixels, [](float v) { return std::isfinite(v); }))
        fail("{} holds pixels that are infinite or not a number; repair it first.", name);
    return p;
}

void picture_file::write_pixels(int x, int y, picture const& p, colours given) {
    assert((intersect({x, y, p.width, p.height}, {0, 0, width(), height()}) == rect{x, y, p.width, p.height}));
    set_pixels(buffer.get(), {x, y, p.width, p.height}, p.pixels.data(), given);
}

void picture_file::paste(int x, int y, picture const& filled, mask const& composite) {
    assert(filled.width == composite.width && filled.height == composite.height);
    assert((intersect({x, y, filled.width, filled.height}, {0, 0, width(), height()}) ==
            rect{x, y, filled.width, filled.height}));
    std::vector<float> row(std::size_t(filled.width) * 4);
    for (int line = 0; line < filled.height; ++line) {
        float const* const over = filled.pixels.data() + std::size_t(line) * filled.width * 4;
        float const* const c = composite.values.data() + std::size_t(line) * filled.width;
        // Runs of pixels that the mask shows: the others are not even written, so they stay bit for bit.
        for (int start = 0, end; start < filled.width; start = end) {
            end = start + 1;
            if (c[start] <= 0) continue;
            while (end < filled.width && c[end] > 0) ++end;
            rect const run{x + start, y + line, end - start, 1};
            get_pixels(buffer.get(), run, row.data());
            for (int i = start; i < end; ++i)
                blend(over + std::size_t(i) * 4, c[i], row.data() + std::size_t(i - start) * 4);
            set_pixels(buffer.get(), run, row.data());
        }
    }
}

void check_can_hold(fs::path const& path, int width, int height) {
    picture_format const& format = format_by_name(path);
    if (std::max(width, height) > format.longest)
        fail("{} cannot be written: {} × {} pixels are more than a {} picture can have ({}); end its name in .png or "
             ".tif.",
             path.string(), width, height, format.name, format.longest);
}

void check_can_write(fs::path const& path) {
    format_by_name(path);
    fs::path const directory = fs::absolute(behind_links(path)).parent_path();
    if (::access(directory.c_str(), W_OK) != 0) fail("{} cannot be written: {}.", path.string(), std::strerror(errno));
    std::error_code none;
    if (fs::is_directory(path, none)) fail("{} cannot be written: it is a directory.", path.string());
}

void check_differ(fs::path const& in, fs::path const& out) {
    std::error_code none;
    if (fs::equivalent(in, out, none))
        fail("The result cannot be written over the picture {}; name another file with -o.", in.string());
}

// False: they cannot be written.
bool picture_file::add_metadata(fs::path const& pixels, picture_format const& format, std::string const& name) const {
    while (has_something_for(*about, format.name)) try {
            memory_file const file(pixels); // exiv2 does not notice a full disk
            write_metadata(*about, file.path, format.name, width(), height());
            file.copy_to(pixels, name);
            return true;
        } catch (metadata_error const& e) {
            bool const dropped = drop_xmp(*about);
            warn(std::format("{} has no {} data: they could not be written ({})", name,
                             dropped ? "XMP" : "EXIF, XMP and IPTC", e.what()));
            if (!dropped) return false;
        }
    return true;
}

void picture_file::write(fs::path const& path, std::vector<text_entry> const& texts) const {
    picture_format const& format = format_by_name(path);
    check_can_write(path);
    if (!carries_metadata(format.name) && about->orientation != 1) return upright().write(path, texts);
    // Written beside and moved into place, so that a full disk spoils nothing.
    fs::path const target = behind_links(path);
    scratch_file const pixels(target, "pixels"), finished(target, "texts");
    save_buffer(buffer.get(), pixels.path, format, about->dots, path.string());
    if (!add_metadata(pixels.path, format, path.string()) && about->orientation != 1)
        return upright().write(path, texts);
    bool const carries_texts = format.name == "PNG" && !texts.empty();
    if (carries_texts) copy_with_texts(pixels.path, finished.path, texts, path.string());

    std::error_code failed;
    fs::rename(carries_texts ? finished.path : pixels.path, target, failed);
    if (failed) fail("{} could not be written: {}.", path.string(), failed.message());
}

} // namespace sfumato
