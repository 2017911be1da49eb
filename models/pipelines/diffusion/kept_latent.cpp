#include "models/pipelines/diffusion/kept_latent.h"

#include "models/files/safetensors_write.h"
#include "models/networks/latent_format.h"
#include "request/rescue.h"

#include <exception>
#include <map>
#include <vector>

namespace sfumato {

std::optional<std::filesystem::path> keep_latent(latent const& l, latent_format const& format) {
    std::size_t const cells = std::size_t(l.height) * std::size_t(l.width), channels = std::size_t(l.channels);
    std::vector<float> values(cells * channels); // [channels, height, width]
    for (std::size_t i = 0; i < cells; ++i)
        for (std::size_t c = 0; c < channels; ++c)
            values[c * cells + i] = float(l.values[i * channels + c] / format.scale + format.shift);
    std::map<std::string, stored_tensor, std::less<>> const tensors{
        {"latent_tensor", f32_tensor({1, l.channels, l.height, l.width}, values)},
        {"latent_format_version_0", f32_tensor({0}, {})}}; // the scale is the VAE's
    for (std::filesystem::path const& folder : rescue_folders()) try {
            std::filesystem::path const path = rescue_name(folder, ".latent");
            write_safetensors(path, tensors);
            return path;
        } catch (std::exception const&) {
            continue; // the next place is tried
        }
    return std::nullopt;
}

} // namespace sfumato
