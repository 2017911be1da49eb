// Every naming that models come in ends in the same names, shapes and bytes.
#include "models/names/canonical.h"

#include "models/library/procedural.h"
#include "tests/models/files/diffusers_layout.h"

using namespace sfumato;

namespace {

checkpoint canonical(checkpoint c) {
    use_canonical_names(c);
    return c;
}

checkpoint only(checkpoint const& c, std::string_view prefix) {
    checkpoint part{.source = c.source};
    for (auto const& [name, tensor] : c.tensors)
        if (name.starts_with(prefix)) part.tensors[name] = tensor;
    return part;
}

checkpoint without_prefix(checkpoint const& c, std::string_view prefix) {
    checkpoint part{.source = c.source};
    for (auto const& [name, tensor] : c.tensors)
        if (name.starts_with(prefix)) part.tensors[name.substr(prefix.size())] = tensor;
    return part;
}

class canonical_names : public testing::TestWithParam<char const*> {};

TEST_P(canonical_names, a_single_file_has_them_but_for_open_clip) {
    checkpoint const raw = procedural_checkpoint(GetParam()), all = canonical(raw);
    for (char const* prefix : {"model.diffusion_model.", "first_stage_model.", "cond_stage_model.transformer."})
        if (!only(raw, prefix).tensors.empty()) expect_equal(only(all, prefix), only(raw, prefix));
}

TEST_P(canonical_names, of_the_unet_of_a_diffusers_folder) {
    expect_equal(canonical(diffusers_part(GetParam(), "unet")),
                 only(canonical(procedural_checkpoint(GetParam())), "model.diffusion_model."));
}

TEST_P(canonical_names, of_the_vae_of_a_diffusers_folder) {
    expect_equal(canonical(diffusers_part(GetParam(), "vae")),
                 only(canonical(procedural_checkpoint(GetParam())), "first_stage_model."));
}

TEST_P(canonical_names, of_networks_that_stand_alone) {
    checkpoint const raw = procedural_checkpoint(GetParam()), all = canonical(raw);
    for (char const* prefix : {"model.diffusion_model.", "first_stage_model."})
        expect_equal(canonical(without_prefix(raw, prefix)), only(all, prefix));
    expect_equal(canonical(without_prefix(raw, "model.")), only(all, "model."));
    checkpoint vae = without_prefix(raw, "first_stage_model."), prefixed;
    for (auto& [name, tensor] : vae.tensors) prefixed.tensors["vae." + name] = tensor;
    expect_equal(canonical(prefixed), only(all, "first_stage_model."));
}

INSTANTIATE_TEST_SUITE_P(all, canonical_names,
                         testing::Values("sd1-tiny", "sd1-inpaint-tiny", "sd2-tiny", "sdxl-tiny"));

// Three tensors become one, and halves change places; files of its own, too.
TEST(canonical, the_mmdit_of_diffusers) {
    for (char const* model : {"sd3-tiny", "sd35-tiny"}) {
        checkpoint const part = diffusers_part(model, "transformer"),
                         expected = only(procedural_checkpoint(model), "model.diffusion_model.");
        checkpoint prefixed;
        for (auto const& [name, tensor] : part.tensors) prefixed.tensors["model.diffusion_model." + name] = tensor;
        expect_equal(canonical(part), expected);
        expect_equal(canonical(prefixed), expected);
        expect_equal(canonical(without_prefix(expected, "model.diffusion_model.")), expected);
        expect_equal(canonical(without_prefix(expected, "model.")), expected);
        checkpoint lacking = part;
        lacking.tensors.erase("transformer_blocks.0.attn.to_k.weight");
        EXPECT_THROW(canonical(lacking), error);
        checkpoint other = part;
        other.tensors["norm_out.linear.bias"].shape = {3};
        EXPECT_THROW(canonical(other), error);
    }
}

TEST(canonical, t5_alone) {
    std::string const prefix = "text_encoders.t5xxl.transformer.";
    checkpoint const expected = only(procedural_checkpoint("sd3-tiny"), prefix),
                     alone = without_prefix(expected, prefix);
    expect_equal(canonical(alone), expected);
    expect_equal(canonical(diffusers_part("sd3-tiny", "text_encoder_3")), expected);
    checkpoint twice = alone, other = alone;
    twice.tensors["encoder.embed_tokens.weight"] = alone.at("shared.weight");
    expect_equal(canonical(twice), expected);
    other.tensors.erase("shared.weight");
    other.tensors["encoder.embed_tokens.weight"] = alone.at("shared.weight");
    expect_equal(canonical(other), expected);

    // As llama.cpp's converter calls it.
    checkpoint gguf;
    for (auto const& [name, tensor] : alone.tensors) {
        std::string renamed = name;
        for (auto const& [from, to] : {std::pair<std::string, std::string>{"encoder.block.", "enc.blk."},
                                       {"encoder.final_layer_norm", "enc.output_norm"},
                                       {"shared", "token_embd"},
                                       {"layer.0.SelfAttention.relative_attention_bias", "attn_rel_b"},
                                       {"layer.0.SelfAttention.", "attn_"},
                                       {"layer.0.layer_norm", "attn_norm"},
                                       {"layer.1.layer_norm", "ffn_norm"},
                                       {"layer.1.DenseReluDense.wi_0", "ffn_gate"},
                                       {"layer.1.DenseReluDense.wi_1", "ffn_up"},
                                       {"layer.1.DenseReluDense.wo", "ffn_down"}})
            if (auto const at = renamed.find(from); at != renamed.npos) renamed.replace(at, from.size(), to);
        gguf.tensors[renamed] = tensor;
    }
    expect_equal(canonical(gguf), expected);
}

TEST(canonical, open_clip_becomes_what_transformers_has) {
    checkpoint const raw = procedural_checkpoint("sd2-tiny"),
                     all = only(canonical(raw), "cond_stage_model.transformer.");
    checkpoint expected = canonical(diffusers_part("sd2-tiny", "text_encoder"));
    // There the last layer is left out, and the projection.
    checkpoint cut = all;
    std::erase_if(cut.tensors, [](auto const& t) {
        return t.first.find(".layers.2.") != std::string::npos || t.first.ends_with("text_projection.weight");
    });
    expect_equal(cut, expected);
    EXPECT_EQ(all.tensors.size(), expected.tensors.size() + 16 + 1);
    expect_equal(canonical(without_prefix(raw, "cond_stage_model.model.")), all);
}

TEST(canonical, sdxl_has_two_text_encoders) {
    checkpoint const all = canonical(procedural_checkpoint("sdxl-tiny"));
    for (int i : {0, 1}) {
        std::string const prefix = std::format("conditioner.embedders.{}.transformer.", i);
        expect_equal(without_prefix(only(all, prefix), prefix),
                     diffusers_part("sdxl-tiny", i ? "text_encoder_2" : "text_encoder"));
    }
}

TEST(canonical, text_encoders_without_text_model) {
    checkpoint const all = canonical(procedural_checkpoint("sd1-tiny"));
    std::string const prefix = "cond_stage_model.transformer.text_model.";
    checkpoint old, alone;
    for (auto const& [name, tensor] : without_prefix(all, prefix).tensors) {
        old.tensors["cond_stage_model.transformer." + name] = tensor;
        alone.tensors[name] = tensor;
    }
    expect_equal(canonical(old), only(all, "cond_stage_model."));
    expect_equal(canonical(alone), only(all, "cond_stage_model."));
}

TEST(canonical, thirds_of_mapped_bytes_are_no_copies) {
    std::vector<std::byte> bytes(2 * 3 * 8 * 8);
    checkpoint c;
    c.tensors["cond_stage_model.model.transformer.resblocks.4.attn.in_proj_weight"] = {
        .type = stored_type::f16, .shape = {24, 8}, .mapped = bytes};
    use_canonical_names(c);
    ASSERT_EQ(c.tensors.size(), 3u);
    auto const& k = c.at("cond_stage_model.transformer.text_model.encoder.layers.4.self_attn.k_proj.weight");
    EXPECT_EQ(k.mapped.data(), bytes.data() + 128);
    EXPECT_EQ(show_shape(k), "f16 [8, 8]");
}

TEST(canonical, odd_shapes_are_refused) {
    for (std::vector<std::int64_t> const& shape : std::vector<std::vector<std::int64_t>>{{}, {0, 4}, {2, 4}, {4, 4}}) {
        checkpoint c{.source = "m"};
        std::vector<std::byte> bytes(256);
        stored_tensor t{.type = stored_type::f16, .shape = shape};
        t.mapped = std::span(bytes).first(t.bytes());
        c.tensors["cond_stage_model.model.transformer.resblocks.0.attn.in_proj_weight"] = t;
        EXPECT_NE(error_of([&] { use_canonical_names(c); }).find("not queries, keys and values"), std::string::npos);
    }
    // A third that begins within a block.
    checkpoint c{.source = "m"};
    c.tensors["cond_stage_model.model.transformer.resblocks.0.attn.in_proj_bias"] = {.type = stored_type::q8_0,
                                                                                     .shape = {96 * 2 / 4}};
    std::vector<std::byte> bytes(1000);
    c.tensors.begin()->second = {.type = stored_type::q8_0, .shape = {32}, .mapped = std::span(bytes).first(34)};
    EXPECT_NE(error_of([&] { use_canonical_names(c); }), "");
}

TEST(canonical, the_same_name_twice_is_refused) {
    checkpoint c{.source = "m"};
    c.tensors["cond_stage_model.model.ln_final.weight"] = {.shape = {0}};
    c.tensors["cond_stage_model.transformer.text_model.final_layer_norm.weight"] = {.shape = {0}};
    EXPECT_NE(error_of([&] { use_canonical_names(c); }).find("twice, under two names"), std::string::npos);
}

TEST(canonical, taesd) {
    checkpoint const all = canonical(procedural_checkpoint("taesd-tiny"));
    expect_equal(all, procedural_checkpoint("taesd-tiny"));
    checkpoint diffusers;
    for (char const* half : {"encoder", "decoder"}) {
        std::string const prefix = std::format("taesd_{}.", half);
        expect_equal(canonical(without_prefix(all, prefix)), only(all, prefix));
        for (auto const& [name, tensor] : without_prefix(all, prefix).tensors) {
            int const layer = std::stoi(name) - (prefix == "taesd_decoder.");
            diffusers.tensors[std::format("{}.layers.{}{}", half, layer, name.substr(name.find('.')))] = tensor;
        }
    }
    expect_equal(canonical(diffusers), all);
}

TEST(canonical, what_no_network_needs_is_left_out) {
    checkpoint c = procedural_checkpoint("sd1-tiny");
    std::size_t const count = c.tensors.size();
    for (char const* name : {"betas", "alphas_cumprod", "alphas_cumprod_prev", "sqrt_one_minus_alphas_cumprod",
                             "posterior_mean_coef1", "model_ema.decay", "model_ema.diffusion_modelout0weight",
                             "cond_stage_model.transformer.text_model.embeddings.position_ids",
                             "cond_stage_model.logit_scale", "first_stage_model.loss.logvar"})
        c.tensors[name] = {.shape = {0}};
    use_canonical_names(c);
    EXPECT_EQ(c.tensors.size(), count);
}

} // namespace
