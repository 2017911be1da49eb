#include "models/nets/taesd.h"

#include "compute/error.h"
#include "models/eval/case_config.h"
#include "models/eval/networks.h"

namespace sfumato {

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
