#include "models/pipelines/diffusion/conditioning.h"

#include "models/nets/clip.h"
#include "models/pipelines/stages.h"

#include <algorithm>
#include <cassert>

namespace sfumato {

namespace {

// [chunks, 77, channels] of all prompts, one after the other.
std::optional<std::vector<float>> run_encoder(turns const& all, int number, encoder_input const& in, job const& j) {
    std::vector<std::uint32_t> ids;
    for (auto const& prompt : in.prompts)
        for (auto const& chunk : prompt.ids) ids.insert(ids.end(), chunk.begin(), chunk.end());
    int const chunks = int(ids.size() / prompt_chunks::length);

    model_part const part{role::text, number};
    weight_store& weights = all.begin(part);
    text_graph recorded = record_text(all.d.target(), weights, in.config, chunks, all.memory.of(part).storage);
    auto const running = load(all.d, weights, j);
    if (!running) return std::nullopt;
    plan p(all.d, std::move(recorded.g));
    p.upload<std::uint32_t>(recorded.ids, ids);
    bool const going = p.run([&](sentence const& stage, double fraction) {
        running->report({stage, fraction});
        return !running->is_cancelled();
    });
    if (!going) return std::nullopt;
    return p.download<float>(recorded.context);
}

// Puts an encoder's channels behind those that are there.
void append_channels(conditioning& to, std::span<float const> values, int channels) {
    std::vector<float> joined;
    joined.reserve(to.context.size() + values.size());
    for (int token = 0; token < to.tokens; ++token) {
        auto const old = to.context.begin() + std::ptrdiff_t(token) * to.channels;
        joined.insert(joined.end(), old, old + to.channels);
        auto const more = values.begin() + std::ptrdiff_t(token) * channels;
        joined.insert(joined.end(), more, more + channels);
    }
    to.context = std::move(joined);
    to.channels += channels;
}

} // namespace

text_graph record_text(target const& to, weight_store& weights, clip_config const& c, int chunks, dtype storage) {
    graph g(to.storing(storage));
    g.stage(say("read the prompt"));
    tensor const ids = g.input({.n = chunks, .w = c.context}, dtype::u32);
    tensor const stored = encode_text(scope(g, weights, c.prefix), c, ids, storage).context;
    tensor const context = cast(g, stored, dtype::f32);
    g.output(context);
    return {std::move(g), ids, context};
}

std::optional<std::vector<conditioning>> encode_prompts(turns const& all, std::vector<encoder_input> const& encoders,
                                                        job const& j) {
    std::vector<conditioning> made;
    for (prompt_chunks const& prompt : encoders.front().prompts)
        made.push_back({.tokens = int(prompt.ids.size() * prompt_chunks::length)});
    int const count = int(encoders.size());
    for (int number = 0; number < count; ++number) {
        encoder_input const& in = encoders[number];
        assert(in.prompts.size() == made.size());
        auto values = run_encoder(all, number, in, part_of(j, double(number) / count, double(number + 1) / count));
        if (!values) return std::nullopt;
        std::size_t const chunk_size = prompt_chunks::length * in.config.hidden;
        std::span<float> left(*values);
        for (std::size_t i = 0; i < made.size(); ++i) {
            prompt_chunks const& prompt = in.prompts[i];
            for (std::size_t k = 0; k < prompt.ids.size(); ++k)
                apply_weights(left.subspan(k * chunk_size, chunk_size), prompt.weights[k]);
            append_channels(made[i], left.first(prompt.ids.size() * chunk_size), in.config.hidden);
            left = left.subspan(prompt.ids.size() * chunk_size);
        }
    }
    return made;
}

} // namespace sfumato
