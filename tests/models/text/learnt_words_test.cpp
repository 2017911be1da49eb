// Words that stand for vectors of their own.
#include "models/text/learnt_words.h"

#include "models/text/prompt.h"
#include "models/text/prompt_extras.h"

#include <gtest/gtest.h>

using namespace sfumato;

namespace {

learnt_word const known[] = {{"easy", 2, true}, {"easy-neg", 3, true}, {"Kleid", 1, false}};

// "text|2|text": numbers are of words.
std::string parted(std::string_view prompt) {
    std::string all;
    for (worded_text const& part : find_learnt_words(prompt, known))
        all += (all.empty() ? "" : "|") + (part.word < 0 ? std::string(part.text) : std::to_string(part.word));
    return all;
}

TEST(learnt_words, are_found_as_words_of_their_own) {
    EXPECT_EQ(parted("a easy day"), "a |0| day");
    EXPECT_EQ(parted("EASY"), "0");
    EXPECT_EQ(parted("(easy-neg:1.2), easy"), "(|1|:1.2), |0");
    EXPECT_EQ(parted("uneasy easyish easy_ éasy"), "uneasy easyish easy_ éasy");
    EXPECT_EQ(parted("kleid"), "kleid") << "this one needs its mark";
    EXPECT_EQ(parted("embedding:kleid, embedding:easy"), "2|, |0");
    EXPECT_EQ(parted("embedding:kleider"), "embedding:kleider");
    EXPECT_EQ(parted(""), "");
}

TEST(learnt_words, become_tokens_behind_the_vocabularys) {
    clip_vocabulary const vocabulary{.pad = 0};
    auto const ids = make_chunks("a easy (embedding:Kleid:1.5) b", vocabulary, nullptr, known);
    auto const plain = make_chunks("a b", vocabulary);
    EXPECT_EQ(ids.ids[0][1], plain.ids[0][1]);
    EXPECT_EQ(ids.ids[0][2], vocabulary.size);
    EXPECT_EQ(ids.ids[0][3], vocabulary.size + 1);
    EXPECT_EQ(ids.ids[0][4], vocabulary.size + 5) << "behind those of both words before it";
    EXPECT_EQ(ids.weights[0][4], 1.5f);
    EXPECT_EQ(ids.ids[0][5], plain.ids[0][2]);
}

// As in A1111.
TEST(learnt_words, are_not_cut_by_the_end_of_a_chunk) {
    std::string prompt;
    for (int i = 0; i < 73; ++i) prompt += "a ";
    auto const chunks = make_chunks(prompt + "easy-neg", {.pad = 0}, nullptr, known);
    ASSERT_EQ(chunks.ids.size(), 2u);
    EXPECT_EQ(chunks.ids[1][1], clip_vocabulary::full + 2);
    EXPECT_EQ(chunks.ids[1][3], clip_vocabulary::full + 4);
}

TEST(learnt_words, which_are_not_known_are_told_of) {
    std::vector<std::string> warnings;
    make_chunks("embedding:Kleid, embedding:other", {}, &warnings, known);
    ASSERT_EQ(warnings.size(), 1u);
    EXPECT_EQ(warnings[0],
              "\"embedding:other\" in the prompt is left out: there is no embedding of that name for this model");
}

} // namespace
