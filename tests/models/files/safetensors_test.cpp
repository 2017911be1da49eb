// Written and read back; files that are cut off, have a bit flipped, or lie.
#include "models/files/safetensors.h"
#include "models/files/safetensors_write.h"
#include "models/library/open_checkpoint.h"

#include "tests/models/files/hostile.h"

#include <numeric>

using namespace sfumato;

namespace {

std::string file_of(std::string_view header, std::size_t data) {
    return little(std::uint64_t(header.size())) + std::string(header) + std::string(data, 'd');
}

// What opening such a file says.
std::string told(std::string const& bytes) {
    scratch_folder const folder;
    return error_of([&] { open_checkpoint(folder.put("m.safetensors", bytes)); });
}

std::string one_tensor(std::string_view fields) { return std::format(R"({{"a":{{{}}}}})", fields); }

TEST(safetensors, comes_back_as_it_was_written) {
    scratch_folder const folder;
    std::vector<std::byte> bytes(600);
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = std::byte(i * 7);
    std::vector<float> const values = {1, -2.5f, 3e-20f};
    checkpoint made;
    for (int type = 0; type <= int(stored_type::boolean); ++type) {
        stored_tensor t{.type = stored_type(type), .shape = {2, 3, type % 4}};
        t.mapped = std::span(bytes).first(t.bytes());
        made.tensors[std::format("of type {}", type)] = t;
    }
    made.tensors["a number"] = {.type = stored_type::f64, .mapped = std::span(bytes).first(8)};
    made.tensors["values"] = f32_tensor({3, 1}, values);
    write_safetensors(folder / "m.safetensors", made.tensors, {{"config", "{\"a\": \"ä\"}"}});

    checkpoint const read = open_checkpoint(folder / "m.safetensors");
    expect_equal(read, made);
    EXPECT_EQ(read.metadata, (nlohmann::json{{"config", "{\"a\": \"ä\"}"}}));
    EXPECT_EQ(read.format, "safetensors");
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path), {}), 1); // nothing left over
}

TEST(safetensors, tells_why_it_cannot_write) {
    EXPECT_EQ(error_of([] { write_safetensors("/nowhere/m.safetensors", {}); }),
              "'/nowhere/m.safetensors' cannot be written: No such file or directory.");
}

TEST(safetensors, a_procedural_model_as_a_file_is_the_same_model) {
    scratch_folder const folder;
    checkpoint const made = open_checkpoint("procedural:sd1-inpaint-tiny");
    write_safetensors(folder / "m.safetensors", made.tensors, made.metadata);
    checkpoint const read = open_checkpoint(folder / "m.safetensors");
    expect_equal(read, made);
    EXPECT_EQ(read.metadata, made.metadata);
}

