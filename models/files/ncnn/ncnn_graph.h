// ncnn's graphs as what they compute: without the layers that only copy, and one form for each of the operations that
// converters write in several.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sfumato {

enum class ncnn_operation : std::uint8_t {
    picture,       // the input, of 3 channels
    convolution,   // outputs, kernel, stride, padding, activation
    deconvolution, // the same; transposed
    dense,         // outputs, activation; of 1×1 pixels
    prelu,
    pixel_shuffle, // factor
    nearest,       // factor
    bicubic,       // factor
    sum,           // each operand times its weight
    product,       // of channels of a picture and 1×1 pixels
    concat,
    mean, // over all pixels
    crop, // factor pixels at each side
};

enum class ncnn_activation : std::uint8_t { none = 0, relu = 1, leaky_relu = 2, sigmoid = 4 };

struct ncnn_settings {
    ncnn_operation operation{};
    int outputs = 0, kernel = 0, stride = 1, padding = 0;
    ncnn_activation activation{};
    float slope = 0, factor = 0;
    std::vector<float> weights; // of a sum

    bool operator==(ncnn_settings const&) const = default;
};
/// "convolution to 64 channels, kernel 3, stride 1, padding 1, leaky_relu 0.2"
std::string show(ncnn_settings const&);

struct ncnn_node {
    ncnn_settings settings;
    /// Numbers of nodes before it; of sums and products in the order of their depths: what lies nearer to the picture
    /// comes first.
    std::vector<int> operands;
    std::string name; // of the layer in the file, or of the tensors
    int depth = 0;    // steps from the picture, along the longest way
    /// Of the result, for a picture of 256×256 pixels.
    std::int64_t channels = 0, size = 0;

    bool has_weights() const; // with a weight tensor, and with a bias but for PReLU
    /// Elements of the weight.
    std::int64_t weight_count(std::vector<ncnn_node> const& all) const;
};

struct ncnn_graph {
    std::vector<ncnn_node> nodes;
    int output = -1;

    /// Appends a node and returns its number; fills in what follows from its operands. Returns the operand where the
    /// operation changes nothing. Throws error naming the layer where the operands do not fit.
    int add(ncnn_settings, std::vector<int> operands, std::string name, std::string const& source);
};

} // namespace sfumato
