#include "models/nets/migan.h"

#include "compute/error.h"
#include "models/eval/networks.h"
#include "models/library/family.h"
#include "models/nets/migan_folded.h"

namespace sfumato {

case_tensors eval_migan(device& d, checkpoint_pointer file, network_case const& c, eval_options const& options) {
    filler_config const found = require_filler(*file);
    if (!std::holds_alternative<migan_config>(found)) fail("'{}' is no MI-GAN.", file->source);
    auto const config = std::get<migan_config>(found);
    case_tensor const& picture = c.at("in.image", {any_extent, 3, config.side, config.side});
    case_run e(d, folded_migan(file, config), options);
    tensor const image = e.input(picture, torch_layout::picture),
                 mask =
                     e.input(c.at("in.mask", {picture.shape[0], 1, config.side, config.side}), torch_layout::picture);
    tensor const known = mul(e.graph(), image, scale(e.graph(), mask, -1, 1));
    e.output("raw", migan(e.network(migan_prefix), config, e.stored(concat(e.graph(), known, mask))),
             torch_layout::picture);
    return e.run([](std::string_view) { return torch_layout::picture; });
}

} // namespace sfumato