TEST(safetensors, what_is_wrong_is_said) {
    auto const contains = [](std::string const& header, std::size_t data, std::string_view sentence) {
        std::string const all = told(file_of(header, data));
        EXPECT_NE(all.find(sentence), all.npos) << all << "\nfor " << header;
    };
    contains(one_tensor(R"("dtype":"F32","shape":[2],"data_offsets":[0,8])"), 7,
             R"(is cut off: tensor "a" would end 1 bytes behind the file's end)");
    contains(one_tensor(R"("dtype":"F32","shape":[2],"data_offsets":[0,4])"), 8, "does not fill its place of 4 bytes");
    contains(one_tensor(R"("dtype":"F32","shape":[2],"data_offsets":[8,0])"), 8, "does not fill its place");
    contains(one_tensor(R"("dtype":"F32","shape":[-2],"data_offsets":[0,8])"), 8, "a negative number");
    contains(one_tensor(R"("dtype":"F32","shape":[2.0],"data_offsets":[0,8])"), 8, "a fraction");
    contains(one_tensor(R"("dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0])"), 8, "does not fill");
    contains(one_tensor(R"("dtype":"F32","shape":[4611686018427387904,2],"data_offsets":[0,0])"), 8, "does not fill");
    contains(one_tensor(R"("dtype":"F32","shape":[9223372036854775807],"data_offsets":[0,8])"), 8, "does not fill");
    contains(one_tensor(R"("dtype":"F32","shape":[18446744073709551615],"data_offsets":[0,8])"), 8, "a number");
    contains(one_tensor(R"("dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,8])"), 8, "a fraction");
    contains(one_tensor(R"("dtype":"F4","shape":[2],"data_offsets":[0,8])"), 8,
             R"(of type "F4", which is not supported)");
    contains(one_tensor(R"("dtype":"F32","shape":[2])"), 8, "does not say type, shape and place");
    contains(one_tensor(R"("dtype":"F32","shape":[2],"data_offsets":[0,8,9])"), 8, "does not say");
    contains(one_tensor(R"("dtype":"F32","shape":[2],"shape":[2],"data_offsets":[0,8])"), 8,
             "a list where none belongs");
    contains(one_tensor(R"("dtype":"F32","shape":[[2]],"data_offsets":[0,8])"), 8, "a list where none belongs");
    contains(one_tensor(R"("dtype":{"F32":1},"shape":[2],"data_offsets":[0,8])"), 8, "an object where none belongs");
    contains(one_tensor(R"("dtype":null,"shape":[2],"data_offsets":[0,8])"), 8, "null where none belongs");
    contains(R"({"a":[1]})", 8, "a list where none belongs");
    contains(R"({"a":1})", 8, "a number where none belongs");
    contains(R"({"__metadata__":{"x":1}})", 8, "a number where none belongs");
    contains(R"({"__metadata__":{"x":{}}})", 8, "an object where none belongs");
    contains(R"({"__metadata__":"x"})", 8, "a text where none belongs");
    contains(R"({"a":)", 8, "not valid JSON (at byte");
    contains("{\"a\xff\":{}}", 8, "not valid JSON (at byte");
    contains(
        R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[3,7]}})",
        8, "two of its tensors lie in the same place");
    contains(
        R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"a":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}})",
        8, "a tensor's name comes twice");
    // Not to be shown as it is on a terminal, nor in full.
    contains(one_tensor(R"("dtype":"\u001b[31m","shape":[2],"data_offsets":[0,8])"), 8, R"(of type "\u001b[31m")");
    EXPECT_LT(told(file_of(std::format(R"({{"{}":{{"dtype":1}}}})", std::string(100'000, 'x')), 0)).size(), 400u);
}

// Headers that are short, and what they would become is not: the first wrong entry ends it, and so does the one too
// many.
TEST(safetensors, a_header_that_grows_is_refused) {
    auto const refused = [](std::string const& first, std::string const& rest, int count, std::string const& says) {
        std::string header = first;
        for (int i = 0; i < count; ++i) header += std::vformat(rest, std::make_format_args(i));
        std::string const message = told(file_of(header + "}", 0));
        EXPECT_NE(message.find(says), message.npos) << message;
    };
    refused("{\"a\":{}", ",\"\":{{}}", 1'000'000, "does not say type, shape and place of tensor \"a\"");
    refused("{\"a\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}",
            ",\"{}\":{{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}", 100'000,
            "more tensors than any model");
    refused("{\"a\":{\"shape\":[1", ",1", 1'000'000, "a number where none belongs");
    refused("{\"__metadata__\":{\"a\":\"\"", ",\"{}\":\"\"", 100'000, "metadata have more entries");
}

TEST(safetensors, lying_lengths) {
    for (std::uint64_t length : {std::uint64_t(25'000'001), std::uint64_t(1) << 63, ~std::uint64_t(0)})
        EXPECT_NE(told(little(length) + "{}").find("header would be"), std::string::npos);
    for (std::uint64_t length : {0, 3, 1000})
        EXPECT_NE(told(little(length) + "{}").find("cut off within its header"), std::string::npos) << length;
    EXPECT_NE(told("").find("is empty"), std::string::npos);
    EXPECT_EQ(told(file_of("{}", 0)), ""); // no tensor, but a file
    EXPECT_EQ(told(file_of("{}      ", 0)), "");
}

std::string small_file() {
    return file_of(R"({"__metadata__":{"format":"pt"},"a.weight":{"dtype":"F16","shape":[2,3],"data_offsets":[0,12]},)"
                   R"("position_ids":{"dtype":"I64","shape":[1,1],"data_offsets":[12,20]}})",
                   20);
}

TEST(safetensors, cut_off_anywhere_is_an_error) { expect_every_cut_refused(read_safetensors, small_file()); }

TEST(safetensors, a_flipped_bit_is_an_error_or_another_model_but_no_crash) {
    EXPECT_GT(flip_every_bit(read_safetensors, small_file()), 500); // letters of names may change freely
}

TEST(safetensors, what_is_no_file_is_refused) {
    scratch_folder const folder;
    auto const of = [](std::string const& path) { return error_of([&] { open_checkpoint(path); }); };
    EXPECT_NE(of(folder / "missing").find("cannot be opened: No such file or directory."), std::string::npos);
    ASSERT_EQ(mkfifo((folder / "pipe").c_str(), 0600), 0);
    EXPECT_NE(of(folder / "pipe").find("is not a file"), std::string::npos);
    EXPECT_NE(of(folder.put("notes.txt", "Hello, world.")).find("is a text, not a model"), std::string::npos);
}

} // namespace
