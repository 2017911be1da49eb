#include "models/library/lora.h"

#include "compute/error.h"
#include "compute/half.h"
#include "models/library/adapter_config.h"
#include "models/names/lora_names.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <format>
#include <map>
#include <utility>

namespace sfumato {

namespace {

// A module's tensors, by what they are.
using parts_of_module = std::map<lora_part, std::string>;

std::map<std::string, parts_of_module> modules_of(checkpoint const& lora) {
    std::map<std::string, parts_of_module> all;
    for (auto const& [name, tensor] : lora.tensors)
        if (auto const read = read_lora_name(name)) all[std::string(read->module)].emplace(read->part, name);
    // A bare alpha is none.
    std::erase_if(all, [](auto const& m) { return m.second.size() == 1 && m.second.contains(lora_part::alpha); });
    return all;
}

bool has(parts_of_module const& m, lora_part p) { return m.contains(p); }

std::string name(parts_of_module const& m, lora_part p) {
    auto const found = m.find(p);
    return found == m.end() ? "" : found->second;
}

// ---- What a file is

struct kind_name {
    std::string_view name;
    bool (*is)(parts_of_module const&);
};
constexpr kind_name kinds[] = {
    {"LoRA", [](parts_of_module const& m) { return has(m, lora_part::up) || has(m, lora_part::down); }},
    {"LoHa", [](parts_of_module const& m) { return has(m, lora_part::hada_1a); }},
    {"LoKr", [](parts_of_module const& m) { return has(m, lora_part::lokr_1) || has(m, lora_part::lokr_1a); }},
    {"DoRA",
     [](parts_of_module const& m) { return has(m, lora_part::magnitude) || has(m, lora_part::magnitude_of_outputs); }},
    {"full difference", [](parts_of_module const& m) { return has(m, lora_part::weight); }},
    {"OFT", [](parts_of_module const& m) { return has(m, lora_part::oft); }},
    {"GLoRA", [](parts_of_module const& m) { return has(m, lora_part::glora); }},
    {"IA³", [](parts_of_module const& m) { return has(m, lora_part::ia3); }},
    {"replacement", [](parts_of_module const& m) { return has(m, lora_part::replacement); }},
};

bool is_done(parts_of_module const& m) {
    constexpr std::array not_done = {lora_part::oft, lora_part::glora, lora_part::ia3, lora_part::replacement};
    return std::ranges::none_of(not_done, [&](lora_part p) { return has(m, p); });
}

struct stated_family {
    std::string_view beginning, family;
};

// Of ss_base_model_version and modelspec.architecture.
constexpr stated_family stated_families[] = {
    {"sd_v1", "Stable Diffusion 1.x"},
    {"sd1", "Stable Diffusion 1.x"},
    {"stable-diffusion-v1", "Stable Diffusion 1.x"},
    {"sd_v2", "Stable Diffusion 2.x"},
    {"sd2", "Stable Diffusion 2.x"},
    {"stable-diffusion-v2", "Stable Diffusion 2.x"},
    {"sdxl", "Stable Diffusion XL"},
    {"stable-diffusion-xl", "Stable Diffusion XL"},
    {"sd3", "Stable Diffusion 3"},
    {"stable-diffusion-3", "Stable Diffusion 3"},
    {"flux", "FLUX"},
};

std::string family_in_metadata(nlohmann::json const& metadata) {
    for (char const* key : {"ss_base_model_version", "modelspec.architecture"}) {
        auto const found = metadata.is_object() ? metadata.find(key) : metadata.end();
        if (!metadata.is_object() || found == metadata.end() || !found->is_string()) continue;
        for (auto const& [beginning, family] : stated_families)
            if (found->get_ref<std::string const&>().starts_with(beginning)) return std::string(family);
    }
    return "";
}

// By names that only one family has, or by how wide the text is that its cross-attention sees.
std::string family_in_tensors(checkpoint const& lora) {
    auto const any_has = [&](std::string_view part) {
        return std::ranges::any_of(lora.tensors, [&](auto const& t) { return t.first.find(part) != t.first.npos; });
    };
    if (any_has("joint_blocks") || any_has("add_k_proj")) return "Stable Diffusion 3";
    if (any_has("double_blocks") || any_has("single_transformer_blocks")) return "FLUX";
    for (auto const& [name, tensor] : lora.tensors) {
        auto const read = read_lora_name(name);
        if (!read || tensor.shape.size() < 2) continue;
        bool const of_text = read->module.ends_with("attn2_to_k") || read->module.ends_with("attn2.to_k");
        constexpr std::array by_inputs = {lora_part::down, lora_part::hada_1b, lora_part::weight};
        if (!of_text || std::ranges::find(by_inputs, read->part) == by_inputs.end()) continue;
        switch (tensor.shape[1]) {
        case 768: return "Stable Diffusion 1.x";
        case 1024: return "Stable Diffusion 2.x";
        case 2048: return "Stable Diffusion XL";
        }
    }
    return any_has("lora_te2_") || any_has("text_encoder_2.") ? "Stable Diffusion XL" : "";
}

// ---- A module's patches

std::optional<double> number_of(stored_tensor const& t) {
    if (t.count() != 1) return {};
    std::vector<std::byte> scratch;
    auto const bytes = t.read(scratch);
    auto const as = [&]<class T>(T value) {
        std::memcpy(&value, bytes.data(), sizeof value);
        return value;
    };
    double value = 0;
    switch (t.type) {
    case stored_type::f64: value = as(0.0); break;
    case stored_type::f32: value = as(0.0f); break;
    case stored_type::f16: value = f16_value(as(std::uint16_t())); break;
    case stored_type::bf16: value = bf16_value(as(std::uint16_t())); break;
    case stored_type::i64: value = double(as(std::int64_t())); break;
    case stored_type::i32: value = as(std::int32_t()); break;
    default: return {};
    }
    return std::isfinite(value) ? std::optional(value) : std::nullopt;
}

struct module_reader {
    std::shared_ptr<checkpoint const> const& lora;
    adapter_config const& config;
    std::string const& spelled;
    parts_of_module const& parts;

