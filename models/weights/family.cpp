#include "models/weights/family.h"

#include "compute/error.h"
#include "models/weights/declared.h"
#include "models/weights/other_families.h"
#include "models/weights/prediction.h"
#include "models/weights/sizes.h"
#include "models/weights/upscalers.h"

#include <algorithm>
#include <cmath>
#include <format>

namespace sfumato {

namespace {

constexpr std::string_view unet_prefix = "model.diffusion_model.", vae_prefix = "first_stage_model.";

// ---- What shapes and the file itself tell together

void take_heads(unet_config& c, declared_model const& d) {
    if (d.unet_heads || d.unet_head_dim) {
        c.heads = d.unet_heads;
        c.head_dim = d.unet_head_dim;
    } else if (c.use_linear) { // Stable Diffusion 2, XL
        c.heads = 0;
        c.head_dim = 64;
    }
}

bool heads_fit(unet_config const& c) {
    for (std::size_t level = 0; level < c.channel_mult.size(); ++level) {
        bool const attention = c.transformer_depth[level] || level + 1 == c.channel_mult.size();
        int const parts = c.heads ? c.heads : c.head_dim;
        if (attention && c.channels(level) % parts) return false;
    }
    return true;
}

void take_text_facts(text_encoder_config& c, declared_model const& d, bool second_generation) {
    c.heads = d.text_heads ? d.text_heads : std::max(1, c.hidden / 64);
    c.quick_gelu = d.quick_gelu.value_or(!second_generation);
    c.bos = c.vocabulary - 2;
    c.eos = c.vocabulary - 1;
    c.pad = second_generation ? 0 : c.eos;
    // OpenCLIP's encoder is used up to the last layer but one; transformers' files hold just those (23 of 24).
    int const left_out = d.text_layers_left_out >= 0 ? d.text_layers_left_out : second_generation && c.layers != 23;
    c.layers_used = c.layers - left_out;
}

// ---- Whole models

std::string kind_of_input(unet_config const& c) {
    switch (c.in_channels) {
    case 4: return "";
    case 8: return " pix2pix";
    case 9: return " inpainting";
    default: return std::format(" with {} input channels", c.in_channels);
    }
}

// "the UNet takes 4 channels, a text of width 768, and has convolutions around its attention"
std::string describe_unet(unet_config const& c) {
    std::string text = std::format("the UNet takes {} channels and a text of width {}, its projections are {}",
                                   c.in_channels, c.context_dim, c.use_linear ? "linear" : "convolutions");
    if (c.adm_in_channels) text += std::format(", its label_emb is {} wide", c.adm_in_channels);
    return text;
}

// The first reason stays.
void refuse(model_description& m, std::string reason) {
    if (m.supported) m.reason = std::move(reason);
    m.supported = false;
}

bool groups_fit(unet_config const& c) { // GroupNorm has 32
    for (std::size_t level = 0; level < c.channel_mult.size(); ++level)
        if (c.channels(level) % 32) return false;
    return true;
}

// What is whole, but not of the sizes that networks and pipelines are written for.
void refuse_unet(model_description& m) {
    unet_config const& c = *m.unet;
    if (c.in_channels == 8)
        refuse(m, "not supported yet: it changes a picture as a sentence commands");
    else if (c.in_channels != 4 && c.in_channels != 9)
        refuse(m, std::format("not supported yet: the UNet takes {} channels", c.in_channels));
    if (c.out_channels != 4) refuse(m, std::format("not supported yet: the UNet makes {} channels", c.out_channels));
    if (!heads_fit(c)) refuse(m, "the UNet's channels do not divide into its heads");
    if (!groups_fit(c)) refuse(m, "the UNet's channels do not divide into 32 groups");
}

void refuse_vae(model_description& m) {
    vae_config const& c = *m.vae;
    if (c.z_channels != 4) refuse(m, std::format("not supported yet: the VAE's latent has {} channels", c.z_channels));
    if (c.channel_mult.size() != 4) refuse(m, "not supported yet: a cell of the VAE's latent is not 8 pixels wide");
    if (c.channels % 32) refuse(m, "the VAE's channels do not divide into 32 groups");
}

void refuse_text_encoder(model_description& m) {
    text_encoder_config const& c = *m.text;
    if (c.hidden % c.heads) refuse(m, "the text encoder's channels do not divide into its heads");
    if (c.context != 77) refuse(m, std::format("not supported yet: the text encoder takes {} tokens", c.context));
    if (c.layers_used < 1) refuse(m, "the text encoder has no layers");
}

void refuse_what_differs(checkpoint const& c, model_description& m) {
    auto const check = [&](std::string_view prefix, tensor_shapes const& expected) {
        if (auto const wrong = difference(c, prefix, expected); !wrong.empty()) refuse(m, wrong);
    };
    if (m.unet) {
        check(unet_prefix, unet_tensors(*m.unet));
        if (auto const more = surplus(c, unet_prefix, unet_tensors(*m.unet)); !more.empty()) refuse(m, more);
    }
    if (m.vae) check(vae_prefix, vae_tensors(*m.vae));
    if (m.text) check(m.text->prefix, text_encoder_tensors(*m.text));
    if (m.taesd) check("", taesd_tensors(*m.taesd));
    if (m.upscaler) {
        check("", tensors_of(*m.upscaler));
        if (auto const more = surplus(c, "", tensors_of(*m.upscaler)); !more.empty()) refuse(m, more);
    }
}

// Numbers of 8 bits with a factor beside each tensor.
bool is_scaled(checkpoint const& c) {
    return std::ranges::any_of(
        c.tensors, [](auto const& t) { return t.first.ends_with(".scale_weight") || t.first.ends_with("scaled_fp8"); });
}

void describe_diffusion(checkpoint const& c, declared_model const& d, std::optional<sfumato::prediction> chosen,
                        model_description& m) {
    unet_config& unet = *m.unet;
    take_heads(unet, d);
    bool const xl = unet.adm_in_channels != 0;
    bool const second = unet.use_linear && !xl;
    m.family = std::format("Stable Diffusion {}{}", xl ? "XL" : second ? "2.x" : "1.x", kind_of_input(unet));
    m.reason = describe_unet(unet);
    if (m.vae && xl && !d.vae_scale) m.vae->scale = 0.13025;
    if (m.text) take_text_facts(*m.text, d, second);
    auto const [prediction, prediction_reason] = find_prediction(c, unet, d, chosen);
    m.prediction = prediction;
    m.prediction_reason = prediction_reason;
    bool const v_at_768 = second && prediction == sfumato::prediction::v;
    m.native_size = d.native_size ? d.native_size : xl ? 1024 : v_at_768 ? 768 : 512;

    if (xl && unet.context_dim == 1024) m.family = "Stable Diffusion 2.x unCLIP";
    if (xl && unet.adm_in_channels == 2560) m.family = "Stable Diffusion XL refiner";
    if (xl) refuse(m, "not supported yet: " + m.reason);
    if (is_scaled(c)) refuse(m, "weights in scaled fp8 are not supported yet");
    if (m.text && m.text->hidden != unet.context_dim)
        refuse(m, std::format("the text encoder is {} wide, but the UNet takes {}", m.text->hidden, unet.context_dim));
}

void describe_upscaler(declared_model const& d, model_description& m) {
    int const scale = shape_of(*m.upscaler).scale;
    double const factor = scale * d.resize;
    m.family = std::format("upscaler ({})", name_of(*m.upscaler));
    m.reason = sizes_in_words(*m.upscaler);
    m.factor = std::max(1, int(std::lround(factor)));
    if (m.factor != scale) m.reason += std::format("; its file is meant for ×{}", m.factor);
    if (d.pro) refuse(m, "not supported yet: Real-CUGAN pro, which takes its picture in a range of its own");
    if (scale < 1) refuse(m, "its result would be smaller than the picture");
    if (std::abs(factor - m.factor) > 0.01) refuse(m, std::format("its file is meant for ×{:.3g}", factor));
}

void describe_alone(declared_model const& d, model_description& m) {
    if (m.vae) {
        m.family = "VAE";
        m.reason = std::format("its latent has {} channels", m.vae->z_channels);
    } else if (m.text) {
        bool const second = m.text->hidden != 768;
        take_text_facts(*m.text, d, second);
        m.family = second ? "OpenCLIP text encoder" : "CLIP text encoder";
        m.reason = std::format("{} layers of width {}", m.text->layers, m.text->hidden);
    } else {
        m.family = "TAESD";
        m.reason = std::format("its latent has {} channels", m.taesd->z_channels);
    }
}

} // namespace

model_description describe_model(checkpoint const& c, std::optional<sfumato::prediction> chosen) {
    declared_model const d = read_declared(c.metadata);
    model_description m{.supported = true,
                        .unet = unet_sizes(c),
                        .vae = vae_sizes(c),
                        .text = text_encoder_sizes(c),
                        .taesd = taesd_sizes(c),
                        .upscaler = upscaler_sizes(c)};
    if (m.vae) {
        m.vae->scale = d.vae_scale.value_or(m.vae->z_channels == 16 ? 1.5305 : 0.18215);
        m.vae->shift = d.vae_shift.value_or(m.vae->z_channels == 16 ? 0.0609 : 0);
    }
    if (m.unet)
        describe_diffusion(c, d, chosen, m);
    else if (m.upscaler)
        describe_upscaler(d, m);
    else if (auto const other = other_family(c); !other.empty()) {
        m.family = other;
        refuse(m, "not supported yet");
    } else if (m.vae || m.text || m.taesd)
        describe_alone(d, m);
    else {
        m.family = "unknown";
        refuse(m, "none of its tensors is of a network that is known here");
    }
    if (m.unet) refuse_unet(m);
    if (m.vae) refuse_vae(m);
    if (m.text) refuse_text_encoder(m);
    refuse_what_differs(c, m);
    return m;
}

model_description require_model(checkpoint const& c, std::optional<sfumato::prediction> chosen) {
    model_description m = describe_model(c, chosen);
    if (!m.supported) fail("'{}' ({}) cannot be used: {}.", c.source, m.family, m.reason);
    return m;
}

upscaler_config require_upscaler(checkpoint const& c) {
    model_description const m = require_model(c);
    if (!m.upscaler) fail("'{}' is no upscaler but {}: choose a model that enlarges pictures.", c.source, m.family);
    return *m.upscaler;
}

} // namespace sfumato
