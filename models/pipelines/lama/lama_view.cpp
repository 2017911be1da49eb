#include "models/pipelines/lama/lama_view.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace sfumato {

namespace {

constexpr int liked_side = 512;        // of a context, for LaMa, which was trained on pictures of 256
constexpr double worth_scaling = 1.25; // what is slightly larger is not worth the blur
constexpr float whole = 0.999f;

// Of a side of `size` pixels that goes on mirrored, its outermost pixels twice.
int mirrored(int i, int size) {
    i %= 2 * size;
    return i < size ? i : 2 * size - 1 - i;
}

} // namespace

lama_view view_of(pixel_size context, filler_config const& c) {
    auto const migan = std::get_if<migan_config>(&c); // which takes one size
    double const liked = migan ? migan->side : liked_side, scale = std::max(context.width, context.height) / liked;
    lama_view v{.context = context, .scaled = context, .padded = {}};
    if (scale > (migan ? 1 : worth_scaling))
        v.scaled = {std::max(1, int(std::lround(context.width / scale))),
                    std::max(1, int(std::lround(context.height / scale)))};
    if (migan) {
        v.padded = {migan->side, migan->side};
        return v;
    }
    int const multiple = std::get<lama_config>(c).multiple();
    // Reflection within the network needs two of its coarsest pixels.
    auto const up = [&](int side) { return std::max(2, (side + multiple - 1) / multiple) * multiple; };
    v.padded = {up(v.scaled.width), up(v.scaled.height)};
    return v;
}

picture known_of(picture const& context, mask const& selection) {
    picture known(context.width, context.height);
    for (std::size_t i = 0; i < selection.values.size(); ++i) {
        float const* const from = &context.pixels[4 * i];
        bool const finite = std::all_of(from, from + 4, [](float value) { return std::isfinite(value); });
        if (selection.values[i] > 0 || !finite || from[3] <= 0) continue;
        for (int c = 0; c < 3; ++c) known.pixels[4 * i + c] = std::clamp(from[c], 0.0f, 1.0f);
        known.pixels[4 * i + 3] = 1;
    }
    return known;
}

std::vector<float> network_input(picture const& scaled, lama_view const& v) {
    assert(scaled.width == v.scaled.width && scaled.height == v.scaled.height);
    std::vector<float> input;
    for (int y = 0; y < v.padded.height; ++y)
        for (int x = 0; x < v.padded.width; ++x) {
            float const* const p =
                &scaled
                     .pixels[4 * (std::size_t(mirrored(y, scaled.height)) * scaled.width + mirrored(x, scaled.width))];
            bool const known = p[3] >= whole;
            for (int c = 0; c < 3; ++c) input.push_back(known ? p[c] : 0);
            input.push_back(known ? 0 : 1);
        }
    return input;
}

picture without_padding(std::vector<float> const& colours, lama_view const& v) {
    picture p(v.scaled.width, v.scaled.height);
    for (int y = 0; y < p.height; ++y)
        for (int x = 0; x < p.width; ++x) {
            float* const to = &p.pixels[4 * (std::size_t(y) * p.width + x)];
            for (int c = 0; c < 3; ++c)
                to[c] = std::clamp(colours[3 * (std::size_t(y) * v.padded.width + x) + c], 0.0f, 1.0f);
            to[3] = 1;
        }
    return p;
}

} // namespace sfumato
