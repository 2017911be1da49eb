#include "models/nets/unet.h"

#include <cassert>
#include <format>

namespace sfumato {

namespace {

constexpr float residual_eps = 1e-5f, transformer_eps = 1e-6f;

// One entry of input_blocks or output_blocks, or the middle.
struct block {
    scope w;
    int channels;  // it puts out
    int depth = 0; // transformer blocks behind the residual block
    int level = 0;
    enum { first, residual, down } what = residual;
    bool up = false; // an upsampling comes last
};

std::vector<block> input_blocks(scope const& w, unet_config const& c) {
    scope const in = w["input_blocks"];
    std::vector<block> all{{.w = in[0], .channels = c.model_channels, .what = block::first}};
    int const levels = int(c.channel_mult.size());
    for (int level = 0; level < levels; ++level) {
        for (int i = 0; i < c.res_blocks; ++i)
            all.push_back({in[int(all.size())], c.channels(level), c.transformer_depth[level], level});
        if (level + 1 < levels)
            all.push_back(
                {.w = in[int(all.size())], .channels = c.channels(level), .level = level, .what = block::down});
    }
    return all;
}

std::vector<block> output_blocks(scope const& w, unet_config const& c) {
    scope const out = w["output_blocks"];
    std::vector<block> all;
    for (int level = int(c.channel_mult.size()) - 1; level >= 0; --level)
        for (int i = 0; i <= c.res_blocks; ++i)
            all.push_back({.w = out[int(all.size())],
                           .channels = c.channels(level),
                           .depth = c.transformer_depth[level],
                           .level = level,
                           .up = level > 0 && i == c.res_blocks});
    return all;
}

// [n, h, w, c] as tokens [n, 1, h·w, c], and back.
tensor tokens(tensor t) {
    t.shape = {.n = t.shape.n, .w = t.shape.h * t.shape.w, .c = t.shape.c};
    return t;
}
tensor picture(tensor t, shape const& like) {
    t.shape.h = like.h, t.shape.w = like.w;
    return t;
}

struct network {
    scope w;
    unet_config const& config;
    tensor time; // SiLU of the embedding, [n, 1, 1, 4·model_channels]
    cross_attention const& context;

    // `skip`: further channels of the input.
    tensor residual_block(scope const& r, tensor const& x, std::optional<tensor> const& skip, int channels) const {
        tensor const emb = linear(r["emb_layers"][1], time);
        tensor const h = conv2d(r["in_layers"][2], x,
                                {.pad = {1, 1, 1, 1},
                                 .second = skip,
                                 .affine = group_norm_affine(r["in_layers"][0], x, residual_eps, skip),
                                 .affine_silu = true},
                                {.channel_add = emb});
        tensor shortcut = x;
        if (skip || x.shape.c != channels) shortcut = conv2d(r["skip_connection"], x, {.second = skip});
        return r.tap(conv2d(r["out_layers"][3], h,
                            {.pad = {1, 1, 1, 1},
                             .affine = group_norm_affine(r["out_layers"][0], h, residual_eps),
                             .affine_silu = true},
                            {.residual = shortcut}));
    }

    tensor attend(scope const& a, tensor const& q, tensor const& k, tensor const& v, tensor const& residual) const {
        tensor const y = attention(a.g, q, k, v, {.heads = config.heads_of(q.shape.c)});
        if (a.tapped()) a.tap(linear(a["to_out"][0], y));
        return linear(a["to_out"][0], y, {.residual = residual});
    }

    tensor transformer_block(scope const& b, tensor x) const {
        tensor const n1 = layer_norm(b["norm1"], x);
        scope const self = b["attn1"], cross = b["attn2"];
        x = attend(self, linear(self["to_q"], n1), linear(self["to_k"], n1), linear(self["to_v"], n1), x);
        auto const& [k, v] = context.at(b.path());
        x = attend(cross, linear(cross["to_q"], layer_norm(b["norm2"], x)), k, v, x);
        tensor const gated = linear_geglu(b["ff"]["net"][0]["proj"], layer_norm(b["norm3"], x));
        if (b.tapped()) b["ff"].tap(linear(b["ff"]["net"][2], gated));
        return b.tap(linear(b["ff"]["net"][2], gated, {.residual = x}));
    }

    // proj_in and proj_out are linear in SD 2 and XL and 1 × 1 convolutions in SD 1: the same on channels-last tokens.
    tensor transformer(scope const& t, tensor const& x, int depth) const {
        tensor const normed = t["norm"].tap(group_norm(t["norm"], x, transformer_eps));
        tensor h = linear(t["proj_in"], tokens(normed));
        for (int i = 0; i < depth; ++i) h = transformer_block(t["transformer_blocks"][i], h);
        return t.tap(picture(linear(t["proj_out"], h, {.residual = tokens(x)}), x.shape));
    }

