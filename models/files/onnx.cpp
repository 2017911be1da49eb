#include "models/files/onnx.h"

#include "models/files/protobuf.h"

#include <algorithm>
#include <cstring>

namespace sfumato {

namespace {

constexpr std::size_t most_nodes = 200'000, most_names = 1'000'000, most_constants = 200'000; // more than any model has
constexpr std::size_t most_dimensions = 8, most_numbers = 64, most_halves = 1 << 24;

enum class onnx_type : std::uint64_t { f32 = 1, f16 = 10, f64 = 11, bf16 = 16 };

std::optional<stored_type> type_of(std::uint64_t number) {
    switch (onnx_type(number)) {
    case onnx_type::f32: return stored_type::f32;
    case onnx_type::f16: return stored_type::f16;
    case onnx_type::f64: return stored_type::f64;
    case onnx_type::bf16: return stored_type::bf16;
    }
    return {}; // whole numbers, texts
}

bool is_half(std::optional<stored_type> type) { return type == stored_type::f16 || type == stored_type::bf16; }

// Halves that were written as whole numbers, each a varint.
stored_tensor halves_of(std::vector<std::int64_t> const& numbers, stored_tensor t) {
    t.make = [numbers](std::span<std::byte> to) {
        for (std::size_t i = 0; i < numbers.size(); ++i) {
            auto const half = std::uint16_t(numbers[i]);
            std::memcpy(&to[2 * i], &half, 2);
        }
    };
    return t;
}

struct graph_reader {
    std::string const& source;
    onnx_graph graph{};
    std::size_t names = 0;

    [[noreturn]] void damaged(sentence const& what) const { fail("'{}' is damaged: {}.", source, what); }

    // TensorProto
    struct constant {
        std::string_view name;
        std::optional<stored_tensor> tensor; // nothing: of whole numbers
    };
    constant read_tensor(std::span<std::byte const> message) {
        constant read;
        stored_tensor t;
        std::uint64_t type = 0;
        std::optional<std::span<std::byte const>> raw;
        std::vector<std::byte> floats;
        std::vector<std::int64_t> halves;
        for (protobuf_reader in{message, source}; auto const field = in.next();) switch (field->number) {
            case 1: field->add_numbers(t.shape, most_dimensions, source); break;
            case 2: type = field->number_of(source); break;
            case 4: // float_data
                floats.insert(floats.end(), field->bytes.begin(), field->bytes.end());
                break;
            case 5: // int32_data
                if (is_half(type_of(type))) field->add_numbers(halves, most_halves, source);
                break;
            case 8: read.name = field->text_of(source); break;
            case 9: raw = field->message_of(source); break;
            case 13: refuse_external(); break;
            case 14:
                if (field->number_of(source) != 0) refuse_external();
                break;
            }
        auto const known = type_of(type);
        if (!known || (known == stored_type::f64 && !raw)) return read;
        t.type = *known;
        auto const size = stored_bytes(t.type, t.shape);
        auto const wrong = [&] {
            damaged(say("tensor {} of {} has another number of bytes", show_name(read.name), show_shape(t)));
        };
        if (!size) wrong();
        if (raw) {
            if (raw->size() != *size) wrong();
            t.mapped = *raw;
        } else if (t.type == stored_type::f32) {
            if (floats.size() != *size) wrong();
            t.make = [floats = std::move(floats)](std::span<std::byte> to) { std::ranges::copy(floats, to.begin()); };
        } else {
            if (2 * halves.size() != *size) wrong();
            t = halves_of(halves, std::move(t));
        }
        read.tensor = std::move(t);
        return read;
    }
    [[noreturn]] void refuse_external() const {
        fail("'{}' keeps its weights in another file, which is not supported: choose an export in one file.", source);
    }

    void put(std::string_view name, std::optional<stored_tensor> tensor) {
        if (!tensor) return;
        if (graph.constants.size() == most_constants) damaged(say("it has more tensors than any model"));
        if (!graph.constants.emplace(name, std::move(*tensor)).second)
            damaged(say("tensor {} comes twice in it", show_name(name)));
    }

