// Picture files written with GEGL alone, for tests.
#pragma once

#include "compute/error.h"

#include <filesystem>
#include <functional>
#include <gegl.h>
#include <string>
#include <vector>

namespace sfumato {

// An ICC profile with other primaries and another curve than sRGB.
inline std::string wide_gamut_profile() {
    Babl const* const space = babl_space_from_chromaticities("sfumato-test", 0.3127, 0.3290, 0.64, 0.33, 0.21, 0.71,
                                                             0.15, 0.06, babl_trc_gamma(2.2), babl_trc_gamma(2.2),
                                                             babl_trc_gamma(2.2), BABL_SPACE_FLAG_EQUALIZE);
    int length = 0;
    char const* const icc = babl_space_get_icc(space, &length);
    return {icc, std::size_t(length)};
}

inline std::string error_of(std::function<void()> f) {
    try {
        f();
    } catch (error const& e) {
        return e.what();
    }
    return "no error";
}

inline bool mentions(std::string const& text, std::string_view part) { return text.find(part) != text.npos; }

// A small gradient in any GEGL format and file format.
inline void write_with_gegl(std::filesystem::path const& path, char const* saver, char const* format, int width = 32,
                            int height = 24) {
    gegl_init(nullptr, nullptr);
    GeglRectangle const area{0, 0, width, height};
    GeglBuffer* const buffer = gegl_buffer_new(&area, babl_format(format));
    std::vector<float> pixels;
    for (int i = 0; i < width * height; ++i)
        for (float v : {float(i % width) / float(width), float(i / width) / float(height), 0.25f, 1.f})
            pixels.push_back(v);
    gegl_buffer_set(buffer, &area, 0, babl_format("R~G~B~A float"), pixels.data(), GEGL_AUTO_ROWSTRIDE);
    GeglNode* const graph = gegl_node_new();
    GeglNode* const source = gegl_node_new_child(graph, "operation", "gegl:buffer-source", "buffer", buffer, nullptr);
    GeglNode* const save = gegl_node_new_child(graph, "operation", saver, "path", path.c_str(), nullptr);
    gegl_node_link(source, save);
    gegl_node_process(save);
    g_object_unref(graph);
    g_object_unref(buffer);
}

} // namespace sfumato
