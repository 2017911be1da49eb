// The weights of a graph of ncnn's: NAME.bin, those of its layers one behind the other. fp16 and fp32.
// https://github.com/Tencent/ncnn/wiki/param-and-model-file-structure
#pragma once

#include "models/files/checkpoint.h"
#include "models/files/ncnn/ncnn_graph.h"

namespace sfumato {

/// Within the file.
struct ncnn_weights {
    stored_type type = stored_type::f32;     // of `weight`; a bias is f32
    std::span<std::byte const> weight, bias; // PReLU has no bias
};

/// Of each node of the graph; empty for those without. Throws error: damaged, other numbers than the graph has, another
/// type.
std::vector<ncnn_weights> read_ncnn_weights(ncnn_graph const&, mapped_file const& bin, std::string const& source);

} // namespace sfumato
