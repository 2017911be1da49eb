#include "models/library/vae_origin.h"

#include "models/networks/latent_format.h"

#include <array>
#include <cmath>
#include <format>

namespace sfumato {

namespace {

constexpr std::string_view first_or_second = "Stable Diffusion 1 or 2", xl = "Stable Diffusion XL",
                           third = "Stable Diffusion 3", flux = "FLUX";

struct family_beginning {
    std::string_view beginning, family;
};

// How model_description::family begins for whole models and parts of them.
constexpr std::array families = {family_beginning{"Stable Diffusion XL", xl},
                                 family_beginning{"Stable Diffusion 3", third},
                                 family_beginning{"Stable Diffusion 1", first_or_second},
                                 family_beginning{"Stable Diffusion 2", first_or_second},
                                 family_beginning{"FLUX", flux},
                                 family_beginning{own_family, own_family}};

// How modelspec.architecture begins: "stable-diffusion-xl-v1-base/vae" …
constexpr std::array architectures = {family_beginning{"stable-diffusion-xl", xl},
                                      family_beginning{"stable-diffusion-v1", first_or_second},
                                      family_beginning{"stable-diffusion-v2", first_or_second},
                                      family_beginning{"stable-diffusion-v3", third},
                                      family_beginning{"stable-diffusion-3", third},
                                      family_beginning{"flux", flux},
                                      family_beginning{"Flux", flux},
                                      family_beginning{own_family, own_family}};

// By what each family's latents are multiplied.
struct family_scale {
    double scale;
    std::string_view family;
};
constexpr std::array scales = {family_scale{0.18215, first_or_second}, family_scale{xl_latent_scale, xl},
                               family_scale{1.5305, third}, family_scale{0.3611, flux}};

template <class Table> std::string_view family_beginning_with(Table const& table, std::string_view text) {
    for (auto const& [beginning, family] : table)
        if (text.starts_with(beginning)) return family;
    return "";
}

} // namespace

vae_origin origin_of_vae(std::string_view model, vae_config const& vae, stated_facts const& d) {
    if (auto const family = family_beginning_with(families, model); !family.empty())
        return {std::string(family), std::format("it is in a model of {}", model)};
    if (auto const family = family_beginning_with(architectures, d.architecture); !family.empty())
        return {std::string(family),
                std::format("its metadata's modelspec.architecture is {}", show_name(d.architecture))};
    if (d.vae_scale)
        for (auto const& [scale, family] : scales)
            if (std::abs(*d.vae_scale - scale) < 1e-4)
                return {std::string(family), std::format("its config's scale is {:.5g}", scale)};
    if (vae.z_channels == 16) return {"Stable Diffusion 3 or FLUX", "its latent has 16 channels"};
    if (vae.z_channels != 4) return {"another family", std::format("its latent has {} channels", vae.z_channels)};
    return {};
}

std::string family_of_vae_for(unet_config const& unet) { return std::string(unet.is_xl() ? xl : first_or_second); }

std::string family_of_vae_for(mmdit_config const&) { return std::string(third); }

} // namespace sfumato
