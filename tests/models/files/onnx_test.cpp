// ONNX files written byte by byte: how tensors and operations lie in them, and what is no graph. Whole networks are in
// tests/models/library/lama_test.cpp and migan_test.cpp.
#include "models/files/onnx.h"
#include "models/library/open_checkpoint.h"
#include "models/names/onnx_names.h"

#include "compute/half.h"
#include "models/library/procedural.h"
#include "tests/models/files/hostile.h"
#include "tests/models/files/lama_onnx.h"

using namespace sfumato;
using namespace std::string_literals;

namespace {

std::string model(std::string const& graph) { return field(1, std::uint64_t(8)) + field(2, "x") + field(7, graph); }

struct read_graph {
    std::string bytes;
    mapped_file file{nullptr, std::as_bytes(std::span(bytes)), {}, {}};
    std::string source = "m.onnx";
    onnx_graph graph = read_onnx_graph(file, source);

    explicit read_graph(std::string const& graph) : bytes(model(graph)) {}
};

std::string refusal(std::string const& graph) {
    return error_of([&] { read_graph{graph}; });
}

std::vector<float> numbers(stored_tensor const* t) { return t ? numbers_of(*t) : std::vector<float>(); }

std::string packed(std::vector<std::uint64_t> const& values) {
    std::string all;
    for (auto v : values) all += varint(v);
    return all;
}

TEST(onnx, numbers_in_every_place) {
    std::string const shape = field(1, packed({2, 1})), plain = field(1, std::uint64_t(2)),
                      floats = little(1.5f) + little(-2.0f);
    auto const tensor = [](std::string const& extents, int type, std::string const& name, std::string const& rest) {
        return field(5, extents + field(2, std::uint64_t(type)) + field(8, name) + rest);
    };
    std::string const halves = packed({f16_bits(1.5f), f16_bits(-2.0f)}),
                      bf16s = packed({bf16_bits(1.5f), bf16_bits(-2.0f)});
    read_graph const r(
        tensor(shape, 1, "raw", field(9, floats)) + tensor(shape, 1, "packed", field(4, floats)) +
        tensor(plain, 1, "single", field(4, 1.5f) + field(4, -2.0f)) + tensor(plain, 10, "f16", field(5, halves)) +
        tensor(plain, 16, "bf16", field(5, bf16s)) + tensor(plain, 7, "whole", field(7, packed({1, 2}))) +
        field(1, field(2, "made") + field(4, "Constant") +
                     field(5, field(1, "value") + field(5, plain + field(2, std::uint64_t(1)) + field(9, floats)))) +
        field(1, field(1, "raw") + field(2, "again") + field(4, "Identity")));
    for (char const* name : {"raw", "packed", "single", "f16", "bf16", "made", "again"})
        EXPECT_EQ(numbers(r.graph.constant(name)), (std::vector{1.5f, -2.0f})) << name;
    EXPECT_EQ(r.graph.constant("raw")->shape, (std::vector<std::int64_t>{2, 1}));
    EXPECT_EQ(r.graph.constant("whole"), nullptr);
}

TEST(onnx, operations_and_attributes) {
    read_graph const r(field(2, "main") +
                       field(1, field(1, "a") + field(1, "b") + field(2, "c") + field(3, "n") + field(4, "Conv") +
                                    integers("strides", {2, -1}) + integer("group", 3) + word("mode", "reflect") +
                                    real("epsilon", 0.5f)));
    EXPECT_EQ(r.graph.name, "main");
    ASSERT_EQ(r.graph.nodes.size(), 1u);
    onnx_node const& node = r.graph.nodes[0];
    EXPECT_EQ(node.op, "Conv");
    EXPECT_EQ(node.inputs, (std::vector<std::string_view>{"a", "b"}));
    EXPECT_EQ(node.outputs, (std::vector<std::string_view>{"c"}));
    EXPECT_EQ(node.find("strides")->numbers, (std::vector<std::int64_t>{2, -1}));
    EXPECT_EQ(node.find("group")->number, 3);
    EXPECT_EQ(node.find("mode")->text, "reflect");
    EXPECT_EQ(node.find("epsilon")->real, 0.5f);
    EXPECT_EQ(node.find("pads"), nullptr);
}

TEST(onnx, what_is_wrong_is_told) {
    std::string const two = field(1, std::uint64_t(2)), f32 = field(2, std::uint64_t(1)), name = field(8, "w");
    auto const of_tensor = [](std::string const& t) { return refusal(field(5, t)); };
    EXPECT_NE(of_tensor(two + f32 + name + field(9, "123456789")).find("\"w\" of f32 [2] has another number of bytes"),
              std::string::npos);
    EXPECT_NE(of_tensor(two + f32 + name).find("another number of bytes"), std::string::npos);
    EXPECT_NE(of_tensor(field(1, ~std::uint64_t(0)) + f32 + name).find("another number of bytes"), std::string::npos);
    EXPECT_NE(of_tensor(two + f32 + name + field(14, std::uint64_t(1))).find("keeps its weights in another file"),
              std::string::npos);
    EXPECT_NE(of_tensor(two + f32 + name + field(13, "x")).find("keeps its weights in another file"),
              std::string::npos);
    std::string const whole = field(5, two + f32 + name + field(9, "12345678"));
    EXPECT_EQ(refusal(whole), "");
    EXPECT_NE(refusal(whole + whole).find("\"w\" comes twice"), std::string::npos);
    EXPECT_NE(refusal(field(1, std::uint64_t(3))).find("field 1 of a message is of another kind"), std::string::npos);
    EXPECT_NE(refusal(std::string(1, 3)).find("no message of Protocol Buffers"), std::string::npos); // a group
    EXPECT_NE(refusal(std::string(11, '\xff')).find("a number without end"), std::string::npos);
    EXPECT_NE(refusal(varint(1 << 3 | 2) + varint(100)).find("cut off or damaged"), std::string::npos);
    EXPECT_NE(told_by(read_onnx, model("") + field(7, "")).find("two graphs"), std::string::npos);
    EXPECT_NE(told_by(read_onnx, field(1, std::uint64_t(8))).find("no graph"), std::string::npos);
}

TEST(onnx, another_network_is_named) {
    scratch_folder const folder;
    EXPECT_NE(error_of([&] {
                  open_checkpoint(folder.put("m.onnx", model(field(2, "yolo"))));
              }).find("not known here (graph \"yolo\", without convolutions)"),
              std::string::npos);
    onnx_writer other;
    other.node("Conv", {"x", other.constant(made_of({8, 3, 3, 3}, [] { return std::vector<float>(216); }))});
    EXPECT_NE(error_of([&] {
                  open_checkpoint(folder.put("m.onnx", other.bytes()));
              }).find("of 1 convolutions, the first with f32 [8, 3, 3, 3])"),
              std::string::npos);
    EXPECT_NE(error_of([&] { open_checkpoint(folder.put("m.onnx", "\xff\xff\xff\xff")); }), "");
}

TEST(onnx, cut_or_flipped_anywhere) {
    lama_config const tiny{.channels = 4, .halvings = 1, .blocks = 1, .global_channels = 6};
    checkpoint c;
    for (auto const& [name, shape] : tiny.tensors())
        c.tensors["model." + name] = made_of(shape, [count = stored_bytes(stored_type::f32, shape).value() / 4] {
            return std::vector<float>(count, 0.5f);
        });
    std::string const good = lama_onnx_file(c, tiny);
    mapped_file const file{nullptr, std::as_bytes(std::span(good)), {}, {}};
    expect_equal(read_onnx(file, "m"), c);
    for (std::size_t length = 0; length < good.size(); length += 7)
        EXPECT_NE(told_by(read_onnx, good.substr(0, length)), "") << length;
    std::string bad = good;
    int refused = 0;
    for (std::size_t at = 0; at < good.size(); at += 5) {
        bad[at] = char(bad[at] ^ 1 << at % 8);
        refused += !told_by(read_onnx, bad).empty();
        bad[at] = good[at];
    }
    EXPECT_GT(refused, 100);
}

} // namespace
