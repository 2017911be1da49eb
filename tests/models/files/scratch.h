// What tests of model files share: files byte by byte, the sentence of an error.
#pragma once

#include "compute/error.h"
#include "models/files/checkpoint.h"
#include "tests/scratch_folder.h"

#include <cstring>
#include <gtest/gtest.h>

namespace sfumato {

inline std::string file_bytes(std::filesystem::path const& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

/// A number as it lies in a file.
template <class T> std::string little(T value) {
    std::string bytes(sizeof value, 0);
    std::memcpy(bytes.data(), &value, sizeof value);
    return bytes;
}

/// What `work` threw, or "" where it threw nothing. Every error is one sentence of a bearable length.
template <class Work> std::string error_of(Work work) {
    try {
        work();
    } catch (error const& e) {
        std::string const told = e.what();
        EXPECT_LT(told.size(), 500u) << told;
        EXPECT_TRUE(told.ends_with(".")) << told;
        return told;
    }
    return "";
}

/// The same names, types, shapes and bytes.
inline void expect_equal(checkpoint const& a, checkpoint const& b) {
    std::vector<std::byte> of_a, of_b;
    for (auto const& [name, tensor] : a.tensors) EXPECT_TRUE(b.find(name)) << name << " is missing";
    for (auto const& [name, tensor] : b.tensors) {
        auto const other = a.find(name);
        ASSERT_TRUE(other) << name << " is too much";
        EXPECT_EQ(show_shape(*other), show_shape(tensor)) << name;
        EXPECT_TRUE(std::ranges::equal(other->read(of_a), tensor.read(of_b))) << name;
    }
}

} // namespace sfumato
