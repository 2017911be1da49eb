#include "pictures/gegl_formats.h"

#include "compute/error.h"
#include "pictures/colour_profile.h"
#include "pictures/embedded_profile.h"
#include "pictures/memory_file.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <gegl-metadatahash.h>
#include <memory>
#include <string_view>
#include <vector>

namespace sfumato {

namespace fs = std::filesystem;

namespace {

// GEGL tells what is wrong with a file only in its log, and returns an empty buffer.
std::string& gegl_complaint() {
    static std::string text;
    return text;
}

// Why it could not write, for every row anew.
std::string& gegl_print() {
    static std::string text;
    return text;
}

} // namespace

void start_gegl() {
    static bool const started = [] {
        g_log_set_default_handler(
            [](char const* domain, GLogLevelFlags level, char const* text, void*) {
                if (level & (G_LOG_LEVEL_WARNING | G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_ERROR | G_LOG_LEVEL_MESSAGE))
                    gegl_complaint() = text;
                if (level & G_LOG_FLAG_FATAL) g_log_default_handler(domain, level, text, nullptr);
            },
            nullptr);
        g_set_printerr_handler([](char const* text) { gegl_print() = text; });
        g_object_set(gegl_config(), "application-license", "GPL3", "use-opencl", FALSE, nullptr);
        gegl_init(nullptr, nullptr);
        return true;
    }();
    (void)started;
    gegl_complaint().clear();
    gegl_print().clear();
}

namespace {

// ": what GEGL said." or "."; the file is called as the user calls it.
std::string because(fs::path const& path, std::string const& name) {
    std::string text = gegl_complaint().empty() ? gegl_print() : gegl_complaint();
    for (auto at = text.find(path.string()); at != text.npos; at = text.find(path.string(), at + name.size()))
        text.replace(at, path.string().size(), name);
    while (!text.empty() && std::strchr(".\n ", text.back())) text.pop_back();
    return text.empty() ? "." : ": " + text + ".";
}

struct unref {
    void operator()(void* object) const { g_object_unref(object); }
};
using graph = std::unique_ptr<GeglNode, unref>;
using resolution_store = std::unique_ptr<GeglMetadataStore, unref>;

resolution_store store_of(resolution const& dots) {
    resolution_store store(gegl_metadata_hash_new());
    gegl_metadata_store_set_resolution_unit(store.get(), GEGL_RESOLUTION_UNIT_DPI);
    gegl_metadata_store_set_resolution_x(store.get(), dots.x);
    gegl_metadata_store_set_resolution_y(store.get(), dots.y);
    return store;
}

// Nothing: it is damaged.
buffer_handle load(char const* operation, fs::path const& path) {
    start_gegl();
    graph const g(gegl_node_new());
    GeglBuffer* loaded = nullptr;
    GeglNode* const load =
        gegl_node_new_child(g.get(), "operation", operation, "path", fs::absolute(path).c_str(), nullptr);
    GeglNode* const sink = gegl_node_new_child(g.get(), "operation", "gegl:buffer-sink", "buffer", &loaded, nullptr);
    gegl_node_link(load, sink);
    gegl_node_process(sink);
    buffer_handle buffer(loaded, [](GeglBuffer* b) {
        if (b) g_object_unref(b);
    });
    bool const is_whole =
        loaded && gegl_buffer_get_width(loaded) > 0 && gegl_buffer_get_height(loaded) > 0 && gegl_complaint().empty();
    return is_whole ? buffer : nullptr;
}

// The same numbers, in a format that says how they are stored and nothing of a colour space.
buffer_handle without_space(buffer_handle const& given) {
    Babl const* const plain = babl_format(babl_format_get_encoding(format_of(given.get())));
    if (plain == format_of(given.get())) return given;
    int const width = gegl_buffer_get_width(given.get()), height = gegl_buffer_get_height(given.get());
    buffer_handle made = empty_buffer(width, height, plain);
    for_rows(given.get(), {0, 0, width, height}, [&](GeglRectangle const& rows, std::byte* row, std::size_t, long) {
        read_rows(given.get(), rows, row);
        write_rows(made.get(), rows, row);
    });
    return made;
}

struct save_graph {
    graph g{gegl_node_new()};
    GeglNode* save;

