// ONNX files, as far as weights are taken from them: a protobuf message with a graph of operations and the tensors that
// it begins with. https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
#pragma once

#include "models/files/checkpoint.h"
#include "models/files/mapped_file.h"

#include <map>
#include <string_view>
#include <vector>

namespace sfumato {

/// An attribute of an operation; which of these it is follows from the operation.
struct onnx_attribute {
    std::string_view name;
    float real = 0;
    std::int64_t number = 0;
    std::string_view text;
    std::vector<std::int64_t> numbers;
};

/// An operation. Texts lie in the file.
struct onnx_node {
    std::string_view op; // "Conv", "BatchNormalization" …
    std::vector<std::string_view> inputs, outputs;
    std::vector<onnx_attribute> attributes;

    onnx_attribute const* find(std::string_view name) const;
};

struct onnx_graph {
    std::string_view name;
    std::vector<onnx_node> nodes; // each behind those whose results it takes
    /// What is there before the graph begins: initializers, results of Constant nodes, and other names (Identity) of
    /// both. Of floats alone: whole numbers are shapes and the like.
    std::map<std::string_view, stored_tensor, std::less<>> constants;

    stored_tensor const* constant(std::string_view name) const;
};

/// By its first bytes; there is no magic number.
bool is_onnx(std::span<std::byte const> bytes);

/// The graph lives as long as the file is mapped. Throws error: damaged, not of one piece (external data), or larger
/// than any model.
onnx_graph read_onnx_graph(mapped_file const&, std::string const& source);

} // namespace sfumato
