#include "cli/picture_file.h"

#include "cli/pixel_numbers.h"
#include "compute/error.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cctype>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <fstream>
#include <gegl.h>
#include <unistd.h>

namespace sfumato {

namespace fs = std::filesystem;

namespace {

struct file_format {
    std::string_view name, load, save;
    std::array<std::string_view, 2> extensions;
    int longest; // pixels a side
    bool (*matches)(std::string_view first_bytes);
};

constexpr std::array formats{
    file_format{
        "PNG", "gegl:png-load", "gegl:png-save", {".png"}, 1 << 30, [](auto b) { return b.starts_with("\x89PNG"); }},
    file_format{"JPEG",
                "gegl:jpg-load",
                "gegl:jpg-save",
                {".jpg", ".jpeg"},
                65500, // of libjpeg; the format itself ends at 65535
                [](auto b) { return b.starts_with("\xFF\xD8\xFF"); }},
    file_format{"TIFF",
                "gegl:tiff-load",
                "gegl:tiff-save",
                {".tif", ".tiff"},
                1 << 30,
                [](auto b) {
                    return b.starts_with(std::string_view("II*\0", 4)) || b.starts_with(std::string_view("MM\0*", 4));
                }},
    file_format{"WebP",
                "gegl:webp-load",
                "gegl:webp-save",
                {".webp"},
                16383,
                [](auto b) { return b.starts_with("RIFF") && b.substr(8, 4) == "WEBP"; }},
    file_format{"OpenEXR",
                "gegl:exr-load",
                "gegl:exr-save",
                {".exr"},
                1 << 30,
                [](auto b) { return b.starts_with("\x76\x2F\x31\x01"); }},
};

file_format const* find_format(fs::path const& path) {
    std::string extension = path.extension().string();
    std::ranges::transform(extension, extension.begin(), [](unsigned char c) { return char(std::tolower(c)); });
    for (auto const& f : formats)
        if (!extension.empty() && std::ranges::find(f.extensions, extension) != f.extensions.end()) return &f;
    return nullptr;
}

file_format const& format_by_name(fs::path const& path) {
    if (file_format const* found = find_format(path)) return *found;
    fail("{} cannot be written: its name must end in .png, .jpg, .tif, .webp or .exr.", path.string());
}

file_format const& format_by_content(fs::path const& path) {
    if (fs::is_directory(path)) fail("{} is a directory, not a picture.", path.string());
    std::ifstream file(path, std::ios::binary);
    if (!file) fail("{} cannot be opened: {}.", path.string(), std::strerror(errno));
    std::array<char, 12> first{};
    file.read(first.data(), first.size());
    std::string_view const bytes(first.data(), std::size_t(file.gcount()));
    for (auto const& f : formats)
        if (bytes.size() == first.size() && f.matches(bytes)) return f;
    fail("{} is not a PNG, JPEG, TIFF, WebP or OpenEXR picture.", path.string());
}

// GEGL tells what is wrong with a file only in its log, and returns an empty buffer.
std::string& gegl_complaint() {
    static std::string text;
    return text;
}

void start_gegl() {
    static bool const started = [] {
        g_log_set_default_handler(
            [](char const* domain, GLogLevelFlags level, char const* text, void*) {
                if (level & (G_LOG_LEVEL_WARNING | G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_ERROR | G_LOG_LEVEL_MESSAGE))
                    gegl_complaint() = text;
                if (level & G_LOG_FLAG_FATAL) g_log_default_handler(domain, level, text, nullptr);
            },
            nullptr);
        g_object_set(gegl_config(), "application-license", "GPL3", "use-opencl", FALSE, nullptr);
        gegl_init(nullptr, nullptr);
        return true;
    }();
    (void)started;
    gegl_complaint().clear();
}

// ": what GEGL said." or "."
std::string because() {
    std::string text = gegl_complaint();
    while (!text.empty() && std::strchr(".\n ", text.back())) text.pop_back();
    return text.empty() ? "." : ": " + text + ".";
}

struct unref {
    void operator()(void* object) const { g_object_unref(object); }
};
using graph = std::unique_ptr<GeglNode, unref>;

std::shared_ptr<GeglBuffer> read(fs::path const& path) {
    file_format const& format = format_by_content(path);
    start_gegl();
    graph const g(gegl_node_new());
    GeglBuffer* loaded = nullptr;
    GeglNode* const load =
        gegl_node_new_child(g.get(), "operation", format.load.data(), "path", fs::absolute(path).c_str(), nullptr);
    GeglNode* const sink = gegl_node_new_child(g.get(), "operation", "gegl:buffer-sink", "buffer", &loaded, nullptr);
    gegl_node_link(load, sink);
    gegl_node_process(sink);
    std::shared_ptr<GeglBuffer> buffer(loaded, [](GeglBuffer* b) {
        if (b) g_object_unref(b);
    });
    if (!loaded || gegl_buffer_get_width(loaded) < 1 || gegl_buffer_get_height(loaded) < 1 || !gegl_complaint().empty())
        fail("{} is a damaged {} picture; export it again from the program that made it.", path.string(), format.name);
    return buffer;
}

Babl const* format_of(GeglBuffer* buffer) { return gegl_buffer_get_format(buffer); }

number_formats numbers_of(GeglBuffer* buffer) {
    Babl const* curve = nullptr;
    double unused[8];
    babl_space_get(babl_format_get_space(format_of(buffer)), &unused[0], &unused[1], &unused[2], &unused[3], &unused[4],
                   &unused[5], &unused[6], &unused[7], &curve, nullptr, nullptr);
    return picture_numbers(format_of(buffer), curve == babl_trc_gamma(1));
}

// The part of a buffer whose own first pixel need not be (0, 0).
GeglRectangle part_of(GeglBuffer* buffer, rect const& area) {
    GeglRectangle const* const extent = gegl_buffer_get_extent(buffer);
    return {extent->x + area.x, extent->y + area.y, area.width, area.height};
}

// Pixels as they are stored, some rows at a time, so that a large picture is not in memory once more.
constexpr int rows_at_once = 64;

template <class F> void for_rows(GeglBuffer* buffer, rect const& area, F each) {
    std::vector<std::byte> stored(std::size_t(babl_format_get_bytes_per_pixel(format_of(buffer))) *
                                  std::size_t(area.width) * std::size_t(std::min(rows_at_once, area.height)));
    for (int y = 0; y < area.height; y += rows_at_once) {
        rect const rows{area.x, area.y + y, area.width, std::min(rows_at_once, area.height - y)};
        each(part_of(buffer, rows), stored.data(), std::size_t(y) * std::size_t(area.width),
             long(rows.width) * rows.height);
    }
}

// 4 channels a pixel.
void get(GeglBuffer* buffer, rect const& area, float* to) {
    number_formats const numbers = numbers_of(buffer);
    for_rows(buffer, area, [&](GeglRectangle const& rows, void* stored, std::size_t first, long pixels) {
        gegl_buffer_get(buffer, &rows, 1.0, nullptr, stored, GEGL_AUTO_ROWSTRIDE, GEGL_ABYSS_NONE);
        convert_numbers(numbers.stored, stored, numbers.floats, to + 4 * first, pixels);
    });
}

void set(GeglBuffer* buffer, rect const& area, float const* from) {
    number_formats const numbers = numbers_of(buffer);
    for_rows(buffer, area, [&](GeglRectangle const& rows, void* stored, std::size_t first, long pixels) {
        convert_numbers(numbers.floats, from + 4 * first, numbers.stored, stored, pixels);
        gegl_buffer_set(buffer, &rows, 0, nullptr, stored, GEGL_AUTO_ROWSTRIDE);
    });
}

bool is_8_bit(GeglBuffer* buffer) { return babl_format_get_type(format_of(buffer), 0) == babl_type("u8"); }

float within_0_1(float v) { return v > 0 ? std::min(v, 1.f) : 0.f; } // NaN becomes 0

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

// What went wrong is in gegl_complaint().
void save(GeglBuffer* buffer, file_format const& format, fs::path const& path) {
    start_gegl();
    graph const g(gegl_node_new());
    GeglNode* const source = gegl_node_new_child(g.get(), "operation", "gegl:buffer-source", "buffer", buffer, nullptr);
    GeglNode* const save = gegl_node_new_child(g.get(), "operation", format.save.data(), "path", path.c_str(), nullptr);
    if (format.name == "PNG") {
        gegl_node_set(save, "bitdepth", is_8_bit(buffer) ? 8 : 16, nullptr);
    } else if (format.name == "JPEG") {
        bool const grey = babl_get_model_flags(babl_format_get_model(format_of(buffer))) & BABL_MODEL_FLAG_GRAY;
        gegl_node_set(save, "quality", 95, "grayscale", gboolean(grey), nullptr);
    } else if (format.name == "WebP")
        gegl_node_set(save, "quality", 95, nullptr);
    gegl_node_link(source, save);
    gegl_node_process(save);
}

bool is_opaque(picture const& p) {
    for (std::size_t i = 3; i < p.pixels.size(); i += 4)
        if (p.pixels[i] < 1) return false;
    return true;
}

std::shared_ptr<GeglBuffer> empty_buffer(int width, int height, Babl const* format) {
    GeglRectangle const extent{0, 0, width, height};
    return {gegl_buffer_new(&extent, format), [](GeglBuffer* b) { g_object_unref(b); }};
}

std::shared_ptr<GeglBuffer> make_buffer(picture const& p) {
    start_gegl();
    return empty_buffer(p.width, p.height, babl_format(is_opaque(p) ? "R'G'B' u8" : "R'G'B'A u8"));
}

} // namespace

picture_file::picture_file(fs::path const& path) : buffer(read(path)) {}

picture_file::picture_file(picture const& p) : buffer(make_buffer(p)) { write_pixels(0, 0, p); }

picture_file::picture_file(picture_file const& like, int width, int height)
    : buffer(empty_buffer(width, height, format_of(like.buffer.get()))) {}

int picture_file::width() const { return gegl_buffer_get_width(buffer.get()); }
int picture_file::height() const { return gegl_buffer_get_height(buffer.get()); }

picture picture_file::crop(rect const& area) const {
    assert(intersect(area, {0, 0, width(), height()}) == area);
    picture p(area.width, area.height);
    get(buffer.get(), area, p.pixels.data());
    return p;
}

picture finite_crop(picture_file const& file, rect const& area, std::string const& name) {
    picture p = file.crop(area);
    if (!std::ranges::all_of(p.pixels, [](float v) { return std::isfinite(v); }))
        fail("{} holds pixels that are infinite or not a number; repair it first.", name);
    return p;
}

void picture_file::write_pixels(int x, int y, picture const& p) {
    assert((intersect({x, y, p.width, p.height}, {0, 0, width(), height()}) == rect{x, y, p.width, p.height}));
    set(buffer.get(), {x, y, p.width, p.height}, p.pixels.data());
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
            get(buffer.get(), run, row.data());
            for (int i = start; i < end; ++i)
                blend(over + std::size_t(i) * 4, c[i], row.data() + std::size_t(i - start) * 4);
            set(buffer.get(), run, row.data());
        }
    }
}