    save_graph(raster const& r, char const* operation, fs::path const& to) {
        GeglNode* const source =
            gegl_node_new_child(g.get(), "operation", "gegl:buffer-source", "buffer", r.buffer.get(), nullptr);
        save = gegl_node_new_child(g.get(), "operation", operation, "path", to.c_str(), nullptr);
        gegl_node_link(source, save);
    }
};

// What it wrote, or why not.
void check_written(fs::path const& path, std::string const& name) {
    std::error_code none;
    if (!fs::exists(path, none) || fs::file_size(path, none) == 0 || !gegl_complaint().empty())
        fail("{} could not be written{}", name, because(path, name));
}

} // namespace

// ---- JPEG

namespace {

// CMYK as every program writes it into JPEG since Photoshop: 255 is no ink.
buffer_handle from_inks(raster const& r) {
    int const width = gegl_buffer_get_width(r.buffer.get()), height = gegl_buffer_get_height(r.buffer.get());
    buffer_handle made = empty_buffer(width, height, babl_format("R'G'B' u8"));
    ink_transform const transform(r.profile);
    std::vector<float> inks, colours;
    for_rows(r.buffer.get(), {0, 0, width, height},
             [&](GeglRectangle const& rows, std::byte* row, std::size_t, long pixels) {
                 read_rows(r.buffer.get(), rows, row);
                 inks.resize(std::size_t(pixels) * 4);
                 colours.resize(std::size_t(pixels) * 3);
                 for (std::size_t i = 0; i < inks.size(); ++i) inks[i] = 1 - float(row[i]) / 255;
                 transform(inks.data(), colours.data(), pixels);
                 for (std::size_t i = 0; i < colours.size(); ++i)
                     row[i] = std::byte(std::lround(255 * std::clamp(colours[i], 0.f, 1.f)));
                 write_rows(made.get(), rows, row);
             });
    return made;
}

} // namespace

raster load_jpeg(fs::path const& path) {
    raster r{.profile = read_profile(path)};
    if (r.profile.empty()) {
        r.buffer = load("gegl:jpg-load", path);
    } else { // GEGL takes a profile that it does not know for damage
        memory_file const bare(path);
        write_profile(bare.path, "", path.string());
        r.buffer = load("gegl:jpg-load", bare.path);
    }
    if (!r.buffer) return {};
    std::string_view const encoding = babl_format_get_encoding(format_of(r.buffer.get()));
    if (encoding.starts_with('R') || encoding.starts_with('Y')) {
        r.buffer = without_space(r.buffer);
        return r;
    }
    return {.buffer = from_inks(r)};
}

void save_jpeg(raster const& r, fs::path const& path, std::string const& name) {
    start_gegl();
    memory_file const file; // libjpeg under GEGL ends the process when it cannot write
    save_graph const g(r, "gegl:jpg-save", file.path);
    gegl_node_set(g.save, "quality", 95, "grayscale", gboolean(is_grey(format_of(r.buffer.get()))), nullptr);
    resolution_store const store = store_of(r.dots);
    if (is_known(r.dots)) gegl_node_set(g.save, "metadata", store.get(), nullptr);
    gegl_node_process(g.save);
    check_written(file.path, name);
    write_profile(file.path, r.profile, name); // GEGL wrote that of sRGB
    file.copy_to(path, name);
}

// ---- WebP

raster load_webp(fs::path const& path) {
    return {.buffer = load("gegl:webp-load", path), .profile = read_profile(path)};
}

void save_webp(raster const& r, fs::path const& path, std::string const& name) {
    start_gegl();
    memory_file const file;
    save_graph const g(r, "gegl:webp-save", file.path);
    gegl_node_set(g.save, "quality", 95, nullptr);
    gegl_node_process(g.save);
    check_written(file.path, name);
    write_profile(file.path, r.profile, name);
    file.copy_to(path, name);
}

// ---- OpenEXR

namespace {

bool is_srgb(Babl const* space) {
    std::array<double, 8> c{};
    babl_space_get(space, &c[0], &c[1], &c[2], &c[3], &c[4], &c[5], &c[6], &c[7], nullptr, nullptr, nullptr);
    return std::ranges::equal(c, srgb_chromaticities, [](double a, double b) { return std::abs(a - b) < 1e-3; });
}

} // namespace

// Its primaries are in the buffer's format, too, so that they go into another OpenEXR as they are.
raster load_exr(fs::path const& path) {
    raster r{.buffer = load("gegl:exr-load", path)};
    if (!r.buffer) return {};
    Babl const* const space = babl_format_get_space(format_of(r.buffer.get()));
    if (is_srgb(space)) return {.buffer = without_space(r.buffer)};
    int size = 0;
    char const* const icc = babl_space_get_icc(space, &size);
    r.profile.assign(icc, std::size_t(size));
    if (is_grey(format_of(r.buffer.get()))) return {.buffer = without_space(r.buffer)}; // grey has no primaries
    return r;
}

void save_exr(raster const& r, fs::path const& path, std::string const& name) {
    start_gegl();
    gegl_node_process(save_graph(r, "gegl:exr-save", path).save);
    check_written(path, name);
}

} // namespace sfumato
