#include "models/nets/t5.h"

namespace sfumato {

namespace {

constexpr float eps = 1e-6f;

tensor rms_norm(scope const& norm, tensor const& x) {
    return rms_norm(norm.g, x, norm.store.vector(norm.g, norm.name("weight")), eps);
}

tensor self_attention(scope const& l, t5_config const& c, tensor const& bias, tensor const& x) {
    scope const a = l["SelfAttention"];
    tensor const h = rms_norm(l["layer_norm"], x);
    tensor const y = attention(l.g, linear(a["q"], h), linear(a["k"], h), linear(a["v"], h),
                               {.heads = c.heads, .scale = 1.0f, .bias = bias});
    return linear(a["o"], y, {.residual = x});
}

tensor feed_forward(scope const& l, tensor const& x) {
    scope const d = l["DenseReluDense"];
    tensor const h = rms_norm(l["layer_norm"], x);
    tensor const gated = mul(l.g, linear(d["wi_0"], h, {.activation = activation::gelu_tanh}), linear(d["wi_1"], h));
    return linear(d["wo"], gated, {.residual = x});
}

} // namespace

tensor encode_t5(scope const& w, t5_config const& c, tensor const& ids) {
    tensor x = embedding(w.g, ids, w.store.table(w.g, w["shared"].name("weight")));
    w.tap(x, "embeddings");
    scope const blocks = w["encoder"]["block"];
    scope const table = blocks[0]["layer"][0]["SelfAttention"]["relative_attention_bias"];
    tensor const bias = relative_position_bias(w.g, w.store.table(w.g, table.name("weight")), ids.shape.w, ids.shape.w);
    tensor by_heads = bias;
    by_heads.shape = {.n = bias.shape.h, .w = bias.shape.w, .c = bias.shape.c};
    w.tap(by_heads, "position_bias");
    for (int i = 0; i < c.layers; ++i) {
        scope const layer = blocks[i]["layer"];
        x = feed_forward(layer[1], self_attention(layer[0], c, bias, x));
        w.tap(x, "block." + std::to_string(i));
    }
    return rms_norm(w["encoder"]["final_layer_norm"], x);
}

} // namespace sfumato
