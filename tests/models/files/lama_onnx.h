// A LaMa as an ONNX export: its operations one after the other, Fourier transforms as products with matrices.
#pragma once

#include "models/files/made_tensor.h"
#include "models/files/prefixes.h"
#include "models/networks/lama.h"
#include "tests/models/files/onnx_file.h"

#include <cmath>
#include <format>

namespace sfumato {

/// What an exporter may do otherwise, and what would be another network.
struct lama_export {
    bool folds_norms = false;     // of convolutions that a norm follows at once …
    bool folds_sums = false;      // … and of sums of two
    std::string mode = "reflect"; // how it pads
    std::string activation = "Relu";
    bool adds_layer = false;
    float eps = 1e-5f;
    std::string without; // this layer is left out: its input goes on
};

struct lama_export_writer {
    checkpoint const& lama;
    lama_config const& sizes;
    lama_export const& how;
    onnx_writer to{};

    using floats = std::vector<float>;

    stored_tensor const& at(std::string const& name) const { return lama.at(std::string(lama_prefix) + name); }
    floats read(std::string const& name) const { return numbers_of(at(name)); }

    struct affine {
        floats factor, offset;
    };
    affine norm_of(std::string const& name) const {
        affine n{read(name + ".weight"), read(name + ".bias")};
        floats const mean = read(name + ".running_mean"), variance = read(name + ".running_var");
        for (std::size_t i = 0; i < mean.size(); ++i) {
            n.factor[i] = float(double(n.factor[i]) / std::sqrt(double(variance[i]) + 1e-5));
            n.offset[i] = float(n.offset[i] - double(mean[i]) * n.factor[i]);
        }
        return n;
    }
    // With a norm that is folded into it: of outputs in dimension `axis`.
    stored_tensor folded(std::string const& name, std::string const& norm, int axis) const {
        stored_tensor const& t = at(name + ".weight");
        floats w = numbers_of(t), factor = norm_of(norm).factor;
        auto const inner = std::size_t(t.shape[2] * t.shape[3]), last = std::size_t(t.shape[1]);
        for (std::size_t i = 0; i < w.size(); ++i) w[i] *= factor[axis ? i / inner % last : i / (inner * last)];
        return made_of(t.shape, [w] { return w; });
    }

    std::string conv(std::string const& name, std::string x, int stride = 1, std::string const& folds = {},
                     bool has_bias = false) {
        if (name == how.without) return x;
        std::int64_t const kernel = at(name + ".weight").shape[2];
        if (kernel > 1) x = to.node("Pad", {x}, word("mode", how.mode));
        std::vector<std::string> inputs{x, to.constant(folds.empty() ? at(name + ".weight") : folded(name, folds, 0))};
        if (has_bias) inputs.push_back(to.constant(at(name + ".bias")));
        if (!folds.empty()) {
            floats const offset = norm_of(folds).offset;
            inputs.push_back(to.constant(made_of({std::int64_t(offset.size())}, [offset] { return offset; })));
        }
        return to.node("Conv", inputs,
                       integers("dilations", {1, 1}) + integer("group", 1) +
                           integers("kernel_shape", {kernel, kernel}) + integers("pads", {0, 0, 0, 0}) +
                           integers("strides", {stride, stride}));
    }
    std::string norm(std::string const& name, std::string const& x) {
        std::vector<std::string> inputs{x};
        for (char const* part : {".weight", ".bias", ".running_mean", ".running_var"})
            inputs.push_back(to.constant(at(name + part)));
        return to.node("BatchNormalization", inputs, real("epsilon", how.eps) + real("momentum", 0.9f));
    }
    std::string activated(std::string const& x) { return to.node(how.activation, {x}); }
    // Convolution, norm, activation.
    std::string normed(std::string const& name, std::string const& norm_name, std::string const& x, int stride = 1) {
        if (how.folds_norms) return activated(conv(name, x, stride, norm_name));
        return activated(norm(norm_name, conv(name, x, stride)));
    }
    std::string matrix(int size) {
        return to.constant(made_of({size, size}, [=] { return floats(std::size_t(size) * size, 0.5f); }));
    }

