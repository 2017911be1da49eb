#include "compute/ops.h"
#include "tests/kernels/kernel_test.h"

namespace sfumato {
namespace {

double sinc(double x) { return x == 0 ? 1 : std::sin(M_PI * x) / (M_PI * x); }

double weight(filter f, double a, double x) {
    x = std::abs(x);
    switch (f) {
    case filter::nearest: break;
    case filter::bilinear: return std::max(1 - x, 0.0);
    case filter::bicubic:
        return x < 1   ? (a + 2) * x * x * x - (a + 3) * x * x + 1
               : x < 2 ? a * x * x * x - 5 * a * x * x + 8 * a * x - 4 * a
                       : 0;
    case filter::lanczos: return x < 3 ? sinc(x) * sinc(x / 3) : 0;
    }
    return 0;
}

struct tap {
    int at;
    double weight;
};

// How much which of `from` pixels count for pixel `at` of `to`. With antialias: Pillow's precompute_coeffs, the filter
// as wide as the result's pixels, weights over the picture alone, normalised; nearest takes the pixel under the centre.
// Without: torch.nn.functional.interpolate(align_corners=False), the border repeated; nearest takes ⌊at·from/to⌋.
std::vector<tap> taps_of(filter f, bool antialias, int from, int to, int at) {
    if (from == to) return {{at, 1}};
    if (f == filter::nearest) return {{antialias ? (2 * at + 1) * from / (2 * to) : at * from / to, 1}};
    double const ratio = double(from) / to, centre = (at + 0.5) * ratio;
    double const stretch = antialias ? std::max(ratio, 1.0) : 1, reach = 4 * stretch;
    std::vector<tap> taps;
    double total = 0;
    for (int k = int(std::floor(centre - reach)); k <= int(std::ceil(centre + reach)); ++k) {
        if (antialias && (k < 0 || k >= from)) continue;
        double const w = weight(f, antialias ? -0.5 : -0.75, (k + 0.5 - centre) / stretch);
        taps.push_back({std::clamp(k, 0, from - 1), w});
        total += w;
    }
    for (tap& t : taps) t.weight /= total;
    return taps;
}

// [outer, from, inner] to [outer, to, inner]
std::vector<double> resized_axis(std::vector<double> const& x, filter f, bool antialias, int from, int to, int inner) {
    std::size_t const outer = x.size() / std::size_t(inner * from);
    std::vector<double> y(outer * std::size_t(to * inner));
    for (int at = 0; at < to; ++at)
        for (auto const& [k, w] : taps_of(f, antialias, from, to, at))
            for (std::size_t o = 0; o < outer; ++o)
                for (int i = 0; i < inner; ++i)
                    y[(o * std::size_t(to) + std::size_t(at)) * std::size_t(inner) + std::size_t(i)] +=
                        w * x[(o * std::size_t(from) + std::size_t(k)) * std::size_t(inner) + std::size_t(i)];
    return y;
}

void check(shape const& s, int h, int w, filter f, bool antialias, dtype type) {
    auto const x = rounded(random_values(s.count(), -1, 1, 1), type);
    kernel_run r;
    tensor const y = resize(r.g, r.input(s, x, type), h, w, f, antialias);
    ASSERT_EQ(y.shape, (shape{s.n, h, w, s.c}));
    ASSERT_EQ(y.type, type);
    r.g.output(y);
    r.run();
    auto const rows = resized_axis({x.begin(), x.end()}, f, antialias, s.w, w, s.c);
    auto const all = resized_axis(rows, f, antialias, s.h, h, s.c * w);
    std::vector<float> const wanted(all.begin(), all.end());
    EXPECT_LE(nmse(r.download(y), wanted), nmse_limit(type))
        << s.w << " × " << s.h << " to " << w << " × " << h << ", filter " << int(f) << ", antialias " << antialias;
}

TEST(resize, as_pillow_and_as_torch) {
    struct {
        shape from;
        int h, w;
    } const cases[] = {
        {{1, 1, 1, 1}, 5, 7},     {{1, 1, 37, 3}, 1, 11},   {{2, 29, 1, 4}, 64, 3}, {{1, 13, 17, 3}, 1, 1},
        {{2, 31, 29, 5}, 31, 29}, {{1, 23, 19, 4}, 46, 57}, {{1, 64, 48, 1}, 8, 6}, {{1, 53, 61, 3}, 37, 83},
    };
    for (auto const& c : cases)
        for (dtype type : float_types)
            for (filter f : {filter::nearest, filter::bilinear, filter::bicubic, filter::lanczos}) {
                check(c.from, c.h, c.w, f, true, type);
                if (f != filter::lanczos) check(c.from, c.h, c.w, f, false, type);
            }
}

// Large numbers of pixels, where a centre in fp32 would be off by a thousandth of a pixel.
TEST(resize, centres_stay_exact_in_large_pictures) {
    for (filter f : {filter::bicubic, filter::lanczos}) {
        check({1, 1, 16001, 3}, 1, 15013, f, true, dtype::f32);
        check({1, 1, 15013, 3}, 1, 16001, f, true, dtype::f32);
    }
    check({1, 1, 15013, 3}, 1, 16001, filter::bicubic, false, dtype::f32);
}

// Each window of a resized picture is that part of the whole.
TEST(resize, windows_fit_together) {
    shape const s{2, 29, 37, 3};
    auto const x = random_values(s.count(), -1, 1, 2);
    for (auto const& [h, w] : {std::pair{58, 74}, {20, 31}, {29, 37}, {100, 26}})
        for (filter f : {filter::nearest, filter::bilinear, filter::bicubic, filter::lanczos}) {
            kernel_run r;
            tensor const in = r.input(s, x), whole = resize(r.g, in, h, w, f);
            int const first_y = h / 3, first_x = w / 4, part_h = h / 2, part_w = w / 2;
            double const step_y = double(s.h) / h, step_x = double(s.w) / w;
            tensor const origin = r.input({.c = 2}, std::vector{float(first_y * step_y), float(first_x * step_x)});
            tensor const part =
                resize(r.g, in, part_h, part_w, f, {.step_y = step_y, .step_x = step_x, .origin = origin});
            r.g.output(whole);
            r.g.output(part);
            r.run();
            auto const all = r.download(whole), some = r.download(part);
            std::vector<float> wanted;
            for (int n = 0; n < s.n; ++n)
                for (int y = 0; y < part_h; ++y)
                    for (int i = 0; i < part_w * s.c; ++i)
                        wanted.push_back(all[std::size_t(((n * h + first_y + y) * w + first_x) * s.c + i)]);
            EXPECT_LE(nmse(some, wanted), 1e-11) << h << " × " << w << ", filter " << int(f);
        }
}

TEST(resize, more_groups_than_one_direction_holds) {
    check({1, 700'003, 1, 3}, 700'003, 2, filter::bilinear, true, dtype::f32);
}

} // namespace
} // namespace sfumato
