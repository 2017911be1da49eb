// What a model's file or folder holds: tensors by name, wherever and however they are stored.
#pragma once

#include "models/weights/mapped_file.h"

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

/// The bytes of a tensor; nothing where there is no such tensor: an extent below 0, more than 2⁶³ bytes, a block begun.
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

/// Tensors under the names of single-file checkpoints (docs/model-files.md), whatever layout they came in:
///   model.diffusion_model.*                           UNet, MMDiT (CompVis / Stability names)
///   first_stage_model.*                               VAE
///   cond_stage_model.transformer.text_model.*         text encoder of SD1 and SD2, in transformers' names (q_proj …)
///   conditioner.embedders.{0,1}.transformer.text_model.*   of SDXL
///   text_encoders.{clip_l,clip_g,t5xxl}.transformer.*      of SD3
///   taesd_encoder.*, taesd_decoder.*                       TAESD, layers numbered as in its original files
/// Upscalers: without a prefix, as models/weights/layout.h lists them.
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

/// Reads the directory of a model: .safetensors, .ckpt/.pt/.pth, .gguf, either file of ncnn's .param and .bin, a
/// diffusers folder, or "procedural:NAME" (models/weights/procedural.h). No tensor's bytes are read yet. Throws error:
/// not there, damaged (what and where), a format that is not supported.
checkpoint open_checkpoint(std::string const& source);

} // namespace sfumato
