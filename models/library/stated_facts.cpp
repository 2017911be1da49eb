#include "models/library/stated_facts.h"

#include "compute/error.h"
#include "request/json.h"

#include <algorithm>
#include <cmath>

namespace sfumato {

using nlohmann::json;

namespace {

constexpr int largest_number = 1 << 16;

json const& member(json const& object, char const* name) {
    static json const nothing;
    auto const found = object.is_object() ? object.find(name) : object.end();
    return found == object.end() ? nothing : *found;
}

int number(json const& value) {
    return value.is_number_integer() && value > 0 && value <= largest_number ? value.get<int>() : 0;
}

std::string text(json const& value) { return value.is_string() ? value.get<std::string>() : ""; }

std::optional<double> real(json const& value) {
    bool const usable = value.is_number() && std::abs(value.get<double>()) <= largest_number;
    return usable ? std::optional(value.get<double>()) : std::nullopt;
}

std::optional<sfumato::prediction> prediction_named(json const& value) {
    if (value == "v_prediction") return sfumato::prediction::v;
    if (value == "epsilon") return sfumato::prediction::epsilon;
    return {};
}

std::optional<bool> quick_gelu(json const& value) {
    if (value == "quick_gelu") return true;
    if (value == "gelu") return false;
    return {};
}

void read_golden(json const& config, stated_facts& d) {
    json const& unet = member(config, "unet");
    json const& clip = member(config, config.contains("clip_h") ? "clip_h" : "clip_l");
    d.prediction = prediction_named(member(config, "prediction"));
    d.prediction_source = "its config";
    d.unet_heads = number(member(unet, "num_heads"));
    d.unet_head_dim = number(member(unet, "head_dim"));
    d.text_heads = number(member(clip, "heads"));
    d.quick_gelu = quick_gelu(member(clip, "act"));
    if (!clip.is_null()) d.text_layers_left_out = config.contains("clip_h") ? 1 : 0;
    d.vae_scale = real(member(member(config, "vae"), "scaling_factor"));
    d.vae_shift = real(member(member(config, "vae"), "shift_factor"));
}

// attention_head_dim is in truth the number of heads: one for all levels, or one a level such that a head's size is the
// same everywhere. num_attention_heads, where it is there, says it with the right name.
void read_diffusers_heads(json const& unet, stated_facts& d) {
    json const& channels = member(unet, "block_out_channels");
    json const& right_name = member(unet, "num_attention_heads");
    json const& heads = right_name.is_null() ? member(unet, "attention_head_dim") : right_name;
    if (heads.is_array() && channels.is_array() && !heads.empty() && !channels.empty() && number(heads[0]))
        d.unet_head_dim = number(channels[0]) / number(heads[0]);
    else
        d.unet_heads = number(heads);
}

void read_diffusers(json const& parts, stated_facts& d) {
    json const& unet = member(parts, "unet");
    json const& clip = member(parts, "text_encoder");
    read_diffusers_heads(unet, d);
    d.native_size = std::min(512, number(member(unet, "sample_size"))) * 8;
    d.prediction = prediction_named(member(member(parts, "scheduler"), "prediction_type"));
    d.prediction_source = "its scheduler_config.json";
    d.text_heads = number(member(clip, "num_attention_heads"));
    d.quick_gelu = quick_gelu(member(clip, "hidden_act"));
    if (!clip.is_null()) d.text_layers_left_out = 0; // they were before the file was written
    d.vae_scale = real(member(member(parts, "vae"), "scaling_factor"));
    d.vae_shift = real(member(member(parts, "vae"), "shift_factor"));
}

} // namespace

stated_facts read_stated_facts(json const& metadata) {
    stated_facts d;
    if (json const& parts = member(metadata, "diffusers"); !parts.is_null()) {
        read_diffusers(parts, d);
        return d;
    }
    d.resize = real(member(member(metadata, "ncnn"), "resize")).value_or(1);
    d.pro = member(metadata, "pro") == true;
    if (std::string const config = text(member(metadata, "config")); !config.empty()) try {
            if (json const parsed = json_parse(config, "config"); parsed.is_object()) read_golden(parsed, d);
        } catch (error const&) {
            // Some other program's.
        }
    return d;
}

} // namespace sfumato
