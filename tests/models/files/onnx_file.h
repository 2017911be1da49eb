// Writes ONNX files as torch's exporter does: constants with their bytes, operations that name what they take.
#pragma once

#include "models/files/checkpoint.h"

#include <string>
#include <vector>

namespace sfumato {

/// One field of a message of Protocol Buffers.
inline std::string varint(std::uint64_t value) {
    std::string bytes;
    for (; value >= 0x80; value >>= 7) bytes += char((value & 0x7f) | 0x80);
    return bytes + char(value);
}
inline std::string field(int number, std::uint64_t value) { return varint(std::uint64_t(number) << 3) + varint(value); }
inline std::string field(int number, std::string_view bytes) {
    return varint(std::uint64_t(number) << 3 | 2) + varint(bytes.size()) + std::string(bytes);
}
inline std::string field(int number, float value) {
    std::string bytes(4, 0);
    std::memcpy(bytes.data(), &value, 4);
    return varint(std::uint64_t(number) << 3 | 5) + bytes;
}

/// Attributes of operations.
inline std::string integer(std::string_view name, std::int64_t value) {
    return field(5, field(1, name) + field(3, std::uint64_t(value)) + field(20, std::uint64_t(2)));
}
inline std::string integers(std::string_view name, std::vector<std::int64_t> const& values) {
    std::string list;
    for (auto v : values) list += field(8, std::uint64_t(v));
    return field(5, field(1, name) + list + field(20, std::uint64_t(7)));
}
inline std::string word(std::string_view name, std::string_view value) {
    return field(5, field(1, name) + field(4, value) + field(20, std::uint64_t(3)));
}
inline std::string real(std::string_view name, float value) {
    return field(5, field(1, name) + field(2, value) + field(20, std::uint64_t(1)));
}

/// TensorProto.
inline std::string onnx_tensor(std::string_view name, stored_tensor const& t) {
    int const type = t.type == stored_type::f32    ? 1
                     : t.type == stored_type::f16  ? 10
                     : t.type == stored_type::bf16 ? 16
                                                   : 7;
    std::vector<std::byte> scratch;
    auto const bytes = t.read(scratch);
    std::string message;
    for (std::int64_t extent : t.shape) message += field(1, std::uint64_t(extent));
    return message + field(2, std::uint64_t(type)) + field(8, name) +
           field(9, {reinterpret_cast<char const*>(bytes.data()), bytes.size()});
}

struct onnx_writer {
    std::string nodes, constants;
    int values = 0;

    std::string constant(stored_tensor const& t) {
        std::string const name = "onnx::Any_" + std::to_string(++values);
        constants = field(5, onnx_tensor(name, t)) + constants; // in no order that says anything
        return name;
    }
    /// Its result.
    std::string node(std::string_view op, std::vector<std::string> const& inputs, std::string const& attributes = {}) {
        std::string const result = "/v" + std::to_string(++values);
        std::string message;
        for (std::string const& input : inputs) message += field(1, input);
        nodes += field(1, message + field(2, result) + field(4, op) + attributes);
        return result;
    }
    std::string bytes() const {
        return field(1, std::uint64_t(8)) + field(2, "pytorch") + field(8, field(2, std::uint64_t(17))) +
               field(7, nodes + field(2, "main_graph") + constants);
    }
};

} // namespace sfumato
