#include "models/pipelines/lama/inpaint_by_lama.h"

#include "compute/device.h"
#include "models/library/find_lama.h"
#include "models/pipelines/fill/patch_fill.h"
#include "models/pipelines/lama/lama_model.h"
#include "models/pipelines/lama/lama_view.h"
#include "models/pipelines/picture_pass.h"
#include "models/pipelines/range.h"
#include "models/pipelines/stages.h"

#include <algorithm>
#include <cassert>

namespace sfumato {

namespace {

picture_pass record_network(target const& device, weight_store& weights, lama_model const& m, lama_view const& v,
                            dtype storage) {
    picture_pass p{graph(device.storing(storage)), {}, {}};
    bool const is_lama = std::holds_alternative<lama_config>(m.network());
    p.g.stage(is_lama ? say("fill {} × {} with LaMa", v.padded.width, v.padded.height)
                      : say("fill {} × {} with MI-GAN", v.padded.width, v.padded.height));
    p.in = {p.g.input({.h = v.padded.height, .w = v.padded.width, .c = 4})};
    p.out = filler(p.g, weights, m.network(), cast(p.g, p.in[0], storage));
    p.g.output(p.out);
    return p;
}

struct network_bytes {
    std::uint64_t weights, work; // work: beside the weights, at most
};
network_bytes bytes_of_network(device& d, lama_model const& m, lama_view const& v, dtype storage) {
    weight_store weights = m.sketch();
    std::uint64_t const arena = plan::peak_bytes(record_network(d.target(), weights, m, v, storage).g);
    return {weights.bytes(d, residence::device), std::max(weights.loading_bytes(d), arena)};
}

// Throws overflow.
std::optional<picture> through_network(device& d, lama_model& m, picture const& seen, lama_view const& v, dtype storage,
                                       job const& j) {
    network_bytes const bytes = bytes_of_network(d, m, v, storage);
    m.make_room(d, bytes.weights + bytes.work, m.slot());
    picture_pass pass = record_network(d.target(), m.weights(), m, v, storage);
    auto const rest = load(d, m.weights(), j);
    if (!rest) return std::nullopt;
    plan p(d, std::move(pass.g));
    p.upload<float>(pass.in[0], network_input(seen, v));
    if (!p.run([&](sentence const& stage, double fraction) {
            rest->report({stage, fraction});
            return !rest->is_cancelled();
        }))
        return std::nullopt;
    auto const colours = p.download<float>(pass.out);
    check_numbers(colours);
    return without_padding(colours, v);
}

// What the network makes of the context, of the size at which it sees it.
std::optional<picture> made_of(device& d, shelf const& models, lama_model& m, picture const& context,
                               mask const& selection, lama_view const& v, job const& j) {
    std::optional<picture> seen = known_of(context, selection);
    if (v.is_scaled()) seen = resized(d, models, *seen, v.scaled, filter::bilinear, part_of(j, 0, 0.05));
    if (!seen) return std::nullopt;
    job const network = part_of(j, 0.05, 1);
    dtype const storage = d.target().storage();
    try {
        return through_network(d, m, *seen, v, storage, network);
    } catch (overflow const&) {
        if (storage == dtype::f32) throw;
        return through_network(d, m, *seen, v, dtype::f32, network);
    }
}

std::string file_of(request const& r) {
    if (!r.diffusion.model.empty()) return r.diffusion.model;
    if (std::string const found = find_lama(); !found.empty()) return found;
    fail("No LaMa and no MI-GAN was found among the models on this machine: put big-lama.pt into "
         "~/.local/share/sfumato/models, or name a file with --model.");
}

} // namespace

std::optional<run_result> inpaint_by_lama(device& d, shelf& models, request const& r, picture const& context,
                                          mask const& selection, job const& j) {
    assert(context.width == selection.width && context.height == selection.height);
    plan_patch_fill(context, selection); // throws error where nothing can be filled
    request recipe = r;
    recipe.diffusion.model = file_of(r);
    auto& m = models.open<lama_model>(recipe.diffusion.model);
    lama_view const view = view_of({context.width, context.height}, m.network());
    job const timed_job = timed(j);
    auto made = made_of(d, models, m, context, selection, view, part_of(timed_job, 0, 0.6));
    if (!made) return std::nullopt;
    inpaint_guide const guide{.made = std::move(*made), .blur = view.blur()};
    return inpaint(d, models, recipe, context, selection, part_of(timed_job, 0.6, 1), &guide);
}

run_plan plan_of_inpaint_by_lama(device& d, shelf& models, request const& r, picture const& context,
                                 mask const& selection) {
    auto const& m = models.open<lama_model>(file_of(r));
    lama_view const view = view_of({context.width, context.height}, m.network());
    inpaint_guide guide{.made = {}, .blur = view.blur()};
    guide.made.width = view.scaled.width, guide.made.height = view.scaled.height;
    run_plan takes = plan_of_inpaint(d, models, r, context, selection, &guide);
    network_bytes const network = bytes_of_network(d, m, view, d.target().storage());
    takes.needed = network.weights + std::max(network.work, takes.needed); // the weights stay for the next fill
    takes.text = say("needs {} MB, {} MB free", takes.needed / 1'000'000 + 1, takes.available / 1'000'000);
    return takes;
}

} // namespace sfumato
