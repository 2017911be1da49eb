#include "compute/error.h"
#include "models/text/prompt.h"
#include "models/text/prompt_extras.h"

#include <gtest/gtest.h>

using namespace sfumato;

namespace {

struct expected {
    std::string prompt, drawn;
    std::vector<std::string> told; // what each warning begins with
};

TEST(prompt_extras, are_taken_out_and_told_of) {
    expected const cases[] = {
        {"a cat, <lora:fluffy:0.8>", "a cat, ", {"\"<lora:fluffy:0.8>\" is"}},
        {"<lora:a:1><lyco:b>x<hypernet:c:0.5:0.2>", "x", {"\"<lora:a:1>\" (and 2 more) is"}},
        {"a embedding:bad-hands, (embedding:easy_negative:1.2)",
         "a , (:1.2)",
         {"\"embedding:bad-hands\" (and 1 more) in"}},
        {"a cat AND a dog", "a cat  BREAK  a dog", {"\"AND\" in"}},
        {"a cat :1.2 AND a dog:-0.5 AND x", "a cat  BREAK  a dog BREAK  x", {"\"AND\" (and 1 more) in"}},
        {"a [cat:dog:0.5] here", "a cat here", {"\"[cat:dog:0.5]\" in"}},
        {"a [cat:dog: 10 ] here", "a cat here", {"\"[cat:dog: 10 ]\" in"}},
        {"a [dog:.5], [cat::0.5]", "a , cat", {"\"[dog:.5]\" (and 1 more) in"}},
        {"[cat|dog|cow] [|x]", "cat ", {"\"[cat|dog|cow]\" (and 1 more) in"}},
        {"[(cat:1.2):[dog|cow]:0.5]", "(cat:1.2)", {"\"[dog|cow]\" (and 1 more) in"}},
        {"([a|b]:1.3) [[c]:d:2]", "(a:1.3) [c]", {"\"[a|b]\" (and 1 more) in"}},
        {"<lora:x:1> [a|b] AND embedding:c",
         " a  BREAK  ",
         {"\"<lora:x:1>\"", "\"embedding:c\"", "\"AND\"", "\"[a|b]\""}},
    };
    for (expected const& c : cases) {
        drawn_prompt const d = without_extras(c.prompt);
        EXPECT_EQ(d.text, c.drawn) << c.prompt;
        ASSERT_EQ(d.warnings.size(), c.told.size()) << c.prompt;
        for (std::size_t i = 0; i < c.told.size(); ++i)
            EXPECT_TRUE(d.warnings[i].starts_with(c.told[i])) << d.warnings[i];
    }
}

TEST(prompt_extras, loras_have_a1111s_weights) {
    struct {
        std::string prompt, left;
        std::vector<prompt_lora> loras;
    } const cases[] = {
        {"a cat<lora:x>, blue", "a cat, blue", {{"x", 1, 1}}},
        {"<lora:my style_v2.1:0.8>a", "a", {{"my style_v2.1", 0.8, 0.8}}},
        {"<lora:x:0.5:-1>", "", {{"x", 0.5, -1}}},
        {"<lora:x:te=0.25>", "", {{"x", 0.25, 0.25}}},
        {"<lora:x:unet=0.25>", "", {{"x", 1, 0.25}}},
        {"<lora:x:0.5:unet= .75:dyn=4>", "", {{"x", 0.5, 0.75}}},
        {"<lora:a:1> <lyco:ü:2>", " ", {{"a", 1, 1}, {"ü", 2, 2}}},
        {"<hypernet:x:1>[a|b] \\(c", "<hypernet:x:1>[a|b] \\(c", {}},
        {"<lora:>, <lora>, < lora:x>, <b>", "<lora:>, <lora>, < lora:x>, <b>", {}},
    };
    for (auto const& c : cases) {
        std::string left = c.prompt;
        EXPECT_EQ(take_loras(left), c.loras) << c.prompt;
        EXPECT_EQ(left, c.left);
    }
    for (std::string wrong : {"<lora:x:big>", "<lora:x:1e9>", "<lora:x:nan>", "<lora:x:>", "<lora:x:te=>"})
        EXPECT_THROW(take_loras(wrong), error) << wrong;
}

TEST(prompt_extras, leave_everything_else) {
    for (std::string const prompt : {"",
                                     "a (red:1.3) [fox], \\(x\\)",
                                     "[a:b]",
                                     "[a:b:c:0.5]",
                                     "[a:0.5.1]",
                                     "\\[a|b\\]",
                                     "[a\\|b",
                                     "a|b",
                                     "a:0.5]",
                                     "(a|b:0.5)",
                                     "[a",
                                     "a < b > c",
                                     "<lora>",
                                     "<:x>",
                                     "<lora:>",
                                     "< lora:x>",
                                     "x<lora:y",
                                     "SAND AND_ANDY and",
                                     "a cat :1.2",
                                     "embedding: x",
                                     "myembedding:x",
                                     "[a:x1]",
                                     "[(a|b)]",
                                     "BREAK",
                                     "猫 [犬]"}) {
        drawn_prompt const d = without_extras(prompt);
        EXPECT_EQ(d.text, prompt);
        EXPECT_TRUE(d.warnings.empty()) << prompt;
    }
}

TEST(prompt_extras, change_no_token) {
    std::vector<std::string> warnings;
    EXPECT_EQ(make_chunks("a [cat:dog:0.5]<lora:x:1>", {}, &warnings), make_chunks("a cat"));
    EXPECT_EQ(warnings.size(), 2u);
    EXPECT_EQ(make_chunks("a cat AND a dog:0.7"), make_chunks("a cat BREAK a dog"));
    EXPECT_EQ(make_chunks("a cat").ids.size(), 1u);
}

// Whatever is repeated, 64 KiB of it take no time and few words.
TEST(prompt_extras, take_no_time_and_few_words) {
    for (std::string const part : {"[", "[a|", "[a:", "[a:[b|", "<", "<a:", "<a:b>", "embedding:x ", "AND ", "a:1 AND ",
                                   "[ : 1]", "\\", "(", "[(", "a:", "[a:b:0.5]"}) {
        std::string prompt;
        while (prompt.size() < 60'000) prompt += part;
        if (part[0] == '[') prompt += std::string(5000, ']');
        for (std::string const& warning : without_extras(prompt).warnings) EXPECT_LT(warning.size(), 300u) << warning;
    }
}

} // namespace
