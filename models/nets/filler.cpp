#include "models/nets/filler.h"

#include "models/nets/lama.h"
#include "models/nets/lama_folded.h"
#include "models/nets/migan.h"
#include "models/nets/migan_folded.h"

namespace sfumato {

std::shared_ptr<checkpoint const> folded_filler(std::shared_ptr<checkpoint const> const& model,
                                                filler_config const& c) {
    if (auto const migan = std::get_if<migan_config>(&c)) return folded_migan(model, *migan);
    return folded_lama(model, std::get<lama_config>(c));
}

tensor filler(graph& g, weight_store& weights, filler_config const& c, tensor const& input) {
    auto const at = [&](std::string_view prefix) { return scope{g, weights, std::string(prefix)}; };
    if (auto const config = std::get_if<migan_config>(&c)) return migan(at(migan_prefix), *config, input);
    return lama(at(lama_prefix), std::get<lama_config>(c), input);
}

} // namespace sfumato
