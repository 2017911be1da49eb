#include "models/pipelines/diffusion/inpaint_window.h"

#include "compute/device.h"
#include "models/pipelines/diffusion/generation.h"
#include "models/pipelines/picture_pass.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace sfumato {

namespace {

constexpr int smallest = 64; // pixels a side of what a model sees

int rounded(double extent, int multiple) { return std::max(smallest, int(std::lround(extent / multiple)) * multiple); }

// What the context is multiplied with: 1 where its pixels are as many as the model was trained on, up to half as many
// more. What is slightly more is not worth the blur.
double scale_for(pixel_size context, int native) {
    double const pixels = double(context.width) * context.height, least = double(native) * native, most = 1.5 * least,
                 longest = std::max(context.width, context.height);
    double scale = pixels < least ? std::sqrt(least / pixels) : std::min(1.0, std::sqrt(most / pixels));
    scale = std::min(scale, 2 * native / longest);
    return scale > 0.9 && scale < 1 ? 1 : scale;
}

std::uint64_t bytes_of_scaling(device& d, inpaint_window const& w, pixel_size from, pixel_size to) {
    return w.is_scaled && from != to ? plan::peak_bytes(record_resize(d.target(), from, to).g) : 0;
}

// The pixels of a cell along an axis: [first, last).
struct extent {
    int first, last;
};
extent pixels_of(int cell, int side_of_cell, int seen, int context, bool is_scaled) {
    std::int64_t const from = is_scaled ? context : 1, to = is_scaled ? seen : 1;
    auto const first = std::int64_t(cell) * side_of_cell * from / to,
               last = (std::int64_t(cell + 1) * side_of_cell * from + to - 1) / to;
    int const begin = int(std::min<std::int64_t>(first, context - 1));
    return {begin, int(std::clamp<std::int64_t>(last, begin + 1, context))};
}

float value_of(mask const& m, extent const& rows, extent const& columns, mask_cells rule) {
    auto const row = [&](int y) { return m.values.begin() + std::ptrdiff_t(y) * m.width; };
    if (rule == mask_cells::nearest) return row(rows.first)[columns.first];
    float largest = 0;
    double sum = 0;
    for (int y = rows.first; y < rows.last; ++y)
        for (int x = columns.first; x < columns.last; ++x) {
            largest = std::max(largest, row(y)[x]);
            sum += row(y)[x];
        }
    return rule == mask_cells::maximum ? largest
                                       : float(sum / ((rows.last - rows.first) * double(columns.last - columns.first)));
}

} // namespace

inpaint_window window_of(pixel_size context, pixel_size asked, int native, int cell) {
    inpaint_window w{.context = context, .seen = asked, .is_scaled = true};
    double const aspect = double(context.width) / context.height;
    if (asked.width || asked.height) {
        if (!asked.width) w.seen.width = rounded(asked.height * aspect, cell);
        if (!asked.height) w.seen.height = rounded(asked.width / aspect, cell);
        return w;
    }
    double const scale = scale_for(context, native);
    w.is_scaled = scale != 1;
    auto const side = [&](int of) { return w.is_scaled ? rounded(of * scale, smallest) : whole_cells(of, cell); };
    w.seen = {side(context.width), side(context.height)};
    return w;
}

std::vector<float> latent_mask(mask const& m, inpaint_window const& w, int cell, mask_cells rule) {
    assert(m.width == w.context.width && m.height == w.context.height);
    std::vector<float> cells;
    for (int y = 0; y < w.seen.height / cell; ++y) {
        extent const rows = pixels_of(y, cell, w.seen.height, m.height, w.is_scaled);
        for (int x = 0; x < w.seen.width / cell; ++x)
            cells.push_back(value_of(m, rows, pixels_of(x, cell, w.seen.width, m.width, w.is_scaled), rule));
    }
    return cells;
}

std::optional<picture> to_model(device& d, shelf const& models, picture const& context, inpaint_window const& w,
                                job const& j) {
    return w.is_scaled ? resized(d, models, context, w.seen, filter::lanczos, j) : padded(context, w.seen);
}

std::optional<picture> from_model(device& d, shelf const& models, picture const& made, inpaint_window const& w,
                                  job const& j) {
    if (!w.is_scaled) return crop(made, {0, 0, w.context.width, w.context.height});
    return resized(d, models, made, w.context, filter::lanczos, j);
}

std::uint64_t bytes_to_model(device& d, inpaint_window const& w) { return bytes_of_scaling(d, w, w.context, w.seen); }
std::uint64_t bytes_from_model(device& d, inpaint_window const& w) { return bytes_of_scaling(d, w, w.seen, w.context); }

} // namespace sfumato
