#include "pictures/gegl_buffer.h"
#include "pictures/memory_file.h"

#include "compute/error.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <format>
#include <gegl-metadatahash.h>
#include <optional>
#include <utility>
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
    gegl_metadata_store_set_resolution_unit(store.get(),
                                            is_known(dots) ? GEGL_RESOLUTION_UNIT_DPI : GEGL_RESOLUTION_UNIT_NONE);
    gegl_metadata_store_set_resolution_x(store.get(), dots.x);
    gegl_metadata_store_set_resolution_y(store.get(), dots.y);
    return store;
}

// PNG counts pixels a metre, which makes 300 an inch 299.9994.
resolution resolution_in(GeglMetadataStore* store) {
    auto const unit = gegl_metadata_store_get_resolution_unit(store);
    if (unit == GEGL_RESOLUTION_UNIT_NONE) return {};
    auto const an_inch = [&](double dots) {
        if (unit == GEGL_RESOLUTION_UNIT_DPM) dots *= 0.0254;
        return std::abs(dots - std::round(dots)) < 0.02 ? std::round(dots) : dots;
    };
    return {an_inch(gegl_metadata_store_get_resolution_x(store)), an_inch(gegl_metadata_store_get_resolution_y(store))};
}

constexpr int rows_at_once = 64;

std::size_t pixel_size(GeglBuffer* buffer) { return std::size_t(babl_format_get_bytes_per_pixel(format_of(buffer))); }

bool is_8_bit(GeglBuffer* buffer) { return babl_format_get_type(format_of(buffer), 0) == babl_type("u8"); }

} // namespace

buffer_handle load_buffer(fs::path const& path, picture_format const& format, resolution* dots) {
    start_gegl();
    graph const g(gegl_node_new());
    GeglBuffer* loaded = nullptr;
    resolution_store const store = store_of({});
    GeglNode* const load =
        gegl_node_new_child(g.get(), "operation", format.load.data(), "path", fs::absolute(path).c_str(), nullptr);
    if (format.name == "PNG") gegl_node_set(load, "metadata", store.get(), nullptr);
    GeglNode* const sink = gegl_node_new_child(g.get(), "operation", "gegl:buffer-sink", "buffer", &loaded, nullptr);
    gegl_node_link(load, sink);
    gegl_node_process(sink);
    buffer_handle buffer(loaded, [](GeglBuffer* b) {
        if (b) g_object_unref(b);
    });
    if (!loaded || gegl_buffer_get_width(loaded) < 1 || gegl_buffer_get_height(loaded) < 1 || !gegl_complaint().empty())
        fail_as_damaged(path, format, "");
    if (dots) *dots = resolution_in(store.get());
    return buffer;
}

void save_buffer(GeglBuffer* buffer, fs::path const& path, picture_format const& format, resolution const& dots,
                 std::string const& name) {
    start_gegl();
    std::optional<memory_file> in_memory; // libjpeg under GEGL ends the process when it cannot write
    if (format.name == "JPEG") in_memory.emplace();
    fs::path const& to = in_memory ? in_memory->path : path;
    graph const g(gegl_node_new());
    GeglNode* const source = gegl_node_new_child(g.get(), "operation", "gegl:buffer-source", "buffer", buffer, nullptr);
    GeglNode* const save = gegl_node_new_child(g.get(), "operation", format.save.data(), "path", to.c_str(), nullptr);
    if (format.name == "PNG") {
        gegl_node_set(save, "bitdepth", is_8_bit(buffer) ? 8 : 16, nullptr);
    } else if (format.name == "JPEG") {
        bool const grey = babl_get_model_flags(babl_format_get_model(format_of(buffer))) & BABL_MODEL_FLAG_GRAY;
        gegl_node_set(save, "quality", 95, "grayscale", gboolean(grey), nullptr);
    } else if (format.name == "WebP")
        gegl_node_set(save, "quality", 95, nullptr);
    resolution_store const store = store_of(dots);
    if (is_known(dots) && gegl_node_find_property(save, "metadata"))
        gegl_node_set(save, "metadata", store.get(), nullptr);
    gegl_node_link(source, save);
    gegl_node_process(save);
    if (in_memory) {
        if (in_memory->size() == 0) fail("{} could not be written{}", name, because(path, name));
        in_memory->copy_to(path, name);
    }
    if (!fs::exists(path) || fs::file_size(path) == 0 || !gegl_complaint().empty())
        fail("{} could not be written{}", name, because(path, name));
}

buffer_handle empty_buffer(int width, int height, Babl const* format) {
    GeglRectangle const extent{0, 0, width, height};
    return {gegl_buffer_new(&extent, format), [](GeglBuffer* b) { g_object_unref(b); }};
}

