// LoRAs under all names that programs give them: which tensors of a model they are for.
#include "models/library/lora.h"

#include "models/files/prefixes.h"
#include "models/library/open_checkpoint.h"
#include "models/names/lora_names.h"
#include "tests/models/files/diffusers_layout.h"

using namespace sfumato;

namespace {

std::string with_underscores(std::string text) {
    std::ranges::replace(text, '.', '_');
    return text;
}

std::string without_ending(std::string const& name) { return name.substr(0, name.rfind('.')); }

// Of a network of a procedural model: a module as diffusers calls it → as we do.
std::map<std::string, std::string> modules_of(std::string const& model, std::string const& network) {
    std::map<std::string, std::string> all;
    auto const map = golden("layout_map.json")[model][network];
    for (auto const& [theirs, ours] : map.items())
        if (theirs.ends_with(".weight") && ours.is_string()) all[without_ending(theirs)] = without_ending(ours);
    return all;
}

// ---- Styles of names

struct unet_style {
    std::string before;
    bool is_ours = false, has_dots = false; // the module: as the model's makers name it; with dots
    std::string operator()(std::string const& theirs, std::string const& ours) const {
        std::string const module = is_ours ? ours.substr(unet_prefix.size()) : theirs;
        return before + (has_dots ? module : with_underscores(module));
    }
};

unet_style const unet_styles[] = {
    {"lora_unet_"},                         // kohya, OneTrainer
    {"lora_unet_", true},                   // kohya, of SDXL
    {"lycoris_"},                           // SimpleTuner
    {"unet.", false, true},                 // diffusers
    {"", false, true},                      // diffusers, of the UNet alone
    {"base_model.model.", false, true},     // PEFT
    {"diffusion_model.", true, true},       // ComfyUI
    {"model.diffusion_model.", true, true}, //
};

struct text_style {
    std::string before;
    bool has_dots = false;
};

// ---- Kinds

using shape = std::vector<std::int64_t>;

struct kind {
    char const* name;
    std::map<std::string, shape> parts; // of a module [24, 16]
};
kind const kinds[] = {
    {"kohya", {{".lora_up.weight", {24, 4}}, {".lora_down.weight", {4, 16}}, {".alpha", {}}}},
    {"peft", {{".lora_B.weight", {24, 4}}, {".lora_A.weight", {4, 16}}}},
    {"peft, named", {{".lora_B.default.weight", {24, 4}}, {".lora_A.default.weight", {4, 16}}}},
    {"bare", {{".lora_B", {24, 4}}, {".lora_A", {4, 16}}}},
    {"diffusers", {{".lora.up.weight", {24, 4}}, {".lora.down.weight", {4, 16}}}},
    {"diffusers, old", {{"_lora.up.weight", {24, 4}}, {"_lora.down.weight", {4, 16}}}},
    {"diffusers, of text", {{".lora_linear_layer.up.weight", {24, 4}}, {".lora_linear_layer.down.weight", {4, 16}}}},
    {"dora", {{".lora_up.weight", {24, 4}}, {".lora_down.weight", {4, 16}}, {".dora_scale", {24, 1}}}},
    {"dora of columns", {{".lora_up.weight", {24, 4}}, {".lora_down.weight", {4, 16}}, {".dora_scale", {1, 16}}}},
    {"dora, peft", {{".lora_B.weight", {24, 4}}, {".lora_A.weight", {4, 16}}, {".lora_magnitude_vector.weight", {24}}}},
    {"loha", {{".hada_w1_a", {24, 2}}, {".hada_w1_b", {2, 16}}, {".hada_w2_a", {24, 2}}, {".hada_w2_b", {2, 16}}}},
    {"lokr", {{".lokr_w1", {4, 4}}, {".lokr_w2", {6, 4}}, {".alpha", {}}}},
    {"lokr, factored",
     {{".lokr_w1_a", {4, 1}}, {".lokr_w1_b", {1, 4}}, {".lokr_w2_a", {6, 2}}, {".lokr_w2_b", {2, 4}}}},
    {"difference", {{".diff", {24, 16}}}},
};

stored_tensor ones(shape s) {
    return {.type = stored_type::f32, .shape = std::move(s), .mapped = {}, .make = [](std::span<std::byte> to) {
                float const one = 1;
                for (std::size_t i = 0; i < to.size(); i += 4) std::memcpy(&to[i], &one, 4);
            }};
}

std::shared_ptr<checkpoint> lora_of(std::map<std::string, stored_tensor> const& tensors) {
    auto c = std::make_shared<checkpoint>();
    c->source = "x.safetensors";
    c->tensors.insert(tensors.begin(), tensors.end());
    return c;
}

std::map<std::string, stored_tensor> parts_at(std::string const& module, kind const& k) {
    std::map<std::string, stored_tensor> tensors;
    for (auto const& [part, s] : k.parts) tensors[module + part] = ones(s);
    return tensors;
}

// Every spelling of every module of the UNet leads to the same tensors.
TEST(lora_names, of_all_modules_in_all_styles) {
    for (char const* name : {"sd1-tiny", "sd1-inpaint-tiny", "sd2-tiny", "sdxl-tiny"}) {
        checkpoint const model = open_checkpoint(std::string("procedural:") + name);
        lora_modules const known(model);
        auto const modules = modules_of(name, "unet");
        EXPECT_GT(modules.size(), 100u);
        for (auto const& [theirs, ours] : modules)
            for (unet_style const& style : unet_styles) {
                lora_target const* const found = known.find(style(theirs, ours));
                ASSERT_TRUE(found) << style(theirs, ours);
                EXPECT_EQ(*found, (lora_target{ours})) << style(theirs, ours);
            }
    }
}

TEST(lora_names, of_text_encoders) {
    checkpoint const one = open_checkpoint("procedural:sd1-tiny"), two = open_checkpoint("procedural:sdxl-tiny");
    lora_modules const of_one(one), of_two(two);
    auto const ours = [](std::string_view prefix, std::string const& module) { return std::string(prefix) + module; };
    std::string const module = "text_model.encoder.layers.1.self_attn.q_proj",
                      out = "text_model.encoder.layers.1.self_attn.out_proj",
                      fc = "text_model.encoder.layers.0.mlp.fc1";
    for (std::string const& m : {module, out, fc}) {
        for (std::string const& spelled :
             {"lora_te_" + with_underscores(m), "text_encoder." + m, "base_model.model." + m, m})
            EXPECT_EQ(*of_one.find(spelled), (lora_target{ours(clip_prefix, m)})) << spelled;
        for (std::string const& spelled :
             {"lora_te1_" + with_underscores(m), "text_encoder." + m, "text_encoders.clip_l.transformer." + m})
            EXPECT_EQ(*of_two.find(spelled), (lora_target{ours(xl_clip_l_prefix, m)})) << spelled;
        for (std::string const& spelled :
             {"lora_te2_" + with_underscores(m), "text_encoder_2." + m, "text_encoders.clip_g.transformer." + m})
            EXPECT_EQ(*of_two.find(spelled), (lora_target{ours(xl_clip_g_prefix, m)})) << spelled;
    }
    // Old attention processors.
    std::string const layer = "text_encoder.text_model.encoder.layers.1.self_attn.";
    EXPECT_EQ(*of_one.find(layer + "to_q"), (lora_target{ours(clip_prefix, module)}));
    EXPECT_EQ(*of_one.find(layer + "to_out"), (lora_target{ours(clip_prefix, out)}));
    std::string const attention = "unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1.";
    EXPECT_EQ(*of_one.find(attention + "processor.to_q"), *of_one.find(attention + "to_q"));
    EXPECT_EQ(*of_one.find(attention + "processor.to_out"), *of_one.find(attention + "to_out.0"));
    for (char const* spelled : {"", "lora_unet_", "lora_te_text_model_encoder_layers_9_mlp_fc1", "unet.conv_in.weight"})
        EXPECT_EQ(of_one.find(spelled), nullptr) << spelled;
}

// Styles × kinds, each at the same module.
TEST(lora, every_kind_in_every_style) {
    checkpoint model;
    std::string const ours = std::string(unet_prefix) + "middle_block.1.transformer_blocks.0.attn2.to_q",
                      theirs = "mid_block.attentions.0.transformer_blocks.0.attn2.to_q";
    model.tensors[ours + ".weight"] = {.type = stored_type::f16, .shape = {24, 16}};
    for (unet_style const& style : unet_styles)
        for (kind const& k : kinds) {
            SCOPED_TRACE(style(theirs, ours) + " " + k.name);
            auto const lora = lora_of(parts_at(style(theirs, ours), k));
            ASSERT_TRUE(describe_lora(*lora)) << "is not known as one";
            lora_match const m = match_lora(lora, model, "test");
            ASSERT_EQ(m.patches.size(), 1u);
            EXPECT_EQ(m.patches[0].tensor, ours + ".weight");
            EXPECT_TRUE(m.left_out.empty());
            EXPECT_EQ(!m.patches[0].magnitude.empty(), std::string(k.name).starts_with("dora"));
            EXPECT_EQ(size_of(m.patches[0]), (patch_size{24, 16}));
        }
}

TEST(lora, tells_what_it_is) {
    auto const told = [](std::map<std::string, stored_tensor> const& tensors, nlohmann::json const& metadata = {}) {
        auto const c = lora_of(tensors);
        c->metadata = metadata;
        auto const d = describe_lora(*c);
        return d ? d->kinds + "|" + d->family : "";
    };
    std::string const to_k = "lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn2_to_k";
    for (auto const& [width, family] : {std::pair(768, "Stable Diffusion 1.x"), std::pair(1024, "Stable Diffusion 2.x"),
                                        std::pair(2048, "Stable Diffusion XL"), std::pair(5, "")})
        EXPECT_EQ(told({{to_k + ".lora_down.weight", ones({4, width})}, {to_k + ".lora_up.weight", ones({8, 4})}}),
                  std::string("LoRA|") + family);
    EXPECT_EQ(told({{"lora_te2_x.lora_up.weight", ones({1, 1})}, {"lora_te2_x.dora_scale", ones({1, 1})}}),
              "LoRA, DoRA|Stable Diffusion XL");
    EXPECT_EQ(
        told({{"y.hada_w1_a", ones({1, 1})}, {"x.lokr_w1", ones({1, 1})}}, {{"ss_base_model_version", "sd_v2_768"}}),
        "LoHa, LoKr|Stable Diffusion 2.x");
    EXPECT_EQ(
        told({{"x.lora_A.weight", ones({1, 1})}}, {{"modelspec.architecture", "stable-diffusion-xl-v1-base/lora"}}),
        "LoRA|Stable Diffusion XL");
    EXPECT_EQ(told({{"lora_unet_x.oft_blocks", ones({1, 1})}}), "OFT|");
    EXPECT_EQ(told({{"x.alpha", ones({})}, {"body.0.fc1.alpha", ones({1})}}), "");
}

TEST(lora, alpha_comes_from_where_it_stands) {
    checkpoint model;
    std::string const ours = std::string(unet_prefix) + "middle_block.1.proj_in";
    model.tensors[ours + ".weight"] = {.type = stored_type::f16, .shape = {24, 16}};
    std::string const module = "unet.mid_block.attentions.0.proj_in";
    auto const scale = [&](nlohmann::json const& metadata, std::optional<float> alpha) {
        auto const lora = lora_of(parts_at(module, kinds[1]));
        lora->metadata = metadata;
        if (alpha) {
            lora->tensors[module + ".alpha"] = ones({1});
            lora->tensors[module + ".alpha"].make = [a = *alpha](std::span<std::byte> to) {
                std::memcpy(to.data(), &a, 4);
            };
        }
        return match_lora(lora, model, "test").patches.at(0).scale;
    };
    auto const adapter = [](nlohmann::json const& config) {
        return nlohmann::json{{"lora_adapter_metadata", config.dump()}};
    };
    EXPECT_EQ(scale({}, {}), 1);
    EXPECT_EQ(scale({}, 8), 2);
    EXPECT_EQ(scale({}, 0), 1);
    EXPECT_EQ(scale(adapter({{"unet.lora_alpha", 2}}), {}), 0.5);
    EXPECT_EQ(scale(adapter({{"unet.lora_alpha", 2}}), 8), 2) << "what stands beside the tensors counts first";
    EXPECT_EQ(scale(adapter({{"unet.lora_alpha", 2}, {"unet.use_rslora", true}}), {}), 1);
    EXPECT_EQ(scale(adapter({{"text_encoder.lora_alpha", 2}}), {}), 1);
    EXPECT_EQ(scale(adapter({{"unet.lora_alpha", 2}, {"unet.alpha_pattern", {{"attentions.0.proj_in", 12}}}}), {}), 3);
    for (nlohmann::json const& odd :
         {nlohmann::json(1), nlohmann::json("["), nlohmann::json("[]"), nlohmann::json("{\"unet.lora_alpha\": \"x\"}")})
        EXPECT_EQ(scale({{"lora_adapter_metadata", odd}}, {}), 1);
}

TEST(lora, of_another_model_is_refused_and_a_part_of_it_told) {
    auto const match = [](std::map<std::string, stored_tensor> const& tensors) {
        checkpoint const model = open_checkpoint("procedural:sd1-tiny");
        return match_lora(lora_of(tensors), model, "Stable Diffusion 1.x");
    };
    auto const at = [](std::string const& module, std::int64_t out, std::int64_t in) {
        return std::map<std::string, stored_tensor>{{module + ".lora_up.weight", ones({out, 2})},
                                                    {module + ".lora_down.weight", ones({2, in})}};
    };
    std::string const q = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q",
                      k = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_k";
    auto both = at(q, 32, 32);
    both.merge(at(k, 32, 32));
    EXPECT_EQ(match(both).patches.size(), 2u);
    auto part = at(q, 32, 32);
    part.merge(at("lora_unet_nothing", 32, 32));
    EXPECT_EQ(match(part).left_out, std::vector<std::string>{"lora_unet_nothing"});
    EXPECT_NE(error_of([&] { match(at(q, 64, 32)); }).find("0 of its 1 modules fit"), std::string::npos);
    auto wide = at(k, 32, 2048);
    EXPECT_NE(error_of([&] { match(wide); }).find("the model is Stable Diffusion 1.x"), std::string::npos);
    EXPECT_NE(error_of([&] { match({{q + ".oft_blocks", ones({4, 8, 8})}}); }).find("is OFT, which is not done"),
              std::string::npos);
    EXPECT_NE(error_of([&] { match({{"conv_in.weight", ones({4, 8, 3, 3})}}); }).find("is no LoRA"), std::string::npos);
}

// Whatever a file claims of its sizes, what does not fit is left out.
TEST(lora, damaged_parts_fit_nothing) {
    checkpoint model;
    model.tensors[std::string(unet_prefix) + "middle_block.1.proj_in.weight"] = {.type = stored_type::f16,
                                                                                 .shape = {24, 16}};
    std::string const module = "lora_unet_mid_block_attentions_0_proj_in";
    std::int64_t const far = std::int64_t(1) << 40;
    for (kind const& k : kinds)
        for (auto const& [part, s] : k.parts)
            for (shape const& wrong : std::vector<shape>{
                     {}, {0}, {0, 16}, {24, 0}, {7}, {24, 5}, {5, 16}, {far, 4}, {4, far}, {far, far, 2, 0}})
                for (stored_type type : {stored_type::f32, stored_type::u8}) {
                    if (part == ".alpha" || wrong == s) continue;
                    auto tensors = parts_at(module, k);
                    tensors[module + part].shape = wrong;
                    tensors[module + part].type = type;
                    tensors[module + part].make = {};
                    EXPECT_NE(error_of([&] { match_lora(lora_of(tensors), model, "test"); }), "") << k.name << part;
                    tensors.erase(module + part);
                    tensors["y" + part] = ones(s);
                    if (tensors.size() > 1 && part != ".dora_scale" && part != ".lora_magnitude_vector.weight") {
                        EXPECT_NE(error_of([&] { match_lora(lora_of(tensors), model, "test"); }), "") << k.name << part;
                    }
                }
}

} // namespace
