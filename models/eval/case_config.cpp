#include "models/eval/case_config.h"

#include "compute/error.h"
#include "models/library/family.h"
#include "request/json.h"

#include <algorithm>

namespace sfumato {

using nlohmann::json;

namespace {

void require(checkpoint const& file, network_case const& c, std::string_view prefix, tensor_shapes const& tensors) {
    if (auto const wrong = difference(file, prefix, tensors); !wrong.empty())
        fail("'{}' has not the network that the case '{}' is for: {}.", file.source, c.source, wrong);
}

// The checkpoint with the case's config as what the file says of its network `key`.
model_description described(checkpoint const& file, network_case const& c, char const* key) {
    if (!c.config.is_object()) return describe_model(file);
    checkpoint stated = file;
    stated.metadata = {{"config", json_line({{key, c.config}})}};
    return describe_model(stated);
}

// A count that the config states.
int stated(network_case const& c, char const* key, int otherwise) {
    json const value = c.config.is_object() ? c.config.value(key, json()) : json();
    if (value.is_null()) return otherwise;
    if (!value.is_number_integer() || value < 0 || value > (1 << 20))
        fail("The config of the case '{}' has {} as \"{}\", which is no count.", c.source, json_show(value), key);
    return value.get<int>();
}

// Where the families have their text encoders, and what their UNets see of them.
struct text_place {
    std::string_view which, prefix;
    int unused_layers;
    bool final_norm;
};
constexpr text_place text_places[] = {
    {"clip_l", clip_prefix, 0, true},        // Stable Diffusion 1
    {"clip_h", clip_prefix, 1, true},        // 2
    {"clip_l", xl_clip_l_prefix, 1, false},  // XL
    {"clip_g", xl_clip_g_prefix, 1, false},  // XL
    {"clip_l", sd3_clip_l_prefix, 1, false}, // 3
    {"clip_g", sd3_clip_g_prefix, 1, false}, // 3
};

} // namespace

unet_config unet_config_of(network_case const& c, checkpoint const& file) {
    auto const found = described(file, c, "unet").unet;
    if (!found) fail("'{}' holds no UNet.", file.source);
    require(file, c, unet_prefix, found->tensors());
    for (std::size_t level = 0; level < found->channel_mult.size(); ++level)
        if (found->channels(level) % 32 || found->channels(level) % (found->heads ? found->heads : found->head_dim))
            fail("'{}' has {} channels in a level of its UNet, which do not divide into 32 groups and its heads.",
                 file.source, found->channels(level));
    return *found;
}

mmdit_config mmdit_config_of(network_case const& c, checkpoint const& file) {
    auto const found = mmdit_config::found_in(file);
    if (!found) fail("'{}' holds no MMDiT.", file.source);
    require(file, c, unet_prefix, found->tensors());
    return *found;
}

t5_config t5_config_of(network_case const& c, checkpoint const& file) {
    auto const found = t5_config::found_in(file);
    if (!found) fail("'{}' holds no T5 text encoder.", file.source);
    require(file, c, t5_prefix, found->tensors());
    return *found;
}

vae_config vae_config_of(network_case const& c, checkpoint const& file) {
    auto const found = vae_config::found_in(file);
    if (!found) fail("'{}' holds no VAE.", file.source);
    require(file, c, vae_prefix, found->tensors());
    if (found->channels % 32)
        fail("'{}' has a VAE of {} channels; 32 groups are needed.", file.source, found->channels);
    return *found;
}

taesd_config taesd_config_of(network_case const& c, checkpoint const& file) {
    auto const found = taesd_config::found_in(file);
    if (!found) fail("'{}' holds no TAESD.", file.source);
    require(file, c, "", found->tensors());
    return *found;
}

clip_config clip_config_of(network_case const& c, checkpoint const& file) {
    for (text_place const& place : text_places) {
        auto found = place.which == c.which ? clip_config::found_in(file, place.prefix) : std::nullopt;
        if (!found) continue;
        found->heads = stated(c, "heads", std::max(1, found->hidden / 64));
        found->quick_gelu = place.which == "clip_l";
        found->eos = stated(c, "eos", clip_eos(found->vocabulary));
        found->final_norm = place.final_norm;
        // Files may lack the layers that are not used.
        found->layers_used = std::min(found->layers, stated(c, "layers", found->layers) - place.unused_layers);
        if (found->heads < 1 || found->hidden % found->heads || found->layers_used < 1)
            fail("The config of the case '{}' does not fit {} layers of {} channels, with {} heads.", c.source,
                 found->layers, found->hidden, found->heads);
        require(file, c, found->prefix, found->tensors());
        return *found;
    }
    fail("'{}' holds no text encoder that the case '{}' calls {}.", file.source, c.source, show_name(c.which));
}

} // namespace sfumato
