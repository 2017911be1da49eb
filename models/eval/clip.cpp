#include "models/nets/clip.h"

#include "compute/error.h"
#include "models/eval/case_config.h"
#include "models/eval/networks.h"

#include <algorithm>
#include <cmath>

namespace sfumato {

namespace {

// Of each text the first end token, as a row of [n · tokens].
case_tensor first_ends(case_tensor const& ids, clip_config const& config, std::string const& source) {
    std::int64_t const n = ids.shape[0], tokens = ids.shape[1];
    case_tensor rows{{n}, {}};
    for (std::int64_t i = 0; i < n; ++i) {
        auto const begin = ids.values.begin() + i * tokens, end = begin + tokens;
        auto const found = std::find(begin, end, float(config.eos));
        if (found == end) fail("The case '{}' has a text without an end token ({}) in 'in.ids'.", source, config.eos);
        rows.values.push_back(float(found - ids.values.begin()));
    }
    return rows;
}

case_tensor const& ids_of(network_case const& c, clip_config const& config) {
    case_tensor const& ids = c.at("in.ids", {any_extent, any_extent});
    if (ids.shape[1] > config.context)
        fail("The case '{}' has {} tokens in 'in.ids'; the encoder sees {}.", c.source, ids.shape[1], config.context);
    for (float id : ids.values)
        if (!(id >= 0 && id < float(config.vocabulary)) || id != std::floor(id))
            fail("The case '{}' has {} in 'in.ids'; tokens are 0 to {}.", c.source, id, config.vocabulary - 1);
    return ids;
}

} // namespace

case_tensors eval_clip(device& d, checkpoint_pointer file, network_case const& c, eval_options const& options) {
    clip_config const config = clip_config_of(c, *file);
    case_tensor const& ids = ids_of(c, config);
    // The families pool differently: Stable Diffusion 1 the last layer as it is, 2 nothing, later ones a projection.
    bool const is_sd1 = config.final_norm && c.which == "clip_l", later = !config.final_norm;
    eval_options tapped = options;
    tapped.taps = true; // for what lies before the last layer
    case_run e(d, std::move(file), tapped);
    scope const w = e.network(config.prefix);
    text_encoding const text = encode_text(w, config, e.ids(ids), options.type, is_sd1 || later);
    e.output("context", text.context, torch_layout::tokens);
    if (later) e.output("last_normed", *text.last_normed, torch_layout::tokens);
    if (is_sd1 || (later && config.projection)) {
        tensor const pooled = pool_text(w, config, *text.last_normed, e.ids(first_ends(ids, config, c.source)));
        e.output(later ? "pooled_projected" : "pooled", pooled, torch_layout::list);
    }
    case_tensors all = e.run([](std::string_view) { return torch_layout::tokens; });
    int const run = later ? config.layers : config.layers_used;
    all["out.penultimate"] = all[run > 1 ? "tap.layer." + std::to_string(run - 2) : "tap.embeddings"];
    if (!options.taps) std::erase_if(all, [](auto const& entry) { return entry.first.starts_with("tap."); });
    return all;
}

} // namespace sfumato
