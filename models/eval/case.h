// Cases: what goes into a network, and what the reference implementation makes of it: safetensors files with tensors
// in.NAME, tap.NAME (intermediate results, named as modules are in the original code) and out.NAME, in torch's order.
#pragma once

#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace sfumato {

/// Any type of the file, as float.
struct case_tensor {
    std::vector<std::int64_t> shape; // [n, c, h, w], [n, tokens, c], [n, c], [n]
    std::vector<float> values;
};
using case_tensors = std::map<std::string, case_tensor, std::less<>>;

/// In a shape that is asked for: any extent from 1 on.
inline constexpr std::int64_t any_extent = 0;

struct network_case {
    std::string source;      // for messages
    std::string which;       // of several networks of a kind: "clip_l"; may be empty
    nlohmann::json config;   // the network's sizes, an object; null where the file has none
    nlohmann::json metadata; // all that the file says of itself, an object of strings
    case_tensors tensors;

    bool has(std::string_view name) const { return tensors.contains(name); }
    /// Throws error when there is no such tensor, or its shape is not as wanted.
    case_tensor const& at(std::string_view name, std::initializer_list<std::int64_t> wanted) const;
};

/// Throws error: not there, damaged.
network_case read_case(std::string const& path);

/// As f32; metadata: an object of strings. Throws error.
void write_case(std::filesystem::path const&, case_tensors const&, nlohmann::json const& metadata = {});

} // namespace sfumato
