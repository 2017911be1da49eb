#include "models/pipelines/diffusion/conditioning.h"

#include "models/nets/denoiser.h"
#include "models/nets/t5.h"
#include "models/pipelines/stages.h"

#include <algorithm>
#include <cassert>

namespace sfumato {

namespace {

struct encoded_text {
    std::vector<float> context; // [n, tokens, channels]
    std::vector<float> pooled;  // [n, p], or empty
};

struct text_numbers {
    std::vector<std::uint32_t> ids, ends;
    std::vector<float> keep, values; // of learnt_tokens; empty: there are none
};

std::optional<encoded_text> run_encoder(turns const& all, weight_store& weights, text_graph recorded,
                                        text_numbers const& numbers, job const& j) {
    auto const running = load(all.d, weights, j);
    if (!running) return std::nullopt;
    plan p(all.d, std::move(recorded.g));
    p.upload<std::uint32_t>(recorded.ids, numbers.ids);
    if (recorded.ends) p.upload<std::uint32_t>(*recorded.ends, numbers.ends);
    if (recorded.learnt) {
        p.upload<float>(recorded.learnt->keep, numbers.keep);
        p.upload<float>(recorded.learnt->values, numbers.values);
    }
    bool const going = p.run([&](sentence const& stage, double fraction) {
        running->report({stage, fraction});
        return !running->is_cancelled();
    });
    if (!going) return std::nullopt;
    encoded_text made{p.download<float>(recorded.context), {}};
    if (recorded.pooled) made.pooled = p.download<float>(*recorded.pooled);
    return made;
}

// Tokens behind the vocabulary's have their vectors instead of a row of the table.
void put_learnt(encoder_input const& in, text_numbers& to) {
    std::size_t const width = std::size_t(in.config.hidden), first = std::size_t(in.config.vocabulary);
    to.keep.assign(to.ids.size() * width, 1);
    to.values.assign(to.ids.size() * width, 0);
    for (std::size_t i = 0; i < to.ids.size(); ++i) {
        if (to.ids[i] < first) continue;
        auto const vector = in.learnt.begin() + std::ptrdiff_t((to.ids[i] - first) * width);
        std::fill_n(to.keep.begin() + std::ptrdiff_t(i * width), width, 0.0f);
        std::copy_n(vector, width, to.values.begin() + std::ptrdiff_t(i * width));
        to.ids[i] = 0;
    }
}

// All chunks of all prompts, one after the other.
std::optional<encoded_text> run_clip(turns const& all, int number, encoder_input const& in, job const& j) {
    text_numbers numbers;
    for (auto const& prompt : in.prompts)
        for (auto const& chunk : prompt.ids) {
            auto const end = std::ranges::find(chunk, in.config.eos) - chunk.begin();
            numbers.ends.push_back(std::uint32_t(numbers.ids.size() + std::size_t(end)));
            numbers.ids.insert(numbers.ids.end(), chunk.begin(), chunk.end());
        }
    if (!in.learnt.empty()) put_learnt(in, numbers);
    model_part const part{role::text, number};
    weight_store& weights = all.begin(part);
    return run_encoder(all, weights,
                       record_text(all.d.target(), weights, in.config, int(numbers.ends.size()),
                                   all.memory.of(part).storage, !in.learnt.empty()),
                       numbers, j);
}

std::optional<encoded_text> run_t5(turns const& all, std::vector<t5_prompt> const& prompts, job const& j) {
    text_numbers numbers;
    for (t5_prompt const& prompt : prompts) numbers.ids.insert(numbers.ids.end(), prompt.ids.begin(), prompt.ids.end());
    weight_store& weights = all.begin(all.model.t5_part());
    int const tokens = int(prompts.front().ids.size());
    return run_encoder(all, weights,
                       record_t5(all.d.target(), weights, *all.model.what().t5, int(prompts.size()), tokens), numbers,
                       j);
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

// What an encoder made of the chunks of each prompt; pooled is that of its first.
void append(std::vector<conditioning>& made, encoder_input const& in, encoded_text& text) {
    std::size_t const chunk_size = prompt_chunks::length * in.config.hidden;
    std::size_t const pooled_size = text.pooled.size() / (text.context.size() / chunk_size);
    std::span<float> left(text.context);
    std::span<float const> pooled(text.pooled);
    for (std::size_t i = 0; i < made.size(); ++i) {
        prompt_chunks const& prompt = in.prompts[i];
        for (std::size_t k = 0; k < prompt.ids.size(); ++k)
            apply_weights(left.subspan(k * chunk_size, chunk_size), prompt.weights[k]);
        append_channels(made[i], left.first(prompt.ids.size() * chunk_size), in.config.hidden);
        left = left.subspan(prompt.ids.size() * chunk_size);
        auto const whole = pooled.first(pooled_size);
        made[i].pooled.insert(made[i].pooled.end(), whole.begin(), whole.end());
        pooled = pooled.subspan(prompt.ids.size() * pooled_size);
    }
}

void append_t5(std::vector<conditioning>& made, std::vector<t5_prompt> const& prompts, std::span<float> context) {
    for (std::size_t i = 0; i < made.size(); ++i) {
        std::size_t const tokens = prompts[i].ids.size();
        auto const own = context.first(tokens * made[i].channels);
        context = context.subspan(own.size());
        apply_weights(own, prompts[i].weights);
        made[i].context.insert(made[i].context.end(), own.begin(), own.end());
        made[i].tokens += int(tokens);
    }
}

} // namespace

text_graph record_text(target const& to, weight_store& weights, clip_config const& c, int chunks, dtype storage,
                       bool has_learnt_words) {
    graph g(to.storing(storage));
    g.stage(say("read the prompt"));
    scope const w(g, weights, c.prefix);
    tensor const ids = g.input({.n = chunks, .w = c.context}, dtype::u32);
    std::optional<learnt_tokens> learnt;
    shape const vectors{.n = chunks, .w = c.context, .c = c.hidden};
    if (has_learnt_words) learnt = {g.input(vectors), g.input(vectors)};
    text_encoding const text = encode_text(w, c, ids, storage, c.pooled, learnt);
    tensor const context = cast(g, text.context, dtype::f32);
    g.output(context);
    if (!c.pooled) return {.g = std::move(g), .ids = ids, .context = context, .learnt = learnt};
    tensor const ends = g.input({.w = chunks}, dtype::u32),
                 pooled = cast(g, pool_text(w, c, *text.last_normed, ends), dtype::f32);
    g.output(pooled);
    return {std::move(g), ids, context, ends, pooled, learnt};
}

text_graph record_t5(target const& to, weight_store& weights, t5_config const& c, int prompts, int tokens) {
    graph g(to.storing(dtype::f32));
    g.stage(say("read the prompt"));
    tensor const ids = g.input({.n = prompts, .w = tokens}, dtype::u32),
                 context = encode_t5(scope(g, weights, std::string(t5_prefix)), c, ids);
    g.output(context);
    return {std::move(g), ids, context};
}

std::optional<std::vector<conditioning>> encode_prompts(turns const& all, text_inputs const& in, job const& j) {
    std::vector<conditioning> made;
    for (prompt_chunks const& prompt : in.clips.front().prompts)
        made.push_back({.tokens = int(prompt.ids.size() * prompt_chunks::length)});
    int const clips = int(in.clips.size()), count = clips + !in.t5.empty();
    auto const part = [&](int number) { return part_of(j, double(number) / count, double(number + 1) / count); };
    for (int number = 0; number < clips; ++number) {
        assert(in.clips[number].prompts.size() == made.size());
        auto text = run_clip(all, number, in.clips[number], part(number));
        if (!text) return std::nullopt;
        append(made, in.clips[number], *text);
    }
    int const channels = shape_of(all.model.denoiser()).context_channels;
    for (conditioning& c : made)
        if (int const missing = channels - c.channels; missing > 0)
            append_channels(c, std::vector<float>(std::size_t(c.tokens) * missing), missing);
    if (in.t5.empty()) return made;
    assert(in.t5.size() == made.size());
    auto text = run_t5(all, in.t5, part(clips));
    if (!text) return std::nullopt;
    append_t5(made, in.t5, text->context);
    return made;
}

} // namespace sfumato
