// Tables of embeddings with only some tokens' rows.
#include "models/files/compact_vocabulary.h"

#include "models/files/safetensors_write.h"
#include "models/library/open_checkpoint.h"
#include "tests/models/files/scratch.h"

using namespace sfumato;

namespace {

constexpr char const* table = "cond_stage_model.transformer.text_model.embeddings.token_embedding.weight";
constexpr char const* ids_name = "cond_stage_model.transformer.text_model.embeddings.token_embedding.ids";

// A file with `ids`, and as many rows of two numbers: 10, 11; 20, 21 …
struct compact_file {
    scratch_folder folder;
    std::string path = folder / "m.safetensors";

    compact_file(std::vector<std::int32_t> const& ids, std::size_t rows, stored_type type = stored_type::i32) {
        std::vector<float> values;
        for (std::size_t row = 1; row <= rows; ++row)
            values.insert(values.end(), {float(10 * row), float(10 * row + 1)});
        checkpoint made;
        made.tensors[table] = f32_tensor({std::int64_t(rows), 2}, values);
        made.tensors[ids_name] = {
            .type = type, .shape = {std::int64_t(ids.size())}, .mapped = std::as_bytes(std::span(ids)), .make = {}};
        write_safetensors(path, made.tensors);
    }
};

std::string told(std::vector<std::int32_t> const& ids, std::size_t rows, stored_type type = stored_type::i32) {
    compact_file const file(ids, rows, type);
    return error_of([&] { open_checkpoint(file.path); });
}

TEST(compact_vocabulary, has_a_row_for_every_token) {
    compact_file const file({5, 1, 3}, 3);
    checkpoint const c = open_checkpoint(file.path);
    EXPECT_FALSE(c.find(ids_name));
    stored_tensor const& all = c.at(table);
    EXPECT_EQ(show_shape(all), "f32 [5, 2]");
    std::vector<std::byte> scratch;
    auto const bytes = all.read(scratch);
    std::vector<float> values(10);
    std::memcpy(values.data(), bytes.data(), bytes.size());
    // Tokens 0, 2 and 4 have that of "5", all others.
    EXPECT_EQ(values, (std::vector<float>{10, 11, 20, 21, 10, 11, 30, 31, 10, 11}));
}

TEST(compact_vocabulary, tells_what_is_wrong) {
    EXPECT_NE(told({5, -1, 3}, 3).find("does not say which tokens"), std::string::npos);
    EXPECT_NE(told({5, 1 << 30, 3}, 3).find("does not say which tokens"), std::string::npos);
    EXPECT_NE(told({5, 1, 3}, 3, stored_type::u32).find("does not say which tokens"), std::string::npos);
    EXPECT_NE(told({}, 0).find("does not say which tokens"), std::string::npos);
    EXPECT_NE(told({5, 1, 3}, 4).find("not one row for each of the 3 tokens"), std::string::npos);
    EXPECT_NE(told({0}, 1).find("names no token"), std::string::npos);
}

} // namespace
