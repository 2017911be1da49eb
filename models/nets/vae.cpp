#include "models/nets/vae.h"

namespace sfumato {

namespace {

constexpr float eps = 1e-6f;

// y = conv(SiLU(norm(x))): how every convolution but the first sees its input.
tensor normed_conv(scope const& norm, scope const& conv, tensor const& x, epilogue const& after = {}) {
    return conv2d(conv, x, {.pad = {1, 1, 1, 1}, .affine = group_norm_affine(norm, x, eps), .affine_silu = true},
                  after);
}

tensor residual_block(scope const& b, tensor const& x) {
    tensor const h = normed_conv(b["norm1"], b["conv1"], x);
    tensor const shortcut = b.has("nin_shortcut.weight") ? conv2d(b["nin_shortcut"], x, {}) : x;
    return b.tap(normed_conv(b["norm2"], b["conv2"], h, {.residual = shortcut}));
}

// One head over all channels. Old files store the projections as 1 × 1 convolutions.
tensor attention_block(scope const& a, tensor const& x) {
    shape const& s = x.shape;
    tensor flat = x;
    flat.shape = {.n = s.n, .w = s.h * s.w, .c = s.c};
    tensor h = group_norm(a["norm"], x, eps);
    h.shape = flat.shape;
    h = attention(a.g, linear(a["q"], h), linear(a["k"], h), linear(a["v"], h), {.heads = 1});
    h = linear(a["proj_out"], h, {.residual = flat});
    h.shape = s;
    return a.tap(h);
}

tensor middle(scope const& m, tensor const& x) {
    return residual_block(m["block_2"], attention_block(m["attn_1"], residual_block(m["block_1"], x)));
}

} // namespace

tensor vae_encode(scope const& w, vae_config const& c, tensor const& image) {
    scope const e = w["encoder"];
    int const levels = int(c.channel_mult.size());
    tensor h = conv2d(e["conv_in"], image);
    for (int level = 0; level < levels; ++level) {
        scope const down = e["down"][level];
        for (int i = 0; i < c.res_blocks; ++i) h = residual_block(down["block"][i], h);
        if (level + 1 < levels)
            h = down["downsample"].tap(
                conv2d(down["downsample"]["conv"], h, {.stride = 2, .pad = {.bottom = 1, .right = 1}}));
    }
    h = middle(e["mid"], h);
    if (w.tapped()) e["norm_out"].tap(group_norm(e["norm_out"], h, eps));
    epilogue const last{.type = dtype::f32};
    if (!c.quant_conv) return e["conv_out"].tap(normed_conv(e["norm_out"], e["conv_out"], h, last));
    h = e["conv_out"].tap(normed_conv(e["norm_out"], e["conv_out"], h));
    return w["quant_conv"].tap(conv2d(w["quant_conv"], h, {}, last));
}

tensor vae_decode(scope const& w, vae_config const& c, tensor const& latent) {
    scope const d = w["decoder"];
    tensor h = latent;
    if (c.quant_conv) h = w["post_quant_conv"].tap(conv2d(w["post_quant_conv"], h, {}));
    h = middle(d["mid"], d["conv_in"].tap(conv2d(d["conv_in"], h)));
    for (int level = int(c.channel_mult.size()) - 1; level >= 0; --level) {
        scope const up = d["up"][level];
        for (int i = 0; i <= c.res_blocks; ++i) h = residual_block(up["block"][i], h);
        if (level > 0)
            h = up["upsample"].tap(conv2d(up["upsample"]["conv"], h, {.pad = {1, 1, 1, 1}, .upsample = true}));
    }
    return d["conv_out"].tap(normed_conv(d["norm_out"], d["conv_out"], h, {.type = dtype::f32}));
}

} // namespace sfumato
