// ncnn's files of every network in both manners; graphs that are another network's, or nobody's; damaged ones.
#include "models/library/open_checkpoint.h"
#include "models/names/ncnn_names.h"

#include "models/library/family.h"
#include "models/library/procedural.h"
#include "models/networks/upscaler.h"
#include "tests/models/files/ncnn_file.h"

using namespace sfumato;

namespace {

std::vector<std::byte> bytes_of(std::string const& text) {
    auto const bytes = std::as_bytes(std::span(text));
    return {bytes.begin(), bytes.end()};
}

// In memory of just this size, so that a sanitizer sees what lies beyond.
std::string told(std::string const& param, std::string const& bin) {
    return error_of([&] {
        auto const graph = bytes_of(param), weights = bytes_of(bin);
        checkpoint const c = read_ncnn({nullptr, graph}, {nullptr, weights}, "m");
        std::vector<std::byte> scratch;
        for (auto const& [name, tensor] : c.tensors) EXPECT_EQ(tensor.read(scratch).size(), tensor.bytes()) << name;
    });
}

std::vector<float> values(stored_tensor const& t) {
    std::vector<std::byte> scratch;
    auto const bytes = t.read(scratch);
    std::vector<float> result(t.count());
    for (std::size_t i = 0; i < result.size(); ++i) {
        std::uint16_t half = 0;
        if (t.type == stored_type::f16) std::memcpy(&half, &bytes[2 * i], 2);
        t.type == stored_type::f16 ? void(result[i] = f16_value(half))
                                   : void(std::memcpy(&result[i], &bytes[4 * i], 4));
    }
    return result;
}

class both_manners : public testing::TestWithParam<ncnn_manner> {};

TEST_P(both_manners, every_network) {
    for (char const* name : {"rrdbnet-x4-tiny", "rrdbnet-x8-tiny", "srvgg-x4-tiny", "srvgg-x1-tiny", "upconv7",
                             "cunet-x1", "cunet-x2", "cugan-x3", "cugan-x4"}) {
        checkpoint const model = procedural_checkpoint(name);
        auto const config = describe_model(model).upscaler.value();
        auto const [param, bin] = ncnn_files_of(config, model, GetParam());
        scratch_folder const folder;
        folder.put("m.param", param);
        folder.put("m.bin", bin);
        for (char const* file : {"m.param", "m.bin"}) {
            checkpoint const c = open_checkpoint(folder / file);
            auto const m = describe_model(c);
            ASSERT_TRUE(m.supported) << name << ": " << m.reason;
            EXPECT_TRUE(m.upscaler == config) << name;
            EXPECT_EQ(c.format, "ncnn");
            ASSERT_EQ(c.tensors.size(), model.tensors.size());
            for (auto const& [tensor_name, tensor] : model.tensors) {
                ASSERT_EQ(c.at(tensor_name).shape, tensor.shape) << tensor_name;
                ASSERT_EQ(values(c.at(tensor_name)), values(tensor)) << name << " " << tensor_name;
            }
        }
    }
}

INSTANTIATE_TEST_SUITE_P(manners, both_manners, testing::Values(ncnn_manner::fused, ncnn_manner::plain));

// ---- A small one, to change

upscaler_config const small_config = srvgg_config{.scale = 2, .features = 3, .convolutions = 1};

ncnn_files small_files() {
    checkpoint model;
    for (auto const& [name, shape] : tensors_of(small_config)) {
        auto const zeros = [](std::span<std::byte> bytes) { std::ranges::fill(bytes, std::byte(0)); };
        model.tensors[name] = {.type = stored_type::f16, .shape = shape, .make = zeros};
    }
    return ncnn_files_of(small_config, model, ncnn_manner::fused);
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
    auto const at = text.find(from);
    EXPECT_NE(at, text.npos) << from << " is not in\n" << text;
    return at == text.npos ? text : text.replace(at, from.size(), to);
}

TEST(ncnn, what_another_network_would_be_is_named) {
    auto const [param, bin] = small_files();
    EXPECT_EQ(told(param, bin), "");
    auto const changed = [&](std::string_view from, std::string_view to) {
        return told(replaced(param, from, to), bin);
    };
    EXPECT_EQ(changed("PixelShuffle ", "Reorg "),
              R"('m' is of no network that is known here: layer "l7" ("Reorg") is of a kind that none has.)");
    EXPECT_EQ(changed("0=1 1=2.000000e+00 2=2.000000e+00", "0=2 1=2.000000e+00 2=2.000000e+00"),
              R"('m' is of no network that is known here: layer "l8" ("Interp") has setting 0 = 2.)");
    EXPECT_EQ(changed("0=3 1=3 3=1 4=1 5=1 6=81", "0=3 1=3 2=2 3=1 4=1 5=1 6=81"),
              R"('m' is of no network that is known here: layer "l2" ("Convolution") has setting 2 = 2.)");
    EXPECT_EQ(changed("0=3 1=3 3=1 4=1 5=1 6=81", "0=3 1=3 3=1 4=1 5=1 6=81 77=1"),
              R"('m' is of no network that is known here: layer "l2" ("Convolution") has setting 77 = 1.)");
    EXPECT_EQ(changed("0=3 1=3 3=1 4=1 5=1 6=81", "0=3 1=3 3=1 4=1 5=1 6=82"),
              R"('m' is damaged: layer "l2" ("Convolution") says 82 weights where there must be 81.)");
    EXPECT_EQ(
        changed("0=3 1=3 3=1 4=1 5=1 6=81", "0=3 1=3 3=1 4=1 5=1 6=81 9=2 -23310=1,0.1"),
        R"('m' is not SRVGG ×2, although it is most like it: layer "l2" is a convolution to 3 channels, kernel 3, )"
        R"(stride 1, padding 1, leaky ReLU of 0.1 where a convolution to 3 channels, kernel 3, stride 1, padding 1 )"
        R"(was expected.)");
    // The picture, not the features, would go into the second convolution.
    EXPECT_EQ(told(replaced(replaced(param, "1 2 b0 b0_0 b0_1", "1 3 b0 b0_0 b0_1 b0_2"), "b3 b4 ", "b0_2 b4 "), bin),
              "'m' is of no network that is known here: it has 1 inputs and 2 outputs.");
    EXPECT_EQ(changed("BinaryOp         l9 2 1 b7 b8", "BinaryOp         l9 2 1 b7 b7"),
              R"('m' is damaged: layer "l9" ("BinaryOp") takes "b7", which no layer before it makes for it.)");
}

TEST(ncnn, a_result_that_is_shrunk) {
    auto const [param, bin] = small_files();
    auto const more = [&](char const* factor) {
        std::string const line = std::format("Interp last 1 1 b9 out 0=3 1={0} 2={0}\n", factor);
        return replaced(param, "\n10 ", "\n11 ") + line;
    };
    EXPECT_EQ(told(more("0.5"), bin), "");
    scratch_folder const folder;
    folder.put("m.bin", bin);
    folder.put("m.param", more("0.5"));
    auto m = describe_model(open_checkpoint(folder / "m.param"));
    EXPECT_TRUE(m.supported && m.upscaler == small_config) << m.reason;
    EXPECT_EQ(m.factor, 1);
    EXPECT_EQ(m.reason, "3 convolutions of 3 channels; its file is meant for ×1");
    folder.put("m.param", more("0.7"));
    EXPECT_EQ(describe_model(open_checkpoint(folder / "m.param")).reason, "its file is meant for ×1.4");
    folder.put("m.param", param);
    EXPECT_EQ(describe_model(open_checkpoint(folder / "m.param")).factor, 2);
}

TEST(ncnn, wiring) {
    auto const graph = [](std::string const& lines) {
        return told(std::format("7767517\n{} 99\n{}", std::ranges::count(lines, '\n'), lines), "x");
    };
    std::string const input = "Input in 0 1 a\n";
    auto const conv = [](char const* name, char const* from, char const* to) {
        return std::format("Convolution {} 1 1 {} {} 0=3 1=3 4=1 5=1 6=81\n", name, from, to);
    };
    EXPECT_EQ(graph(input + conv("c", "b", "b")), // a circle
              R"('m' is damaged: layer "c" ("Convolution") takes "b", which no layer before it makes for it.)");
    EXPECT_EQ(graph(input + conv("c", "d", "b") + conv("e", "a", "d")), // forward
              R"('m' is damaged: layer "c" ("Convolution") takes "d", which no layer before it makes for it.)");
    EXPECT_EQ(graph(input + conv("c", "a", "b") + conv("e", "a", "d")), // taken twice without a Split
              R"('m' is damaged: layer "e" ("Convolution") takes "a", which no layer before it makes for it.)");
    EXPECT_EQ(graph(input + conv("c", "a", "b") + "Split s 1 2 b b c\n" + conv("e", "b", "c")),
              R"('m' is damaged: layer "e" ("Convolution") makes "c", which is there already.)");
    EXPECT_EQ(graph(input + input), R"('m' is damaged: layer "in" ("Input") makes "a", which is there already.)");
    EXPECT_EQ(graph(input + "Input in2 0 1 b\nConcat c 2 1 a b d\n"),
              "'m' is of no network that is known here: it has 2 inputs and 1 outputs.");
    EXPECT_EQ(graph(input + "PReLU p 1 1 a b 0=4\n"),
              R"('m' is damaged: what layer "p" computes (PReLU) does not fit what it is given.)");
    EXPECT_EQ(graph(input + "ReLU r 1 1 a b\n"),
              R"('m' is of no network that is known here: layer "r" ("ReLU") is behind no convolution.)");
    EXPECT_EQ(graph(input + conv("c", "a", "b") + "Split s 1 2 b d e\nReLU r 1 1 d f\nBinaryOp g 2 1 e f h 0=0\n"),
              R"('m' is of no network that is known here: layer "r" ("ReLU") is behind no convolution.)");
    EXPECT_EQ(
        graph(input + "BinaryOp b 1 1 a b 0=2 1=1 2=0.5\n" + conv("c", "b", "d")),
        R"('m' is of no network that is known here: layer "c" ("Convolution") takes something multiplied by 0.5.)");
    EXPECT_EQ(graph(input + conv("c", "a", "b")), "'m' is of no network that is known here.");
    std::string growing = input; // 3·2ⁿ channels
    for (int i = 0; i < 100; ++i) growing += std::format("Split s{0} 1 2 a x y\nConcat c{0} 2 1 x y a\n", i);
    EXPECT_EQ(graph(growing),
              R"('m' is damaged: what layer "c14" computes (concatenation) does not fit what it is given.)");
    std::string enlarging = input;
    for (int i = 0; i < 100; ++i) enlarging += std::format("Interp i{0} 1 1 a a 0=1 1=64 2=64\n", i);
    EXPECT_NE(graph(enlarging).find("does not fit"), std::string::npos);
}

TEST(ncnn, lines_that_are_none) {
    auto const [param, bin] = small_files();
    auto const line = [&](std::string const& text) {
        return told(std::format("7767517\n1 1\n{}\n", text), bin).find("damaged: line 3 ") != std::string::npos;
    };
    for (char const* text : {"Input",
                             "Input in",
                             "Input in 0",
                             "Input in 0 1",
                             "Input in 1 1 a",
                             "Input in -1 1 a",
                             "Input in 0 99999999999 a",
                             "Input in 18446744073709551615 18446744073709551615 a",
                             "Input in 18446744073709551615 1 a",
                             "Input in 0 1 a b",
                             "Input in 0 1 a 0",
                             "Input in 0 1 a 0=",
                             "Input in 0 1 a =1",
                             "Input in 0 1 a 0=x",
                             "Input in 0 1 a 0=1,2",
                             "Input in 0 1 a 0=nan",
                             "Input in 0 1 a 0=inf",
                             "Input in 0 1 a 0=1e999",
                             "Input in 0 1 a 0=1 0=1",
                             "Input in 0 1 a 0=1 -23300=1,1",
                             "Input in 0 1 a -23309=2,1",
                             "Input in 0 1 a -23309=-1",
                             "Input in 0 1 a 999=1",
                             "Input in 0 1 a -1=1",
                             "Input in 0 1 a -99999=0",
                             "Input in 0 1 a 99999999999=1",
                             "Input in 0 1 a -2147483648=0"})
        EXPECT_TRUE(line(text)) << text << ": " << told(std::format("7767517\n1 1\n{}\n", text), bin);
    EXPECT_EQ(told("7767517\n999999999 999999999\nInput in 0 1 a\n", bin),
              "'m' is larger than the graph of any model.");
    EXPECT_EQ(told("7767517\n2 2\nInput in 0 1 a\n", bin),
              "'m' is cut off or damaged: it has 1 layers where it says 2.");
    EXPECT_EQ(told("7767517\n", bin), "'m' is damaged: line 1 does not say how many layers and blobs there are.");
    EXPECT_EQ(told("7767518\n1 1\n", bin), "'m' is no graph of ncnn: its first line is not 7767517.");
    EXPECT_EQ(told(replaced(param, "\n", "\r\n"), bin), ""); // from Windows
    EXPECT_EQ(told(param + "\n  \n", bin), "");
}

TEST(ncnn, weights) {
    auto const [param, bin] = small_files();
    std::string other = bin;
    other.replace(0, 4, little(0x000D4B38u));
    EXPECT_EQ(told(param, other), "'m' holds the weights of layer \"l2\" in a form that is not supported (0x000d4b38); "
                                  "those in fp16 and fp32 are.");
    EXPECT_EQ(told(param, bin + "abcd"),
              "'m' does not belong to its graph: 4 bytes are left behind the last layer's weights.");
    for (std::size_t length = 0; length < bin.size(); ++length)
        EXPECT_NE(told(param, bin.substr(0, length)), "") << length;
    for (std::size_t length = 0; length < param.size() - 6; ++length) // behind it is a setting that says nothing new
        EXPECT_NE(told(param.substr(0, length), bin), "") << length;
}

TEST(ncnn, flipped_bits) {
    auto const [param, bin] = small_files();
    int refused = 0;
    for (std::size_t at = 0; at < param.size(); ++at)
        for (int bit = 0; bit < 8; ++bit) {
            std::string bad = param;
            bad[at] = char(bad[at] ^ 1 << bit);
            refused += !told(bad, bin).empty();
        }
    EXPECT_GT(refused, int(param.size()) * 4); // the others only rename a layer, or change the input's size
}

TEST(ncnn, files_that_are_missing) {
    scratch_folder const folder;
    auto const [param, bin] = small_files();
    folder.put("graph.param", param);
    EXPECT_NE(error_of([&] { open_checkpoint(folder / "graph.param"); }).find("graph.bin' cannot be opened"),
              std::string::npos);
    folder.put("weights.bin", bin);
    EXPECT_NE(error_of([&] { open_checkpoint(folder / "weights.bin"); }).find("is no model file that is known here"),
              std::string::npos);
}

} // namespace
