// Family and sizes from names and shapes: of every procedural model, of what is incomplete, of what is foreign.
#include "models/library/family.h"
#include "models/library/open_checkpoint.h"

#include "compute/half.h"
#include "models/library/procedural.h"
#include "tests/models/files/scratch.h"

#include <fstream>

using namespace sfumato;

namespace {

std::string const in_unet(unet_prefix);

checkpoint opened(std::string const& model) { return open_checkpoint("procedural:" + model); }

// As a real file: nothing but tensors.
checkpoint without_config(std::string const& model) {
    checkpoint c = opened(model);
    c.metadata = nlohmann::json::object();
    return c;
}

TEST(family, sd1_at_full_size) {
    auto const m = describe_model(without_config("sd15"));
    ASSERT_TRUE(m.supported) << m.reason;
    EXPECT_EQ(m.family, "Stable Diffusion 1.x");
    EXPECT_EQ(m.reason, "the UNet takes 4 channels and a text of width 768, its projections are convolutions");
    EXPECT_EQ(m.unet, unet_config{});
    EXPECT_EQ(m.vae, vae_config{});
    EXPECT_EQ(m.texts, std::vector{clip_config{}});
    EXPECT_FALSE(m.taesd);
    EXPECT_EQ(m.prediction, sfumato::prediction::epsilon);
    EXPECT_EQ(m.native_size, 512);
}

TEST(family, sd1_inpainting_at_full_size) {
    auto const m = describe_model(without_config("sd15-inpaint"));
    ASSERT_TRUE(m.supported) << m.reason;
    EXPECT_EQ(m.family, "Stable Diffusion 1.x inpainting");
    EXPECT_EQ(m.unet, unet_config{.in_channels = 9});
}

TEST(family, sd2_at_full_size) {
    auto const m = describe_model(without_config("sd21"));
    ASSERT_TRUE(m.supported) << m.reason;
    EXPECT_EQ(m.family, "Stable Diffusion 2.x");
    EXPECT_EQ(m.unet, (unet_config{.context_dim = 1024, .heads = 0, .head_dim = 64, .use_linear = true}));
    EXPECT_EQ(m.texts, (std::vector{clip_config{.hidden = 1024,
                                                .heads = 16,
                                                .layers = 24,
                                                .layers_used = 23,
                                                .stops_at = 2,
                                                .feed_forward = 4096,
                                                .quick_gelu = false,
                                                .pad = 0,
                                                .projection = 1024}}));
    EXPECT_EQ(m.prediction, sfumato::prediction::epsilon); // the statistic of these weights
    EXPECT_EQ(m.prediction_reason,
              "the standard deviation of output_blocks.11.1.transformer_blocks.0.norm1.bias is 0.027, "
              "not above 0.09");
}

// Fine-tuning adds tokens; the prompt still ends with CLIP's own EOS, and is padded with it or, of the second
// generation, with 0.
TEST(family, tokens_that_were_added_stand_for_nothing) {
    for (std::string const model : {"sd15", "sd21"})
        for (int vocabulary : {514, 1000, 49407, 49408, 49409, 49410, 49504, 60000}) {
            checkpoint c = without_config(model);
            c.tensors[std::string(clip_prefix) + "text_model.embeddings.token_embedding.weight"].shape[0] = vocabulary;
            auto const m = describe_model(c);
            ASSERT_TRUE(m.supported) << m.reason;
            EXPECT_EQ(m.texts.front().vocabulary, vocabulary);
            EXPECT_EQ(m.texts.front().eos, std::min(vocabulary, 49408) - 1);
            EXPECT_EQ(m.texts.front().bos, m.texts.front().eos - 1);
            EXPECT_EQ(m.texts.front().pad, model == "sd15" ? m.texts.front().eos : 0);
        }
}

TEST(family, sd2_prediction) {
    checkpoint c = without_config("sd21");
    std::string const name = in_unet + "output_blocks.11.1.transformer_blocks.0.norm1.bias";
    EXPECT_EQ(describe_model(c, sfumato::prediction::v).prediction, sfumato::prediction::v);
    EXPECT_EQ(describe_model(c, sfumato::prediction::v).native_size, 768);

    std::vector<std::uint16_t> halves(320);
    for (std::size_t i = 0; i < halves.size(); ++i) halves[i] = f16_bits(i % 2 ? 0.2f : 0.0f);
    c.tensors[name] = {.type = stored_type::f16, .shape = {320}, .mapped = std::as_bytes(std::span(halves))};
    EXPECT_EQ(describe_model(c).prediction, sfumato::prediction::v);
    EXPECT_EQ(describe_model(c).native_size, 768);
    EXPECT_EQ(describe_model(c, sfumato::prediction::epsilon).prediction, sfumato::prediction::epsilon);
    std::vector<double> const doubles(320, 4.0);
    c.tensors[name] = {.type = stored_type::f64, .shape = {320}, .mapped = std::as_bytes(std::span(doubles))};
    EXPECT_EQ(describe_model(c).prediction, sfumato::prediction::epsilon); // no spread

    EXPECT_EQ(describe_model(opened("sd2-tiny")).prediction, sfumato::prediction::v); // its config says so
    checkpoint sd1 = without_config("sd1-tiny");
    sd1.tensors["v_pred"] = {.shape = {0}};
    EXPECT_EQ(describe_model(sd1).prediction, sfumato::prediction::v);
    EXPECT_FALSE(describe_model(sd1).zero_terminal_snr);
    sd1.tensors["ztsnr"] = {.shape = {0}};
    EXPECT_TRUE(describe_model(sd1).zero_terminal_snr);
    EXPECT_EQ(describe_model(sd1).prediction_reason, "it has tensors named v_pred and ztsnr");
}

// Which layer from the end a family's text encoder stops at, whether or not its file has those behind.
TEST(family, where_the_text_encoder_stops) {
    EXPECT_EQ(describe_model(opened("sd1-tiny")).texts.front().stops_at, 1);
    EXPECT_EQ(describe_model(opened("sd2-tiny")).texts.front().stops_at, 2);
    EXPECT_EQ(describe_model(opened("sd15")).texts.front().stops_at, 1);
    EXPECT_EQ(describe_model(opened("sd21")).texts.front().stops_at, 2);
    checkpoint cut = without_config("sd21"); // as transformers writes it: 23 of 24 layers
    std::erase_if(cut.tensors, [](auto const& t) { return t.first.find("encoder.layers.23.") != t.first.npos; });
    auto const texts = describe_model(cut).texts;
    ASSERT_EQ(texts.size(), 1);
    EXPECT_EQ(texts[0].layers, 23);
    EXPECT_EQ(texts[0].layers_used, 23);
    EXPECT_EQ(texts[0].stops_at, 2);
}

TEST(family, tiny_models_with_their_config) {
    auto const m = describe_model(opened("sd2-tiny"));
    ASSERT_TRUE(m.supported) << m.reason;
    EXPECT_EQ(m.unet, (unet_config{.model_channels = 32,
                                   .channel_mult = {1, 1, 1, 2},
                                   .context_dim = 64,
                                   .heads = 0,
                                   .head_dim = 16,
                                   .use_linear = true}));
    EXPECT_EQ(m.vae, (vae_config{.channels = 32, .channel_mult = {1, 1, 1, 1}}));
    EXPECT_EQ(m.texts, (std::vector{clip_config{.hidden = 64,
                                                .heads = 4,
                                                .layers = 3,
                                                .layers_used = 2,
                                                .stops_at = 2,
                                                .feed_forward = 256,
                                                .quick_gelu = false,
                                                .vocabulary = 1000,
                                                .bos = 998,
                                                .eos = 999,
                                                .pad = 0,
                                                .projection = 64}}));
    auto const inpaint = describe_model(opened("sd1-inpaint-tiny"));
    ASSERT_TRUE(inpaint.supported) << inpaint.reason;
    EXPECT_EQ(inpaint.texts.front().heads, 4);
    EXPECT_EQ(inpaint.texts.front().pad, 999);
    EXPECT_EQ(inpaint.texts.front().layers_used, 2);
    EXPECT_EQ(inpaint.unet->heads, 8);
}

// A diffusers folder's config files, with the names already mapped.
TEST(family, diffusers_configs) {
    auto const configs = nlohmann::json::parse(std::ifstream(GOLDEN "/models/diffusers_configs.json"));
    for (std::string const model : {"sd1-tiny", "sd1-inpaint-tiny", "sd2-tiny"}) {
        auto const with_config = describe_model(opened(model));
        checkpoint c = without_config(model);
        c.metadata["diffusers"] = configs[model];
        bool const second = model == "sd2-tiny";
        if (second)
            std::erase_if(c.tensors, [](auto const& t) {
                return t.first.find(".layers.2.") != std::string::npos || t.first.ends_with("text_projection.weight");
            });
        c.metadata["diffusers"]["scheduler"] = {{"prediction_type", second ? "v_prediction" : "epsilon"}};
        auto m = describe_model(c);
        ASSERT_TRUE(m.supported) << m.reason;
        EXPECT_EQ(m.unet, with_config.unet);
        EXPECT_EQ(m.vae, with_config.vae);
        EXPECT_EQ(m.prediction, with_config.prediction);
        if (second) {
            EXPECT_EQ(m.texts.front().layers, 2);
            EXPECT_EQ(m.texts.front().layers_used, 2);
            m.texts.front().layers = 3;
            m.texts.front().projection = 64;
        }
        EXPECT_EQ(m.texts, with_config.texts);
    }
}

checkpoint only(checkpoint c, std::string_view prefix) {
    std::erase_if(c.tensors, [&](auto const& t) { return !t.first.starts_with(prefix); });
    return c;
}

TEST(family, networks_alone) {
    auto const vae = describe_model(only(without_config("sd15"), "first_stage_model."));
    EXPECT_TRUE(vae.supported) << vae.reason;
    EXPECT_EQ(vae.family, "VAE");
    EXPECT_EQ(vae.vae, vae_config{});
    auto const text = describe_model(only(without_config("sd21"), "cond_stage_model."));
    EXPECT_TRUE(text.supported) << text.reason;
    EXPECT_EQ(text.family, "OpenCLIP text encoder");
    EXPECT_EQ(text.texts.front().layers_used, 23);
    auto const unet = describe_model(only(without_config("sd15"), in_unet));
    EXPECT_FALSE(unet.supported);
    EXPECT_EQ(unet.family, "Stable Diffusion 1.x");
    EXPECT_EQ(unet.missing, (std::vector<std::string>{"text encoder", "VAE"}));
    EXPECT_EQ(unet.reason, "a half of a model, which has no text encoder and no VAE; they are taken from other files "
                           "with --text-encoder FILE and --vae FILE, for example from a whole model of Stable "
                           "Diffusion 1.x");
    auto const taesd = describe_model(opened("taesd-tiny"));
    EXPECT_TRUE(taesd.supported) << taesd.reason;
    EXPECT_EQ(taesd.taesd, (taesd_config{.channels = 16}));
}

TEST(family, half_a_vae) {
    checkpoint decoder = only(without_config("sd15"), "first_stage_model.");
    std::erase_if(decoder.tensors, [](auto const& t) {
        return t.first.starts_with("first_stage_model.encoder.") || t.first.starts_with("first_stage_model.quant_conv");
    });
    auto m = describe_model(decoder);
    ASSERT_TRUE(m.supported) << m.reason;
    EXPECT_EQ(m.vae, vae_config{.encoder = false});
}

TEST(family, xl_at_full_size) {
    auto const m = describe_model(without_config("sdxl"));
    ASSERT_TRUE(m.supported) << m.reason;
    EXPECT_EQ(m.family, "Stable Diffusion XL");
    EXPECT_EQ(m.unet->head_dim, 64);
    EXPECT_EQ(m.unet->transformer_depth, (std::vector{0, 2, 10}));
    EXPECT_EQ(m.unet->pooled_channels(), 1280);
    EXPECT_EQ(m.vae->scale, 0.13025);
    EXPECT_EQ(m.native_size, 1024);
    EXPECT_EQ(m.prediction, sfumato::prediction::epsilon);
    ASSERT_EQ(m.texts.size(), 2u);
    for (auto const& [text, layers, pad, quick] :
         {std::tuple{m.texts[0], 11, 49407, true}, {m.texts[1], 31, 0, false}}) {
        EXPECT_EQ(text.layers_used, layers);
        EXPECT_EQ(text.pad, pad);
        EXPECT_EQ(text.quick_gelu, quick);
        EXPECT_EQ(text.stops_at, 2);
        EXPECT_FALSE(text.final_norm);
    }
    EXPECT_FALSE(m.texts[0].pooled);
    EXPECT_TRUE(m.texts[1].pooled);

    auto const pair = describe_model(only(without_config("sdxl"), "conditioner.embedders."));
    EXPECT_TRUE(pair.supported) << pair.reason;
    EXPECT_EQ(pair.family, "CLIP and OpenCLIP text encoders");
    checkpoint other_words = without_config("sdxl");
    other_words.tensors[std::string(xl_clip_l_prefix) + "text_model.embeddings.token_embedding.weight"].shape = {514,
                                                                                                                 768};
    EXPECT_EQ(describe_model(other_words).reason, "its two text encoders have different vocabularies");

    checkpoint half = without_config("sdxl");
    std::erase_if(half.tensors, [](auto const& t) { return t.first.starts_with("conditioner.embedders.1."); });
    EXPECT_EQ(describe_model(half).missing, std::vector<std::string>{"text encoder"});
}

TEST(family, what_cannot_be_run_yet_has_a_name) {
    checkpoint refiner = without_config("sdxl");
    refiner.tensors["model.diffusion_model.label_emb.0.0.weight"].shape = {1280, 2560};
    EXPECT_EQ(describe_model(refiner).family, "Stable Diffusion XL refiner");
    EXPECT_TRUE(describe_model(refiner).reason.starts_with("not supported yet")) << describe_model(refiner).reason;

    auto const name_of = [](std::string const& tensor) {
        checkpoint c;
        c.tensors[tensor] = {.shape = {0}};
        auto const m = describe_model(c);
        EXPECT_FALSE(m.supported);
        EXPECT_FALSE(m.reason.empty());
        return m.family;
    };
    EXPECT_EQ(name_of("model.diffusion_model.joint_blocks.0.x_block.attn.qkv.weight"), "Stable Diffusion 3");
    EXPECT_EQ(name_of("double_blocks.0.img_attn.qkv.weight"), "FLUX");
    EXPECT_EQ(name_of("layers.0.residual_group.blocks.0.norm1.weight"), "upscaler (of the Swin family)");
    EXPECT_EQ(name_of("model.diffusion_model.new.weight"), "diffusion model of an unknown kind");
    EXPECT_EQ(name_of("x"), "unknown");

    checkpoint depth = without_config("sd21");
    depth.tensors[in_unet + "input_blocks.0.0.weight"].shape = {320, 5, 3, 3};
    EXPECT_EQ(describe_model(depth).reason, "not supported yet: the UNet takes 5 channels");
    checkpoint pix2pix = without_config("sd15");
    pix2pix.tensors[in_unet + "input_blocks.0.0.weight"].shape = {320, 8, 3, 3};
    EXPECT_EQ(describe_model(pix2pix).family, "Stable Diffusion 1.x pix2pix");
    EXPECT_EQ(describe_model(pix2pix).reason, "not supported yet: it changes a picture as a sentence commands");
    checkpoint scaled = without_config("sd15");
    scaled.tensors["scaled_fp8"] = {.shape = {0}};
    EXPECT_EQ(describe_model(scaled).reason,
              "weights with factors, in another form than fp8 with one for each tensor, are not supported yet");
}

TEST(family, what_is_missing_is_named) {
    checkpoint const whole = without_config("sd15");
    auto const told = [&](auto change) {
        checkpoint c = whole;
        change(c.tensors);
        auto const m = describe_model(c);
        EXPECT_FALSE(m.supported);
        EXPECT_EQ(error_of([&] { require_model(c); }),
                  std::format("'procedural:sd15' ({}) cannot be used: {}.", m.family, m.reason));
        return m.reason;
    };
    EXPECT_EQ(told([](auto& t) { t.erase(in_unet + "output_blocks.5.2.conv.weight"); }),
              R"(tensor "model.diffusion_model.output_blocks.5.2.conv.weight" is missing)");
    EXPECT_EQ(told([](auto& t) { t[in_unet + "out.2.bias"].shape = {5}; }),
              R"(tensor "model.diffusion_model.out.2.bias" is f16 [5] where f16 [4] was expected)");
    EXPECT_EQ(told([](auto& t) { t["first_stage_model.decoder.conv_in.bias"].type = stored_type::i16; }),
              R"(tensor "first_stage_model.decoder.conv_in.bias" holds i16, which is no number to compute with)");
    EXPECT_EQ(told([](auto& t) {
                  t["cond_stage_model.transformer.text_model.embeddings.token_embedding.weight"].shape = {49408, 1024};
              }),
              "the text encoder is 1024 wide, but the UNet takes 768");
    EXPECT_EQ(
        told([](auto& t) { t[in_unet + "time_embed.cond_proj.weight"].shape = {320, 256}; }), // LCM
        R"(tensor "model.diffusion_model.time_embed.cond_proj.weight" belongs to a part that this family does not have)");
    EXPECT_EQ(error_of([&] { require_model(whole); }), "");
}

// Whole, but not as the networks are written.
TEST(family, sizes_that_do_not_fit_are_refused) {
    auto const reason = [](unet_config const& unet, vae_config const& vae, clip_config const& text) {
        checkpoint c;
        for (auto const& [prefix, shapes] :
             {std::pair(in_unet, unet.tensors()), std::pair(std::string(vae_prefix), vae.tensors()),
              std::pair(text.prefix, text.tensors())})
            for (auto const& [name, shape] : shapes)
                c.tensors[prefix + name] = {.type = stored_type::f16, .shape = shape};
        auto const m = describe_model(c);
        return m.supported ? "" : m.reason;
    };
    EXPECT_EQ(reason({}, {}, {}), "");
    EXPECT_EQ(reason({.out_channels = 3}, {}, {}), "not supported yet: the UNet makes 3 channels");
    EXPECT_EQ(reason({.model_channels = 48}, {}, {}), "the UNet's channels do not divide into 32 groups");
    EXPECT_EQ(reason({}, {.z_channels = 8}, {}), "not supported yet: the VAE's latent has 8 channels");
    EXPECT_EQ(reason({}, {.channel_mult = {1, 2, 4}}, {}),
              "not supported yet: a cell of the VAE's latent is not 8 pixels wide");
    EXPECT_EQ(reason({}, {.channels = 48}, {}), "the VAE's channels do not divide into 32 groups");
    EXPECT_EQ(reason({}, {}, {.context = 64}), "not supported yet: the text encoder takes 64 tokens");
    EXPECT_EQ(reason({.context_dim = 776}, {}, {.hidden = 776}),
              "the text encoder's channels do not divide into its heads");
}

// Sizes that no model has must not make anything large, divide by 0 or run for long.
TEST(family, absurd_shapes) {
    std::vector<std::vector<std::int64_t>> const shapes = {
        {},          {0}, {0, 0, 0, 0}, {1}, {1 << 20, 1 << 20, 1 << 20, 1 << 20}, {std::int64_t(1) << 62, 1, 1, 1},
        {7, 5, 3, 2}};
    checkpoint const whole = without_config("sd1-tiny");
    for (char const* name :
         {"model.diffusion_model.input_blocks.0.0.weight", "model.diffusion_model.input_blocks.1.0.in_layers.2.weight",
          "model.diffusion_model.input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight",
          "first_stage_model.encoder.conv_in.weight", "first_stage_model.decoder.conv_in.weight",
          "first_stage_model.encoder.down.0.block.0.conv1.weight",
          "cond_stage_model.transformer.text_model.embeddings.token_embedding.weight"})
        for (auto const& shape : shapes) {
            checkpoint c = whole;
            c.tensors[name].shape = shape;
            EXPECT_FALSE(describe_model(c).supported) << name;
        }
    for (auto const& [name, tensor] : whole.tensors) { // each one alone
        checkpoint c;
        c.tensors[name] = tensor;
        describe_model(c);
    }
}

TEST(family, foreign_configs_are_not_believed) {
    checkpoint c = opened("sd1-tiny");
    auto const with = [&](nlohmann::json config) {
        c.metadata["config"] = config.is_string() ? config.get<std::string>() : config.dump();
        return describe_model(c);
    };
    for (char const* odd :
         {"", "{", "[]", "12", "null", R"({"unet": 3, "clip_l": [1], "vae": "x"})", R"({"unet": {"num_heads": -8}})",
          R"({"unet": {"num_heads": 1e9}})", R"({"unet": {"num_heads": "8"}})"})
        EXPECT_EQ(with(std::string(odd)).unet->heads, 8) << odd;
    EXPECT_EQ(with({{"unet", {{"num_heads", 5}}}}).reason, "the UNet's channels do not divide into its heads");
    c.metadata = {{"config", {1, 2}}};
    describe_model(c);
    for (nlohmann::json const& odd :
         {nlohmann::json(3), nlohmann::json{{"unet", 1}}, nlohmann::json{{"unet", {{"attention_head_dim", {0}}}}},
          nlohmann::json{{"unet", {{"attention_head_dim", {1, 2}}, {"block_out_channels", {0}}}}}}) {
        c.metadata = {{"diffusers", odd}};
        EXPECT_EQ(describe_model(c).unet->heads, 8) << odd;
    }
}

} // namespace
