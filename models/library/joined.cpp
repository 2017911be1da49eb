#include "models/library/joined.h"

#include "compute/error.h"
#include "models/library/family.h"
#include "models/library/open_checkpoint.h"
#include "models/networks/vae.h"

#include <utility>

namespace sfumato {

namespace {

// Adds the tensors whose names begin with `prefix`, where `all` has none so called.
void join(checkpoint& all, checkpoint other, std::string_view prefix) {
    for (auto& [name, tensor] : other.tensors)
        if (name.starts_with(prefix)) all.tensors.emplace(name, std::move(tensor));
    all.files.insert(all.files.end(), other.files.begin(), other.files.end());
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

checkpoint open_with_vae(std::string const& source, std::string const& vae) {
    checkpoint all = open_checkpoint(source), other = open_checkpoint(vae);
    model_description const is = describe_model(other);
    if (!is.vae) fail("'{}' holds no VAE, but this: {}.", vae, is.family);
    if (auto const wrong = difference(other, vae_prefix, is.vae->tensors()); !wrong.empty())
        fail("The VAE in '{}' cannot be used: {}.", vae, wrong);
    std::erase_if(all.tensors, [&](auto const& t) { return t.first.starts_with(vae_prefix); });
    join(all, std::move(other), vae_prefix);
    return all;
}

} // namespace sfumato
