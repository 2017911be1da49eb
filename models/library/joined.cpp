#include "models/library/joined.h"

#include "compute/error.h"
#include "models/library/open_checkpoint.h"

#include <utility>

namespace sfumato {

namespace {

// Adds the tensors whose names begin with `prefix`, where `all` has none so called.
void join(checkpoint& all, checkpoint other, std::string_view prefix) {
    for (auto& [name, tensor] : other.tensors)
        if (name.starts_with(prefix)) all.tensors.emplace(name, std::move(tensor));
    all.files.insert(all.files.end(), other.files.begin(), other.files.end());
}

void replace(checkpoint& all, checkpoint other, std::string_view prefix) {
    std::erase_if(all.tensors, [&](auto const& t) { return t.first.starts_with(prefix); });
    join(all, std::move(other), prefix);
}

// `file`: of a VAE, whole and, as far as is known, of the model's family.
checkpoint vae_for(checkpoint const& all, model_description const& model, std::string const& file) {
    checkpoint c = open_checkpoint(file);
    model_description const is = describe_model(c);
    if (!is.vae) fail("'{}' holds no VAE, but this: {}.", file, is.family);
    if (auto const wrong = difference(c, vae_prefix, is.vae->tensors()); !wrong.empty())
        fail("The VAE in '{}' cannot be used: {}.", file, wrong);
    if (!model.unet) return c;
    auto const& [family, reason] = is.vae_origin;
    std::string const needed = family_of_vae_for(*model.unet);
    if (!family.empty() && family != needed)
        fail("The VAE in '{}' is of {} ({}), but '{}' is {}: choose a VAE of {}.", file, family, reason, all.source,
             model.family, needed);
    return c;
}

// `file`: of a text encoder, whole and as wide as the model takes it.
checkpoint text_encoder_for(checkpoint const& all, model_description const& model, std::string const& file) {
    checkpoint c = open_checkpoint(file);
    model_description const is = describe_model(c);
    if (!is.text) fail("'{}' holds no text encoder of Stable Diffusion 1 or 2, but this: {}.", file, is.family);
    if (auto const wrong = difference(c, is.text->prefix, is.text->tensors()); !wrong.empty())
        fail("The text encoder in '{}' cannot be used: {}.", file, wrong);
    if (model.unet && is.text->hidden != model.unet->context_dim)
        fail("The text encoder in '{}' is {} wide, but '{}' ({}) takes {}: choose one of its family.", file,
             is.text->hidden, all.source, model.family, model.unet->context_dim);
    return c;
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
    if (auto const other = other_half(source)) join(all, open_checkpoint(*other), "taesd_");
    return all;
}

checkpoint open_joined(std::string const& source, joined_parts const& parts) {
    checkpoint all = open_checkpoint(source);
    model_description const model = describe_model(all);
    if (!parts.vae.empty()) replace(all, vae_for(all, model, parts.vae), vae_prefix);
    if (!parts.text_encoder.empty()) {
        checkpoint text = text_encoder_for(all, model, parts.text_encoder);
        all.metadata["joined"]["text_encoder"] = text.metadata;
        replace(all, std::move(text), clip_prefix);
    }
    return all;
}

bool can_lend(model_description const& from, std::string_view part, model_description const& half) {
    if (!half.unet || (!from.supported && from.missing.empty())) return false; // it is damaged, or of another family
    if (part == "text encoder") return from.text && from.text->hidden == half.unet->context_dim;
    std::string const& family = from.vae_origin.family;
    return from.vae && from.vae->decoder && (family.empty() || family == family_of_vae_for(*half.unet));
}

} // namespace sfumato
