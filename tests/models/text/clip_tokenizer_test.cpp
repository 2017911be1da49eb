#include "compute/error.h"
#include "models/eval/eval_tokenizer.h"
#include "models/text/clip_merges.h"
#include "models/text/clip_tokenizer.h"

#include <algorithm>
#include <fstream>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

using namespace sfumato;
using nlohmann::json;
using ids = std::vector<std::int32_t>;

namespace {

json golden() { return json::parse(std::ifstream(GOLDEN "/tokenizer/clip_ids.json")); }

std::string error_of(json const& golden_case) {
    try {
        eval_tokenizer(golden_case);
    } catch (error const& e) {
        return e.what();
    }
    return "";
}

} // namespace

TEST(clip_tokenizer, is_the_reference_on_every_golden_prompt) {
    json const expected = golden(), found = eval_tokenizer(expected);
    ASSERT_EQ(found.size(), 66);
    for (std::size_t i = 0; i < found.size(); ++i)
        EXPECT_EQ(found[i], expected["rows"][i]["ids"]) << expected["rows"][i]["text"];
}

// What transformers gives beyond the golden prompts.
TEST(clip_tokenizer, edges) {
    EXPECT_EQ(clip_tokenize("a<|endoftext|>b"), (ids{320, 49407, 321}));
    EXPECT_EQ(clip_tokenize("<|startoftext|><|endoftext|>"), (ids{49406, 49407}));
    EXPECT_EQ(clip_tokenize("<|STARTOFTEXT|>!!"), (ids{27, 347, 993, 6659, 4160, 91, 285, 748}));
    EXPECT_EQ(clip_tokenize("<|startoftext|"), (ids{27, 347, 993, 6659, 4160, 347}));
    EXPECT_EQ(clip_tokenize(std::string_view("a\0b", 3)), (ids{320, 444, 321}));
    EXPECT_EQ(clip_tokenize("\u212A"), clip_tokenize("k")); // the Kelvin sign is composed to K
}

TEST(clip_tokenizer, bytes_that_are_no_utf8_are_replaced) {
    ids const replaced = clip_tokenize("a \uFFFD b");
    for (std::string_view const bad : {"\xFF", "\x80", "\xC3", "\xED"}) // stray, cut, surrogate
        EXPECT_EQ(clip_tokenize("a " + std::string(bad) + " b"), replaced);
    EXPECT_EQ(clip_tokenize("\xC0\x80"), clip_tokenize("\uFFFD\uFFFD"));                     // overlong
    EXPECT_EQ(clip_tokenize("\xF4\x90\x80\x80"), clip_tokenize("\uFFFD\uFFFD\uFFFD\uFFFD")); // beyond Unicode
}

TEST(clip_tokenizer, a_smaller_vocabulary_has_fewer_merges) {
    clip_vocabulary const tiny{.size = 1000};
    EXPECT_EQ(tiny.bos(), 998);
    EXPECT_EQ(tiny.eos(), 999);
    EXPECT_EQ(tiny.pad, 999);
    ids const few = clip_tokenize("an astronaut <|endoftext|>", tiny), bytes = clip_tokenize("an", {.size = 514});
    EXPECT_EQ(bytes, (ids{64, 256 + 77}));
    EXPECT_EQ(few.front(), clip_tokenize("an").front()); // merges early
    EXPECT_GT(few.size(), clip_tokenize("an astronaut").size() + 1);
    EXPECT_EQ(few.back(), 999);
    EXPECT_LT(*std::max_element(few.begin(), few.end() - 1), 998);
    EXPECT_EQ((clip_vocabulary{.size = 49410}.eos()), 49407);
    EXPECT_THROW(clip_tokenize("", {.size = 513}), error);
}

TEST(clip_tokenizer, a_word_of_20000_letters) {
    std::string word;
    for (int i = 0; i < 20000; ++i) word += char('a' + i * i % 26);
    EXPECT_EQ(clip_tokenize(word).size(), 10770);
}

TEST(clip_merges, are_ascending_and_complete) {
    EXPECT_TRUE(std::ranges::is_sorted(clip_merges));
    std::vector<bool> made(49408);
    for (std::uint64_t const merge : clip_merges) made[merge & 0xFFFF] = true;
    EXPECT_EQ(std::ranges::count(made, true), clip_merge_count);
    EXPECT_TRUE(made[512] && made[49405]);
}

TEST(eval_tokenizer, takes_lists_and_names_what_is_wrong) {
    EXPECT_EQ(eval_tokenizer(json{"a"}), (json{{49406, 320, 49407}}));
    EXPECT_EQ(error_of(json(3)), "The tokenizer's case has no list \"rows\".");
    EXPECT_EQ(error_of(json{{"rows", {{{"text", "a"}}, {{"txt", "b"}}}}}),
              "Row 1 of the tokenizer's case has no \"text\".");
}
