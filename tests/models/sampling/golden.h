// What tests of samplers share: golden tensors, and how far numbers are from them.
#pragma once

#include "models/files/safetensors.h"

#include <cmath>
#include <cstring>
#include <gtest/gtest.h>

namespace sfumato {

inline checkpoint golden_file(std::string const& name) {
    std::string const path = GOLDEN "/samplers/" + name + ".safetensors";
    return read_safetensors(map_file(path), path);
}

inline std::vector<double> golden_values(stored_tensor const& t) {
    std::vector<std::byte> scratch;
    auto const bytes = t.read(scratch);
    std::vector<double> values(t.count());
    auto const read = [&]<class T>(T value) {
        for (std::size_t i = 0; i < values.size(); ++i) {
            std::memcpy(&value, bytes.data() + i * sizeof value, sizeof value);
            values[i] = double(value);
        }
    };
    if (t.type == stored_type::f32) read(float());
    if (t.type == stored_type::f64) read(double());
    if (t.type == stored_type::i64) read(std::int64_t());
    return values;
}

/// Mean squared error over the golden values' variance (their mean square where they are constant).
inline double golden_nmse(std::span<double const> got, std::span<double const> golden) {
    if (got.size() != golden.size()) return std::nan("");
    double mean = 0, variance = 0, square = 0, error = 0;
    for (double g : golden) mean += g / double(golden.size());
    for (std::size_t i = 0; i < golden.size(); ++i) {
        variance += (golden[i] - mean) * (golden[i] - mean);
        square += golden[i] * golden[i];
        error += (got[i] - golden[i]) * (got[i] - golden[i]);
    }
    return error / (variance > 1e-20 * square ? variance : square);
}

} // namespace sfumato
