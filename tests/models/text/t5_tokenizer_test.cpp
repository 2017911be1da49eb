#include "models/text/t5_tokenizer.h"

#include "compute/error.h"
#include "models/text/prompt.h"
#include "models/text/t5_pieces.h"

#include <cmath>
#include <fstream>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

using namespace sfumato;
using nlohmann::json;
using ids = std::vector<std::int32_t>;

namespace {

ids with_end(std::string_view text) {
    ids tokens = t5_tokenize(text);
    tokens.push_back(t5_end);
    return tokens;
}

// Without what fills it up.
ids without_padding(t5_prompt const& p) {
    ids tokens = p.ids;
    while (tokens.back() == t5_pad) tokens.pop_back();
    return tokens;
}

} // namespace

TEST(t5_tokenizer, is_the_reference_on_every_golden_prompt) {
    json const golden = json::parse(std::ifstream(GOLDEN "/tokenizer/t5_ids.json"));
    ASSERT_GE(golden["rows"].size(), 200);
    for (json const& row : golden["rows"])
        EXPECT_EQ(with_end(std::string(row["text"])), ids(row["ids"])) << row["text"];
}

TEST(t5_tokenizer, edges) {
    EXPECT_EQ(t5_tokenize(""), ids{});
    EXPECT_EQ(t5_tokenize("   "), ids{});
    EXPECT_EQ(t5_tokenize("a\xff"
                          "b"),
              t5_tokenize("a b")); // no UTF-8
    EXPECT_EQ(t5_tokenize("</s>"), ids{1});
    EXPECT_EQ(t5_tokenize("<extra_id_7>"), ids{32092});
    EXPECT_EQ(t5_tokenize(std::string(100'000, 'q')).size() > 1000, true); // in time
}

// Pieces beyond a small model's table are missing; what they stood for is spelled with others.
TEST(t5_tokenizer, a_smaller_vocabulary_has_fewer_pieces) {
    ids const few = t5_tokenize("a photo of a cat", 1000);
    EXPECT_GT(few.size(), t5_tokenize("a photo of a cat").size());
    for (std::int32_t const id : few) EXPECT_LT(id, 1000);
}

TEST(t5_tokenizer, pieces_are_in_order) {
    double sum = 0;
    for (int i = 0; i < t5_piece_count; ++i) {
        t5_piece const &p = t5_pieces[i], &next = t5_pieces[i + 1];
        ASSERT_LT(p.begin, next.begin);
        sum += std::exp(double(p.score));
    }
    EXPECT_NEAR(sum, 1, 0.01); // probabilities
}

TEST(t5_prompt, weights_and_padding) {
    t5_prompt p = make_t5_prompt("a (red:1.5) cat", 32128);
    ASSERT_EQ(p.ids.size(), 77);
    ASSERT_EQ(p.weights.size(), 77);
    EXPECT_EQ(without_padding(p), (ids{3, 9, 1131, 1712, 1}));
    EXPECT_EQ(p.weights[1], 1);
    EXPECT_EQ(p.weights[2], 1.5f);
    EXPECT_EQ(p.weights[3], 1);
    EXPECT_EQ(p.weights[76], 1);
    std::string words;
    for (int i = 0; i < 100; ++i) words += "cat ";
    t5_prompt longer = make_t5_prompt(words, 32128);
    EXPECT_EQ(longer.ids.size(), 101);
    match_lengths(p, longer);
    EXPECT_EQ(p.ids.size(), 101);
    EXPECT_EQ(p.weights.size(), 101);
    for (int i = 0; i < 10; ++i) words += words.substr(0, 400);
    EXPECT_THROW(make_t5_prompt(words, 32128), error);
}
