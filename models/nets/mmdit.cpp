#include "models/nets/mmdit.h"

#include <cassert>

namespace sfumato {

namespace {

constexpr float eps = 1e-6f;

// Tokens first … first + count − 1 of each image of `all` [n, 1, w, c].
struct token_range {
    tensor all;
    int first, count;

    bool is_whole() const { return count == all.shape.w; }
    tensor of_image(int i) const {
        tensor flat = all;
        flat.shape = {.w = all.shape.n * all.shape.w, .c = all.shape.c};
        return flat.tokens(i * all.shape.w + first, count);
    }
};
token_range whole(tensor const& t) { return {t, 0, t.shape.w}; }

// The list of an image in [n, 1, 1, c].
tensor list_of(tensor t, int image) {
    t.shape = {.w = t.shape.n, .c = t.shape.c};
    return t.tokens(image, 1);
}

// What modulates a stream in a block, chunks of [n, 1, 1, chunks · width].
struct modulation {
    scope const& w;
    tensor all;
    int width;

    tensor operator[](int i) const {
        if (all.shape.n > 1) return slice(w.g, all, i * width, width);
        tensor rows = all;
        rows.shape = {.w = all.shape.c / width, .c = width};
        return rows.tokens(i, 1);
    }
    // (1 + scale) · norm(x) + shift: chunks `first` and the next.
    tensor of(tensor const& x, int first) const {
        return layer_norm(w.g, x, {.scale = (*this)[first + 1], .shift = (*this)[first], .eps = eps});
    }
};

enum part { query, key, value };

// How far the joint sequences of a block reach: the text's tokens come first.
struct sequences {
    tensor q, k, v;
};

struct network {
    scope w;
    mmdit_config const& config;
    tensor condition; // SiLU of the embedding, [n, 1, 1, width] f32

    graph& g() const { return w.g; }
    int images() const { return condition.shape.n; }

    modulation modulate(scope const& s) const {
        return {w, linear(s["adaLN_modulation"][1], condition), config.width()};
    }

    tensor sequence(tensor const& like, int tokens) const {
        return g().temporary({.n = images(), .w = tokens, .c = config.width()}, like.type);
    }

    // x → tokens of `to`: queries, keys or values of an attention, a third of its qkv.
    void project(scope const& a, part which, tensor const& x, token_range const& to) const {
        int const width = config.width(), first = which * width;
        bool const normed = config.qk_norm && which != value;
        if (!normed && to.is_whole()) {
            linear_rows(a["qkv"], x, first, width, {.into = channels_from{to.all}});
        } else if (normed) {
            tensor const plain = linear_rows(a["qkv"], x, first, width);
            for (int i = 0; i < images(); ++i)
                norm_heads(a[which == query ? "ln_q" : "ln_k"], whole(plain).of_image(i), to.of_image(i));
        } else
            for (int i = 0; i < images(); ++i)
                linear_rows(a["qkv"], whole(x).of_image(i), first, width, {.into = channels_from{to.of_image(i)}});
    }

    void norm_heads(scope const& norm, tensor x, tensor to) const {
        for (tensor* t : {&x, &to}) t->shape = {.w = t->shape.w * config.heads(), .c = mmdit_config::head_channels};
        rms_norm(g(), x, norm.store.vector(g(), norm.name("weight")), eps, to);
    }

    // residual + gate · proj(y)
    tensor project_back(scope const& a, token_range const& y, tensor const& gate, tensor const& residual) const {
        if (a.tapped()) tap_projection(a, y, residual);
        if (y.is_whole()) return linear(a["proj"], y.all, {.gate = gate, .residual = residual});
        tensor const to = g().temporary(residual.shape, residual.type);
        for (int i = 0; i < images(); ++i)
            linear(a["proj"], y.of_image(i),
                   {.gate = list_of(gate, i),
                    .residual = whole(residual).of_image(i),
                    .into = channels_from{whole(to).of_image(i)}});
        return to;
    }

    void tap_projection(scope const& a, token_range const& y, tensor const& like) const {
        tensor const to = g().temporary(like.shape, like.type);
        for (int i = 0; i < images(); ++i)
            linear(a["proj"], y.of_image(i), {.into = channels_from{whole(to).of_image(i)}});
        a.tap(to);
    }

    tensor attend(sequences const& s) const { return attention(g(), s.q, s.k, s.v, {.heads = config.heads()}); }

