#include "models/nets/taesd.h"

#include "compute/error.h"
#include "models/eval/case_config.h"
#include "models/eval/networks.h"

#include <filesystem>
#include <optional>

namespace sfumato {

namespace {

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
    auto const other = other_half(source);
    if (!other) return all;
    checkpoint half = open_checkpoint(*other);
    all.tensors.merge(half.tensors);
    all.mappings.insert(all.mappings.end(), half.mappings.begin(), half.mappings.end());
    all.files.insert(all.files.end(), half.files.begin(), half.files.end());
    return all;
}

case_tensors eval_taesd(device& d, checkpoint_pointer file, network_case const& c, eval_options const& options) {
    taesd_config const config = taesd_config_of(c, *file);
    bool const encode = config.encoder && c.has("in.image"), decode = config.decoder && c.has("in.latent");
    if (!encode && !decode)
        fail("The case '{}' has neither 'in.image' for TAESD's encoder nor 'in.latent' for its decoder in '{}'.",
             c.source, file->source);
    case_run e(d, std::move(file), options);
    scope const w = e.network("");
    auto const input = [&](char const* name, int channels) {
        return e.stored(e.input(c.at(name, {any_extent, channels, any_extent, any_extent}), torch_layout::picture));
    };
    if (encode) e.output("latent", taesd_encode(w, config, input("in.image", 3)), torch_layout::picture);
    if (decode)
        e.output("decoded", taesd_decode(w, config, input("in.latent", config.z_channels)), torch_layout::picture);
    // Cases name the halves "encoder" and "decoder".
    case_tensors all;
    for (auto& [name, t] : e.run([](std::string_view) { return torch_layout::picture; })) {
        constexpr std::string_view ours = "tap.taesd_";
        all[name.starts_with(ours) ? "tap." + name.substr(ours.size()) : name] = t;
    }
    return all;
}

} // namespace sfumato
