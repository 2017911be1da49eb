#include "pictures/picture_file.h"

#include "compute/error.h"
#include "pictures/colour_profile.h"
#include "pictures/memory_file.h"
#include "pictures/result.h"
#include "pictures/scratch_file.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <utility>

namespace sfumato {

namespace fs = std::filesystem;

namespace {

// One pixel of a layer with straight alpha over another, `c` of it showing; over what is no number, all of it.
void blend(float const* over, float c, float* under) {
    bool const is_known = std::all_of(under, under + 4, [](float v) { return std::isfinite(v); });
    if (c >= 1 || (!is_known && over[3] > 0)) {
        std::copy_n(over, 4, under);
        return;
    }
    float const alpha = under[3] + (over[3] - under[3]) * c;
    for (int i = 0; i < 3; ++i)
        under[i] = alpha > 0 ? (under[i] * under[3] * (1 - c) + over[i] * over[3] * c) / alpha : over[i];
    under[3] = alpha;
}

bool is_opaque(picture const& p) {
    for (std::size_t i = 3; i < p.pixels.size(); i += 4)
        if (p.pixels[i] < 1) return false;
    return true;
}

buffer_handle make_buffer(picture const& p) {
    start_gegl();
    return empty_buffer(p.width, p.height, babl_format(is_opaque(p) ? "R'G'B' u8" : "R'G'B'A u8"));
}

// What fits to the pixels; "": sRGB.
std::string usable_profile(raster const& r, std::string const& name, picture_file::warn_user const& warn) {
    if (r.profile.empty()) return "";
    auto const model = model_of_profile(r.profile);
    bool const grey = is_grey(format_of(r.buffer.get()));
    if (model == colour_model::rgb || (grey && model == colour_model::grey)) return r.profile;
    warn(std::format("{}: its colour profile is {}; its colours are taken for sRGB", name,
                     model ? "not one for its pixels" : "damaged"));
    return "";
}

} // namespace

picture_file picture_file::open(fs::path const& path, warn_user const& warn) {
    picture_format const& format = format_by_content(path);
    auto const about = std::make_shared<metadata>(read_metadata(path, format.name));
    raster loaded = load_picture(path, format);
    if (!is_known(about->dots)) about->dots = loaded.dots;
    if (!about->damage.empty())
        warn(std::format("{}: its EXIF, XMP or IPTC data are damaged ({}); only what can be read of them is kept",
                         path.string(), about->damage));
    loaded.profile = usable_profile(loaded, path.string(), warn);
    return {loaded, about, warn};
}

picture_file::picture_file(fs::path const& path, warn_user const& warn) : picture_file(open(path, warn)) {}

picture_file::picture_file(picture const& p, warn_user warn)
    : buffer(make_buffer(p)), about(std::make_shared<metadata>()), warn(std::move(warn)) {
    write_pixels(0, 0, p);
}

picture_file::picture_file(picture_file const& like, int width, int height)
    : buffer(empty_buffer(width, height, format_of(like.buffer.get()))), profile(like.profile), about(like.about),
      warn(like.warn) {}

picture_file::picture_file(raster const& r, std::shared_ptr<metadata const> about, warn_user warn)
    : buffer(r.buffer), profile(r.profile), about(std::move(about)), warn(std::move(warn)) {}

raster picture_file::pixels() const { return {.buffer = buffer, .profile = profile, .dots = about->dots}; }

picture_file picture_file::upright() const {
    if (about->orientation == 1) return *this;
    resolution dots = about->dots;
    if (about->orientation >= 5) std::swap(dots.x, dots.y);
    return {{.buffer = sfumato::upright(buffer.get(), about->orientation), .profile = profile},
            std::make_shared<metadata>(metadata{.dots = dots}),
            warn};
}

int picture_file::width() const { return gegl_buffer_get_width(buffer.get()); }
int picture_file::height() const { return gegl_buffer_get_height(buffer.get()); }
int picture_file::bytes_per_pixel() const { return babl_format_get_bytes_per_pixel(format_of(buffer.get())); }

picture picture_file::crop(rect const& area, colours wanted) const {
    assert(intersect(area, {0, 0, width(), height()}) == area);
    picture p(area.width, area.height);
    get_pixels(pixels(), area, p.pixels.data(), wanted);
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
    set_pixels(pixels(), {x, y, p.width, p.height}, p.pixels.data(), given);
}

void picture_file::paste(int x, int y, picture const& filled, mask const& composite, colours c) {
    assert(filled.width == composite.width && filled.height == composite.height);
    assert((intersect({x, y, filled.width, filled.height}, {0, 0, width(), height()}) ==
            rect{x, y, filled.width, filled.height}));
    raster const under = pixels();
    std::vector<float> row(std::size_t(filled.width) * 4);
    for (int line = 0; line < filled.height; ++line) {
        float const* const over = filled.pixels.data() + std::size_t(line) * filled.width * 4;
        float const* const seen = composite.values.data() + std::size_t(line) * filled.width;
        // Runs of pixels that the mask shows: the others are not even written, so they stay bit for bit.
        for (int start = 0, end; start < filled.width; start = end) {
            end = start + 1;
            if (seen[start] <= 0) continue;
            while (end < filled.width && seen[end] > 0) ++end;
            rect const run{x + start, y + line, end - start, 1};
            get_pixels(under, run, row.data(), c);
            for (int i = start; i < end; ++i)
                blend(over + std::size_t(i) * 4, seen[i], row.data() + std::size_t(i - start) * 4);
            set_pixels(under, run, row.data(), c);
        }
    }
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

void picture_file::write(fs::path const& path, std::vector<text_entry> const& texts,
                         plain_colour const& background) const {
    picture_format const& format = format_by_name(path);
    check_can_write(path, {width(), height(), 0});
    if (!carries_metadata(format.name) && about->orientation != 1) return upright().write(path, texts, background);
    if (!format.has_alpha && has_transparency(pixels()))
        warn(std::format("{}: {} has no transparency; what can be seen through lies on {}", path.string(), format.name,
                         background == white ? "white (--background names another colour)" : "the background"));
    // Written beside and moved into place, so that a full disk spoils nothing.
    fs::path const target = behind_links(path);
    scratch_file const written(target), finished(target);
    format.save(fit(pixels(), format, background), written.path, path.string());
    if (!add_metadata(written.path, format, path.string()) && about->orientation != 1)
        return upright().write(path, texts, background);
    bool const carries_texts = format.name == "PNG" && !texts.empty();
    if (carries_texts) copy_with_texts(written.path, finished.path, texts, path.string());

    std::error_code failed;
    fs::rename(carries_texts ? finished.path : written.path, target, failed);
    if (failed) fail("{} could not be written: {}.", path.string(), failed.message());
}

} // namespace sfumato
