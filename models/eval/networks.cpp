#include "models/eval/networks.h"

#include "models/networks/upscaler.h"

#include <algorithm>
#include <cassert>

namespace sfumato {

namespace {

struct network {
    std::string_view name;
    case_tensors (*run)(device&, checkpoint_pointer, network_case const&, eval_options const&);
};
constexpr network all[] = {{"clip", eval_clip},   {"t5", eval_t5},       {"unet", eval_unet},
                           {"mmdit", eval_mmdit}, {"vae", eval_vae},     {"taesd", eval_taesd},
                           {"lama", eval_lama},   {"migan", eval_migan}, {"upscaler", eval_upscaler}};

network const* find(std::string_view name) {
    if (is_upscaler(name)) name = "upscaler";
    auto const found = std::ranges::find(all, name, &network::name);
    return found == std::end(all) ? nullptr : found;
}

} // namespace

bool is_network(std::string_view name) { return find(name) != nullptr; }

case_tensors eval_network(std::string_view name, device& d, checkpoint_pointer file, network_case const& c,
                          eval_options const& options) {
    assert(is_network(name));
    return find(name)->run(d, std::move(file), c, options);
}

} // namespace sfumato
