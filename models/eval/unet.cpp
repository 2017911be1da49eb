#include "models/nets/unet.h"
#include "compute/error.h"
#include "models/eval/case_config.h"
#include "models/eval/networks.h"

namespace sfumato {

namespace {

torch_layout tap_layout(std::string_view tap) {
    if (tap == "time_embed" || tap == "label_emb") return torch_layout::list;
    return tap.find(".transformer_blocks.") != tap.npos ? torch_layout::tokens : torch_layout::picture;
}

tensor label(case_run& e, unet_config const& config, network_case const& c, std::int64_t n) {
    auto const& pooled = c.at("in.pooled", {n, config.pooled_channels()});
    return unet_label(e.graph(), e.input(pooled, torch_layout::list), e.numbers(c.at("in.time_ids", {n, 6})));
}

} // namespace

case_tensors eval_unet(device& d, checkpoint_pointer file, network_case const& c, eval_options const& options) {
    unet_config const config = unet_config_of(c, *file);
    auto const& sample = c.at("in.sample", {any_extent, config.in_channels, any_extent, any_extent});
    std::int64_t const n = sample.shape[0];
    case_run e(d, std::move(file), options);
    scope const w = e.network(unet_prefix);
    tensor const context =
        e.stored(e.input(c.at("in.context", {n, any_extent, config.context_dim}), torch_layout::tokens));
    unet_inputs in{.x = e.stored(e.input(sample, torch_layout::picture)),
                   .timestep = e.numbers(c.at("in.timestep", {n})),
                   .context = unet_context(w, config, context),
                   .label = {}};
    if (config.adm_in_channels) in.label = label(e, config, c, n);
    e.output("sample", unet(w, config, in), torch_layout::picture);
    return e.run(tap_layout);
}

} // namespace sfumato
