// What a model's file or folder holds: tensors by name, wherever and however they are stored. Each format but ncnn
// (models/names/ncnn_names.h) has a pair of files here; models/library/open_checkpoint.h tells them apart.
#pragma once

#include "models/files/mapped_file.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sfumato {

/// How numbers lie in files. The last row: blocks of GGUF files.
// clang-format off
enum class stored_type : std::uint8_t {
    f64, f32, f16, bf16, f8_e4m3, f8_e5m2,
    i64, i32, i16, i8, u64, u32, u16, u8, boolean,
    q8_0, q4_0, q4_k, q5_k, q6_k,
};
// clang-format on
std::string_view name_of(stored_type);

/// The bytes of a tensor. Nothing where there can be no such tensor: an extent is below 0, it would take more than 2⁶³
/// bytes, or its elements do not fill whole blocks.
std::optional<std::size_t> stored_bytes(stored_type, std::span<std::int64_t const> shape);

/// One tensor of a checkpoint, row-major, little endian.
struct stored_tensor {
    stored_type type = stored_type::f32;
    std::vector<std::int64_t> shape; // outermost first, as torch prints it; empty: one number

    /// Where the bytes lie in a mapped file; empty when `make` computes them.
    std::span<std::byte const> mapped;
    /// Writes all bytes(): of tensors that no file holds in this form (procedural, transposed, put together).
    std::function<void(std::span<std::byte>)> make;

    std::size_t count() const;
    std::size_t bytes() const;
    /// The bytes, in the file itself or made into `scratch`.
    std::span<std::byte const> read(std::vector<std::byte>& scratch) const;
};

/// As messages show them: `"vae.conv_in.weight"`, safe to print whatever is in it; `f16 [320, 4, 3, 3]`.
std::string show_name(std::string_view name);
std::string show_shape(stored_tensor const&);

/// A model's tensors, by name. Once open_checkpoint() has given them their canonical names, each network's begin with a
/// prefix (models/files/prefixes.h) and go on as its tensors() says (models/networks/); upscalers have no prefix.
struct checkpoint {
    std::string source;      // the path, as the user gave it; or "procedural:sd15"
    std::string format;      // "safetensors", "PyTorch zip", "GGUF v3", "diffusers folder" …
    nlohmann::json metadata; // what the file says of itself, an object; unchecked
    std::map<std::string, stored_tensor, std::less<>> tensors;
    std::vector<mapped_file> files; // whole: they begin at a page, and keep `mapped` spans alive

    stored_tensor const* find(std::string_view name) const;
    /// Throws error naming the tensor and the source.
    stored_tensor const& at(std::string_view name) const;

    /// Whether the files with its weights are as they were.
    bool is_current() const;
};

} // namespace sfumato
