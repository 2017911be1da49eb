#include "models/nets/lama.h"

#include "compute/error.h"
#include "models/eval/networks.h"
#include "models/library/family.h"
#include "models/nets/lama_folded.h"

#include <array>

namespace sfumato {

case_tensors eval_lama(device& d, checkpoint_pointer file, network_case const& c, eval_options const& options) {
    filler_config const found = require_filler(*file);
    if (!std::holds_alternative<lama_config>(found)) fail("'{}' is no LaMa.", file->source);
    auto const config = std::get<lama_config>(found);
    case_tensor const& picture = c.at("in.image", {any_extent, 3, any_extent, any_extent});
    auto const [n, h, w] = std::array{picture.shape[0], picture.shape[2], picture.shape[3]};
    if (h % config.multiple() || w % config.multiple())
        fail("The case '{}' is {} × {}; '{}' takes multiples of {}.", c.source, w, h, file->source, config.multiple());
    case_run e(d, folded_lama(file, config), options);
    tensor const image = e.input(picture, torch_layout::picture),
                 mask = e.input(c.at("in.mask", {n, 1, h, w}), torch_layout::picture);
    tensor const known = mul(e.graph(), image, scale(e.graph(), mask, -1, 1));
    tensor const raw = lama(e.network(lama_prefix), config, e.stored(concat(e.graph(), known, mask)));
    e.output("raw", raw, torch_layout::picture);
    e.output("image", lerp(e.graph(), image, raw, mask), torch_layout::picture);
    case_tensors all;
    for (auto& [name, t] : e.run([](std::string_view) { return torch_layout::picture; })) {
        bool const is_tap = name.starts_with("tap."); // which cases name from the network's root on
        all[is_tap ? "tap." + std::string(lama_prefix) + name.substr(4) : name] = t;
    }
    return all;
}

} // namespace sfumato
