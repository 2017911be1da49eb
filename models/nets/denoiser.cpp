#include "models/nets/denoiser.h"

#include "models/nets/mmdit.h"
#include "models/nets/unet.h"

namespace sfumato {

namespace {

// A block's keys and values among the prepared tensors.
constexpr char const *keys = " keys", *values = " values", *label_name = "label", *context_name = "context";

prepared_prompts prepare(scope const& w, unet_config const& c, conditioning_tensors const& in) {
    prepared_prompts all;
    for (auto const& [block, k_v] : unet_context(w, c, in.context)) {
        all[block + keys] = k_v.first;
        all[block + values] = k_v.second;
    }
    if (c.adm_in_channels) all[label_name] = unet_label(w.g, *in.pooled, *in.sizes);
    return all;
}

tensor evaluate(scope const& w, unet_config const& c, denoiser_inputs const& in) {
    unet_inputs of_unet{.x = in.x, .timestep = in.timestep, .residuals = in.residuals};
    for (auto const& [name, t] : in.prompts)
        if (name == label_name)
            of_unet.label = t;
        else if (name.ends_with(keys)) {
            std::string const block = name.substr(0, name.size() - std::string_view(keys).size());
            of_unet.context[block] = {t, in.prompts.at(block + values)};
        }
    return unet(w, c, of_unet);
}

prepared_prompts prepare(scope const& w, mmdit_config const&, conditioning_tensors const& in) {
    return {{context_name, mmdit_context(w, in.context)}, {label_name, mmdit_label(w, *in.pooled)}};
}

tensor evaluate(scope const& w, mmdit_config const& c, denoiser_inputs const& in) {
    return mmdit(w, c,
                 {.x = in.x,
                  .timestep = in.timestep,
                  .context = in.prompts.at(context_name),
                  .label = in.prompts.at(label_name)});
}

denoiser_shape shape_of(unet_config const& c) {
    return {.in_channels = c.in_channels,
            .out_channels = c.out_channels,
            .context_channels = c.context_dim,
            .pooled_channels = c.pooled_channels(),
            .sizes = c.is_xl() ? unet_config::sizes : 0};
}

denoiser_shape shape_of(mmdit_config const& c) {
    return {.in_channels = c.in_channels,
            .out_channels = c.in_channels,
            .context_channels = c.context_channels,
            .pooled_channels = c.pooled_channels,
            .multiple = mmdit_config::patch};
}

} // namespace

denoiser_shape shape_of(denoiser_config const& config) {
    return std::visit([](auto const& c) { return shape_of(c); }, config);
}

prepared_prompts prepare(scope const& w, denoiser_config const& config, conditioning_tensors const& in) {
    return std::visit([&](auto const& c) { return prepare(w, c, in); }, config);
}

tensor evaluate(scope const& w, denoiser_config const& config, denoiser_inputs const& in) {
    return std::visit([&](auto const& c) { return evaluate(w, c, in); }, config);
}

} // namespace sfumato
