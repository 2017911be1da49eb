// For kernel tests: one device for all of them, guarded plans, random inputs from a logged seed.
#pragma once

#include "compute/graph.h"
#include "compute/half.h"
#include "tests/kernels/compile_times.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <gtest/gtest.h>
#include <random>
#include <span>
#include <vector>

namespace sfumato {

/// The device under test; opened once.
inline device& test_device() {
    static device the;
    return the;
}

/// `count` numbers in [low, high); the same for the same seed.
inline std::vector<float> random_values(std::size_t count, float low = 0, float high = 1, unsigned seed = 1) {
    std::mt19937 generator(seed);
    std::uniform_real_distribution<float> uniform(low, high);
    std::vector<float> values(count);
    for (float& v : values) v = uniform(generator);
    return values;
}

/// The nearest numbers that `type` can hold.
inline std::vector<float> rounded(std::vector<float> values, dtype type) {
    for (float& v : values)
        v = type == dtype::f16 ? f16_value(f16_bits(v)) : type == dtype::bf16 ? bf16_value(bf16_bits(v)) : v;
    return values;
}

/// What an op whose result (or operands of a cooperative matrix) is stored as `type` may differ from fp64 on the same
/// rounded inputs, as nmse().
inline double nmse_limit(dtype type) { return type == dtype::f16 ? 1e-6 : type == dtype::bf16 ? 5e-5 : 1e-11; }

inline constexpr dtype float_types[] = {dtype::f32, dtype::f16, dtype::bf16};

/// A graph with its inputs' data, run in a guarded plan: every output starts as NaN, writes behind a tensor fail the
/// test.
struct kernel_run {
    graph g;

    explicit kernel_run(target const& to = test_device().target()) : g(to) {}

    template <class T> tensor input(shape s, std::vector<T> const& data) {
        tensor const t = g.input(s, std::is_same_v<T, float> ? dtype::f32 : dtype::u32);
        auto const bytes = std::as_bytes(std::span(data));
        uploads_.push_back({t, {bytes.begin(), bytes.end()}});
        return t;
    }
    /// Stored as `type`; give it rounded() values, so that the reference sees the same numbers.
    tensor input(shape s, std::vector<float> const& data, dtype type) {
        if (type == dtype::f32) return input(s, data);
        tensor const t = g.input(s, type);
        std::vector<std::uint16_t> halves(data.size());
        std::ranges::transform(data, halves.begin(), type == dtype::f16 ? f16_bits : bf16_bits);
        auto const bytes = std::as_bytes(std::span(halves));
        uploads_.push_back({t, {bytes.begin(), bytes.end()}});
        return t;
    }
    tensor output(shape s, dtype type = dtype::f32) {
        tensor const t = g.temporary(s, type);
        g.output(t);
        return t;
    }
    /// Call after recording; then read with `download`.
    void run() {
        compile_times::note(test_device(), g);
        plan_ = std::make_unique<plan>(test_device(), g, plan_options{.guarded = true});
        for (auto const& [t, bytes] : uploads_) plan_->upload(t, bytes.data(), bytes.size());
        ASSERT_NO_THROW(ASSERT_TRUE(plan_->run()));
    }
    template <class T = float> std::vector<T> download(tensor const& t) {
        if constexpr (std::is_same_v<T, float>)
            if (t.type == dtype::f16 || t.type == dtype::bf16) {
                auto const halves = plan_->download<std::uint16_t>(t);
                std::vector<float> values(halves.size());
                std::ranges::transform(halves, values.begin(), t.type == dtype::f16 ? f16_value : bf16_value);
                return values;
            }
        return plan_->download<T>(t);
    }

  private:
    std::vector<std::pair<tensor, std::vector<std::byte>>> uploads_;
    std::unique_ptr<plan> plan_;
};

/// Normalised mean squared error: Σ(a−b)² / Σb². NaN where either holds one the other does not.
inline double nmse(std::span<float const> got, std::span<float const> wanted) {
    double error = 0, power = 0;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        error += (double(got[i]) - wanted[i]) * (double(got[i]) - wanted[i]);
        power += double(wanted[i]) * wanted[i];
    }
    return got.size() != wanted.size() ? std::nan("") : error / std::max(power, 1e-30);
}

} // namespace sfumato