    // The matrix that alpha is divided by the rank of.
    std::string ranked() const {
        for (lora_part p : {lora_part::down, lora_part::hada_1b, lora_part::lokr_2b, lora_part::lokr_1b})
            if (has(parts, p)) return name(parts, p);
        return "";
    }
    // 0 is what a training program that means 1 would write.
    double scale() const {
        stored_tensor const* const rows = lora->find(ranked());
        if (!rows || rows->shape.empty() || rows->shape[0] <= 0) return 1; // also of two whole factors of LoKr
        stored_tensor const* const alpha = lora->find(name(parts, lora_part::alpha));
        if (!alpha) return config.scale_of(spelled, rows->shape[0]);
        double const value = number_of(*alpha).value_or(0);
        return value == 0 ? 1 : value / double(rows->shape[0]);
    }
    patch_matrix product(lora_part up, lora_part down, lora_part core, bool up_is_transposed = false) const {
        return {name(parts, up), name(parts, down), name(parts, core), up_is_transposed && has(parts, core)};
    }
    patch_matrix lokr_factor(lora_part whole, lora_part up, lora_part down, std::optional<lora_part> core) const {
        if (has(parts, whole)) return {name(parts, whole)};
        patch_matrix m{name(parts, up), name(parts, down)};
        if (core && has(parts, *core)) m.core = name(parts, *core), m.up_is_transposed = true;
        return m;
    }

    bool has_all(std::initializer_list<lora_part> all) const {
        return std::ranges::all_of(all, [&](lora_part p) { return has(parts, p); });
    }

