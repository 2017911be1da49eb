#include "compute/error.h"
#include "models/library/procedural.h"
#include "models/networks/clip.h"
#include "models/networks/lama.h"
#include "models/networks/latent_format.h"
#include "models/networks/migan.h"
#include "models/networks/mmdit.h"
#include "models/networks/t5.h"
#include "models/networks/taesd.h"
#include "models/networks/unet.h"
#include "models/networks/upscaler.h"
#include "models/networks/vae.h"
#include "request/choices.h"
#include "request/json.h"

#include <algorithm>
#include <optional>

namespace sfumato {

using nlohmann::json;

namespace {

struct procedural_model {
    std::string_view name;
    std::uint64_t seed = 0;
    std::string_view family;
    sfumato::prediction prediction = sfumato::prediction::epsilon;
    std::optional<unet_config> unet;
    std::optional<mmdit_config> mmdit;
    std::optional<vae_config> vae;
    std::optional<clip_config> clip_l, clip_h, clip_g;
    std::optional<t5_config> t5;
    std::optional<taesd_config> taesd;
    std::optional<lama_config> lama;
    std::optional<migan_config> migan;
    std::optional<upscaler_config> upscaler;
};

unet_config tiny_unet(int in_channels, std::vector<int> mult, int context) {
    return {.in_channels = in_channels, .model_channels = 32, .channel_mult = std::move(mult), .context_dim = context};
}

unet_config with_head_dim(int head_dim, unet_config c) {
    c.heads = 0;
    c.head_dim = head_dim;
    c.use_linear = true;
    return c;
}

mmdit_config tiny_mmdit(int table_side) {
    return {.depth = 2, .table_side = table_side, .context_channels = 128, .pooled_channels = 96};
}

// As 3.5 medium has it.
mmdit_config dual(int blocks, mmdit_config c) {
    c.qk_norm = true;
    c.dual_blocks = blocks;
    return c;
}

vae_config tiny_vae(std::vector<int> mult, double scale = 0.18215) {
    return {.channels = 32, .channel_mult = std::move(mult), .scale = scale};
}

clip_config tiny_clip_l(int layers, int vocabulary) {
    return {.hidden = 32,
            .heads = 4,
            .layers = layers,
            .feed_forward = 128,
            .vocabulary = vocabulary,
            .bos = vocabulary - 2,
            .eos = vocabulary - 1,
            .pad = vocabulary - 1};
}

clip_config projected(clip_config c) {
    c.projection = c.hidden;
    return c;
}

// As open_clip has them; sizes of ViT-H unless given.
clip_config open_clip(int hidden = 1024, int heads = 16, int layers = 24, int vocabulary = 49408) {
    return {.hidden = hidden,
            .heads = heads,
            .layers = layers,
            .feed_forward = 4 * hidden,
            .quick_gelu = false,
            .vocabulary = vocabulary,
            .bos = vocabulary - 2,
            .eos = vocabulary - 1,
            .pad = 0,
            .projection = hidden};
}

vae_config wide_latents(vae_config c) {
    c.z_channels = 16;
    c.quant_conv = false;
    c.scale = 1.5305;
    c.shift = 0.0609;
    return c;
}

procedural_model third_generation(std::string_view name, std::string_view family, mmdit_config const& mmdit) {
    return {.name = name,
            .family = family,
            .prediction = sfumato::prediction::flow,
            .mmdit = mmdit,
            .vae = wide_latents({}),
            .clip_l = projected({}),
            .clip_g = open_clip(1280, 20, 32),
            .t5 = t5_config{}};
}

std::vector<procedural_model> given_models() {
    return {
        {.name = "sd15", .family = "sd1", .unet = unet_config{}, .vae = vae_config{}, .clip_l = clip_config{}},
        {.name = "sd15-inpaint",
         .family = "sd1-inpaint",
         .unet = unet_config{.in_channels = 9},
         .vae = vae_config{},
         .clip_l = clip_config{}},
        {.name = "sd21",
         .family = "sd2",
         .prediction = sfumato::prediction::v,
         .unet = with_head_dim(64, {.context_dim = 1024}),
         .vae = vae_config{},
         .clip_h = open_clip()},
        {.name = "sdxl",
         .family = "sdxl",
         .unet = with_head_dim(64, {.channel_mult = {1, 2, 4},
                                    .transformer_depth = {0, 2, 10},
                                    .middle_depth = 10,
                                    .context_dim = 2048,
                                    .adm_in_channels = 1280 + unet_config::sizes * unet_config::wave}),
         .vae = vae_config{.scale = xl_latent_scale},
         .clip_l = clip_config{},
         .clip_g = open_clip(1280, 20, 32)},
        third_generation("sd3m", "sd3", {}),
        third_generation("sd35m", "sd35", {.table_side = 384, .qk_norm = true, .dual_blocks = 13}),
        third_generation("sd35l", "sd35", {.depth = 38, .qk_norm = true}),
        {.name = "sd1-tiny",
         .family = "sd1",
         .unet = tiny_unet(4, {1, 1, 2, 2}, 32),
         .vae = tiny_vae({1, 1, 1, 2}),
         .clip_l = tiny_clip_l(3, 49408)},
        {.name = "sd1-inpaint-tiny",
         .seed = 1,
         .family = "sd1-inpaint",
         .unet = tiny_unet(9, {1, 1, 1, 1}, 32),
         .vae = tiny_vae({1, 1, 1, 1}),
         .clip_l = tiny_clip_l(2, 1000)},
        {.name = "sd2-tiny",
         .seed = 2,
         .family = "sd2",
         .prediction = sfumato::prediction::v,
         .unet = with_head_dim(16, tiny_unet(4, {1, 1, 1, 2}, 64)),
         .vae = tiny_vae({1, 1, 1, 1}),
         .clip_h = open_clip(64, 4, 3, 1000)},
        {.name = "sdxl-tiny",
         .seed = 3,
         .family = "sdxl",
         .unet = with_head_dim(32, {.model_channels = 32,
                                    .channel_mult = {1, 1, 2},
                                    .transformer_depth = {0, 1, 2},
                                    .middle_depth = 2,
                                    .context_dim = 96,
                                    .adm_in_channels = 64 + unet_config::sizes * unet_config::wave}),
         .vae = tiny_vae({1, 1, 1, 1}, xl_latent_scale),
         .clip_l = tiny_clip_l(3, 1000),
         .clip_g = open_clip(64, 4, 3, 1000)},
        {.name = "sd3-tiny",
         .seed = 4,
         .family = "sd3",
         .prediction = sfumato::prediction::flow,
         .mmdit = tiny_mmdit(24),
         .vae = wide_latents(tiny_vae({1, 1, 1, 2})),
         .clip_l = projected(tiny_clip_l(3, 1000)),
         .clip_g = open_clip(64, 4, 3, 1000),
         .t5 =
             t5_config{
                 .width = 128, .heads = 4, .head_channels = 16, .layers = 3, .feed_forward = 192, .vocabulary = 1000}},
        {.name = "sd35-tiny",
         .seed = 5,
         .family = "sd35",
         .prediction = sfumato::prediction::flow,
         .mmdit = dual(1, tiny_mmdit(32))},
        {.name = "taesd-tiny", .seed = 13, .taesd = taesd_config{.channels = 16}},
        {.name = "taesd3-tiny", .seed = 14, .taesd = taesd_config{.channels = 16, .z_channels = 16}},
        {.name = "lama-tiny", .seed = 15, .lama = lama_config{.channels = 8, .blocks = 3, .global_channels = 48}},
        {.name = "big-lama", .seed = 16, .lama = lama_config{}},
        {.name = "migan-tiny",
         .seed = 17,
         .migan = migan_config{.side = 32, .channel_pixels = 512, .most_channels = 64}},
        {.name = "migan-256", .seed = 18, .migan = migan_config{.side = 256}},
        {.name = "migan-512", .seed = 19, .migan = migan_config{}},
    };
}

std::vector<procedural_model> const& all_models() {
    static std::vector<procedural_model> const models = [] {
        std::vector<procedural_model> all = given_models();
        for (auto const& [name, seed, config] : upscaler_examples())
            all.push_back({.name = name, .seed = seed, .upscaler = config});
        return all;
    }();
    return models;
}

// ---- The config as these models' files have it, so that nothing has to be guessed from shapes.

json number_or_null(int number) { return number ? json(number) : json(nullptr); }

json unet_json(unet_config const& c) {
    return {{"in_channels", c.in_channels},         {"out_channels", c.out_channels},
            {"model_channels", c.model_channels},   {"channel_mult", c.channel_mult},
            {"num_res_blocks", c.res_blocks},       {"transformer_depth", c.transformer_depth},
            {"middle_depth", c.middle_depth},       {"context_dim", c.context_dim},
            {"num_heads", number_or_null(c.heads)}, {"head_dim", number_or_null(c.head_dim)},
            {"use_linear", c.use_linear},           {"adm_in_channels", number_or_null(c.adm_in_channels)}};
}

json mmdit_json(mmdit_config const& c) {
    json dual = json::array();
    for (int i = 0; i < c.dual_blocks; ++i) dual.push_back(i);
    return {{"depth", c.depth},
            {"in_channels", c.in_channels},
            {"pos_embed_max_size", c.table_side},
            {"pooled_dim", c.pooled_channels},
            {"context_dim", c.context_channels},
            {"qk_norm", c.qk_norm},
            {"dual_layers", dual}};
}

json vae_json(vae_config const& c) {
    return {{"ch", c.channels},           {"ch_mult", c.channel_mult},  {"num_res_blocks", c.res_blocks},
            {"z_channels", c.z_channels}, {"quant_conv", c.quant_conv}, {"scaling_factor", c.scale},
            {"shift_factor", c.shift}};
}

json text_encoder_json(clip_config const& c) {
    return {{"hidden", c.hidden},
            {"heads", c.heads},
            {"layers", c.layers},
            {"ff", c.feed_forward},
            {"act", c.quick_gelu ? "quick_gelu" : "gelu"},
            {"vocab", c.vocabulary},
            {"ctx", c.context},
            {"proj", c.projection ? c.projection : c.hidden},
            {"bos", c.bos},
            {"eos", c.eos},
            {"pad", c.pad}};
}

std::string_view name_of(sfumato::prediction p) {
    return p == sfumato::prediction::v ? "v_prediction" : p == sfumato::prediction::flow ? "flow" : "epsilon";
}

json t5_json(t5_config const& c) {
    return {{"d_model", c.width}, {"d_kv", c.head_channels},       {"heads", c.heads},    {"d_ff", c.feed_forward},
            {"layers", c.layers}, {"buckets", t5_config::buckets}, {"max_distance", 128}, {"vocab", c.vocabulary}};
}

json config_json(procedural_model const& m) {
    json config = {{"family", m.family}, {"seed", m.seed}, {"prediction", name_of(m.prediction)}};
    if (m.unet) config["unet"] = unet_json(*m.unet);
    if (m.mmdit) config["mmdit"] = mmdit_json(*m.mmdit);
    if (m.vae) config["vae"] = vae_json(*m.vae);
    if (m.clip_l) config["clip_l"] = text_encoder_json(*m.clip_l);
    if (m.clip_h) config["clip_h"] = text_encoder_json(*m.clip_h);
    if (m.clip_g) config["clip_g"] = text_encoder_json(*m.clip_g);
    if (m.t5) config["t5"] = t5_json(*m.t5);
    return config;
}

// ---- Tensors

tensor_shapes tensors_of_model(procedural_model const& m) {
    tensor_shapes all;
    auto const put = [&](std::string_view prefix, tensor_shapes const& part) {
        for (auto const& [name, shape] : part) all[std::string(prefix) + name] = shape;
    };
    bool const sd3 = m.mmdit.has_value(); // all encoders in transformers' names
    std::string_view const clip_l = sd3 ? sd3_clip_l_prefix : m.clip_g ? xl_clip_l_prefix : clip_prefix;
    if (m.unet) put(unet_prefix, m.unet->tensors());
    if (m.mmdit) put(unet_prefix, m.mmdit->tensors());
    if (m.vae) put(vae_prefix, m.vae->tensors());
    if (m.clip_l) put(clip_l, m.clip_l->tensors());
    if (m.clip_h) put("cond_stage_model.model.", m.clip_h->open_clip_tensors());
    if (m.clip_g && !sd3) put("conditioner.embedders.1.model.", m.clip_g->open_clip_tensors());
    if (m.clip_g && sd3) put(sd3_clip_g_prefix, m.clip_g->tensors());
    if (m.t5) put(t5_prefix, m.t5->tensors());
    if (m.taesd) put("", m.taesd->tensors());
    if (m.lama) put(std::string("generator.") + std::string(lama_prefix), m.lama->tensors());
    if (m.migan) put("", m.migan->tensors());
    if (m.upscaler) put("", tensors_of(*m.upscaler));
    return all;
}

stored_tensor procedural_tensor(std::string name, std::vector<std::int64_t> shape, std::uint64_t seed) {
    procedural_range const range = procedural_range_of(name, shape);
    auto make = [name = std::move(name), seed, range](std::span<std::byte> bytes) {
        procedural_values(name, seed, range, bytes);
    };
    return {.type = stored_type::f16, .shape = std::move(shape), .make = std::move(make)};
}

} // namespace

std::vector<std::string_view> procedural_models() {
    std::vector<std::string_view> names;
    for (procedural_model const& m : all_models()) names.push_back(m.name);
    return names;
}

checkpoint procedural_checkpoint(std::string_view name) {
    auto const m = std::ranges::find(all_models(), name, &procedural_model::name);
    if (m == all_models().end()) {
        std::string known;
        for (std::string_view other : procedural_models()) known += (known.empty() ? "" : ", ") + std::string(other);
        fail("There is no procedural model '{}'; there are: {}.", name, known);
    }
    checkpoint all{.source = "procedural:" + std::string(name), .format = "procedural"};
    all.metadata = {{"model", name}};
    if (m->vae || m->mmdit) all.metadata["config"] = json_line(config_json(*m));
    for (auto const& [tensor, shape] : tensors_of_model(*m))
        all.tensors.emplace(tensor, procedural_tensor(tensor, shape, m->seed));
    return all;
}

} // namespace sfumato
