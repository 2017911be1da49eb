#include "models/pipelines/diffusion/seam.h"

#include "compute/device.h"
#include "models/pipelines/diffusion/tone.h"

#include <algorithm>
#include <cmath>

namespace sfumato {

namespace {

constexpr double nearly_clipped = 1 / 255.0;
constexpr float rim = 2;        // pixels that the membrane hangs on, next to what is made anew
constexpr double least = 0.002; // a rim pixel's weight where it tells nothing: more would drag colours inwards
constexpr double least_deviation = 0.5 / 255;
constexpr lab_colour most_carried{0.15, 0.05, 0.05};

// The part of the context that is looked at, and the difference there.
struct surroundings {
    rect area;
    std::vector<lab_colour> given, made;
    std::vector<char> known; // unchanged, opaque and within what both can show

    std::size_t at(int x, int y) const { return std::size_t(y - area.y) * area.width + (x - area.x); }
    bool contains(int x, int y) const { return x >= area.x && y >= area.y && x < area.right() && y < area.bottom(); }
    lab_colour difference(std::size_t i) const {
        return {given[i][0] - made[i][0], given[i][1] - made[i][1], given[i][2] - made[i][2]};
    }
};

bool is_clipped(float const* rgb) {
    return std::any_of(rgb, rgb + 3, [](float v) { return v < nearly_clipped || v > 1 - nearly_clipped; });
}

surroundings look_around(picture const& given, picture const& made, inpaint_masks const& masks) {
    surroundings s{.area = intersect(grown(bounds(masks.denoise), masks.ring + 1), {0, 0, given.width, given.height}),
                   .given = {},
                   .made = {},
                   .known = {}};
    for (int y = s.area.y; y < s.area.bottom(); ++y)
        for (int x = s.area.x; x < s.area.right(); ++x) {
            std::size_t const i = std::size_t(y) * given.width + x;
            float const *o = &given.pixels[4 * i], *r = &made.pixels[4 * i];
            bool const unchanged = masks.denoise.values[i] == 0 && o[3] >= 1;
            s.given.push_back(unchanged ? lab_of(o) : lab_colour{});
            s.made.push_back(unchanged ? lab_of(r) : lab_colour{});
            s.known.push_back(unchanged && !is_clipped(o) && !is_clipped(r));
        }
    return s;
}

// ---- Tone

// How much a lightness changes from a pixel to its neighbours.
template <class Value> double slope(surroundings const& s, int x, int y, Value const& value) {
    auto const step = [&](int dx, int dy) {
        bool const has = s.contains(x + dx, y + dy) && s.known[s.at(x + dx, y + dy)];
        return has ? value(s.at(x + dx, y + dy)) - value(s.at(x, y)) : 0;
    };
    return std::hypot(step(1, 0), step(0, 1));
}

std::vector<known_pixel> ring_pixels(surroundings const& s, mask const& beyond, int ring) {
    std::vector<known_pixel> all;
    std::vector<double> slopes;
    for (int y = s.area.y; y < s.area.bottom(); ++y)
        for (int x = s.area.x; x < s.area.right(); ++x) {
            std::size_t const i = s.at(x, y);
            float const distance = beyond.values[std::size_t(y) * beyond.width + x];
            if (!s.known[i] || distance < 2 || distance > float(ring)) continue;
            all.push_back({s.given[i], s.made[i], std::exp(-2.0 * distance / ring)});
            slopes.push_back(slope(s, x, y, [&](std::size_t k) { return s.given[k][0]; }));
        }
    if (all.empty()) return all;
    // Edges tell how sharp a model is, and nothing of its tone.
    double const usual = weighted_median(slopes, std::vector<double>(slopes.size(), 1.0));
    for (std::size_t i = 0; i < all.size(); ++i)
        if (slopes[i] > 4 * usual) all[i].weight = 0;
    return all;
}

void apply(tone_match const& tone, surroundings& s) {
    for (lab_colour& c : s.made) c = tone.apply(c);
}

// ---- The membrane

struct rim_pixel {
    int x, y;
    lab_colour difference; // from what was made to what was given, without what differs from pixel to pixel
    double roughness;
};

// The mean of `value` of known pixels around one that is.
template <class Value>
lab_colour mean_around(surroundings const& s, int x, int y, double deviation, Value const& value) {
    int const reach = int(std::ceil(3 * deviation));
    lab_colour sum{};
    double weights = 0;
    for (int v = y - reach; v <= y + reach; ++v)
        for (int u = x - reach; u <= x + reach; ++u) {
            if (!s.contains(u, v) || !s.known[s.at(u, v)]) continue;
            double const w = std::exp(-0.5 * ((u - x) * (u - x) + (v - y) * (v - y)) / (deviation * deviation));
            lab_colour const here = value(u, v);
            for (std::size_t c = 0; c < 3; ++c) sum[c] += w * here[c];
            weights += w;
        }
    for (double& v : sum) v /= weights;
    return sum;
}

std::vector<rim_pixel> rim_of(surroundings const& s, inpaint_masks const& masks) {
    double const deviation = std::clamp(masks.ring / 4.0, 2.0, 12.0);
    auto const difference = [&](int u, int v) { return s.difference(s.at(u, v)); };
    auto const roughness = [&](int u, int v) {
        return lab_colour{slope(s, u, v, [&](std::size_t k) { return s.difference(k)[0]; })};
    };
    std::vector<rim_pixel> all;
    for (int y = s.area.y; y < s.area.bottom(); ++y)
        for (int x = s.area.x; x < s.area.right(); ++x) {
            float const distance = masks.beyond.values[std::size_t(y) * masks.beyond.width + x];
            if (!s.known[s.at(x, y)] || distance <= 0 || distance > rim) continue;
            rim_pixel p{x, y, mean_around(s, x, y, deviation, difference),
                        mean_around(s, x, y, deviation / 2, roughness)[0]};
            for (std::size_t c = 0; c < 3; ++c)
                p.difference[c] = std::clamp(p.difference[c], -most_carried[c], most_carried[c]);
            all.push_back(p);
        }
    return all;
}

// How far each is to be believed: little where its difference is unlike most, as where an object ends that the model
// did not continue, or where given and made differ in detail. Empty: hardly any is.
std::vector<double> trust_in(std::vector<rim_pixel> const& all) {
    std::vector<double> lightness, roughness, deviations;
    for (rim_pixel const& p : all) lightness.push_back(p.difference[0]), roughness.push_back(p.roughness);
    std::vector<double> const alike(all.size(), 1.0);
    double const middle = weighted_median(lightness, alike);
    for (double v : lightness) deviations.push_back(std::abs(v - middle));
    double const deviation = std::max(weighted_median(deviations, alike), least_deviation),
                 rough = std::max(3 * weighted_median(roughness, alike), least_deviation);
    std::vector<double> trust;
    double sum = 0;
    for (std::size_t i = 0; i < all.size(); ++i) {
        double const x = (lightness[i] - middle) / (3 * deviation), y = roughness[i] / rough;
        trust.push_back(std::max(least, std::abs(x) < 1 ? std::pow(1 - x * x, 2) * std::exp(-y * y) : 0));
        sum += trust.back();
    }
    return sum < 0.1 * double(all.size()) ? std::vector<double>{} : trust;
}

// What is added inside.
struct membrane {
    rect area;                  // empty: nothing
    std::vector<float> carried; // [h, w, 4]: L, a, b, nothing
};

std::optional<membrane> hang(device& d, shelf const& models, std::vector<rim_pixel> const& all, rect const& area,
                             job const& j) {
    auto const is_none = [](rim_pixel const& p) { return p.difference == lab_colour{}; };
    std::vector<double> const trust = all.empty() ? std::vector<double>{} : trust_in(all);
    if (trust.empty() || std::ranges::all_of(all, is_none)) return membrane{};
    std::size_t const count = std::size_t(area.width) * area.height;
    std::vector<float> pixels(4 * count), weights(count);
    for (std::size_t i = 0; i < all.size(); ++i) {
        std::size_t const at = std::size_t(all[i].y - area.y) * area.width + (all[i].x - area.x);
        for (std::size_t c = 0; c < 3; ++c) pixels[4 * at + c] = float(all[i].difference[c]);
        weights[at] = float(trust[i]);
    }
    auto carried = run(d, models, record_smooth_fill(d.target(), {area.width, area.height}), {pixels, weights}, j);
    if (!carried) return std::nullopt;
    return membrane{area, std::move(*carried)};
}

// ---- Both together

// A pixel's colour as it fits.
void correct(float* rgb, tone_match const& tone, float const* carried) {
    lab_colour c = tone.apply(lab_of(rgb));
    for (std::size_t i = 0; carried && i < 3; ++i) c[i] += carried[i];
    put_rgb(c, rgb);
}

} // namespace

std::optional<picture> fit(device& d, shelf const& models, picture const& given, picture made, mask const& selection,
                           inpaint_masks const& masks, job const& j) {
    surroundings s = look_around(given, made, masks);
    tone_match const tone = match_tone(ring_pixels(s, masks.beyond, masks.ring));
    apply(tone, s);
    rect const hung = intersect(grown(bounds(masks.denoise), int(rim)), {0, 0, given.width, given.height});
    auto const held = hang(d, models, rim_of(s, masks), hung, j);
    if (!held) return std::nullopt;
    bool const stays = tone.is_none() && held->area.empty();
    for (int y = 0; y < given.height; ++y)
        for (int x = 0; x < given.width; ++x) {
            std::size_t const i = std::size_t(y) * given.width + x;
            float* const to = &made.pixels[4 * i];
            if (masks.composite.values[i] <= 0) {
                std::copy_n(&given.pixels[4 * i], 4, to);
                continue;
            }
            std::size_t const at = std::size_t(y - hung.y) * hung.width + (x - hung.x);
            if (!stays) correct(to, tone, held->area.empty() ? nullptr : &held->carried[4 * at]);
            to[3] = selection.values[i] > 0 ? 1 : given.pixels[4 * i + 3];
        }
    return made;
}

std::uint64_t bytes_of_fit(device& d, mask const& denoise) {
    rect const box = bounds(denoise);
    int const width = std::min(box.width + 2 * int(rim), denoise.width),
              height = std::min(box.height + 2 * int(rim), denoise.height);
    return plan::peak_bytes(record_smooth_fill(d.target(), {width, height}).g);
}

} // namespace sfumato
