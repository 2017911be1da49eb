#include "models/weights/checkpoint.h"

#include "compute/error.h"
#include "models/json.h"
#include "models/weights/built_in.h"
#include "models/weights/canonical.h"
#include "models/weights/diffusers_folder.h"
#include "models/weights/gguf.h"
#include "models/weights/ncnn.h"
#include "models/weights/procedural.h"
#include "models/weights/safetensors.h"
#include "models/weights/torch_old.h"
#include "models/weights/torch_zip.h"
#include "models/weights/zip.h"

#include <cassert>

namespace sfumato {

namespace {

struct type_facts {
    std::string_view name;
    std::int64_t elements, bytes; // of a block
};

type_facts facts_of(stored_type type) {
    switch (type) {
    case stored_type::f64: return {"f64", 1, 8};
    case stored_type::f32: return {"f32", 1, 4};
    case stored_type::f16: return {"f16", 1, 2};
    case stored_type::bf16: return {"bf16", 1, 2};
    case stored_type::f8_e4m3: return {"f8_e4m3", 1, 1};
    case stored_type::f8_e5m2: return {"f8_e5m2", 1, 1};
    case stored_type::i64: return {"i64", 1, 8};
    case stored_type::i32: return {"i32", 1, 4};
    case stored_type::i16: return {"i16", 1, 2};
    case stored_type::i8: return {"i8", 1, 1};
    case stored_type::u64: return {"u64", 1, 8};
    case stored_type::u32: return {"u32", 1, 4};
    case stored_type::u16: return {"u16", 1, 2};
    case stored_type::u8: return {"u8", 1, 1};
    case stored_type::boolean: return {"boolean", 1, 1};
    case stored_type::q8_0: return {"q8_0", 32, 34};
    case stored_type::q4_0: return {"q4_0", 32, 18};
    case stored_type::q4_k: return {"q4_k", 256, 144};
    case stored_type::q5_k: return {"q5_k", 256, 176};
    case stored_type::q6_k: return {"q6_k", 256, 210};
    }
    assert(false);
    return {};
}

} // namespace

std::string_view name_of(stored_type type) { return facts_of(type).name; }

std::optional<std::size_t> stored_bytes(stored_type type, std::span<std::int64_t const> shape) {
    auto const facts = facts_of(type);
    std::int64_t count = 1, bytes = 0;
    for (std::int64_t extent : shape)
        if (extent < 0 || __builtin_mul_overflow(count, extent, &count)) return {};
    if (count % facts.elements || __builtin_mul_overflow(count / facts.elements, facts.bytes, &bytes)) return {};
    return std::size_t(bytes);
}

std::size_t stored_tensor::count() const {
    std::size_t count = 1;
    for (std::int64_t extent : shape) count *= std::size_t(extent);
    return count;
}

std::size_t stored_tensor::bytes() const { return stored_bytes(type, shape).value(); }

std::span<std::byte const> stored_tensor::read(std::vector<std::byte>& scratch) const {
    if (!make) return mapped;
    scratch.resize(bytes());
    make(scratch);
    return scratch;
}

std::string show_name(std::string_view name) { return json_show(name, 120); }

std::string show_shape(stored_tensor const& t) {
    std::string text = std::string(name_of(t.type)) + " [";
    for (std::size_t i = 0; i < t.shape.size(); ++i) text += (i ? ", " : "") + std::to_string(t.shape[i]);
    return text + "]";
}

stored_tensor const* checkpoint::find(std::string_view name) const {
    auto const found = tensors.find(name);
    return found == tensors.end() ? nullptr : &found->second;
}

stored_tensor const& checkpoint::at(std::string_view name) const {
    if (auto const found = find(name)) return *found;
    fail("'{}' has no tensor '{}'.", source, name);
}

bool checkpoint::is_current() const { return std::ranges::all_of(files, &mapped_file::is_current); }

namespace {

// A safetensors file that is damaged from its beginning is still told by its name.
checkpoint open_file(mapped_file const& file, std::string const& source) {
    if (is_gguf(file.bytes)) return read_gguf(file, source);
    if (is_zip(file.bytes)) return read_torch_zip(file, source);
    if (is_old_torch_file(file.bytes)) return read_old_torch_file(file, source);
    if (is_safetensors(file.bytes) || source.ends_with(".safetensors")) return read_safetensors(file, source);
    fail("'{}' is no model file that is known here: safetensors, PyTorch's .ckpt, .pt and .pth, GGUF, ncnn's .param "
         "and .bin.",
         source);
}

checkpoint read_ncnn_pair(std::filesystem::path const& param, std::string const& source) {
    mapped_file const graph = map_file(param);
    auto bin = param;
    return read_ncnn(graph, map_file(bin.replace_extension(".bin")), source);
}

checkpoint open_as_stored(std::string const& source) {
    constexpr std::string_view procedural = "procedural:", built_in = "sfumato:";
    if (source.starts_with(procedural)) return procedural_checkpoint(source.substr(procedural.size()));
    if (source.starts_with(built_in)) return built_in_checkpoint(source.substr(built_in.size()));
    std::error_code ignored;
    if (!std::filesystem::is_directory(source, ignored)) {
        if (auto const param = ncnn_param_of(source)) return read_ncnn_pair(*param, source);
        return open_file(map_file(source), source);
    }
    if (is_diffusers_folder(source)) return read_diffusers_folder(source, source);
    fail("'{}' is a folder, but not a model of diffusers: it has no model_index.json.", source);
}

} // namespace

checkpoint open_checkpoint(std::string const& source) {
    checkpoint all = open_as_stored(source);
    use_canonical_names(all);
    return all;
}

} // namespace sfumato
