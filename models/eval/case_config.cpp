#include "models/eval/case_config.h"

#include "compute/error.h"
#include "models/json.h"
#include "models/weights/layout.h"

#include <optional>
#include <type_traits>

namespace sfumato {

using nlohmann::json;

namespace {

constexpr int most = 1 << 20; // of anything that is counted

// What a config says, value by value.
struct reader {
    network_case const& from;

    explicit reader(network_case const& c) : from(c) {
        if (!c.config.is_object())
            fail("The case '{}' does not state the network's sizes (metadata \"config\").", c.source);
    }

    [[noreturn]] void wrong(char const* key, json const& value, char const* wanted) const {
        fail("The config of the case '{}' has {} as \"{}\"; {} is wanted there.", from.source, json_show(value), key,
             wanted);
    }
    bool has(char const* key) const { return from.config.contains(key) && !from.config[key].is_null(); }
    json at(char const* key) const { return from.config.value(key, json()); }

    int number(json const& value, char const* key, int least) const {
        if (!value.is_number_integer() || value.get<std::int64_t>() < least || value.get<std::int64_t>() > most)
            wrong(key, value, "a whole number");
        return value.get<int>();
    }
    int count(char const* key) const { return number(at(key), key, 1); }
    // 0 where there is none.
    int count_or_none(char const* key) const { return has(key) ? number(at(key), key, 0) : 0; }
    std::vector<int> counts(char const* key, int least) const {
        json const list = at(key);
        if (!list.is_array() || list.empty() || list.size() > 16) wrong(key, list, "a list of a few whole numbers");
        std::vector<int> numbers;
        for (json const& value : list) numbers.push_back(number(value, key, least));
        return numbers;
    }
    bool yes(char const* key) const {
        if (!at(key).is_boolean()) wrong(key, at(key), "true or false");
        return at(key).get<bool>();
    }
    double real(char const* key) const {
        if (!at(key).is_number()) wrong(key, at(key), "a number");
        return at(key).get<double>();
    }
};

void require(checkpoint const& file, network_case const& c, std::string const& prefix, tensor_shapes const& tensors) {
    for (auto const& [name, shape] : tensors) {
        stored_tensor const& there = file.at(prefix + name);
        auto extents = there.shape;
        // Linear layers may be stored as 1×1 convolutions and the other way round.
        while (extents.size() > 2 && extents.back() == 1) extents.pop_back();
        auto wanted = shape;
        while (wanted.size() > 2 && wanted.back() == 1) wanted.pop_back();
        if (extents != wanted)
            fail("'{}' has {} as {}; the case '{}' is of another model, with {}.", file.source,
                 show_name(prefix + name), show_shape(there), c.source,
                 show_shape({.type = there.type, .shape = shape}));
    }
}

bool has(checkpoint const& file, std::string const& name) { return file.find(name) != nullptr; }

} // namespace

unet_config unet_config_of(network_case const& of, checkpoint const& file) {
    reader const r(of);
    unet_config const c{.in_channels = r.count("in_channels"),
                        .out_channels = r.count("out_channels"),
                        .model_channels = r.count("model_channels"),
                        .channel_mult = r.counts("channel_mult", 1),
                        .res_blocks = r.count("num_res_blocks"),
                        .transformer_depth = r.counts("transformer_depth", 0),
                        .middle_depth = r.count("middle_depth"),
                        .context_dim = r.count("context_dim"),
                        .heads = r.count_or_none("num_heads"),
                        .head_dim = r.count_or_none("head_dim"),
                        .use_linear = r.yes("use_linear"),
                        .adm_in_channels = r.count_or_none("adm_in_channels")};
    if (c.transformer_depth.size() != c.channel_mult.size())
        r.wrong("transformer_depth", r.at("transformer_depth"), "one number for each of \"channel_mult\"");
    if (!c.heads && !c.head_dim) r.wrong("num_heads", r.at("num_heads"), "a number here or as \"head_dim\"");
    for (std::size_t level = 0; level < c.channel_mult.size(); ++level)
        if (c.channels(level) % 32 || c.channels(level) % (c.heads ? c.heads : c.head_dim))
            r.wrong("channel_mult", r.at("channel_mult"), "a multiple of 32 and of the heads in all levels' channels");
    require(file, of, "model.diffusion_model.", unet_tensors(c));
    return c;
}

vae_config vae_config_of(network_case const& of, checkpoint const& file) {
    reader const r(of);
    vae_config const c{.channels = r.count("ch"),
                       .channel_mult = r.counts("ch_mult", 1),
                       .res_blocks = r.count("num_res_blocks"),
                       .z_channels = r.count("z_channels"),
                       .quant_conv = r.yes("quant_conv"),
                       .scale = r.real("scaling_factor"),
                       .shift = r.real("shift_factor"),
                       .encoder = has(file, "first_stage_model.encoder.conv_in.weight"),
                       .decoder = has(file, "first_stage_model.decoder.conv_in.weight")};
    if (c.channels % 32) r.wrong("ch", r.at("ch"), "a multiple of 32");
    if (!c.encoder && !c.decoder) fail("'{}' holds no VAE.", file.source);
    require(file, of, "first_stage_model.", vae_tensors(c));
    return c;
}

taesd_config taesd_config_of(network_case const& of, checkpoint const& file) {
    reader const r(of);
    taesd_config const c{.channels = r.count("channels"),
                         .z_channels = r.count("latent_channels"),
                         .encoder = has(file, "taesd_encoder.0.weight"),
                         .decoder = has(file, "taesd_decoder.1.weight")};
    if (!c.encoder && !c.decoder) fail("'{}' holds no TAESD.", file.source);
    require(file, of, "", taesd_tensors(c));
    return c;
}

text_encoder_config text_encoder_config_of(network_case const& of, checkpoint const& file) {
    // Where the families have their encoders, and what their UNets see of them.
    struct place {
        std::string_view which, prefix;
        int unused_layers;
        bool final_norm;
    };
    static constexpr place places[] = {
        {"clip_l", "cond_stage_model.transformer.", 0, true},         // Stable Diffusion 1
        {"clip_h", "cond_stage_model.transformer.", 1, true},         // 2
        {"clip_l", "conditioner.embedders.0.transformer.", 1, false}, // XL
        {"clip_g", "conditioner.embedders.1.transformer.", 1, false}, // XL
        {"clip_l", "text_encoders.clip_l.transformer.", 1, false},    // 3
        {"clip_g", "text_encoders.clip_g.transformer.", 1, false},    // 3
    };
    reader const r(of);
    for (place const& p : places) {
        std::string const prefix(p.prefix), first = prefix + "text_model.embeddings.token_embedding.weight";
        if (of.which != p.which || !has(file, first)) continue;
        text_encoder_config c{.prefix = prefix,
                              .hidden = r.count("hidden"),
                              .heads = r.count("heads"),
                              .layers = r.count("layers"),
                              .final_norm = p.final_norm,
                              .feed_forward = r.count("ff"),
                              .quick_gelu = r.at("act") == "quick_gelu",
                              .vocabulary = r.count("vocab"),
                              .context = r.count("ctx"),
                              .bos = r.count_or_none("bos"),
                              .eos = r.count_or_none("eos"),
                              .pad = r.count_or_none("pad")};
        c.layers_used = c.layers - p.unused_layers;
        if (c.hidden % c.heads) r.wrong("heads", r.at("heads"), "a divisor of \"hidden\"");
        if (c.layers_used < 1) r.wrong("layers", r.at("layers"), "at least one layer that is used");
        if (c.final_norm) c.layers = c.layers_used; // files leave out what is not used
        if (stored_tensor const* projection = file.find(prefix + "text_projection.weight"))
            c.projection = int(projection->shape.at(0));
        require(file, of, prefix, text_encoder_tensors(c));
        return c;
    }
    fail("'{}' holds no text encoder that the case '{}' calls {}.", file.source, of.source, show_name(of.which));
}

} // namespace sfumato
