#include "models/pipelines/prompt_context.h"

#include "models/nets/clip.h"
#include "models/pipelines/stages.h"

#include <algorithm>

namespace sfumato {

text_graph record_text(target const& to, weight_store& weights, text_encoder_config const& c, int chunks,
                       dtype storage) {
    graph g(to.storing(storage));
    g.stage("read the prompt");
    tensor const ids = g.input({.n = chunks, .w = c.context}, dtype::u32);
    std::string const root = c.prefix.substr(0, c.prefix.find_last_not_of('.') + 1);
    tensor const stored = encode_text(scope(g, weights, root), c, ids, storage).context;
    tensor const context = cast(g, stored, dtype::f32);
    g.output(context);
    return {std::move(g), ids, context};
}

std::optional<std::vector<prompt_context>> encode_prompts(device& d, diffusion_model& model,
                                                          text_encoder_config const& config,
                                                          std::vector<prompt_chunks> const& prompts, dtype storage,
                                                          job const& j) {
    std::vector<std::uint32_t> ids;
    for (auto const& prompt : prompts)
        for (auto const& chunk : prompt.ids) ids.insert(ids.end(), chunk.begin(), chunk.end());
    int const chunks = int(ids.size() / prompt_chunks::length);

    weight_store& weights = model.weights(diffusion_model::part::text);
    text_graph recorded = record_text(d.target(), weights, config, chunks, storage);
    auto const running = load(d, weights, j);
    if (!running) return std::nullopt;
    plan p(d, std::move(recorded.g));
    p.upload<std::uint32_t>(recorded.ids, ids);
    if (!p.run([&](std::string const& stage, double fraction) {
            running->report({stage, fraction});
            return !running->is_cancelled();
        }))
        return std::nullopt;
    std::vector<float> const all = p.download<float>(recorded.context);
    model.release(diffusion_model::part::text);

    std::vector<prompt_context> contexts;
    int const channels = recorded.context.shape.c;
    std::size_t const chunk_size = prompt_chunks::length * channels;
    auto from = all.begin();
    for (auto const& prompt : prompts) {
        prompt_context c{int(prompt.ids.size() * prompt_chunks::length), channels, {}};
        c.values.assign(from, from + std::ptrdiff_t(prompt.ids.size() * chunk_size));
        from += std::ptrdiff_t(c.values.size());
        for (std::size_t i = 0; i < prompt.ids.size(); ++i)
            apply_weights(std::span(c.values).subspan(i * chunk_size, chunk_size), prompt.weights[i]);
        contexts.push_back(std::move(c));
    }
    return contexts;
}

} // namespace sfumato
