// Writes networks as ncnn's files, in the two manners that converters have.
#pragma once

#include "compute/half.h"
#include "models/networks/upscaler.h"
#include "tests/models/files/scratch.h"

namespace sfumato {

enum class ncnn_manner {
    fused, // as pnnx and ncnnoptimize leave it: activations in the convolutions, sums weighted, crops by numbers
    plain, // one layer for each step, crops to the size of another blob; fp32
};

struct ncnn_files {
    std::string param, bin;
};

struct ncnn_writer {
    ncnn_graph graph;
    checkpoint const& weights;
    ncnn_manner manner;
    std::string lines = "", bin = "";
    int layers = 0;
    std::vector<std::vector<std::string>> blobs = {}; // copies of each node's result that nobody took yet

    static constexpr auto op = [](ncnn_node const& n) { return n.settings.operation; };

    // Takes a copy.
    std::string take(int node) {
        std::string const blob = blobs[node].back();
        blobs[node].pop_back();
        return blob;
    }
    std::string line(std::string const& type, std::vector<std::string> const& inputs, std::string const& settings) {
        std::string const blob = std::format("b{}", layers);
        lines += std::format("{:<16} l{} {} 1", type, layers++, inputs.size());
        for (auto const& input : inputs) lines += " " + input;
        lines += std::format(" {} {}\n", blob, settings);
        return blob;
    }

    bool is_crop_of_sum(ncnn_node const& n) const {
        return std::ranges::any_of(graph.nodes, [&](auto const& other) {
            return op(other) == ncnn_operation::sum &&
                   std::ranges::any_of(other.operands, [&](int o) { return &graph.nodes[o] == &n; });
        });
    }
    // Copies that will be taken: plain crops take their sum's other operand, too.
    int copies(int node) const {
        int count = 0;
        for (auto const& n : graph.nodes) {
            count += int(std::ranges::count(n.operands, node));
            if (manner != ncnn_manner::plain || op(n) != ncnn_operation::sum) continue;
            bool const other_is_crop = std::ranges::any_of(
                n.operands, [&](int o) { return o != node && op(graph.nodes[o]) == ncnn_operation::crop; });
            count += other_is_crop && std::ranges::count(n.operands, node) > 0;
        }
        return count;
    }
    void put(int node, std::string blob) {
        int const count = copies(node);
        if (count <= 1) {
            blobs[node] = {blob};
            return;
        }
        lines += std::format("Split split{} 1 {} {}", node, count, blob);
        for (int i = 0; i < count; ++i) {
            blobs[node].push_back(std::format("{}_{}", blob, i));
            lines += " " + blobs[node].back();
        }
        lines += "\n";
        ++layers;
    }

    void put_weights(ncnn_node const& n) {
        std::vector<std::byte> scratch;
        auto const floats = [&](std::span<std::byte const> halves) {
            std::string text;
            for (std::size_t i = 0; i < halves.size(); i += 2) {
                std::uint16_t half;
                std::memcpy(&half, &halves[i], 2);
                text += little(f16_value(half));
            }
            return text;
        };
        stored_tensor const& weight = weights.at(n.name + ".weight");
        auto const halves = weight.read(scratch);
        std::string content(reinterpret_cast<char const*>(halves.data()), halves.size());
        if (n.settings.operation == ncnn_operation::deconvolution) { // [in, out, k, k] → [out, in, k, k]
            std::size_t const in = weight.shape[0], out = weight.shape[1], size = halves.size() / (in * out);
            for (std::size_t o = 0; o < out; ++o)
                for (std::size_t i = 0; i < in; ++i)
                    std::memcpy(&content[(o * in + i) * size], &halves[(i * out + o) * size], size);
        }
        auto const as_halves = std::as_bytes(std::span(content));
        if (n.settings.operation == ncnn_operation::prelu) {
            bin += floats(as_halves);
            return;
        }
        bool const fp32 = manner == ncnn_manner::plain;
        bin += little(fp32 ? 0u : 0x01306B47u) + (fp32 ? floats(as_halves) : content);
        bin += std::string(-bin.size() % 4, '\0');
        bin += floats(weights.at(n.name + ".bias").read(scratch));
    }

    std::string activated(ncnn_settings const& s, std::string blob) {
        switch (manner == ncnn_manner::plain ? s.activation : ncnn_activation::none) {
        case ncnn_activation::none: break;
        case ncnn_activation::relu: return line("ReLU", {blob}, "");
        case ncnn_activation::leaky_relu: return line("ReLU", {blob}, std::format("0={:.6f}", s.slope));
        case ncnn_activation::sigmoid: return line("Sigmoid", {blob}, "");
        }
        return blob;
    }
    std::string activation_settings(ncnn_settings const& s) const {
        if (manner == ncnn_manner::plain || s.activation == ncnn_activation::none) return "";
        std::string const slope =
            s.activation == ncnn_activation::leaky_relu ? std::format(" -23310=1,{:e}", s.slope) : "";
        return std::format(" 9={}{}", int(s.activation), slope);
    }