    tensor input_block(block const& b, tensor const& x) const {
        if (b.what == block::first) return b.w[0].tap(conv2d(b.w[0], x));
        if (b.what == block::down) return b.w[0].tap(conv2d(b.w[0]["op"], x, {.stride = 2, .pad = {1, 1, 1, 1}}));
        tensor const h = residual_block(b.w[0], x, {}, b.channels);
        return b.depth ? transformer(b.w[1], h, b.depth) : h;
    }

    tensor middle_block(tensor const& x) const {
        scope const m = w["middle_block"];
        tensor h = residual_block(m[0], x, {}, x.shape.c);
        if (config.middle_depth) h = transformer(m[1], h, config.middle_depth);
        return residual_block(m[config.middle_depth ? 2 : 1], h, {}, x.shape.c);
    }

    // As large as the skip that comes next: twice as large, or one pixel less where the way down met an odd size.
    tensor upsample(scope const& up, tensor const& x, shape const& to) const {
        if (to.h == 2 * x.shape.h && to.w == 2 * x.shape.w)
            return up.tap(conv2d(up["conv"], x, {.pad = {1, 1, 1, 1}, .upsample = true}));
        return up.tap(conv2d(up["conv"], resize(up.g, x, to.h, to.w, filter::nearest, false)));
    }

    tensor output_block(block const& b, tensor const& x, tensor const& skip, shape const& next) const {
        tensor h = residual_block(b.w[0], x, skip, b.channels);
        if (b.depth) h = transformer(b.w[1], h, b.depth);
        return b.up ? upsample(b.w[b.depth ? 2 : 1], h, next) : h;
    }
};

// SiLU of the embedding of time (and of the label): every residual block takes it so.
tensor embed(scope const& w, unet_config const& c, unet_inputs const& in) {
    tensor const waves = timestep_embedding(w.g, in.timestep, c.model_channels);
    scope const t = w["time_embed"];
    tensor emb = t.tap(linear(t[2], linear(t[0], waves, {.activation = activation::silu})));
    if (c.adm_in_channels) {
        scope const l = w["label_emb"];
        tensor const label = l.tap(linear(l[0][2], linear(l[0][0], *in.label, {.activation = activation::silu})));
        emb = add(w.g, emb, label);
    }
    return activate(w.g, emb, activation::silu);
}

} // namespace

cross_attention unet_context(scope const& w, unet_config const& c, tensor const& context) {
    cross_attention all;
    auto const add = [&](scope const& transformer, int depth) {
        for (int i = 0; i < depth; ++i) {
            scope const block = transformer["transformer_blocks"][i], cross = block["attn2"];
            all[block.path()] = {linear(cross["to_k"], context), linear(cross["to_v"], context)};
        }
    };
    for (block const& b : input_blocks(w, c)) add(b.w[1], b.depth);
    add(w["middle_block"][1], c.middle_depth);
    for (block const& b : output_blocks(w, c)) add(b.w[1], b.depth);
    return all;
}

tensor unet_label(graph& g, tensor const& pooled, tensor const& time_ids) {
    constexpr int width = 256;
    tensor waves = timestep_embedding(g, time_ids, width);
    waves.shape = {.n = pooled.shape.n, .c = 6 * width};
    return concat(g, pooled, waves);
}

tensor unet(scope const& w, unet_config const& c, unet_inputs const& in) {
    assert(in.x.shape.c == c.in_channels && in.label.has_value() == (c.adm_in_channels > 0));
    network const n{w, c, embed(w, c, in), in.context};
    tensor x = in.x;
    std::vector<tensor> skips;
    for (block const& b : input_blocks(w, c)) skips.push_back(x = n.input_block(b, x));
    x = n.middle_block(x);
    if (!in.residuals.empty()) {
        assert(in.residuals.size() == skips.size() + 1);
        x = add(w.g, x, in.residuals.back());
    }
    for (block const& b : output_blocks(w, c)) {
        tensor skip = skips.back();
        skips.pop_back();
        if (!in.residuals.empty()) skip = add(w.g, skip, in.residuals[skips.size()]);
        x = n.output_block(b, x, skip, skips.empty() ? x.shape : skips.back().shape);
    }
    scope const out = w["out"];
    if (w.tapped()) out[0].tap(group_norm(out[0], x, residual_eps));
    return out[2].tap(conv2d(
        out[2], x, {.pad = {1, 1, 1, 1}, .affine = group_norm_affine(out[0], x, residual_eps), .affine_silu = true},
        {.type = dtype::f32}));
}

} // namespace sfumato
