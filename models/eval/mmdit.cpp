#include "models/nets/mmdit.h"

#include "compute/error.h"
#include "models/eval/case_config.h"
#include "models/eval/networks.h"

namespace sfumato {

namespace {

torch_layout tap_layout(std::string_view tap) {
    bool const list = tap == "t_embedder" || tap == "y_embedder" || tap == "c";
    return list ? torch_layout::list : torch_layout::tokens;
}

} // namespace

case_tensors eval_mmdit(device& d, checkpoint_pointer file, network_case const& c, eval_options const& options) {
    mmdit_config const config = mmdit_config_of(c, *file);
    auto const& sample = c.at("in.sample", {any_extent, config.in_channels, any_extent, any_extent});
    std::int64_t const n = sample.shape[0];
    if (sample.shape[2] % mmdit_config::patch || sample.shape[3] % mmdit_config::patch)
        fail("The case '{}' has a sample of {} × {}, which does not divide into patches.", c.source, sample.shape[3],
             sample.shape[2]);
    case_run e(d, std::move(file), options);
    scope const w = e.network(unet_prefix);
    tensor const context =
        e.stored(e.input(c.at("in.context", {n, any_extent, config.context_channels}), torch_layout::tokens));
    tensor const pooled = e.input(c.at("in.pooled", {n, config.pooled_channels}), torch_layout::list);
    e.output("sample",
             mmdit(w, config,
                   {.x = e.stored(e.input(sample, torch_layout::picture)),
                    .timestep = e.numbers(c.at("in.timestep", {n})),
                    .context = mmdit_context(w, context),
                    .label = mmdit_label(w, pooled)}),
             torch_layout::picture);
    return e.run(tap_layout);
}

} // namespace sfumato
