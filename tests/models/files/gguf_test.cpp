// GGUF files written byte by byte: every type and both versions, true shapes of flattened tensors; damaged and lying
// ones.
#include "models/files/gguf.h"
#include "models/library/open_checkpoint.h"

#include "compute/half.h"
#include "tests/models/files/hostile.h"

using namespace sfumato;

namespace {

std::string text(std::string_view s) { return little(std::uint64_t(s.size())) + std::string(s); }

struct tensor_to_write {
    std::string name;
    std::vector<std::uint64_t> dimensions; // innermost first
    std::uint32_t type;
    std::string bytes;
};

struct gguf_to_write {
    std::uint32_t version = 3;
    std::vector<std::string> values; // name, type, value
    std::vector<tensor_to_write> tensors;
    std::uint64_t alignment = 32;

    void value(std::string_view name, std::uint32_t type, std::string const& bytes) {
        values.push_back(text(name) + little(type) + bytes);
    }
    std::string bytes() const {
        std::string head = "GGUF" + little(version) + little(std::uint64_t(tensors.size())) +
                           little(std::uint64_t(values.size())),
                    data;
        for (std::string const& v : values) head += v;
        for (tensor_to_write const& t : tensors) {
            head += text(t.name) + little(std::uint32_t(t.dimensions.size()));
            for (auto d : t.dimensions) head += little(d);
            head += little(t.type) + little(std::uint64_t(data.size()));
            data += t.bytes;
            data.resize((data.size() + alignment - 1) / alignment * alignment, '\0');
        }
        head.resize((head.size() + alignment - 1) / alignment * alignment, '\0');
        return head + data;
    }
};

std::string shape_list(std::vector<std::int32_t> const& extents) {
    std::string bytes = little(std::uint32_t(5)) + little(std::uint64_t(extents.size()));
    for (auto e : extents) bytes += little(e);
    return bytes;
}

checkpoint opened(std::string const& bytes) {
    static scratch_folder const folder;
    return open_checkpoint(folder.put("m.gguf", bytes));
}

TEST(gguf, every_type) {
    struct {
        std::uint32_t type;
        std::size_t bytes; // of 256 elements
        char const* shown;
    } const types[] = {
        {0, 1024, "f32"},  {1, 512, "f16"},   {2, 144, "q4_0"},  {8, 272, "q8_0"}, {12, 144, "q4_k"},
        {13, 176, "q5_k"}, {14, 210, "q6_k"}, {24, 256, "i8"},   {25, 512, "i16"}, {26, 1024, "i32"},
        {27, 2048, "i64"}, {28, 2048, "f64"}, {30, 512, "bf16"},
    };
    for (std::uint32_t version : {2, 3}) {
        gguf_to_write file{.version = version};
        for (auto const& t : types)
            file.tensors.push_back({t.shown, {256, 2}, t.type, std::string(2 * t.bytes, char('a' + t.type))});
        checkpoint const c = opened(file.bytes());
        EXPECT_EQ(c.format, std::format("GGUF v{}", version));
        for (auto const& t : types) {
            stored_tensor const& read = c.at(t.shown);
            EXPECT_EQ(show_shape(read), std::string(t.shown) + " [2, 256]");
            EXPECT_EQ(read.mapped.size(), 2 * t.bytes);
            EXPECT_EQ(read.mapped.back(), std::byte('a' + t.type));
        }
    }
}

// Sums as the gguf package of Python (0.8.0) finds them: of the block with byte i = 37·i + 11, d = 1/8, m = −3/2.
TEST(gguf, blocks_that_are_expanded) {
    struct {
        std::uint32_t type;
        std::size_t elements, bytes, d, m; // m 0: it has none
        double sum, weighted;              // by 1, 2, 3 …
    } const formats[] = {
        {3, 32, 20, 0, 2, -17.375, -294.125},      {6, 32, 22, 0, 0, 1.875, 14.0},
        {7, 32, 24, 0, 2, 15.125, 195.625},        {10, 256, 84, 80, 82, 2882.375, 391903.75},
        {11, 256, 110, 108, 0, 119.75, 22143.125},
    };
    for (auto const& f : formats) {
        std::string block;
        for (std::size_t i = 0; i < f.bytes; ++i) block += char(i * 37 + 11);
        block.replace(f.d, 2, little(f16_bits(0.125f)));
        if (f.m) block.replace(f.m, 2, little(f16_bits(-1.5f)));
        gguf_to_write file{.tensors = {{"x", {f.elements, 2}, f.type, block + block}}};
        checkpoint const c = opened(file.bytes());
        EXPECT_EQ(show_shape(c.at("x")), std::format("f16 [2, {}]", f.elements));
        std::vector<std::byte> scratch;
        auto const bytes = c.at("x").read(scratch);
        double sum = 0, weighted = 0;
        for (std::size_t i = 0; i < f.elements; ++i) {
            std::uint16_t bits;
            std::memcpy(&bits, &bytes[2 * i], 2);
            sum += f16_value(bits);
            weighted += f16_value(bits) * double(i + 1);
            EXPECT_EQ(std::memcmp(&bytes[2 * i], &bytes[2 * (i + f.elements)], 2), 0); // the second block is the same
        }
        EXPECT_EQ(sum, f.sum) << f.type;
        EXPECT_EQ(weighted, f.weighted) << f.type;
    }
}

TEST(gguf, metadata_and_alignment) {
    gguf_to_write file{.alignment = 256};
    file.value("general.alignment", 4, little(std::uint32_t(256)));
    file.value("general.architecture", 8, text("sd1"));
    file.value(
        "tokens", 9, little(std::uint32_t(8)) + little(std::uint64_t(20)) + [] {
            std::string all;
            for (int i = 0; i < 20; ++i) all += text("token");
            return all;
        }());
    file.value("scores", 9, little(std::uint32_t(6)) + little(std::uint64_t(100)) + std::string(400, 'x'));
    file.value("rate", 12, little(0.5));
    file.value("on", 7, little(std::uint8_t(1)));
    file.tensors = {{"a", {3}, 0, std::string(12, 'a')}, {"b", {3}, 0, std::string(12, 'b')}};
    checkpoint const c = opened(file.bytes());
    EXPECT_EQ(c.metadata["general.architecture"], "sd1");
    EXPECT_EQ(c.metadata["rate"], 0.5);
    EXPECT_EQ(c.metadata["on"], true);
    EXPECT_EQ(c.at("b").mapped.data() - c.at("a").mapped.data(), 256);
    EXPECT_EQ(c.at("b").mapped.front(), std::byte('b'));
}

TEST(gguf, flattened_tensors_have_their_true_shape) {
    gguf_to_write file;
    file.value("comfy.gguf.orig_shape.w", 9, shape_list({32, 4, 1, 2}));
    file.tensors = {{"w", {256}, 12, std::string(144, 'w')}};
    EXPECT_EQ(show_shape(opened(file.bytes()).at("w")), "q4_k [32, 4, 1, 2]");
    file.values.clear();
    file.value("comfy.gguf.orig_shape.w", 9, shape_list({32, 4, 1, 3}));
    EXPECT_NE(told_by(read_gguf, file.bytes()).find("cannot have the shape q4_k [32, 4, 1, 3]"), std::string::npos);
}

// The names of image models' files are those of single files without a prefix.
TEST(gguf, a_unet_gets_its_prefix) {
    gguf_to_write file;
    file.tensors = {{"input_blocks.0.0.weight", {3, 3, 4, 8}, 1, std::string(576, 'x')}};
    EXPECT_EQ(show_shape(opened(file.bytes()).at("model.diffusion_model.input_blocks.0.0.weight")), "f16 [8, 4, 3, 3]");
}

TEST(gguf, what_is_wrong_is_said) {
    auto const contains = [](gguf_to_write const& file, std::string_view sentence) {
        std::string const told = told_by(read_gguf, file.bytes());
        EXPECT_NE(told.find(sentence), told.npos) << told;
    };
    auto const one = [](tensor_to_write t) { return gguf_to_write{.tensors = {std::move(t)}}; };
    contains({.version = 1}, "GGUF of version 1; 2 and 3 are supported");
    contains({.version = 0x03000000}, "GGUF of version 50331648"); // big-endian
    contains(one({"a", {32}, 99, std::string(22, 'x')}), "ggml's type number 99, which is not supported");
    contains(one({"a", {16, 2}, 6, std::string(22, 'x')}), "cannot have the shape f16 [2, 16]");
    contains(one({"a", {1ull << 62, 2}, 10, ""}), "cannot have the shape");
    contains(one({"a", {31}, 8, std::string(34, 'x')}), "cannot have the shape q8_0 [31]");
    contains(one({"a", {16, 2}, 8, std::string(34, 'x')}),
             "cannot have the shape q8_0 [2, 16]"); // a block over two rows
    contains(one({"a", {~0ull, 2}, 0, ""}), "cannot have the shape");
    contains(one({"a", {1ull << 62, 1ull << 62}, 0, ""}), "cannot have the shape");
    contains(one({"a", {1, 1, 1, 1, 1, 1, 1, 1, 1}, 0, "xxxx"}), "too many dimensions");
    contains(one({"a", {1000}, 0, "xxxx"}), "is cut off: tensor \"a\" would end behind the file's end");
    contains(one({std::string(5000, 'n'), {1}, 0, "xxxx"}), "a name without end");
    gguf_to_write twice{.tensors = {{"a", {1}, 0, "xxxx"}, {"a", {1}, 0, "xxxx"}}};
    contains(twice, "a tensor's name comes twice");
    gguf_to_write unaligned;
    unaligned.value("general.alignment", 4, little(std::uint32_t(0)));
    contains(unaligned, "its alignment");
    gguf_to_write nested;
    nested.value("x", 9, little(std::uint32_t(9)) + little(std::uint64_t(1)) + little(std::uint32_t(9)));
    contains(nested, "a list of lists");
    gguf_to_write odd;
    odd.value("x", 77, "");
    contains(odd, "a value of an unknown type");
    gguf_to_write long_list;
    long_list.value("x", 9, little(std::uint32_t(4)) + little(~std::uint64_t(0) / 4 + 1));
    contains(long_list, "is cut off or damaged");
}

TEST(gguf, tensors_in_the_same_place) {
    gguf_to_write file{.tensors = {{"a", {8}, 0, std::string(32, 'x')}, {"b", {8}, 0, std::string(32, 'y')}}};
    std::string bytes = file.bytes();
    auto const at = bytes.rfind(little(std::uint64_t(32)), bytes.size() - 65); // b's offset
    bytes.replace(at, 8, little(std::uint64_t(16)));
    EXPECT_NE(told_by(read_gguf, bytes).find("two of its tensors lie in the same place"), std::string::npos);
}

std::string small_file() {
    gguf_to_write file;
    file.value("general.architecture", 8, text("sd1"));
    file.value("comfy.gguf.orig_shape.w", 9, shape_list({16, 2}));
    file.tensors = {{"w", {32}, 8, std::string(34, 'w')}, {"b", {8}, 0, std::string(32, 'b')}};
    return file.bytes();
}

TEST(gguf, cut_off_anywhere_is_an_error) { expect_every_cut_refused(read_gguf, small_file()); }

TEST(gguf, a_flipped_bit_is_an_error_or_another_model_but_no_crash) {
    EXPECT_GT(flip_every_bit(read_gguf, small_file()), 300);
}

TEST(gguf, lying_counts) {
    for (std::size_t at : {8, 16}) // tensors, values
        for (std::uint64_t count : {std::uint64_t(1000), ~std::uint64_t(0)}) {
            std::string bytes = small_file();
            bytes.replace(at, 8, little(count));
            EXPECT_NE(told_by(read_gguf, bytes), "");
        }
}

} // namespace