    // A dual block's second attention, of the picture with itself.
    tensor attend_alone(scope const& a, tensor const& x, tensor const& gate, tensor const& residual) const {
        sequences const s{sequence(x, x.shape.w), sequence(x, x.shape.w), sequence(x, x.shape.w)};
        project(a, query, x, whole(s.q));
        project(a, key, x, whole(s.k));
        project(a, value, x, whole(s.v));
        return project_back(a, whole(attend(s)), gate, residual);
    }

    tensor feed_forward(scope const& s, modulation const& m, tensor const& x) const {
        scope const mlp = s["mlp"];
        tensor const h = linear(mlp["fc1"], m.of(x, 3), {.activation = activation::gelu_tanh});
        if (mlp.tapped()) mlp.tap(linear(mlp["fc2"], h));
        return linear(mlp["fc2"], h, {.gate = m[5], .residual = x});
    }

    // x and the text become what they are after the block. `last`: of the text nothing is wanted after it.
    void joint_block(scope const& b, tensor& x, tensor& text, bool dual, bool last) const {
        scope const of_x = b["x_block"], of_text = b["context_block"];
        modulation const m = modulate(of_x), m_text = modulate(of_text);
        tensor const h = m.of(x, 0), h_text = m_text.of(text, 0);
        int const tokens = x.shape.w, before = text.shape.w, queries_before = last ? 0 : before;
        sequences const s{sequence(x, queries_before + tokens), sequence(x, before + tokens),
                          sequence(x, before + tokens)};
        scope const a_text = of_text["attn"], a = of_x["attn"];
        if (!last) project(a_text, query, h_text, {s.q, 0, before});
        project(a_text, key, h_text, {s.k, 0, before});
        project(a_text, value, h_text, {s.v, 0, before});
        project(a, query, h, {s.q, queries_before, tokens});
        project(a, key, h, {s.k, before, tokens});
        project(a, value, h, {s.v, before, tokens});
        tensor const y = attend(s), x_before = x;
        x = project_back(a, {y, queries_before, tokens}, m[2], x);
        if (dual) x = attend_alone(of_x["attn2"], m.of(x_before, 6), m[8], x);
        x = feed_forward(of_x, m, x);
        b.tap(x, "x");
        if (last) return;
        text = project_back(a_text, {y, 0, before}, m_text[2], text);
        text = feed_forward(of_text, m_text, text);
        b.tap(text, "context");
    }

    // Patches as tokens [n, 1, h/2 · w/2, width], each with its position.
    tensor embed(tensor const& x) const {
        scope const e = w["x_embedder"]["proj"];
        tensor patches = conv2d(e, x, {.stride = mmdit_config::patch});
        tensor const positions = w.store.window(g(), w.name("pos_embed"), patches.shape.h, patches.shape.w);
        patches = add(g(), patches, positions);
        patches.shape = {.n = x.shape.n, .w = patches.shape.h * patches.shape.w, .c = config.width()};
        w.tap(patches, "x_embedder_plus_pos");
        return patches;
    }

    tensor finish(tensor const& x, shape const& latent) const {
        constexpr int patch = mmdit_config::patch;
        scope const last = w["final_layer"];
        tensor const h = modulate(last).of(x, 0);
        last.tap(h, "modulated");
        tensor y = last["linear"].tap(linear(last["linear"], h, {.type = dtype::f32}));
        y.shape = {latent.n, latent.h / patch, latent.w / patch, patch * patch * latent.c};
        return interleave(g(), y, patch, latent.h, latent.w);
    }
};

// Two layers with SiLU between them.
tensor embedder(scope const& e, tensor const& x) {
    return e.tap(linear(e["mlp"][2], linear(e["mlp"][0], x, {.activation = activation::silu})));
}

} // namespace

tensor mmdit_context(scope const& w, tensor const& context) {
    return w["context_embedder"].tap(linear(w["context_embedder"], context));
}

tensor mmdit_label(scope const& w, tensor const& pooled) { return embedder(w["y_embedder"], pooled); }

tensor mmdit(scope const& w, mmdit_config const& c, mmdit_inputs const& in) {
    shape const& s = in.x.shape;
    assert(s.c == c.in_channels && s.h % mmdit_config::patch == 0 && s.w % mmdit_config::patch == 0);
    tensor const time = embedder(w["t_embedder"], timestep_embedding(w.g, in.timestep, mmdit_config::waves));
    tensor const embedding = add(w.g, time, in.label);
    w.tap(embedding, "c");
    network const n{w, c, activate(w.g, embedding, activation::silu)};
    tensor x = n.embed(in.x), text = in.context;
    for (int i = 0; i < c.depth; ++i) n.joint_block(w["joint_blocks"][i], x, text, i < c.dual_blocks, i + 1 == c.depth);
    return n.finish(x, s);
}

} // namespace sfumato