    // AttributeProto. `value`: of a Constant node.
    onnx_attribute read_attribute(std::span<std::byte const> message, std::optional<stored_tensor>& value) {
        onnx_attribute a;
        for (protobuf_reader in{message, source}; auto const field = in.next();) switch (field->number) {
            case 1: a.name = field->text_of(source); break;
            case 2: a.real = field->real_of(source); break;
            case 3: a.number = std::int64_t(field->number_of(source)); break;
            case 4: a.text = field->text_of(source); break;
            case 5: value = read_tensor(field->message_of(source)).tensor; break;
            case 8: field->add_numbers(a.numbers, most_numbers, source); break;
            }
        return a;
    }

    std::string_view name_in(protobuf_field const& field) {
        if (++names > most_names) damaged(say("it has more names than any model"));
        return field.text_of(source);
    }

    // NodeProto
    void read_node(std::span<std::byte const> message) {
        onnx_node node;
        std::optional<stored_tensor> value;
        for (protobuf_reader in{message, source}; auto const field = in.next();) switch (field->number) {
            case 1: node.inputs.push_back(name_in(*field)); break;
            case 2: node.outputs.push_back(name_in(*field)); break;
            case 4: node.op = field->text_of(source); break;
            case 5:
                if (++names > most_names) damaged(say("it has more names than any model"));
                node.attributes.push_back(read_attribute(field->message_of(source), value));
                break;
            }
        if (node.op == "Constant") {
            if (node.outputs.size() != 1) damaged(say("a constant has no name"));
            put(node.outputs[0], std::move(value));
            return;
        }
        if (graph.nodes.size() == most_nodes) damaged(say("it has more operations than any model"));
        graph.nodes.push_back(std::move(node));
    }

    // GraphProto
    void read_graph(std::span<std::byte const> message) {
        for (protobuf_reader in{message, source}; auto const field = in.next();) switch (field->number) {
            case 1: read_node(field->message_of(source)); break;
            case 2: graph.name = field->text_of(source); break;
            case 5: {
                auto read = read_tensor(field->message_of(source));
                put(read.name, std::move(read.tensor));
                break;
            }
            }
    }

    // Exporters give equal tensors one place, and further names by Identity.
    void follow_identities() {
        for (onnx_node const& node : graph.nodes)
            if (node.op == "Identity" && node.inputs.size() == 1 && node.outputs.size() == 1)
                if (auto const t = graph.constant(node.inputs[0])) put(node.outputs[0], *t);
    }
};

} // namespace

onnx_attribute const* onnx_node::find(std::string_view name) const {
    auto const found = std::ranges::find(attributes, name, &onnx_attribute::name);
    return found == attributes.end() ? nullptr : &*found;
}

stored_tensor const* onnx_graph::constant(std::string_view name) const {
    auto const found = constants.find(name);
    return found == constants.end() ? nullptr : &found->second;
}

// ModelProto: ir_version (a small number) comes first, then a field that a model can have.
bool is_onnx(std::span<std::byte const> bytes) {
    constexpr unsigned char version = 1 << 3, others[] = {0x12, 0x1a, 0x22, 0x28, 0x32, 0x3a, 0x42, 0x72};
    if (bytes.size() < 4 || bytes[0] != std::byte(version)) return false;
    auto const is_other = [&](unsigned char tag) { return bytes[2] == std::byte(tag); };
    return bytes[1] > std::byte(0) && bytes[1] < std::byte(32) && std::ranges::any_of(others, is_other);
}

onnx_graph read_onnx_graph(mapped_file const& file, std::string const& source) {
    graph_reader r{source};
    bool found = false;
    for (protobuf_reader in{file.bytes, source}; auto const field = in.next();) {
        if (field->number != 7) continue;
        if (found) r.damaged(say("it has two graphs"));
        found = true;
        r.read_graph(field->message_of(source));
    }
    if (!found) r.damaged(say("it has no graph"));
    r.follow_identities();
    return std::move(r.graph);
}

} // namespace sfumato
