#include "models/nets/t5.h"

#include "compute/error.h"
#include "models/eval/case_config.h"
#include "models/eval/networks.h"

#include <cmath>

namespace sfumato {

case_tensors eval_t5(device& d, checkpoint_pointer file, network_case const& c, eval_options const& options) {
    t5_config const config = t5_config_of(c, *file);
    case_tensor const& ids = c.at("in.ids", {any_extent, any_extent});
    for (float id : ids.values)
        if (!(id >= 0 && id < float(config.vocabulary)) || id != std::floor(id))
            fail("The case '{}' has {} in 'in.ids'; tokens are 0 to {}.", c.source, id, config.vocabulary - 1);
    case_run e(d, std::move(file), options);
    e.output("context", encode_t5(e.network(t5_prefix), config, e.ids(ids)), torch_layout::tokens);
    return e.run([](std::string_view) { return torch_layout::tokens; });
}

} // namespace sfumato
