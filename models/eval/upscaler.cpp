#include "models/nets/upscaler.h"

#include "models/eval/networks.h"
#include "models/library/family.h"

namespace sfumato {

case_tensors eval_upscaler(device& d, checkpoint_pointer file, network_case const& c, eval_options const& options) {
    upscaler_config const config = require_upscaler(*file);
    case_run e(d, std::move(file), options);
    tensor const image = e.input(c.at("in.image", {any_extent, 3, any_extent, any_extent}), torch_layout::picture);
    e.output("image", upscaler(e.network(""), config, image, options.type), torch_layout::picture);
    return e.run([](std::string_view) { return torch_layout::picture; });
}

} // namespace sfumato
