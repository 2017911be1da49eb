#include "models/library/family.h"

#include "compute/error.h"
#include "models/files/scaled_fp8.h"
#include "models/library/find_prediction.h"
#include "models/library/lora.h"
#include "models/library/named_families.h"
#include "models/library/stated_facts.h"
#include "models/networks/latent_format.h"
#include "request/request.h"

#include <algorithm>
#include <cmath>
#include <format>

namespace sfumato {

namespace {

// ---- What shapes and the file itself tell together

void take_heads(unet_config& c, stated_facts const& d) {
    if (d.unet_heads || d.unet_head_dim) {
        c.heads = d.unet_heads;
        c.head_dim = d.unet_head_dim;
    } else if (c.use_linear) { // Stable Diffusion 2, XL
        c.heads = 0;
        c.head_dim = 64;
    }
}

void take_encoder_facts(clip_config& c, stated_text_facts const& d, bool open_clip) {
    c.heads = d.heads ? d.heads : std::max(1, c.hidden / 64);
    c.quick_gelu = d.quick_gelu.value_or(!open_clip);
    c.eos = clip_eos(c.vocabulary);
    c.bos = c.eos - 1;
    c.pad = open_clip ? 0 : c.eos;
}

// The one of Stable Diffusion 1 or 2.
void take_text_facts(clip_config& c, stated_text_facts const& d, bool second_generation) {
    take_encoder_facts(c, d, second_generation);
    // OpenCLIP's encoder is used up to the last layer but one; transformers' files hold just those (23 of 24).
    bool const in_file = second_generation && c.layers != 23;
    int const left_out = d.layers_left_out >= 0 ? d.layers_left_out : in_file;
    c.layers_used = c.layers - left_out;
    c.stops_at = second_generation ? 2 : left_out + 1;
}

// Of the families with two, CLIP-L and OpenCLIP's bigG: what the last layer but one puts out, as it is. Stable
// Diffusion XL takes the second one's pooled prompt, and 3 both.
void take_pair_facts(std::vector<clip_config>& texts, stated_facts const& d) {
    for (clip_config& c : texts) {
        bool const second = c.prefix == xl_clip_g_prefix || c.prefix == sd3_clip_g_prefix;
        take_encoder_facts(c, d.texts[second], second);
        c.layers_used = c.layers - 1;
        c.stops_at = 2;
        c.final_norm = false;
        c.pooled = c.prefix != xl_clip_l_prefix;
    }
}

sentence unfit_weights(checkpoint const& c) {
    if (!holds_other_scales(c)) return {};
    return say("weights with factors, in another form than fp8 with one for each tensor, are not supported yet");
}

// A prompt becomes as many chunks for both.
sentence unfit_pair(std::vector<clip_config> const& texts) {
    if (texts.size() < 2 || texts[0].eos == texts[1].eos) return {};
    return say("its two text encoders have different vocabularies");
}

// Of several encoders, together.
struct text_widths {
    int hidden = 0, pooled = 0;
};
text_widths widths_of(std::vector<clip_config> const& texts) {
    text_widths all;
    for (clip_config const& c : texts) {
        all.hidden += c.hidden;
        if (c.pooled) all.pooled += c.projection ? c.projection : c.hidden;
    }
    return all;
}

// Of the first family that has one there.
std::vector<clip_config> find_texts(checkpoint const& c) {
    using prefixes = std::vector<std::string_view>;
    for (prefixes const& family : {prefixes{clip_prefix}, prefixes{xl_clip_l_prefix, xl_clip_g_prefix},
                                   prefixes{sd3_clip_l_prefix, sd3_clip_g_prefix}}) {
        std::vector<clip_config> all;
        for (std::string_view prefix : family)
            if (auto const found = clip_config::found_in(c, prefix)) all.push_back(*found);
        if (!all.empty()) return all;
    }
    return {};
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

// The first reason stays; an empty one is none.
void refuse(model_description& m, sentence reason) {
    if (reason.empty() || !m.supported) return;
    m.reason = reason.text();
    m.refusal = std::move(reason);
    m.supported = false;
}

void refuse_what_differs(checkpoint const& c, model_description& m) {
    auto const check = [&](std::string_view prefix, tensor_shapes const& expected) {
        refuse(m, difference(c, prefix, expected));
    };
    if (m.unet) {
        check(unet_prefix, m.unet->tensors());
        refuse(m, surplus(c, unet_prefix, m.unet->tensors()));
    }
    if (m.mmdit) {
        check(unet_prefix, m.mmdit->tensors());
        refuse(m, surplus(c, unet_prefix, m.mmdit->tensors()));
    }
    if (m.vae) check(vae_prefix, m.vae->tensors());
    for (clip_config const& text : m.texts) check(text.prefix, text.tensors());
    if (m.t5) check(t5_prefix, m.t5->tensors());
    if (m.taesd) check("", m.taesd->tensors());
    if (m.lama) {
        check(lama_prefix, m.lama->tensors());
        refuse(m, surplus(c, lama_prefix, m.lama->tensors()));
    }
    if (m.migan) {
        check(migan_prefix, m.migan->tensors());
        refuse(m, surplus(c, migan_prefix, m.migan->tensors()));
    }
    if (m.upscaler) {
        check("", tensors_of(*m.upscaler));
        refuse(m, surplus(c, "", tensors_of(*m.upscaler)));
    }
}

// A denoiser that could be run if there were text encoders and a VAE. T5 may be missing.
void refuse_half(model_description& m) {
    if (!m.has_denoiser() || !m.supported) return;
    bool const has_texts = m.texts.size() == (m.takes_two_texts() ? 2u : 1u);
    std::string options;
    auto const lacks = [&](std::string const& part, std::string_view option) {
        m.missing.push_back(part);
        options += std::format("{}{}", options.empty() ? "" : " and ", option);
    };
    if (!has_texts) lacks("text encoder", "--text-encoder FILE");
    if (!m.vae || !m.vae->decoder) lacks("VAE", "--vae FILE");
    if (m.missing.empty()) return;
    sentence const parts = m.missing.size() == 2 ? say("text encoder and no VAE")
                           : has_texts           ? say("VAE")
                                                 : say("text encoder");
    refuse(m,
           say("a half of a model, which has no {}; they are taken from other files with {}, for example from a whole "
               "model of {}",
               parts, options, m.family));
}

void describe_diffusion(checkpoint const& c, stated_facts const& d, std::optional<sfumato::prediction> chosen,
                        model_description& m) {
    unet_config& unet = *m.unet;
    take_heads(unet, d);
    bool const xl = unet.is_xl(), unclip = unet.adm_in_channels && !xl, refiner = unet.adm_in_channels == 2560;
    bool const second = unet.use_linear && !xl;
    m.family = std::format("Stable Diffusion {}{}", xl ? "XL" : second ? "2.x" : "1.x", kind_of_input(unet));
    if (d.architecture == own_family) m.family = own_family;
    m.reason = unet.in_words();
    if (m.vae && xl && !d.vae_scale) m.vae->scale = xl_latent_scale;
    if (xl) {
        take_pair_facts(m.texts, d);
        refuse(m, unfit_pair(m.texts));
    } else
        for (clip_config& text : m.texts) take_text_facts(text, d.texts[0], second);
    auto const [prediction, prediction_reason] = find_prediction(c, unet, d, chosen);
    m.prediction = prediction;
    m.prediction_reason = prediction_reason;
    m.zero_terminal_snr = prediction == sfumato::prediction::v && (c.find("ztsnr") || d.zero_terminal_snr);
    bool const v_at_768 = second && prediction == sfumato::prediction::v;
    m.native_size = d.native_size ? d.native_size : xl ? 1024 : v_at_768 ? 768 : 512;

    if (unclip) m.family = "Stable Diffusion 2.x unCLIP";
    if (refiner) m.family = "Stable Diffusion XL refiner";
    if (unclip || refiner) refuse(m, say("not supported yet: {}", m.reason));
    refuse(m, unfit_weights(c));
    auto const [hidden, pooled] = widths_of(m.texts);
    if (xl && m.texts.size() == 2 && (hidden != unet.context_dim || pooled != unet.pooled_channels()))
        refuse(m, say("the text encoders are {} wide together and make {} of a whole prompt, but the UNet takes {} and "
                      "{}",
                      hidden, pooled, unet.context_dim, unet.pooled_channels()));
    if (!xl && m.texts.size() == 1 && m.texts[0].hidden != unet.context_dim)
        refuse(m, say("the text encoder is {} wide, but the UNet takes {}", m.texts[0].hidden, unet.context_dim));
}

std::string_view family_name(mmdit_config const& c) {
    if (!c.qk_norm) return "Stable Diffusion 3";
    return c.dual_blocks ? "Stable Diffusion 3.5 medium" : "Stable Diffusion 3.5 large";
}

void describe_third_generation(checkpoint const& c, stated_facts const& d, model_description& m) {
    mmdit_config const& mmdit = *m.mmdit;
    m.family = family_name(mmdit);
    m.reason = mmdit.in_words();
    m.prediction = sfumato::prediction::flow;
    m.prediction_reason = "as all models of its kind";
    m.native_size = d.native_size ? d.native_size : 1024;
    take_pair_facts(m.texts, d);
    refuse(m, unfit_pair(m.texts));
    refuse(m, unfit_weights(c));
    auto const [hidden, pooled] = widths_of(m.texts);
    if (m.texts.size() == 2 && (hidden > mmdit.context_channels || pooled != mmdit.pooled_channels))
        refuse(m, say("the CLIP text encoders are {} wide together, but the MMDiT takes {}", pooled,
                      mmdit.pooled_channels));
    if (m.t5 && m.t5->width != mmdit.context_channels)
        refuse(m, say("the T5 text encoder is {} wide, but the MMDiT takes {}", m.t5->width, mmdit.context_channels));
}

// Why an upscaler cannot take colour pictures; "": it can.
sentence other_pictures(int channels) {
    switch (channels) {
    case 1: return say("not supported yet: it is made for grey pictures (1 channel); choose one for colour pictures");
    case 3: return {};
    case 4:
        return say(
            "not supported yet: it is made for pictures with alpha (4 channels); choose one for colour pictures");
    default: return say("not supported yet: it is made for pictures of {} channels", channels);
    }
}

void describe_upscaler(stated_facts const& d, model_description& m) {
    int const scale = shape_of(*m.upscaler).scale;
    double const factor = scale * d.resize;
    m.family = std::format("upscaler ({})", name_of(*m.upscaler));
    m.reason = in_words(*m.upscaler);
    m.factor = std::max(1, int(std::lround(factor)));
    if (m.factor != scale) m.reason += std::format("; its file is meant for ×{}", m.factor);
    refuse(m, other_pictures(shape_of(*m.upscaler).channels));
    if (d.pro) refuse(m, say("not supported yet: Real-CUGAN pro, which takes its picture in a range of its own"));
    if (std::max(scale, m.factor) > upscale_settings::largest_scale)
        refuse(m,
               say("it enlarges ×{}, and ×{} is the most", std::max(scale, m.factor), upscale_settings::largest_scale));
    if (scale < 1) refuse(m, say("its result would be smaller than the picture"));
    if (std::abs(factor - m.factor) > 0.01) refuse(m, say("its file is meant for ×{:.3g}", factor));
}

void describe_alone(stated_facts const& d, model_description& m) {
    if (m.vae) {
        m.family = "VAE";
        m.reason = m.vae->in_words();
    } else if (m.texts.size() == 2) {
        take_pair_facts(m.texts, d);
        m.family = "CLIP and OpenCLIP text encoders";
        m.reason = std::format("{}; {}", m.texts[0].in_words(), m.texts[1].in_words());
    } else if (!m.texts.empty()) {
        clip_config& text = m.texts.front();
        bool const second = text.hidden != 768;
        take_text_facts(text, d.texts[0], second);
        m.family = second ? "OpenCLIP text encoder" : "CLIP text encoder";
        m.reason = text.in_words();
    } else if (m.t5) {
        m.family = "T5 text encoder";
        m.reason = m.t5->in_words();
    } else if (m.lama) {
        m.family = "inpainting (LaMa)";
        m.reason = m.lama->in_words();
    } else if (m.migan) {
        m.family = "inpainting (MI-GAN)";
        m.reason = m.migan->in_words();
    } else {
        m.family = "TAESD";
        m.reason = m.taesd->in_words();
    }
}

int latent_channels(model_description const& m) { return m.unet ? m.unet->out_channels : m.mmdit->in_channels; }

model_description described(lora_description const& lora) {
    model_description m{.family = lora.kinds + (lora.family.empty() ? "" : " for " + lora.family),
                        .reason = std::format("of {} modules, added to a model with --lora", lora.modules),
                        .supported = true};
    if (!lora.runs) refuse(m, say("not done: of LoRA's kin LoRA, LoCon, LoHa, LoKr, DoRA and full differences are"));
    return m;
}

// Whose VAE it is, be it alone or in a model.
void describe_vae_origin(stated_facts const& d, model_description& m) {
    m.vae_origin = origin_of_vae(m.family, *m.vae, d);
    if (m.family != "VAE") return;
    auto const& [family, reason] = m.vae_origin;
    m.reason += family.empty() ? ", as those of Stable Diffusion 1, 2 and XL; its file does not say which"
                               : std::format("; of {} ({})", family, reason);
}

} // namespace

model_description describe_model(checkpoint const& c, std::optional<sfumato::prediction> chosen) {
    if (auto const lora = describe_lora(c)) return described(*lora);
    stated_facts const d = read_stated_facts(c.metadata);
    model_description m{.supported = true,
                        .unet = unet_config::found_in(c),
                        .mmdit = mmdit_config::found_in(c),
                        .vae = vae_config::found_in(c),
                        .texts = find_texts(c),
                        .t5 = t5_config::found_in(c),
                        .taesd = taesd_config::found_in(c),
                        .lama = lama_config::found_in(c),
                        .migan = migan_config::found_in(c),
                        .upscaler = find_upscaler(network_tensors{c, ""})};
    if (m.vae) {
        m.vae->scale = d.vae_scale.value_or(m.vae->z_channels == 16 ? 1.5305 : 0.18215);
        m.vae->shift = d.vae_shift.value_or(m.vae->z_channels == 16 ? 0.0609 : 0);
    }
    std::string_view const name = named_family_of(c);
    if (!name.empty()) {
        m.unet.reset();
        m.mmdit.reset();
        m.upscaler.reset();
    }
    if (m.unet)
        describe_diffusion(c, d, chosen, m);
    else if (m.mmdit)
        describe_third_generation(c, d, m);
    else if (m.upscaler)
        describe_upscaler(d, m);
    else if (auto const known = name.empty() ? named_part_of(c) : name; !known.empty()) {
        m.family = known;
        refuse(m, say("not supported yet"));
    } else if (m.vae || !m.texts.empty() || m.t5 || m.taesd || m.lama || m.migan)
        describe_alone(d, m);
    else {
        m.family = "unknown";
        refuse(m, say("none of its tensors is of a network that is known here"));
    }
    if (m.vae) describe_vae_origin(d, m);
    if (m.unet) refuse(m, m.unet->unfit());
    if (m.mmdit) refuse(m, m.mmdit->unfit());
    if (m.vae) refuse(m, m.vae->unfit());
    if (m.vae && m.has_denoiser() && m.vae->z_channels != latent_channels(m))
        refuse(m, say("the VAE's latent has {} channels, but {} are computed", m.vae->z_channels, latent_channels(m)));
    for (clip_config const& text : m.texts) refuse(m, text.unfit());
    if (m.t5) refuse(m, m.t5->unfit());
    if (m.lama) refuse(m, m.lama->unfit());
    if (m.migan) refuse(m, m.migan->unfit());
    refuse_what_differs(c, m);
    refuse_half(m);
    return m;
}

model_description require_model(checkpoint const& c, std::optional<sfumato::prediction> chosen) {
    model_description m = describe_model(c, chosen);
    if (!m.supported) fail("'{}' ({}) cannot be used: {}.", c.source, m.family, m.refusal);
    return m;
}

upscaler_config require_upscaler(checkpoint const& c) {
    model_description const m = require_model(c);
    if (!m.upscaler) fail("'{}' is no upscaler but {}: choose a model that enlarges pictures.", c.source, m.family);
    return *m.upscaler;
}

filler_config require_filler(checkpoint const& c) {
    model_description const m = require_model(c);
    if (m.lama) return *m.lama;
    if (m.migan) return *m.migan;
    fail("'{}' is no LaMa but {}: choose a LaMa (big-lama) or a MI-GAN for this method.", c.source, m.family);
}

} // namespace sfumato
