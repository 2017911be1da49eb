#include "compute/error.h"
#include "models/text/prompt.h"

#include <format>
#include <gtest/gtest.h>
#include <numeric>

using namespace sfumato;

namespace {

using parts = std::vector<prompt_part>;

// The same texts and BREAKs, and weights to 1e-12.
void expect_parts(std::string_view prompt, parts const& expected) {
    parts const found = parse_prompt(prompt);
    ASSERT_EQ(found.size(), expected.size()) << prompt;
    for (std::size_t i = 0; i < found.size(); ++i) {
        EXPECT_EQ(found[i].text, expected[i].text) << prompt;
        EXPECT_NEAR(found[i].weight, expected[i].weight, 1e-12) << prompt << ": " << found[i].text;
        EXPECT_EQ(found[i].breaks, expected[i].breaks) << prompt << ": " << found[i].text;
    }
}

std::string words(int count, std::string const& word = "cat ") {
    std::string text;
    for (int i = 0; i < count; ++i) text += word;
    return text;
}

// Without BOS, EOS and padding (which is 0 here).
std::vector<std::vector<std::int32_t>> tokens_of(prompt_chunks const& chunks) {
    std::vector<std::vector<std::int32_t>> all;
    for (auto const& ids : chunks.ids) {
        EXPECT_EQ(ids[0], 49406);
        auto const end = std::find(ids.begin(), ids.end(), 49407);
        EXPECT_NE(end, ids.end());
        EXPECT_EQ(std::count(end + 1, ids.end(), 0), ids.end() - end - 1);
        all.emplace_back(ids.begin() + 1, end);
    }
    return all;
}

constexpr clip_vocabulary zero_padded{.pad = 0};
constexpr std::int32_t cat = 2368, comma = clip_vocabulary::comma;

std::vector<std::size_t> sizes(std::string const& prompt) {
    std::vector<std::size_t> all;
    for (auto const& ids : tokens_of(make_chunks(prompt, zero_padded))) all.push_back(ids.size());
    return all;
}

using counts = std::vector<std::size_t>;

} // namespace

TEST(parse_prompt, weights) {
    expect_parts("", {{""}});
    expect_parts("normal text", {{"normal text"}});
    expect_parts("an (important) word", {{"an "}, {"important", 1.1}, {" word"}});
    expect_parts("an [unimportant] word", {{"an "}, {"unimportant", 1 / 1.1}, {" word"}});
    expect_parts("(word:1.2)", {{"word", 1.2}});
    expect_parts("(word : 1.2 )", {{"word ", 1.2}});
    expect_parts("(a:-1)(b:+.5)(c:2.)", {{"a", -1}, {"b", 0.5}, {"c", 2}});
    expect_parts("a:1.2", {{"a:1.2"}});
    expect_parts("a:1.2)", {{"a:1.2)"}});
    expect_parts("(ratio 16:9:1.3)", {{"ratio 16:9", 1.3}});
}

TEST(parse_prompt, nesting) {
    expect_parts("(unnecessary)(parens)", {{"unnecessaryparens", 1.1}});
    expect_parts("((a) b)", {{"a", 1.1 * 1.1}, {" b", 1.1}});
    expect_parts("([a])", {{"a", 1}});
    expect_parts("a (((house:1.3)) [on] a (hill:0.5), sun, (((sky))).", {{"a "},
                                                                         {"house", 1.3 * 1.1 * 1.1},
                                                                         {" ", 1.1},
                                                                         {"on", 1},
                                                                         {" a ", 1.1},
                                                                         {"hill", 0.5 * 1.1},
                                                                         {", sun, ", 1.1},
                                                                         {"sky", 1.1 * 1.1 * 1.1 * 1.1},
                                                                         {".", 1.1}});
}

TEST(parse_prompt, brackets_without_a_partner) {
    expect_parts("(unbalanced", {{"unbalanced", 1.1}});
    expect_parts("a [[b", {{"a "}, {"b", 1 / 1.1 / 1.1}});
    expect_parts("a) b] c", {{"a) b] c"}});
    expect_parts("[a:0.5]", {{"a:0.5", 1 / 1.1}}); // weights are for round brackets; make_chunks() knows what this is
    expect_parts("[a:0.5)", {{"a:0.5)", 1 / 1.1}});
    expect_parts("()[]", {{""}});
}

TEST(parse_prompt, escapes) {
    expect_parts(R"(\(literal\])", {{"(literal]"}});
    expect_parts(R"(ranma \(1/2\) (bold))", {{"ranma (1/2) "}, {"bold", 1.1}});
    expect_parts(R"(a\\b \c \)", {{R"(a\b c )"}});
    expect_parts(R"((a\):2))", {{"a)", 2}});
}

