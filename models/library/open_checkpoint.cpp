#include "models/library/open_checkpoint.h"

#include "compute/error.h"
#include "models/files/compact_vocabulary.h"
#include "models/files/diffusers_folder.h"
#include "models/files/gguf.h"
#include "models/files/ncnn/ncnn_param.h"
#include "models/files/no_model.h"
#include "models/files/onnx.h"
#include "models/files/safetensors.h"
#include "models/files/scaled_fp8.h"
#include "models/files/torch_old.h"
#include "models/files/torch_zip.h"
#include "models/files/training_yaml.h"
#include "models/files/zip.h"
#include "models/library/built_in.h"
#include "models/library/procedural.h"
#include "models/names/canonical.h"
#include "models/names/lora_names.h"
#include "models/names/ncnn_names.h"
#include "models/names/onnx_names.h"

namespace sfumato {

namespace {

// Files that are damaged from their beginning are still told by their names.
checkpoint open_file(mapped_file const& file, std::string const& source) {
    if (is_gguf(file.bytes)) return read_gguf(file, source);
    if (is_zip(file.bytes)) return read_torch_zip(file, source);
    if (is_old_torch_file(file.bytes)) return read_old_torch_file(file, source);
    if (is_safetensors(file.bytes)) return read_safetensors(file, source);
    if (is_onnx(file.bytes)) return read_onnx(file, source);
    refuse_what_is_no_model(file.bytes, source);
    if (source.ends_with(".safetensors")) return read_safetensors(file, source);
    if (source.ends_with(".onnx")) return read_onnx(file, source);
    fail("'{}' is no model file that is known here: safetensors, PyTorch's .ckpt, .pt and .pth, GGUF, ncnn's .param "
         "and .bin, ONNX.",
         source);
}

// What a .yaml of the training code says that lies beside a file, under the same name.
void read_yaml_beside(checkpoint& c) {
    auto yaml = std::filesystem::path(c.source).replace_extension(".yaml");
    std::error_code gone;
    auto const size = std::filesystem::is_regular_file(yaml, gone) ? std::filesystem::file_size(yaml, gone) : 0;
    if (size == 0 || size > longest_training_yaml) return;
    mapped_file const file = map_file(yaml);
    std::string_view const text(reinterpret_cast<char const*>(file.bytes.data()), file.bytes.size());
    if (auto const found = parameterization_in(text))
        c.metadata["yaml"] = {{"file", yaml.filename().string()}, {"parameterization", *found}};
    c.files.push_back(file);
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
        checkpoint all = open_file(map_file(source), source);
        read_yaml_beside(all);
        return all;
    }
    if (is_diffusers_folder(source)) return read_diffusers_folder(source, source);
    fail("'{}' is a folder, but not a model of diffusers: it has no model_index.json.", source);
}

} // namespace

checkpoint open_checkpoint(std::string const& source) {
    checkpoint all = open_as_stored(source);
    expand_vocabularies(all);
    apply_fp8_scales(all);
    if (!is_lora(all)) use_canonical_names(all); // whose names are of modules (models/library/lora.h)
    return all;
}

} // namespace sfumato
