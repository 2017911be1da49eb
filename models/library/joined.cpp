#include "models/library/joined.h"

#include "compute/error.h"
#include "models/library/open_checkpoint.h"

#include <utility>

namespace sfumato {

namespace {

// Adds the tensors whose names begin with `from`, which `to` replaces, where `all` has none so called.
void join(checkpoint& all, checkpoint const& other, std::string_view from, std::string_view to) {
    for (auto const& [name, tensor] : other.tensors)
        if (name.starts_with(from)) all.tensors.emplace(std::string(to) + name.substr(from.size()), tensor);
    all.files.insert(all.files.end(), other.files.begin(), other.files.end());
}

void replace(checkpoint& all, checkpoint const& other, std::string_view from, std::string_view to) {
    std::erase_if(all.tensors, [&](auto const& t) { return t.first.starts_with(to); });
    join(all, other, from, to);
}
void replace(checkpoint& all, checkpoint const& other, std::string_view prefix) { replace(all, other, prefix, prefix); }

std::string needed_vae(model_description const& m) {
    if (m.family == own_family) return m.family;
    return m.unet ? family_of_vae_for(*m.unet) : family_of_vae_for(*m.mmdit);
}

// `file`: of a VAE, whole and, as far as is known, of the model's family.
checkpoint vae_for(checkpoint const& all, model_description const& model, std::string const& file) {
    checkpoint c = open_checkpoint(file);
    model_description const is = describe_model(c);
    if (!is.vae) fail("'{}' holds no VAE, but this: {}.", file, is.family);
    if (auto const wrong = difference(c, vae_prefix, is.vae->tensors()); !wrong.empty())
        fail("The VAE in '{}' cannot be used: {}.", file, wrong);
    if (!model.has_denoiser()) return c;
    auto const& [family, reason] = is.vae_origin;
    std::string const needed = needed_vae(model);
    if (!family.empty() && !family.starts_with(needed))
        fail("The VAE in '{}' is of {} ({}), but '{}' is {}: choose a VAE of {}.", file, family, reason, all.source,
             model.family, needed);
    return c;
}

checkpoint open_texts(std::string const& file, model_description& is) {
    checkpoint c = open_checkpoint(file);
    is = describe_model(c);
    if (is.texts.empty() && !is.t5) fail("'{}' holds no text encoder, but this: {}.", file, is.family);
    for (clip_config const& text : is.texts)
        if (auto const wrong = difference(c, text.prefix, text.tensors()); !wrong.empty())
            fail("The text encoder in '{}' cannot be used: {}.", file, wrong);
    if (!is.t5) return c;
    if (auto const wrong = difference(c, t5_prefix, is.t5->tensors()); !wrong.empty())
        fail("The text encoder in '{}' cannot be used: {}.", file, wrong);
    return c;
}

// Of Stable Diffusion 1 or 2: `file` has a text encoder as wide as the model takes it.
void join_text(checkpoint& all, model_description const& model, std::string const& file) {
    model_description is;
    checkpoint const text = open_texts(file, is);
    if (is.texts.size() != 1 || is.texts[0].prefix != clip_prefix)
        fail("'{}' holds no text encoder of Stable Diffusion 1 or 2, but this: {}.", file, is.family);
    if (model.unet && is.texts[0].hidden != model.unet->context_dim)
        fail("The text encoder in '{}' is {} wide, but '{}' ({}) takes {}: choose one of its family.", file,
             is.texts[0].hidden, all.source, model.family, model.unet->context_dim);
    all.metadata["joined"]["text_encoder"] = text.metadata;
    replace(all, text, clip_prefix);
}

// Of Stable Diffusion XL and 3: `file` has one of its text encoders, or more of them; both families have the same
// CLIP-L and bigG. CLIP-L alone in a file has a projection that belongs to CLIP's pictures; the models were trained
// with what lies before it.
void join_texts(checkpoint& all, model_description const& model, std::string const& file) {
    model_description is;
    checkpoint const texts = open_texts(file, is);
    for (clip_config const& text : is.texts) {
        bool const alone = text.prefix == clip_prefix,
                   second =
                       alone ? text.hidden != 768 : text.prefix == xl_clip_g_prefix || text.prefix == sd3_clip_g_prefix;
        std::string_view const to = model.mmdit ? second ? sd3_clip_g_prefix : sd3_clip_l_prefix
                                    : second    ? xl_clip_g_prefix
                                                : xl_clip_l_prefix;
        replace(all, texts, text.prefix, to);
        if (alone && !second) all.tensors.erase(std::string(to) + "text_projection.weight");
    }
    if (!is.t5) return;
    if (!model.mmdit) {
        if (is.texts.empty())
            fail("'{}' holds a T5 text encoder, which '{}' ({}) does not take: leave it out.", file, all.source,
                 model.family);
        return;
    }
    if (is.t5->width != model.mmdit->context_channels)
        fail("The T5 text encoder in '{}' is {} wide, but '{}' ({}) takes {}: choose T5 v1.1 XXL's encoder.", file,
             is.t5->width, all.source, model.family, model.mmdit->context_channels);
    replace(all, texts, t5_prefix);
}

// Where the other half lies, if there is one.
std::optional<std::string> other_half(std::string const& source) {
    for (auto const& [half, other] : {std::pair("encoder", "decoder"), std::pair("decoder", "encoder")}) {
        std::string name = std::filesystem::path(source).filename();
        auto const at = name.rfind(half);
        if (at == name.npos) continue;
        auto const beside = std::filesystem::path(source).replace_filename(name.replace(at, 7, other));
        if (std::filesystem::exists(beside)) return beside;
    }
    return {};
}

} // namespace

checkpoint open_taesd(std::string const& source) {
    checkpoint all = open_checkpoint(source);
    if (auto const other = other_half(source)) join(all, open_checkpoint(*other), "taesd_", "taesd_");
    return all;
}

checkpoint open_joined(std::string const& source, joined_parts const& parts) {
    checkpoint all = open_checkpoint(source);
    model_description const model = describe_model(all);
    if (!parts.vae.empty()) replace(all, vae_for(all, model, parts.vae), vae_prefix);
    for (std::string const& file : {parts.text_encoder, parts.text_encoder_2, parts.text_encoder_3})
        if (!file.empty()) (model.takes_two_texts() ? join_texts : join_text)(all, model, file);
    return all;
}

bool can_lend(model_description const& from, std::string_view part, model_description const& half) {
    bool const whole = from.supported || !from.missing.empty(); // else it is damaged, or of another family
    if (!half.has_denoiser() || !whole) return false;
    if (part == "text encoder")
        return half.takes_two_texts() ? from.texts.size() == 2
                                      : from.texts.size() == 1 && from.texts[0].hidden == half.unet->context_dim;
    std::string const& family = from.vae_origin.family;
    return from.vae && from.vae->decoder && (family.empty() || family.starts_with(needed_vae(half)));
}

} // namespace sfumato
