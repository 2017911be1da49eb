#include "models/nets/scope.h"

#include "models/nets/transposed.h"

namespace sfumato {

namespace {

std::string joined(std::string_view a, std::string_view b) {
    if (a.empty() || b.empty()) return std::string(a.empty() ? b : a);
    return std::string(a) + "." + std::string(b);
}

void add_bias(scope const& w, epilogue& after) {
    if (w.has("bias")) after.bias = w.store.vector(w.g, w.name("bias"));
}

} // namespace

scope scope::operator[](std::string_view part) const {
    scope below = *this;
    below.path_ = joined(path_, part);
    return below;
}

std::string scope::name(std::string_view tensor) const { return joined(root_, joined(path_, tensor)); }

tensor const& scope::tap(tensor const& t, std::string_view suffix) const {
    if (!noted_) return t;
    // A copy even of f32: what is noted must not share its name with an input or a resident.
    tensor const noted = t.type == dtype::f32 ? scale(g, t, 1) : cast(g, t, dtype::f32);
    g.output(noted);
    noted_->emplace_back(joined(path_, suffix), noted);
    return t;
}

tensor linear(scope const& w, tensor const& x, epilogue after) {
    add_bias(w, after);
    return linear(w.g, x, w.store.linear(w.g, w.name("weight")), after);
}

tensor linear_rows(scope const& w, tensor const& x, int first, int count, epilogue after) {
    add_bias(w, after);
    if (after.bias) {
        after.bias->shape.c = count;
        after.bias->first += std::size_t(first);
    }
    return linear(w.g, x, outputs_of(w.store.linear(w.g, w.name("weight")), first, count), after);
}

tensor linear_geglu(scope const& w, tensor const& x) {
    epilogue after;
    add_bias(w, after);
    return linear(w.g, x, w.store.linear(w.g, w.name("weight"), true), after);
}

tensor conv2d(scope const& w, tensor const& x, conv2d_options const& options, epilogue after) {
    add_bias(w, after);
    return conv2d(w.g, x, w.store.conv2d(w.g, w.name("weight")), options, after);
}

tensor conv_transpose2d(scope const& w, tensor const& x, int stride, int pad, epilogue after,
                        std::optional<tensor> const& base) {
    transposed_side const side(int(w.store.source().at(w.name("weight")).shape.at(2)), stride, pad);
    packed_weights const packed = w.store.transposed(w.g, w.name("weight"), stride, pad);
    if (w.has("bias")) { // once for each of the channels' repetitions
        tensor const bias = w.store.vector(w.g, w.name("bias"));
        after.bias = w.g.temporary({.c = packed.outputs});
        for (int i = 0; i < stride * stride; ++i) copy(w.g, bias, {*after.bias, i * bias.shape.c});
    }
    int const h = side.result(x.shape.h), width = side.result(x.shape.w);
    // Rows of the convolution: as many as the result needs.
    auto const behind = [&](int input, int result) {
        return (result + stride - 1) / stride - 1 + side.first + side.taps - input;
    };
    conv2d_options const options{.pad = {-side.first, -side.first, behind(x.shape.h, h), behind(x.shape.w, width)}};
    return interleave(w.g, conv2d(w.g, x, packed, options, after), stride, h, width, base);
}

tensor group_norm(scope const& w, tensor const& x, float eps, activation f, int groups) {
    return group_norm(w.g, x, groups, w.store.vector(w.g, w.name("weight")), w.store.vector(w.g, w.name("bias")), eps,
                      f);
}

tensor group_norm_affine(scope const& w, tensor const& x, float eps, std::optional<tensor> const& second, int groups) {
    return group_norm_affine(w.g, x, groups, w.store.vector(w.g, w.name("weight")), w.store.vector(w.g, w.name("bias")),
                             eps, second);
}

tensor layer_norm(scope const& w, tensor const& x, float eps) {
    return layer_norm(
        w.g, x,
        {.weight = w.store.vector(w.g, w.name("weight")), .bias = w.store.vector(w.g, w.name("bias")), .eps = eps});
}

} // namespace sfumato