bool has_picture_name(fs::path const& path) { return find_format(path) != nullptr; }

void check_can_hold(fs::path const& path, int width, int height) {
    file_format const& format = format_by_name(path);
    if (std::max(width, height) > format.longest)
        fail("{} cannot be written: {} × {} pixels are more than a {} picture can have ({}); end its name in .png or "
             ".tif.",
             path.string(), width, height, format.name, format.longest);
}

void check_can_write(fs::path const& path) {
    format_by_name(path);
    fs::path const directory = fs::absolute(path).parent_path();
    if (::access(directory.c_str(), W_OK) != 0) fail("{} cannot be written: {}.", path.string(), std::strerror(errno));
    if (fs::is_directory(path)) fail("{} cannot be written: it is a directory.", path.string());
}

void picture_file::write(fs::path const& path, std::vector<text_entry> const& texts) const {
    file_format const& format = format_by_name(path);
    check_can_write(path);
    // Written beside and moved into place, so that a full disk spoils nothing.
    scratch_file const pixels(path, "pixels"), finished(path, "texts");
    save(buffer.get(), format, pixels.path);
    if (!fs::exists(pixels.path) || fs::file_size(pixels.path) == 0 || !gegl_complaint().empty())
        fail("{} could not be written{}", path.string(), because());
    bool const carries_texts = format.name == "PNG" && !texts.empty();
    if (carries_texts) copy_with_texts(pixels.path, finished.path, texts);

    std::error_code failed;
    fs::rename(carries_texts ? finished.path : pixels.path, path, failed);
    if (failed) fail("{} could not be written: {}.", path.string(), failed.message());
}