TEST(parse_prompt, what_is_no_weight_is_text) {
    expect_parts("(a:1.2.3)", {{"a:1.2.3", 1.1}});
    expect_parts("(a:)", {{"a:", 1.1}});
    expect_parts("(a:1 2)", {{"a:1 2", 1.1}});
    expect_parts("(a:1e3)", {{"a:1e3", 1.1}});
    expect_parts("(a:nan)", {{"a:nan", 1.1}});
    expect_parts("(a:+-1)", {{"a:+-1", 1.1}});
    expect_parts("(a:.)", {{"a:.", 1.1}});
}

TEST(parse_prompt, breaks) {
    expect_parts("a BREAK b", {{"a"}, {"b", 1, true}});
    expect_parts("a\nBREAK\n b", {{"a"}, {"b", 1, true}});
    expect_parts("BREAK BREAK", {{""}, {"", 1, true}, {"", 1, true}});
    expect_parts("a,BREAK,b", {{"a,"}, {",b", 1, true}});
    expect_parts("a，BREAK，b", {{"a，"}, {"，b", 1, true}});
    expect_parts("BREAKFAST aBREAK BREAK_ éBREAK break", {{"BREAKFAST aBREAK BREAK_ éBREAK break"}});
    expect_parts("(a BREAK b:1.2) c", {{"a", 1.2}, {"b", 1.2, true}, {" c"}});
    expect_parts("(a) BREAK (b)", {{"a", 1.1}, {"", 1}, {"", 1, true}, {"b", 1.1}});
}

TEST(parse_prompt, weights_too_large_are_an_error) {
    EXPECT_THROW(parse_prompt("(a:" + std::string(50, '9') + ")"), error);
    EXPECT_THROW(parse_prompt(std::string(2000, '(') + "a"), error);
    EXPECT_NO_THROW(parse_prompt(std::string(2000, '[') + "a"));
}

TEST(make_chunks, wraps_and_pads) {
    prompt_chunks const empty = make_chunks("");
    ASSERT_EQ(empty.ids.size(), 1);
    EXPECT_EQ(empty.ids[0][0], 49406);
    EXPECT_EQ(std::count(empty.ids[0].begin(), empty.ids[0].end(), 49407), 76);

    prompt_chunks const one = make_chunks("a (cat:1.5)", zero_padded);
    EXPECT_EQ(tokens_of(one), (std::vector<std::vector<std::int32_t>>{{320, cat}}));
    EXPECT_EQ(std::vector(one.weights[0].begin(), one.weights[0].begin() + 4), (std::vector<float>{1, 1, 1.5f, 1}));

    prompt_chunks const tiny = make_chunks("cat", {.size = 1000});
    EXPECT_EQ(tiny.ids[0][0], 998);
    EXPECT_EQ(tiny.ids[0][76], 999);
}

TEST(make_chunks, words_under_different_weights_are_apart) {
    auto const together = tokens_of(make_chunks("(cats)(kin)", zero_padded))[0];
    auto const apart = tokens_of(make_chunks("(cats)kin", zero_padded))[0];
    EXPECT_EQ(together, clip_tokenize("catskin"));
    EXPECT_EQ(apart, clip_tokenize("cats kin"));
}

TEST(make_chunks, seventy_five_tokens_each) {
    EXPECT_EQ(sizes(words(75)), (counts{75}));
    EXPECT_EQ(sizes(words(76)), (counts{75, 1}));
    EXPECT_EQ(sizes(words(151)), (counts{75, 75, 1}));
}

TEST(make_chunks, a_full_chunk_ends_at_a_near_comma) {
    EXPECT_EQ(sizes(words(60) + "," + words(14)), (counts{75}));
    EXPECT_EQ(sizes(words(60) + "," + words(15)), (counts{61, 15}));
    EXPECT_EQ(sizes(words(55) + "," + words(30)), (counts{56, 30}));          // the comma is the 20th from the end
    EXPECT_EQ(sizes(words(54) + "," + words(30)), (counts{75, 10}));          // the 21st
    EXPECT_EQ(sizes(words(74) + "," + words(3)), (counts{75, 3}));            // the last one
    EXPECT_EQ(sizes(words(70) + ", " + words(4) + ", cat"), (counts{75, 2})); // the text goes on with a comma
    EXPECT_EQ(sizes(words(60) + ",((" + words(20) + "))"), (counts{61, 20}));
    prompt_chunks const moved = make_chunks(words(60) + ",(" + words(20) + ":2)");
    EXPECT_EQ(moved.weights[0][62], 1);
    EXPECT_EQ(moved.weights[1][1], 2);
    EXPECT_EQ(moved.weights[1][20], 2);
    EXPECT_EQ(moved.weights[1][21], 1);
}

