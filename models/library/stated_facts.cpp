#include "models/library/stated_facts.h"

#include "compute/error.h"
#include "request/json.h"

#include <algorithm>
#include <cmath>
#include <format>

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
    for (char const* name : {"v", "v_prediction", "v-prediction", "vpred", "velocity"})
        if (value == name) return sfumato::prediction::v;
    for (char const* name : {"epsilon", "eps"})
        if (value == name) return sfumato::prediction::epsilon;
    return {};
}

// Programs write what is true in more than one way.
bool is_true(json const& value) {
    return value == true || value == "true" || value == "True" || value == "1" || value == 1;
}

std::optional<bool> quick_gelu(json const& value) {
    if (value == "quick_gelu") return true;
    if (value == "gelu") return false;
    return {};
}

void read_golden(json const& config, stated_facts& d) {
    json const& unet = member(config, "unet");
    if (auto const stated = prediction_named(member(config, "prediction"))) {
        d.prediction = stated;
        d.prediction_source = "its config";
    }
    d.unet_heads = number(member(unet, "num_heads"));
    d.unet_head_dim = number(member(unet, "head_dim"));
    bool const second = config.contains("clip_h");
    for (auto const& [i, name] : {std::pair(0, second ? "clip_h" : "clip_l"), std::pair(1, "clip_g")}) {
        json const& clip = member(config, name);
        if (clip.is_null()) continue;
        d.texts[i] = {.heads = number(member(clip, "heads")),
                      .quick_gelu = quick_gelu(member(clip, "act")),
                      .layers_left_out = second ? 1 : 0};
    }
    d.vae_scale = real(member(member(config, "vae"), "scaling_factor"));
    d.vae_shift = real(member(member(config, "vae"), "shift_factor"));
    d.native_size = number(member(config, "native_size"));
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
    read_diffusers_heads(unet, d);
    json const& denoiser = unet.is_null() ? member(parts, "transformer") : unet;
    d.native_size = std::min(512, number(member(denoiser, "sample_size"))) * 8;
    d.prediction = prediction_named(member(member(parts, "scheduler"), "prediction_type"));
    d.prediction_source = "its scheduler_config.json";
    d.zero_terminal_snr = is_true(member(member(parts, "scheduler"), "rescale_betas_zero_snr"));
    for (auto const& [i, name] : {std::pair(0, "text_encoder"), std::pair(1, "text_encoder_2")}) {
        json const& clip = member(parts, name);
        if (clip.is_null()) continue;
        d.texts[i] = {.heads = number(member(clip, "num_attention_heads")),
                      .quick_gelu = quick_gelu(member(clip, "hidden_act")),
                      .layers_left_out = 0}; // they were before the file was written
    }
    d.vae_scale = real(member(member(parts, "vae"), "scaling_factor"));
    d.vae_shift = real(member(member(parts, "vae"), "shift_factor"));
}

void read_config(std::string const& config, stated_facts& d) try {
    if (json const parsed = json_parse(config, "config"); parsed.is_object()) read_golden(parsed, d);
} catch (error const&) {
    // Some other program's.
}

// What training programs write into a file.
void read_training(json const& metadata, stated_facts& d) {
    for (char const* key : {"modelspec.prediction_type", "prediction_type"})
        if (auto const stated = prediction_named(member(metadata, key))) {
            d.prediction = stated;
            d.prediction_source = std::format("its metadata's {}", key);
        }
    if (is_true(member(metadata, "ss_v_parameterization"))) {
        d.prediction = sfumato::prediction::v;
        d.prediction_source = "its metadata's ss_v_parameterization";
    }
    for (char const* key : {"zero_terminal_snr", "ss_zero_terminal_snr", "ztsnr"})
        d.zero_terminal_snr |= is_true(member(metadata, key));
    d.architecture = text(member(metadata, "modelspec.architecture"));
}

void read_yaml(json const& yaml, stated_facts& d) {
    auto const stated = prediction_named(member(yaml, "parameterization"));
    if (!stated) return;
    d.prediction = stated;
    d.prediction_source = text(member(yaml, "file")) + " beside it";
    d.prediction_is_beside = true;
}

} // namespace

stated_facts read_stated_facts(json const& metadata) {
    stated_facts d;
    if (json const& parts = member(metadata, "diffusers"); parts.is_object()) {
        read_diffusers(parts, d);
    } else {
        d.resize = real(member(member(metadata, "ncnn"), "resize")).value_or(1);
        d.pro = member(metadata, "pro") == true;
        read_training(metadata, d);
        read_config(text(member(metadata, "config")), d);
        read_yaml(member(metadata, "yaml"), d);
    }
    if (json const& other = member(member(metadata, "joined"), "text_encoder"); !other.is_null()) {
        d.texts[0] = read_stated_facts(other).texts[0];
    }
    return d;
}

} // namespace sfumato
