// Sentences in parts: what is said, and how it is said in another language.
#include "compute/error.h"

#include <gtest/gtest.h>

using namespace sfumato;

namespace {

using strings = std::vector<std::string>;

} // namespace

TEST(sentence, has_its_arguments_as_their_places_say) {
    sentence const s = say("needs {:.1f} GB, {} {{free}}: {:>3}", 1.25, "two", 7);
    EXPECT_EQ(s.format, "needs {:.1f} GB, {} {{free}}: {:>3}");
    EXPECT_EQ(s.arguments, (strings{"1.2", "two", "  7"}));
    EXPECT_EQ(s.text(), "needs 1.2 GB, two {free}:   7");
    EXPECT_EQ(say("{1} after {0}, {1}", 1, 2).text(), "2 after 1, 2");
}

TEST(sentence, is_said_in_another_order_in_another_language) {
    sentence const s = say("step {} of {:.1f}", 3, 20.0);
    EXPECT_EQ(s.filled("Schritt {} von {}"), "Schritt 3 von 20.0");
    EXPECT_EQ(s.filled("von {1} Schritten der {0}."), "von 20.0 Schritten der 3.");
    EXPECT_EQ(s.filled("ohne {{}}"), "ohne {}");
}

TEST(sentence, may_stand_in_a_place_of_another) {
    sentence const inner = say("its header has {} bytes", 7), s = say("'{}' is damaged: {}.", "x", inner);
    EXPECT_EQ(s.text(), "'x' is damaged: its header has 7 bytes.");
    EXPECT_EQ(s.parts, (std::vector{sentence(), inner}));
    EXPECT_EQ(s.arguments, (strings{"x", "its header has 7 bytes"}));
    EXPECT_TRUE(say("{} and {}", "x", 7).parts.empty());
}

TEST(sentence, a_translation_that_does_not_fit_is_none) {
    sentence const s = say("step {} of {}", 3, 20);
    for (char const* wrong : {"{} {} {}", "{2}", "{", "}", "{x}", "{0", "{-1}"}) EXPECT_FALSE(s.filled(wrong)) << wrong;
}

TEST(sentence, of_a_text_is_that_text) {
    EXPECT_EQ(sentence(std::string("a {b} c")).text(), "a {b} c");
    EXPECT_EQ(sentence("fixed").text(), "fixed");
    EXPECT_EQ(sentence("not { a format").text(), "not { a format");
    EXPECT_TRUE(sentence().empty());
}

TEST(error, says_its_sentence_and_keeps_its_parts) {
    try {
        fail("'{}' has {} bytes.", "x.pth", 7);
    } catch (error const& e) {
        EXPECT_STREQ(e.what(), "'x.pth' has 7 bytes.");
        EXPECT_EQ(e.said.format, "'{}' has {} bytes.");
        EXPECT_EQ(e.said.arguments, (strings{"x.pth", "7"}));
    }
}