TEST(make_chunks, breaks) {
    EXPECT_EQ(sizes("cat BREAK cat cat"), (counts{1, 2}));
    EXPECT_EQ(sizes("cat BREAK"), (counts{1}));
    EXPECT_EQ(sizes("BREAK cat"), (counts{0, 1}));
    EXPECT_EQ(sizes("cat BREAK BREAK cat"), (counts{1, 0, 1}));
    EXPECT_EQ(sizes(words(70) + ", BREAK " + words(75)), (counts{71, 75}));
    EXPECT_EQ(tokens_of(make_chunks("cat, BREAK cat", zero_padded))[0], (std::vector{cat, comma}));
}

TEST(make_chunks, prompts_have_an_end) {
    EXPECT_THROW(make_chunks(std::string(100000, 'a')), error);
    EXPECT_THROW(make_chunks("a", {.size = 100}), error);
}

TEST(make_chunks, of_any_prompt_are_at_most_64) {
    std::string breaks, most = "cat";
    while (breaks.size() + 6 < 64 << 10) breaks += "BREAK ";
    for (int i = 1; i < 64; ++i) most += " BREAK cat";
    EXPECT_EQ(make_chunks(most).ids.size(), 64u);
    for (std::string const& prompt : {most + " BREAK cat", breaks, words(64 * 75 + 1, "cat ")}) try {
            make_chunks(prompt);
            ADD_FAILURE() << prompt.size();
        } catch (error const& e) {
            EXPECT_NE(std::string(e.what()).find("more than 64 chunks"), std::string::npos) << e.what();
        }
    EXPECT_EQ(make_chunks(words(64 * 75)).ids.size(), 64u);
}

// Each side keeps its own chunks, all of them equally often, with their weights.
TEST(match_chunk_counts, repeats_both_until_they_are_as_many) {
    for (auto const& [few, many] : {std::pair{1, 1}, {1, 3}, {2, 3}, {4, 6}, {7, 8}, {8, 64}}) {
        std::string first = "(cat:1.5)", second = "dog";
        for (int i = 1; i < few; ++i) first += std::format(" BREAK (cat:{})", i);
        for (int i = 1; i < many; ++i) second += std::format(" BREAK dog{}", i);
        prompt_chunks a = make_chunks(first), b = make_chunks(second);
        prompt_chunks const a_once = a, b_once = b;
        match_chunk_counts(a, b);
        EXPECT_EQ(a.ids.size(), std::lcm(std::size_t(few), std::size_t(many)));
        for (auto const& [all, once] : {std::pair{&a, &a_once}, {&b, &b_once}}) {
            ASSERT_EQ(all->ids.size(), a.ids.size());
            ASSERT_EQ(all->weights.size(), a.ids.size());
            for (std::size_t i = 0; i < all->ids.size(); ++i) {
                EXPECT_EQ(all->ids[i], once->ids[i % once->ids.size()]);
                EXPECT_EQ(all->weights[i], once->weights[i % once->ids.size()]);
            }
        }
    }
    prompt_chunks nine = make_chunks(words(9 * 75)), eight = make_chunks(words(8 * 75));
    EXPECT_THROW(match_chunk_counts(nine, eight), error); // 72
}

TEST(apply_weights, keeps_the_mean) {
    std::vector<float> context{1, 2, 3, 4, 5, 9}; // [3, 2]
    apply_weights(context, std::vector<float>{1, 2, 0.5f});
    // times the weights: 1 2 6 8 2.5 4.5, whose sum is 24 as before
    EXPECT_EQ(context, (std::vector<float>{1, 2, 6, 8, 2.5f, 4.5f}));
    apply_weights(context, std::vector<float>{1, 1, 3}); // sum 17 + 3 · 7 = 38
    std::vector<float> const weighted{1, 2, 6, 8, 7.5f, 13.5f};
    for (std::size_t i = 0; i < 6; ++i) EXPECT_FLOAT_EQ(context[i], weighted[i] * 24 / 38);
}

TEST(apply_weights, of_one_changes_nothing_and_of_zero_is_no_division) {
    std::vector<float> const context{0.1f, 0.2f, 0.7f};
    std::vector<float> same = context, none = context;
    apply_weights(same, std::vector<float>{1, 1, 1});
    EXPECT_EQ(same, context);
    apply_weights(none, std::vector<float>{0, 0, 0});
    EXPECT_EQ(none, (std::vector<float>{0, 0, 0}));
}

TEST(apply_weights, sums_in_double) {
    std::vector<float> context(77 * 4096, 0.1f), weights(77, 1);
    weights[5] = 1.5f;
    apply_weights(context, weights);
    double const sum = std::accumulate(context.begin(), context.end(), 0.0);
    EXPECT_NEAR(sum / double(context.size()), 0.1, 1e-8);
}
