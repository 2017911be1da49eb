// What fitting a model's picture into its surroundings computes, written down once more: plainly, in double, and
// slowly. Masks by comparing each pixel with each other, the membrane level by level.
#pragma once

#include "request/picture.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

namespace sfumato::seam_reference {

using plane = std::vector<double>;
using colours = std::vector<std::array<double, 3>>;

// ---- Masks

/// From each pixel to the nearest where `is` holds; `most` where there is none nearer.
template <class Is> plane distances(int width, int height, double most, Is const& is) {
    plane found(std::size_t(width) * height, most);
    for (int y = 0; y < height; ++y)
        for (int x = 0; x < width; ++x)
            for (int v = 0; v < height; ++v)
                for (int u = 0; u < width; ++u)
                    if (is(std::size_t(v) * width + u)) {
                        double& d = found[std::size_t(y) * width + x];
                        d = std::min(d, std::hypot(u - x, v - y));
                    }
    return found;
}

struct masks {
    plane denoise, composite, beyond;
    rect box; // of what is made anew
    int ring = 0;
};

inline masks masks_of(mask const& selection, int edge) {
    int const width = selection.width, height = selection.height;
    auto const ramp = [&](double d, double full) { return std::clamp((edge + 1 - d) / (edge + 1 - full), 0.0, 1.0); };
    plane const away =
        distances(width, height, edge + 1, [&](std::size_t i) { return selection.values[i] >= 511 / 512.0; });
    masks m;
    mask anew(width, height);
    for (std::size_t i = 0; i < away.size(); ++i) {
        double u = std::max(double(selection.values[i]), ramp(away[i], std::min(4.0, edge / 8.0)));
        u = u <= 1 / 512.0 ? 0 : u >= 511 / 512.0 ? 1 : u;
        m.denoise.push_back(u);
        m.composite.push_back(u > 0 ? std::max(double(selection.values[i]), ramp(away[i], edge / 3.0)) : 0);
        anew.values[i] = float(u);
    }
    m.box = bounds(anew);
    m.ring = std::clamp(int(std::lround(0.06 * std::hypot(m.box.width, m.box.height))), 8, 64);
    m.beyond = distances(width, height, m.ring + 1, [&](std::size_t i) { return m.denoise[i] > 0; });
    return m;
}

// ---- Oklab

inline std::array<double, 3> lab_of(double const* rgb) {
    double linear[3];
    for (int i = 0; i < 3; ++i)
        linear[i] = rgb[i] <= 0.04045 ? rgb[i] / 12.92 : std::pow((rgb[i] + 0.055) / 1.055, 2.4);
    double const to_lms[3][3] = {{0.4122214708, 0.5363325363, 0.0514459929},
                                 {0.2119034982, 0.6806995451, 0.1073969566},
                                 {0.0883024619, 0.2817188376, 0.6299787005}},
                 to_lab[3][3] = {{0.2104542553, 0.7936177850, -0.0040720468},
                                 {1.9779984951, -2.4285922050, 0.4505937099},
                                 {0.0259040371, 0.7827717662, -0.8086757660}};
    double lms[3], lab[3];
    for (int i = 0; i < 3; ++i)
        lms[i] = std::cbrt(to_lms[i][0] * linear[0] + to_lms[i][1] * linear[1] + to_lms[i][2] * linear[2]);
    for (int i = 0; i < 3; ++i) lab[i] = to_lab[i][0] * lms[0] + to_lab[i][1] * lms[1] + to_lab[i][2] * lms[2];
    return {lab[0], lab[1], lab[2]};
}

inline std::array<double, 3> rgb_of(std::array<double, 3> const& c) {
    double const l = std::pow(c[0] + 0.3963377774 * c[1] + 0.2158037573 * c[2], 3),
                 m = std::pow(c[0] - 0.1055613458 * c[1] - 0.0638541728 * c[2], 3),
                 s = std::pow(c[0] - 0.0894841775 * c[1] - 1.2914855480 * c[2], 3);
    std::array<double, 3> rgb{4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
                              -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
                              -0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s};
    for (double& v : rgb) v = v <= 0.0031308 ? 12.92 * v : 1.055 * std::pow(v, 1 / 2.4) - 0.055;
    return rgb;
}

// ---- The membrane: push–pull

struct level {
    int width = 0, height = 0;
    colours values;
    plane weights;
};

inline level pushed(level const& fine) {
    level half{(fine.width + 1) / 2, (fine.height + 1) / 2, {}, {}};
    for (int y = 0; y < half.height; ++y)
        for (int x = 0; x < half.width; ++x) {
            std::array<double, 3> sum{};
            double weights = 0;
            for (int v = -1; v <= 2; ++v)
                for (int u = -1; u <= 2; ++u) {
                    int const fx = 2 * x + u, fy = 2 * y + v;
                    if (fx < 0 || fy < 0 || fx >= fine.width || fy >= fine.height) continue;
                    std::size_t const i = std::size_t(fy) * fine.width + fx;
                    double const w = (u == 0 || u == 1 ? 3 : 1) * (v == 0 || v == 1 ? 3 : 1) * fine.weights[i];
                    for (int c = 0; c < 3; ++c) sum[c] += w * fine.values[i][c];
                    weights += w;
                }
            for (double& s : sum) s = weights > 0 ? s / weights : 0;
            half.values.push_back(sum);
            half.weights.push_back(std::min(1.0, weights / 16));
        }
    return half;
}

inline colours filled(level const& fine) {
    if (fine.width == 1 && fine.height == 1) return fine.values;
    level const half = pushed(fine);
    colours const coarse = filled(half);
    auto const at = [&](double x, double y, int c) {
        x = std::clamp(x, 0.0, double(half.width - 1)), y = std::clamp(y, 0.0, double(half.height - 1));
        int const left = int(x), top = int(y), right = std::min(left + 1, half.width - 1),
                  bottom = std::min(top + 1, half.height - 1);
        auto const v = [&](int u, int w) { return coarse[std::size_t(w) * half.width + u][c]; };
        double const fx = x - left, fy = y - top;
        return (1 - fy) * ((1 - fx) * v(left, top) + fx * v(right, top)) +
               fy * ((1 - fx) * v(left, bottom) + fx * v(right, bottom));
    };
    colours all = fine.values;
    for (int y = 0; y < fine.height; ++y)
        for (int x = 0; x < fine.width; ++x)
            for (int c = 0; c < 3; ++c) {
                std::size_t const i = std::size_t(y) * fine.width + x;
                all[i][c] =
                    fine.weights[i] * fine.values[i][c] + (1 - fine.weights[i]) * at(0.5 * x - 0.25, 0.5 * y - 0.25, c);
            }
    return all;
}

// ---- All of it, for opaque pictures

inline double median(plane values, plane weights = {}) {
    if (weights.empty()) weights.assign(values.size(), 1);
    std::vector<std::pair<double, double>> all;
    double half = 0, below = 0;
    for (std::size_t i = 0; i < values.size(); ++i) all.emplace_back(values[i], weights[i]), half += weights[i] / 2;
    std::ranges::sort(all);
    for (auto const& [value, weight] : all)
        if ((below += weight) >= half) return value;
    return all.back().first;
}

/// `made` as it is fitted into `given`, red, green and blue [h, w]; where nothing is seen of it, `given`. Without a
/// gain.
inline colours fit(picture const& given, picture const& made, masks const& m) {
    int const width = given.width, height = given.height;
    std::size_t const count = std::size_t(width) * height;
    colours o(count), r(count);
    std::vector<bool> known(count);
    for (std::size_t i = 0; i < count; ++i) {
        bool clipped = false;
        double a[3], b[3];
        for (int c = 0; c < 3; ++c) {
            a[c] = given.pixels[4 * i + c], b[c] = made.pixels[4 * i + c];
            clipped = clipped || std::min(a[c], b[c]) < 1 / 255.0 || std::max(a[c], b[c]) > 254 / 255.0;
        }
        o[i] = lab_of(a), r[i] = lab_of(b);
        known[i] = m.denoise[i] == 0 && !clipped;
    }
    auto const is_known = [&](int x, int y) {
        return x >= 0 && y >= 0 && x < width && y < height && known[std::size_t(y) * width + x];
    };
    auto const slope = [&](int x, int y, auto const& value) {
        std::size_t const i = std::size_t(y) * width + x;
        return std::hypot(is_known(x + 1, y) ? value(i + 1) - value(i) : 0.0,
                          is_known(x, y + 1) ? value(i + std::size_t(width)) - value(i) : 0.0);
    };

    // Tone: the offset of the ring.
    std::vector<std::size_t> ring;
    plane weights, slopes;
    for (int y = 0; y < height; ++y)
        for (int x = 0; x < width; ++x) {
            std::size_t const i = std::size_t(y) * width + x;
            if (!known[i] || m.beyond[i] < 2 || m.beyond[i] > m.ring) continue;
            ring.push_back(i);
            weights.push_back(std::exp(-m.beyond[i] / (m.ring / 2.0)));
            slopes.push_back(slope(x, y, [&](std::size_t k) { return o[k][0]; }));
        }
    double const usual = median(slopes);
    for (std::size_t k = 0; k < ring.size(); ++k)
        if (slopes[k] > 4 * usual) weights[k] = 0;
    std::array<double, 3> offset{};
    for (int c = 0; c < 3; ++c) {
        plane shifts, far;
        for (std::size_t i : ring) shifts.push_back(o[i][c] - r[i][c]);
        double middle = median(shifts, weights);
        for (double s : shifts) far.push_back(std::abs(s - middle));
        double const mad = median(far, weights);
        for (int round = 0; mad > 0 && round < 2; ++round) {
            double sum = 0, all = 0;
            for (std::size_t k = 0; k < ring.size(); ++k) {
                double const t = (shifts[k] - middle) / (4.685 * 1.4826 * mad),
                             w = std::abs(t) < 1 ? weights[k] * std::pow(1 - t * t, 2) : 0;
                sum += w * shifts[k], all += w;
            }
            middle = sum / all;
        }
        offset[c] = mad > 5 * std::abs(median(shifts, weights)) ? 0 : middle;
    }
    if (std::abs(offset[0]) < 0.5 / 255 && std::abs(offset[1]) < 0.002 && std::abs(offset[2]) < 0.002) offset = {};
    for (auto& v : r)
        for (int c = 0; c < 3; ++c) v[c] += offset[c];

    // The rim: what is left there, smoothed, and how far it is believed.
    double const deviation = std::clamp(m.ring / 4.0, 2.0, 12.0);
    auto const mean = [&](int x, int y, double s, auto const& value) {
        double sum = 0, all = 0;
        int const reach = int(std::ceil(3 * s));
        for (int v = y - reach; v <= y + reach; ++v)
            for (int u = x - reach; u <= x + reach; ++u)
                if (is_known(u, v) && m.beyond[std::size_t(v) * width + u] <= m.ring + 1) {
                    double const w = std::exp(-((u - x) * (u - x) + (v - y) * (v - y)) / (2 * s * s));
                    sum += w * value(u, v), all += w;
                }
        return sum / all;
    };
    std::vector<std::size_t> rim;
    colours left;
    plane rough, lightness, away;
    for (int y = 0; y < height; ++y)
        for (int x = 0; x < width; ++x) {
            std::size_t const i = std::size_t(y) * width + x;
            if (!known[i] || m.beyond[i] <= 0 || m.beyond[i] > 2) continue;
            rim.push_back(i);
            std::array<double, 3> d{};
            for (int c = 0; c < 3; ++c)
                d[c] = std::clamp(mean(x, y, deviation,
                                       [&](int u, int v) {
                                           std::size_t const k = std::size_t(v) * width + u;
                                           return o[k][c] - r[k][c];
                                       }),
                                  c ? -0.05 : -0.15, c ? 0.05 : 0.15);
            left.push_back(d);
            rough.push_back(mean(x, y, deviation / 2, [&](int u, int v) {
                return slope(u, v, [&](std::size_t k) { return o[k][0] - r[k][0]; });
            }));
            lightness.push_back(d[0]);
        }
    rect const area = intersect({m.box.x - 2, m.box.y - 2, m.box.width + 4, m.box.height + 4}, {0, 0, width, height});
    auto const in_area = [&](std::size_t i) {
        return (i / std::size_t(width) - area.y) * area.width + (i % std::size_t(width) - area.x);
    };
    level hung{area.width, area.height, colours(std::size_t(area.width) * area.height),
               plane(std::size_t(area.width) * area.height)};
    if (!rim.empty()) {
        double const middle = median(lightness);
        for (double v : lightness) away.push_back(std::abs(v - middle));
        double const mad = std::max(median(away), 0.5 / 255), tau = std::max(3 * median(rough), 0.5 / 255);
        for (std::size_t k = 0; k < rim.size(); ++k) {
            double const x = (lightness[k] - middle) / (3 * mad), t = std::abs(x) < 1 ? std::pow(1 - x * x, 2) : 0;
            hung.values[in_area(rim[k])] = left[k];
            hung.weights[in_area(rim[k])] = std::max(0.002, t * std::exp(-std::pow(rough[k] / tau, 2)));
        }
    }
    colours const carried = filled(hung);
    colours fitted(count);
    for (std::size_t i = 0; i < count; ++i) {
        if (m.composite[i] <= 0) {
            for (int c = 0; c < 3; ++c) fitted[i][c] = given.pixels[4 * i + c];
            continue;
        }
        auto lab = r[i];
        for (int c = 0; c < 3; ++c) lab[c] += carried[in_area(i)][c];
        fitted[i] = rgb_of(lab);
    }
    return fitted;
}

} // namespace sfumato::seam_reference