    std::string spectral_transform(std::string const& name, std::string const& x, std::string const& folds) {
        std::string const y = normed(name + ".conv1.0", name + ".conv1.1", x);
        to.node("Shape", {y});
        std::string const re = to.node("MatMul", {y, matrix(4)}), im = to.node("MatMul", {y, matrix(4)});
        std::string const both = to.node("Concat", {re, im});
        std::string const mixed = normed(name + ".fu.conv_layer", name + ".fu.bn", to.node("Reshape", {both}));
        std::string const back = to.node("Add", {to.node("MatMul", {mixed, matrix(4)}), to.node("Neg", {mixed})});
        return conv(name + ".conv2", to.node("Add", {y, back}), 1, folds);
    }

    // Two results that are added and normed; of each, its convolution is made when it is asked for.
    std::string sum(std::string const& a, std::string const& b, std::string const& norm_name) {
        std::string const both = to.node("Add", {a, b});
        return activated(how.folds_sums ? both : norm(norm_name, both));
    }
    std::string folded_bias(std::string const& norm_name) const { return how.folds_sums ? norm_name : ""; }

    std::pair<std::string, std::string> fourier_convolution(std::string const& name, std::string const& local,
                                                            std::string const& global) {
        std::string const l = name + ".bn_l", g = name + ".bn_g", ffc = name + ".ffc.";
        std::string const g2l = weight_only(ffc + "convg2l", global, l),
                          l2l = conv(ffc + "convl2l", local, 1, folded_bias(l));
        std::string const l2g = weight_only(ffc + "convl2g", local, g),
                          g2g = spectral_transform(ffc + "convg2g", global, folded_bias(g));
        return {sum(l2l, g2l, l), sum(l2g, g2g, g)};
    }
    // Of a sum that its norm is folded into, the part without the bias.
    std::string weight_only(std::string const& name, std::string const& x, std::string const& norm_name) {
        if (!how.folds_sums) return conv(name, x);
        std::string const padded = to.node("Pad", {x}, word("mode", how.mode));
        return to.node("Conv", {padded, to.constant(folded(name, norm_name, 0))}, integers("strides", {1, 1}));
    }

    std::string bytes() {
        std::string const known =
            to.node("Mul", {"image", to.node("Sub", {to.constant(made_of({}, [] { return floats{1}; })), "mask"})});
        std::string x = normed("1.ffc.convl2l", "1.bn_l", to.node("Concat", {known, "mask"}));
        int layer = 2;
        for (; layer < sizes.first_block() - 1; ++layer)
            x = normed(std::format("{}.ffc.convl2l", layer), std::format("{}.bn_l", layer), x, 2);
        std::string const split = std::to_string(layer);
        std::string global = normed(split + ".ffc.convl2g", split + ".bn_g", x, 2),
                    local = normed(split + ".ffc.convl2l", split + ".bn_l", x, 2);
        for (++layer; layer < sizes.first_block() + sizes.blocks; ++layer) {
            auto const h = fourier_convolution(std::format("{}.conv1", layer), local, global),
                       y = fourier_convolution(std::format("{}.conv2", layer), h.first, h.second);
            local = to.node("Add", {local, y.first});
            global = to.node("Add", {global, y.second});
        }
        x = to.node("Concat", {local, global});
        for (layer = sizes.first_doubling(); layer < sizes.last_layer() - 1; layer += 3) {
            std::string const name = std::to_string(layer);
            x = to.node("ConvTranspose", {x, to.constant(at(name + ".weight")), to.constant(at(name + ".bias"))},
                        integers("output_padding", {1, 1}) + integers("pads", {1, 1, 1, 1}) +
                            integers("strides", {2, 2}));
            x = activated(norm(std::to_string(layer + 1), x));
        }
        x = to.node("Sigmoid", {conv(std::to_string(sizes.last_layer()), x, 1, {}, true)});
        if (how.adds_layer) x = to.node("Conv", {x, to.constant(made_of({3, 3, 1, 1}, [] { return floats(9, 1); }))});
        to.node("Mul", {x, to.constant(made_of({}, [] { return floats{255}; }))});
        return to.bytes();
    }
};

inline std::string lama_onnx_file(checkpoint const& lama, lama_config const& sizes, lama_export const& how = {}) {
    return lama_export_writer{lama, sizes, how}.bytes();
}

} // namespace sfumato