    // Of the module's weight; nothing: none, or not all of it.
    std::optional<weight_patch> of_weight() const {
        weight_patch p{.tensor = {}, .file = lora, .a = {}};
        if (has_all({lora_part::up, lora_part::down})) {
            p.a = product(lora_part::up, lora_part::down, lora_part::core);
        } else if (has_all({lora_part::hada_1a, lora_part::hada_1b, lora_part::hada_2a, lora_part::hada_2b})) {
            p.kind = patch_kind::hadamard;
            p.a = product(lora_part::hada_1a, lora_part::hada_1b, lora_part::hada_1t, true);
            p.b = product(lora_part::hada_2a, lora_part::hada_2b, lora_part::hada_2t, true);
        } else if ((has(parts, lora_part::lokr_1) || has_all({lora_part::lokr_1a, lora_part::lokr_1b})) &&
                   (has(parts, lora_part::lokr_2) || has_all({lora_part::lokr_2a, lora_part::lokr_2b}))) {
            p.kind = patch_kind::kronecker;
            p.a = lokr_factor(lora_part::lokr_1, lora_part::lokr_1a, lora_part::lokr_1b, {});
            p.b = lokr_factor(lora_part::lokr_2, lora_part::lokr_2a, lora_part::lokr_2b, lora_part::lokr_2t);
        } else if (has(parts, lora_part::weight)) {
            p.a = {name(parts, lora_part::weight)};
            return p;
        } else
            return {};
        p.scale = scale();
        p.magnitude_of_outputs = has(parts, lora_part::magnitude_of_outputs);
        p.magnitude = name(parts, p.magnitude_of_outputs ? lora_part::magnitude_of_outputs : lora_part::magnitude);
        return p;
    }
    std::optional<weight_patch> of_bias() const {
        if (!has(parts, lora_part::bias)) return {};
        return weight_patch{.tensor = {}, .file = lora, .a = {name(parts, lora_part::bias)}};
    }
};

// A patch of a tensor of that module, if it fits.
bool add(std::vector<weight_patch>& to, weight_patch p, lora_target const& target, std::string_view tensor,
         checkpoint const& model) {
    p.tensor = std::format("{}.{}", target.module, tensor);
    stored_tensor const* const w = model.find(p.tensor);
    if (!w || w->shape.empty()) return false;
    if (target.third >= 0) {
        p.rows = w->shape[0] / 3;
        p.first_row = target.third * p.rows;
    } else if (target.is_turned)
        p.first_row = w->shape[0] / 2;
    if (!fits(p, w->shape)) return false;
    to.push_back(std::move(p));
    return true;
}

void refuse_what_is_not_done(checkpoint const& lora, lora_description const& is) {
    if (!is.runs)
        fail("'{}' is {}, which is not done: of LoRA's kin LoRA, LoCon, LoHa, LoKr, DoRA and full differences are.",
             lora.source, is.kinds);
}

} // namespace

std::optional<lora_description> describe_lora(checkpoint const& lora) {
    if (!is_lora(lora)) return {};
    auto const modules = modules_of(lora);
    lora_description d{.kinds = {}, .family = family_in_metadata(lora.metadata), .modules = int(modules.size())};
    if (d.family.empty()) d.family = family_in_tensors(lora);
    for (kind_name const& k : kinds)
        if (std::ranges::any_of(modules, [&](auto const& m) { return k.is(m.second); }))
            d.kinds += (d.kinds.empty() ? "" : ", ") + std::string(k.name);
    d.runs = std::ranges::any_of(modules, [](auto const& m) { return is_done(m.second); });
    return d;
}

lora_match match_lora(std::shared_ptr<checkpoint const> const& lora, checkpoint const& model,
                      std::string const& family_of_model) {
    auto const is = describe_lora(*lora);
    if (!is) fail("'{}' is no LoRA: none of its tensors is called as those of one are.", lora->source);
    refuse_what_is_not_done(*lora, *is);
    lora_modules const known(model);
    adapter_config const config(*lora);
    lora_match made;
    for (auto const& [spelled, parts] : modules_of(*lora)) {
        ++made.modules;
        lora_target const* const target = known.find(spelled);
        module_reader const reader{lora, config, spelled, parts};
        auto weight = reader.of_weight(), bias = reader.of_bias();
        bool matched = target && is_done(parts) && (weight || bias);
        if (matched && weight) matched = add(made.patches, std::move(*weight), *target, "weight", model);
        if (matched && bias) matched = add(made.patches, std::move(*bias), *target, "bias", model);
        if (!matched) made.left_out.push_back(spelled);
    }
    if (2 * int(made.left_out.size()) > made.modules || made.patches.empty())
        fail("'{}' is a LoRA for {}, but the model is {}: {} of its {} modules fit.", lora->source,
             is->family.empty() ? "another kind of model" : is->family, family_of_model,
             made.modules - int(made.left_out.size()), made.modules);
    return made;
}

} // namespace sfumato