mask read_mask(fs::path const& path, int width, int height) {
    auto const buffer = read(path);
    GeglRectangle const extent = *gegl_buffer_get_extent(buffer.get());
    if (extent.width != width || extent.height != height)
        fail("The mask {} has {} × {} pixels, but the picture {} × {}; they must be the same size.", path.string(),
             extent.width, extent.height, width, height);
    // A selection's values are taken as the file has them, whatever its transfer curve.
    Babl const* const stored = numbers_of(buffer.get()).stored;
    bool const linear = babl_get_model_flags(babl_format_get_model(stored)) & BABL_MODEL_FLAG_LINEAR;
    Babl const* const floats = babl_format(linear ? "YA float" : "Y'A float");

    mask lightness(width, height);
    std::vector<float> values(std::size_t(width) * std::size_t(std::min(height, rows_at_once)) * 2); // lightness, alpha
    auto const for_each_pixel = [&](auto use) {
        for_rows(buffer.get(), {0, 0, width, height},
                 [&](GeglRectangle const& rows, void* row, std::size_t first, long n) {
                     gegl_buffer_get(buffer.get(), &rows, 1.0, nullptr, row, GEGL_AUTO_ROWSTRIDE, GEGL_ABYSS_NONE);
                     convert_numbers(stored, row, floats, values.data(), n);
                     for (std::size_t i = 0; i < std::size_t(n); ++i)
                         use(first + i, within_0_1(values[2 * i]), within_0_1(values[2 * i + 1]));
                 });
    };
    float darkest = 1, lightest = 0, thinnest = 1;
    for_each_pixel([&](std::size_t i, float value, float alpha) {
        lightness.values[i] = value * alpha;
        darkest = std::min(darkest, value);
        lightest = std::max(lightest, value);
        thinnest = std::min(thinnest, alpha);
    });
    if (darkest == lightest && thinnest < 1) // one colour: the shape is in its alpha
        for_each_pixel([&](std::size_t i, float, float alpha) { lightness.values[i] = alpha; });
    return lightness;
}

} // namespace sfumato