// Each row of the new one is a row or a column of the old one, counted from its start or its end, read forwards or
// backwards.
buffer_handle upright(GeglBuffer* buffer, int orientation) {
    GeglRectangle const from = *gegl_buffer_get_extent(buffer);
    bool const columns = orientation >= 5;
    bool const from_end = orientation == 3 || orientation == 4 || orientation == 7 || orientation == 8;
    bool const backwards = orientation == 2 || orientation == 3 || orientation == 6 || orientation == 7;
    int const width = columns ? from.height : from.width, height = columns ? from.width : from.height;
    buffer_handle made = empty_buffer(width, height, format_of(buffer));
    std::size_t const size = pixel_size(buffer);
    std::vector<std::byte> line(size * std::size_t(width));
    for (int y = 0; y < height; ++y) {
        int const at = from_end ? height - 1 - y : y;
        GeglRectangle const given =
            columns ? GeglRectangle{from.x + at, from.y, 1, width} : GeglRectangle{from.x, from.y + at, width, 1};
        read_rows(buffer, given, line.data());
        if (backwards)
            for (std::size_t i = 0, last = std::size_t(width) - 1; i < last; ++i, --last)
                std::swap_ranges(&line[i * size], &line[i * size] + size, &line[last * size]);
        GeglRectangle const row{0, y, width, 1};
        gegl_buffer_set(made.get(), &row, 0, nullptr, line.data(), GEGL_AUTO_ROWSTRIDE);
    }
    return made;
}

Babl const* format_of(GeglBuffer* buffer) { return gegl_buffer_get_format(buffer); }

number_formats numbers_of(GeglBuffer* buffer) {
    Babl const* curve = nullptr;
    double unused[8];
    babl_space_get(babl_format_get_space(format_of(buffer)), &unused[0], &unused[1], &unused[2], &unused[3], &unused[4],
                   &unused[5], &unused[6], &unused[7], &curve, nullptr, nullptr);
    return picture_numbers(format_of(buffer), curve == babl_trc_gamma(1));
}

namespace {

// The floats that pixels are read as, with the buffer's own space; and those of sRGB.
std::pair<Babl const*, Babl const*> spaces_of(GeglBuffer* buffer, number_formats const& numbers) {
    return {babl_format_with_space(babl_format_get_encoding(numbers.floats), babl_format_get_space(format_of(buffer))),
            babl_format("R'G'B'A float")};
}

} // namespace

void for_rows(GeglBuffer* buffer, rect const& area,
              std::function<void(GeglRectangle const&, std::byte*, std::size_t, long)> const& use) {
    GeglRectangle const extent = *gegl_buffer_get_extent(buffer);
    std::vector<std::byte> room(pixel_size(buffer) * std::size_t(area.width) *
                                std::size_t(std::min(rows_at_once, area.height)));
    for (int y = 0; y < area.height; y += rows_at_once) {
        int const height = std::min(rows_at_once, area.height - y);
        use({extent.x + area.x, extent.y + area.y + y, area.width, height}, room.data(),
            std::size_t(y) * std::size_t(area.width), long(area.width) * height);
    }
}

void read_rows(GeglBuffer* buffer, GeglRectangle const& rows, std::byte* to) {
    gegl_buffer_get(buffer, &rows, 1.0, nullptr, to, GEGL_AUTO_ROWSTRIDE, GEGL_ABYSS_NONE);
}

void get_pixels(GeglBuffer* buffer, rect const& area, float* to, colours wanted) {
    number_formats const numbers = numbers_of(buffer);
    auto const [own, srgb] = spaces_of(buffer, numbers);
    for_rows(buffer, area, [&](GeglRectangle const& rows, std::byte* stored, std::size_t first, long pixels) {
        float* const here = to + 4 * first;
        read_rows(buffer, rows, stored);
        convert_numbers(numbers.stored, stored, numbers.floats, here, pixels);
        if (wanted == colours::srgb) babl_process(babl_fish(own, srgb), here, here, pixels);
    });
}

void set_pixels(GeglBuffer* buffer, rect const& area, float const* from, colours given) {
    number_formats const numbers = numbers_of(buffer);
    auto const [own, srgb] = spaces_of(buffer, numbers);
    std::vector<float> turned;
    for_rows(buffer, area, [&](GeglRectangle const& rows, std::byte* stored, std::size_t first, long pixels) {
        float const* here = from + 4 * first;
        if (given == colours::srgb) {
            turned.resize(std::size_t(pixels) * 4);
            babl_process(babl_fish(srgb, own), here, turned.data(), pixels);
            here = turned.data();
        }
        convert_numbers(numbers.floats, here, numbers.stored, stored, pixels);
        gegl_buffer_set(buffer, &rows, 0, nullptr, stored, GEGL_AUTO_ROWSTRIDE);
    });
}

} // namespace sfumato
