#include "models/files/diffusers_folder.h"

#include "compute/error.h"
#include "models/files/mapped_file.h"
#include "models/files/prefixes.h"
#include "models/files/safetensors.h"
#include "models/files/torch_zip.h"
#include "request/json.h"

#include <array>
#include <map>
#include <set>

namespace sfumato {

using nlohmann::json;
using path = std::filesystem::path;

namespace {

constexpr std::size_t longest_json = 64 << 20; // an index of the largest models has 1 MB

json read_json(path const& file) {
    mapped_file const mapped = map_file(file);
    if (mapped.bytes.size() > longest_json) fail("'{}' is too long for what it is.", file.string());
    std::string_view const text(reinterpret_cast<char const*>(mapped.bytes.data()), mapped.bytes.size());
    json value = json_parse_python(text, "'" + file.string() + "'");
    if (!value.is_object()) fail("'{}' is not what belongs there: it is {}.", file.string(), json_show(value));
    return value;
}

bool is_there(path const& file) {
    std::error_code ignored;
    return std::filesystem::exists(file, ignored);
}

// The pieces that an index names: plain names beside it.
std::vector<path> pieces_of(path const& index) {
    json const parsed = read_json(index);
    json const map = parsed.value("weight_map", json());
    std::set<std::string> names;
    if (map.is_object())
        for (auto const& [tensor, file] : map.items()) {
            std::string const name = file.is_string() ? file.get<std::string>() : "";
            if (name.empty() || name != path(name).filename() || name == "." || name == "..")
                fail("'{}' names {} as a file, which is not one beside it.", index.string(), json_show(file));
            names.insert(name);
        }
    if (names.empty()) fail("'{}' names no files.", index.string());
    std::vector<path> pieces;
    for (std::string const& name : names) pieces.push_back(index.parent_path() / name);
    return pieces;
}

// The files that hold a network: the first of these that is there; none: no such file is.
std::vector<path> weight_files(path const& folder) {
    for (char const* variant : {"", ".fp16"})
        for (char const* stem : {"diffusion_pytorch_model", "model", "pytorch_model"})
            for (char const* ending : {".safetensors", ".bin"}) {
                std::string const name = stem + std::string(variant) + ending;
                if (is_there(folder / name)) return {folder / name};
                for (std::string const& index :
                     {name + ".index.json", std::string(stem) + ending + ".index" + variant + ".json"})
                    if (is_there(folder / index)) return pieces_of(folder / index);
            }
    return {};
}

// Adds a network's tensors under `prefix`.
void add_network(path const& folder, std::string_view prefix, checkpoint& all) {
    std::vector<path> const files = weight_files(folder);
    if (files.empty())
        fail("'{}' holds no weights: diffusion_pytorch_model.safetensors or model.safetensors should be there.",
             folder.string());
    for (path const& name : files) {
        mapped_file const file = map_file(name);
        checkpoint part =
            name.extension() == ".bin" ? read_torch_zip(file, name.string()) : read_safetensors(file, name.string());
        for (auto& [tensor, stored] : part.tensors)
            if (!all.tensors.emplace(std::string(prefix) + tensor, std::move(stored)).second)
                fail("'{}' holds tensor {} a second time.", name.string(), show_name(tensor));
        std::ranges::move(part.files, std::back_inserter(all.files));
    }
}

// Classes of diffusers and transformers that hold a network which is known here.
struct network_class {
    std::string_view name, prefix;
};
constexpr network_class classes[] = {
    {"UNet2DConditionModel", unet_prefix},  {"AutoencoderKL", vae_prefix},
    {"AutoencoderTiny", "taesd_"},          {"CLIPTextModel", clip_prefix},
    {"SD3Transformer2DModel", unet_prefix}, {"FluxTransformer2DModel", unet_prefix},
    {"T5EncoderModel", t5_prefix},          {"CLIPTextModelWithProjection", clip_prefix},
};

std::string_view prefix_of(json const& config) {
    json name = config.value("_class_name", json());
    if (json const architectures = config.value("architectures", json());
        architectures.is_array() && !architectures.empty())
        name = architectures[0];
    for (network_class const& known : classes)
        if (name == known.name) return known.prefix;
    return "";
}

// Other programs have a config.json as well.
bool is_network(path const& folder) try {
    return is_there(folder / "config.json") && !prefix_of(read_json(folder / "config.json")).empty();
} catch (error const&) {
    return false;
}

// Where the tensors of text encoders belong, in families that have several.
using text_places = std::map<std::string, std::string_view>;

text_places text_places_of(path const& folder) {
    path const transformer = folder / "transformer" / "config.json";
    if (is_there(transformer) && read_json(transformer).value("_class_name", json()) == "SD3Transformer2DModel")
        return {
            {"text_encoder", sd3_clip_l_prefix}, {"text_encoder_2", sd3_clip_g_prefix}, {"text_encoder_3", t5_prefix}};
    path const unet = folder / "unet" / "config.json";
    if (is_there(unet) && read_json(unet).value("addition_embed_type", json()) == "text_time")
        return {{"text_encoder", xl_clip_l_prefix}, {"text_encoder_2", xl_clip_g_prefix}};
    return {{"text_encoder", clip_prefix}};
}

void add_part(path const& folder, std::string const& part, checkpoint& all, text_places const& texts = {}) {
    json const config = read_json(folder / "config.json");
    all.metadata["diffusers"][part] = config;
    auto const place = texts.find(part);
    add_network(folder, place == texts.end() ? prefix_of(config) : place->second, all);
}

// What a network that stands alone would be called in a whole model.
std::string part_name(std::string_view prefix) {
    if (prefix == unet_prefix) return "unet";
    if (prefix == t5_prefix) return "text_encoder_3";
    return prefix == clip_prefix ? "text_encoder" : "vae";
}

} // namespace

bool is_diffusers_folder(path const& folder) {
    return is_there(folder / "model_index.json") || is_there(folder / "unet" / "config.json") || is_network(folder);
}

checkpoint read_diffusers_folder(path const& folder, std::string const& source) {
    checkpoint all{.source = source, .format = "diffusers folder", .metadata = {{"diffusers", json::object()}}};
    if (is_network(folder)) {
        add_part(folder, part_name(prefix_of(read_json(folder / "config.json"))), all);
        return all;
    }
    if (is_there(folder / "model_index.json"))
        all.metadata["diffusers"]["model_index"] = read_json(folder / "model_index.json");
    text_places const texts = text_places_of(folder);
    std::vector<std::string> parts = {"unet", "transformer", "vae"};
    for (auto const& [part, place] : texts)
        // 19 GB that a model can do without
        if (place != t5_prefix || !weight_files(folder / part).empty()) parts.push_back(part);
    for (std::string const& part : parts)
        if (is_network(folder / part)) add_part(folder / part, part, all, texts);
    if (all.tensors.empty()) fail("'{}' holds no network that is known here: unet, vae or text_encoder.", source);
    if (path const scheduler = folder / "scheduler" / "scheduler_config.json"; is_there(scheduler))
        all.metadata["diffusers"]["scheduler"] = read_json(scheduler);
    return all;
}

} // namespace sfumato
