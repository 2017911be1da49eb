// The text form of ncnn's graphs: a magic number, how many layers and blobs there are, then a line for each layer.
// https://github.com/Tencent/ncnn/wiki/param-and-model-file-structure
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sfumato {

/// TYPE NAME INPUTS OUTPUTS INPUT… OUTPUT… NUMBER=VALUE…; the texts lie in the file.
struct ncnn_layer {
    std::string_view type, name;
    std::vector<std::string_view> inputs, outputs; // blobs
    /// By their numbers; lists, written −23300 − NUMBER=COUNT,VALUE,…, by the same.
    std::map<int, std::vector<double>> settings;
};

bool is_ncnn_param(std::span<std::byte const> bytes);

/// NAME.param of a model whose either file this is, NAME.param or NAME.bin; nothing where it is none.
std::optional<std::filesystem::path> ncnn_param_of(std::filesystem::path const&);

/// Throws error: damaged, of another number of layers than it says.
std::vector<ncnn_layer> read_ncnn_param(std::span<std::byte const> bytes, std::string const& source);

} // namespace sfumato
