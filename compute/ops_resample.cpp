#include "compute/ops.h"

#include "kernel_binaries.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace sfumato {

namespace {

using kernel::uint;

// `large` is [.., h·r, w·r, c] of the two.
void shuffle(graph& g, tensor const& x, tensor const& y, shape const& large, int r, bool inverse,
             std::optional<tensor> const& base = {}) {
    kernel::pixel_shuffle k{.x = g.in(x),
                            .y = g.out(y),
                            .base = {},
                            .count = uint(large.count()),
                            .width = uint(large.w / r),
                            .channels = uint(large.c),
                            .r = uint(r)};
    if (base) k.base = g.in(*base);
    g.dispatch(k, launch::items(large.count()), 24, {uint(x.type), uint(inverse), base ? uint(base->type) : 255});
}

int support(filter f) { return f == filter::lanczos ? 3 : f == filter::bicubic ? 2 : 1; }

// x is [outer, from, inner] and becomes [outer, to, inner].
struct axis {
    int from, to;
    std::size_t inner;
    filter kind;
    bool antialias;
    std::optional<tensor> origin{}; // of a window …
    double step = 0;                // … and which part of it
    uint number = 0;
};

void resize_axis(graph& g, tensor const& x, tensor const& y, axis const& a) {
    assert(double(a.from) * a.to < 1 << 30);
    double const shrink = a.antialias ? std::max(a.origin ? a.step : double(a.from) / a.to, 1.0) : 1;
    int const reach = a.kind == filter::nearest ? 0 : int(std::ceil(support(a.kind) * shrink));
    uint const width = a.inner >= 4 ? 4 : 1;
    std::size_t const invocations = y.shape.count() / a.inner * ((a.inner + width - 1) / width);
    g.dispatch(kernel::resize{.x = g.in(x),
                              .y = g.out(y),
                              .origin = a.origin ? kernel::f32s(g.in(*a.origin)) : kernel::f32s{},
                              .count = uint(invocations),
                              .inner = uint(a.inner),
                              .from = uint(a.from),
                              .to = uint(a.to),
                              .reach = reach,
                              .step = float(a.step),
                              .axis = a.number},
               launch::items(invocations), 20.0 * (2 * reach + 1),
               {uint(x.type), uint(y.type), uint(a.kind), uint(a.antialias), width, uint(a.origin.has_value())});
}

} // namespace

tensor pixel_shuffle(graph& g, tensor const& x, int r, std::optional<tensor> const& base) {
    shape const& s = x.shape;
    assert(r > 0 && s.c % (r * r) == 0);
    tensor const y = g.temporary({s.n, s.h * r, s.w * r, s.c / (r * r)}, x.type);
    assert(!base || base->shape == (shape{s.n, s.h, s.w, y.shape.c}));
    shuffle(g, x, y, y.shape, r, false, base);
    return y;
}

tensor pixel_unshuffle(graph& g, tensor const& x, int r) {
    shape const& s = x.shape;
    assert(r > 0 && s.h % r == 0 && s.w % r == 0);
    tensor const y = g.temporary({s.n, s.h / r, s.w / r, s.c * r * r}, x.type);
    shuffle(g, x, y, x.shape, r, true);
    return y;
}

tensor interleave(graph& g, tensor const& x, int r, int height, int width, std::optional<tensor> const& base) {
    shape const &s = x.shape, from = base ? base->shape : shape{.n = s.n, .h = height, .w = width, .c = s.c / (r * r)};
    assert(r > 0 && s.c % (r * r) == 0 && height <= s.h * r && width <= s.w * r);
    tensor const y = g.temporary({s.n, height, width, s.c / (r * r)}, x.type);
    assert(from.n == s.n && from.c == y.shape.c && from.h >= height && from.w >= width);
    assert((from.h - height) % 2 == 0 && (from.w - width) % 2 == 0);
    uint const together = y.shape.c % 4 == 0 ? 4 : 1;
    std::size_t const invocations = y.shape.count() / together;
    kernel::interleave k{.x = g.in(x),
                         .base = {},
                         .y = {},
                         .count = uint(invocations),
                         .height = uint(height),
                         .width = uint(width),
                         .channels = uint(y.shape.c),
                         .r = uint(r),
                         .x_height = uint(s.h),
                         .x_width = uint(s.w),
                         .base_height = uint(from.h),
                         .base_width = uint(from.w)};
    if (base) k.base = g.in(*base);
    k.y = g.out(y);
    g.dispatch(k, launch::items(invocations), 24 + 4 * together,
               {uint(x.type), base ? uint(base->type) : 255, together});
    return y;
}

tensor resize(graph& g, tensor const& x, int h, int w, filter f, bool antialias) {
    assert(h > 0 && w > 0 && (antialias || f != filter::lanczos));
    shape s = x.shape;
    tensor wide = x, y = x;
    if (w != s.w) { // the rows; what lies between the two is f32
        wide = g.temporary({s.n, s.h, w, s.c}, h == s.h ? x.type : dtype::f32);
        resize_axis(g, x, wide, {s.w, w, std::size_t(s.c), f, antialias});
        y = wide;
    }
    if (h != s.h) {
        y = g.temporary({s.n, h, w, s.c}, x.type);
        resize_axis(g, wide, y, {s.h, h, std::size_t(w) * s.c, f, antialias});
    }
    return y;
}

tensor resize(graph& g, tensor const& x, int h, int w, filter f, resize_window const& window) {
    assert(h > 0 && w > 0 && window.step_y > 0 && window.step_x > 0);
    assert(window.origin.type == dtype::f32 && window.origin.shape == (shape{.c = 2}));
    shape const& s = x.shape;
    tensor const wide = g.temporary({s.n, s.h, w, s.c}), y = g.temporary({s.n, h, w, s.c}, x.type);
    resize_axis(g, x, wide, {s.w, w, std::size_t(s.c), f, true, window.origin, window.step_x, 1});
    resize_axis(g, wide, y, {s.h, h, std::size_t(w) * s.c, f, true, window.origin, window.step_y, 0});
    return y;
}

} // namespace sfumato
