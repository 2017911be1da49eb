#include "models/nets/vae.h"

#include "compute/error.h"
#include "models/eval/case_config.h"
#include "models/eval/networks.h"

#include <algorithm>

namespace sfumato {

namespace {

constexpr auto picture = [](std::string_view) { return torch_layout::picture; };

// Channels first … first + count − 1 of [n, c, h, w].
case_tensor channels_of(case_tensor const& t, std::int64_t first, std::int64_t count) {
    case_tensor part{t.shape, {}};
    part.shape[1] = count;
    std::int64_t const plane = t.shape[2] * t.shape[3];
    for (std::int64_t n = 0; n < t.shape[0]; ++n) {
        auto const begin = t.values.begin() + (n * t.shape[1] + first) * plane;
        part.values.insert(part.values.end(), begin, begin + count * plane);
    }
    return part;
}

} // namespace

case_tensors eval_vae(device& d, checkpoint_pointer file, network_case const& c, eval_options const& options) {
    vae_config const config = vae_config_of(c, *file);
    bool const encode = config.encoder && c.has("in.image"), decode = config.decoder && c.has("in.latent");
    if (!encode && !decode)
        fail("The case '{}' has neither 'in.image' for the VAE's encoder nor 'in.latent' for its decoder in '{}'.",
             c.source, file->source);
    case_run e(d, std::move(file), options);
    scope const w = e.network(vae_prefix);
    auto const input = [&](char const* name, int channels) {
        return e.stored(e.input(c.at(name, {any_extent, channels, any_extent, any_extent}), torch_layout::picture));
    };
    if (encode) e.output("moments", vae_encode(w, config, input("in.image", 3)), torch_layout::picture);
    if (decode)
        e.output("decoded", vae_decode(w, config, input("in.latent", config.z_channels)), torch_layout::picture);
    case_tensors all = e.run(picture);
    if (!encode) return all;
    case_tensor const& moments = all["out.moments"];
    all["out.mean"] = channels_of(moments, 0, config.z_channels);
    case_tensor& variance = all["out.logvar_clamped"] = channels_of(moments, config.z_channels, config.z_channels);
    for (float& v : variance.values) v = std::clamp(v, -30.0f, 20.0f);
    return all;
}

} // namespace sfumato
