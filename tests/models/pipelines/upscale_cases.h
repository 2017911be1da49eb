// Pictures to enlarge, small networks to do it, and what comes of them.
#pragma once

#include "models/files/safetensors_write.h"
#include "models/library/open_checkpoint.h"
#include "models/pipelines/upscale/upscale_parts.h"
#include "tests/kernels/kernel_test.h"
#include "tests/models/pipelines/enlarge.h"
#include "tests/scratch_folder.h"

#include <cmath>
#include <cstring>

namespace sfumato {

constexpr char const* x4 = "procedural:srvgg-x4-tiny";           // its convolutions reach 6 pixels
constexpr char const* unshuffled = "procedural:rrdbnet-x2-tiny"; // its sides are even
constexpr char const* with_means = "procedural:cunet-x2";        // of the whole picture

// A picture with something everywhere.
inline picture sketch(int width, int height) {
    picture p(width, height);
    auto const noise = random_values(p.pixels.size());
    for (int y = 0; y < height; ++y)
        for (int x = 0; x < width; ++x)
            for (int c = 0; c < 4; ++c) {
                std::size_t const i = 4 * (std::size_t(y) * std::size_t(width) + std::size_t(x)) + std::size_t(c);
                p.pixels[i] = c == 3 ? 1 : 0.5f + 0.3f * std::sin(0.1f * float(x * (c + 1) + y)) + 0.1f * noise[i];
            }
    return p;
}

// Squares of 60 pixels, in turn dark and noise.
inline picture draughts(int width, int height) {
    picture p = sketch(width, height);
    for (int y = 0; y < height; ++y)
        for (int x = 0; x < width; ++x)
            for (int c = 0; c < 3; ++c)
                if ((x / 60 + y / 60) % 2 == 0) p.pixels[4 * std::size_t(y * width + x) + std::size_t(c)] = 0.1f;
    return p;
}

inline request asked(std::string model, double scale, int tile = 0) {
    request r{.operation = operation::upscale};
    r.upscale = {.model = std::move(model), .scale = scale, .tile = tile, .dtype = dtype::f32};
    return r;
}

struct enlarged {
    picture made;
    std::vector<upscale_plan> plans;
};

inline enlarged enlarge(picture const& p, request const& r, std::optional<upscale_part> part = {}) {
    shelf models;
    enlarged e;
    common_to_parts alone;
    auto made = upscale_one_part(test_device(), open_upscaler(models, r.upscale), r.upscale, p,
                                 part.value_or(whole_part(p, r.upscale.scale)), alone, {},
                                 [&](upscale_plan const& plan) { e.plans.push_back(plan); });
    EXPECT_TRUE(made);
    if (made) e.made = std::move(*made);
    return e;
}

// The client of a run: what is read and given, and when.
struct parts_client final : run_client {
    picture const& given;
    picture made;
    std::vector<rect> reads{}, foreseen{}, taken{};
    std::vector<run_plan> plans{};

    parts_client(picture const& given, double scale)
        : given(given), made(upscaled(given.width, scale), upscaled(given.height, scale)) {}
    std::optional<picture> read_picture(std::string_view name, rect const& area) override {
        EXPECT_EQ(name, "picture");
        reads.push_back(area);
        return crop(given, area);
    }
    std::optional<mask> read_mask(std::string_view, rect const&) override { return std::nullopt; }
    void will_read(std::string_view, rect const& area) override { foreseen.push_back(area); }
    void take(run_result r) override {
        taken.push_back({r.x, r.y, r.picture.width, r.picture.height});
        for (int y = 0; y < r.picture.height; ++y)
            std::copy_n(&r.picture.pixels[4 * std::size_t(y * r.picture.width)], 4 * r.picture.width,
                        &made.pixels[4 * std::size_t((r.y + y) * made.width + r.x)]);
    }
    void planned(run_plan const& p) override { plans.push_back(p); }
};

inline run_input input_of(request const& r, picture const& p) {
    return {.request = r, .pictures = {{"picture", p.width, p.height}}};
}

inline double largest_difference(picture const& a, picture const& b) {
    if (a.pixels.size() != b.pixels.size()) return INFINITY;
    double largest = 0;
    for (std::size_t i = 0; i < a.pixels.size(); ++i)
        largest = std::max(largest, std::abs(double(a.pixels[i]) - b.pixels[i]));
    return largest;
}

inline float channel(picture const& p, int x, int y, int c) {
    return p.pixels[4 * (std::size_t(y) * std::size_t(p.width) + std::size_t(x)) + std::size_t(c)];
}

// Writes a procedural model of which each tensor is multiplied by what `factor` says to its name.
inline std::string write_scaled(scratch_folder const& folder, char const* model,
                                float (*factor)(std::string_view name)) {
    checkpoint const c = open_checkpoint(model);
    std::map<std::string, std::vector<float>> values;
    std::map<std::string, stored_tensor, std::less<>> tensors;
    for (auto const& [name, t] : c.tensors) {
        std::vector<std::byte> scratch;
        auto const bytes = t.read(scratch);
        for (std::size_t i = 0; i < t.count(); ++i) {
            std::uint16_t half;
            std::memcpy(&half, &bytes[2 * i], 2);
            values[name].push_back(f16_value(half) * factor(name));
        }
        tensors[name] = f32_tensor(t.shape, values[name]);
    }
    std::string const path = folder / "scaled.safetensors";
    write_safetensors(path, tensors);
    return path;
}

// CUnet in which what a channel's mean says has much weight, as in trained ones.
inline std::string write_excited(scratch_folder const& folder) {
    return write_scaled(folder, with_means, [](std::string_view name) {
        return name.find("seblock") != name.npos && name.ends_with("weight") ? 20.f : 1.f;
    });
}

} // namespace sfumato
