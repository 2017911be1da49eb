#include "models/nets/clip.h"

#include <cassert>

namespace sfumato {

namespace {

tensor layer(scope const& l, clip_config const& c, tensor x) {
    scope const a = l["self_attn"];
    tensor const n1 = layer_norm(l["layer_norm1"], x);
    tensor const y = attention(l.g, linear(a["q_proj"], n1), linear(a["k_proj"], n1), linear(a["v_proj"], n1),
                               {.heads = c.heads, .causal = true});
    x = linear(a["out_proj"], y, {.residual = x});
    activation const f = c.quick_gelu ? activation::quick_gelu : activation::gelu;
    tensor const n2 = layer_norm(l["layer_norm2"], x);
    return linear(l["mlp"]["fc2"], linear(l["mlp"]["fc1"], n2, {.activation = f}), {.residual = x});
}

} // namespace

text_encoding encode_text(scope const& w, clip_config const& c, tensor const& ids, dtype type, bool want_last,
                          std::optional<learnt_tokens> const& learnt) {
    scope const t = w["text_model"], embeddings = t["embeddings"];
    tensor const position = t.store.table(t.g, embeddings["position_embedding"].name("weight"));
    assert(position.shape.w >= ids.shape.w);
    tensor first = position; // of as many tokens as there are
    first.shape.w = ids.shape.w;
    tensor const table = t.store.table(t.g, embeddings["token_embedding"].name("weight"));
    tensor x = learnt ? cast(t.g, add(t.g, mul(t.g, embedding(t.g, ids, table), learnt->keep), learnt->values), type)
                      : embedding(t.g, ids, table, type);
    x = add(t.g, x, first);
    w.tap(x, "embeddings");
    text_encoding result;
    int const last = want_last ? c.layers : c.layers_used;
    for (int i = 0; i < last; ++i) {
        x = layer(t["encoder"]["layers"][i], c, x);
        w.tap(x, "layer." + std::to_string(i));
        if (i + 1 == c.layers_used) result.context = c.final_norm ? layer_norm(t["final_layer_norm"], x) : x;
    }
    if (want_last) result.last_normed = layer_norm(t["final_layer_norm"], x);
    return result;
}

tensor pool_text(scope const& w, clip_config const& c, tensor const& last_normed, tensor const& rows) {
    tensor all = last_normed;
    all.shape = {.w = all.shape.n * all.shape.w, .c = all.shape.c};
    tensor picked = embedding(w.g, rows, all, last_normed.type);
    picked.shape = {.n = rows.shape.w, .c = all.shape.c};
    return c.projection ? linear(w["text_projection"], picked) : picked;
}

} // namespace sfumato