    std::string sum(ncnn_node const& n) {
        int const a = n.operands[0], b = n.operands[1];
        auto const& w = n.settings.weights;
        bool const weighted = w[0] != 1 || w[1] != 1;
        // A converter writes them in the order of the program: here the later one first.
        if (manner == ncnn_manner::fused && weighted)
            return line("Eltwise", {take(b), take(a)}, std::format("0=1 -23301=2,{:e},{:e}", w[1], w[0]));
        if (manner == ncnn_manner::fused) return line("BinaryOp", {take(b), take(a)}, "0=0");
        std::string left = take(a), right = take(b);
        if (w[1] != 1) right = line("BinaryOp", {right}, std::format("0=2 1=1 2={:e}", w[1]));
        return line("Eltwise", {right, left}, "0=1");
    }

    void crop_to(int crop, int reference) {
        ncnn_node const& n = graph.nodes[crop];
        std::string const border = std::format("0={} 1={}", int(n.settings.factor), int(n.settings.factor));
        put(crop, line("Crop", {take(n.operands[0]), take(reference)}, border));
    }

    void write(int number) {
        ncnn_node const& n = graph.nodes[number];
        ncnn_settings const& s = n.settings;
        auto const count = n.has_weights() ? n.weight_count(graph.nodes) : 0;
        // Plain files say what means nothing new, too.
        auto const sides =
            std::format(" 11={} 2=1 12=1 13={} 14={} 15={} 16={}", s.kernel, s.stride, s.padding, s.padding, s.padding);
        auto const kernel = std::format("0={} 1={} 3={} 4={}{} 5=1 6={}{}", s.outputs, s.kernel, s.stride, s.padding,
                                        manner == ncnn_manner::plain ? sides : "", count, activation_settings(s));
        if (n.has_weights()) put_weights(n);
        switch (s.operation) {
        case ncnn_operation::picture: put(number, line("Input", {}, "0=200 1=200 2=3")); break;
        case ncnn_operation::convolution:
            put(number, activated(s, line("Convolution", {take(n.operands[0])}, kernel)));
            break;
        case ncnn_operation::deconvolution:
            put(number, activated(s, line("Deconvolution", {take(n.operands[0])}, kernel)));
            break;
        case ncnn_operation::dense:
            put(number, activated(s, line("InnerProduct", {take(n.operands[0])},
                                          std::format("0={} 1=1 2={}{}", s.outputs, count, activation_settings(s)))));
            break;
        case ncnn_operation::prelu:
            put(number, line("PReLU", {take(n.operands[0])}, std::format("0={}", s.outputs)));
            break;
        case ncnn_operation::pixel_shuffle:
            put(number, line("PixelShuffle", {take(n.operands[0])}, std::format("0={}", int(s.factor))));
            break;
        case ncnn_operation::nearest:
            put(number, line("Interp", {take(n.operands[0])},
                             std::format("0=1 1={0:e} 2={0:e}{1}", s.factor,
                                         manner == ncnn_manner::plain ? " 3=0 4=0 6=0" : "")));
            break;
        case ncnn_operation::bicubic: break;
        case ncnn_operation::sum:
            for (int side : {0, 1})
                if (manner == ncnn_manner::plain && op(graph.nodes[n.operands[side]]) == ncnn_operation::crop)
                    crop_to(n.operands[side], n.operands[1 - side]);
            put(number, sum(n));
            break;
        case ncnn_operation::product:
            put(number, manner == ncnn_manner::plain
                            ? line("Scale", {take(n.operands[0]), take(n.operands[1])}, "0=-233")
                            : line("BinaryOp", {take(n.operands[0]), take(n.operands[1])}, "0=2"));
            break;
        case ncnn_operation::concat: {
            std::vector<std::string> inputs;
            for (int operand : n.operands) inputs.push_back(take(operand));
            put(number, line("Concat", inputs, manner == ncnn_manner::plain ? "0=0" : ""));
            break;
        }
        case ncnn_operation::mean: put(number, line("Pooling", {take(n.operands[0])}, "0=1 4=1")); break;
        case ncnn_operation::crop:
            if (manner == ncnn_manner::fused || !is_crop_of_sum(n)) {
                int const border = int(s.factor);
                put(number, line("Crop", {take(n.operands[0])},
                                 std::format("-23309=2,{0},{0} -23310=2,-{0},-{0} -23311=2,-2,-1", border)));
            }
            break;
        }
    }
};

inline ncnn_files ncnn_files_of(upscaler_config const& config, checkpoint const& weights, ncnn_manner manner) {
    ncnn_writer w{graph_of(config), weights, manner};
    w.blobs.resize(w.graph.nodes.size());
    for (int i = 0; i < int(w.graph.nodes.size()); ++i) w.write(i);
    return {std::format("7767517\n{} {}\n{}", w.layers, 2 * w.layers, w.lines), w.bin};
}

} // namespace sfumato
