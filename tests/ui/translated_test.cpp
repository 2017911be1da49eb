// What the engine says reaches the user in German, with po/de.po as it is.
#include "ui/translated.h"

#include <clocale>
#include <cstdlib>
#include <gtest/gtest.h>
#include <libintl.h>

using namespace sfumato;

namespace {

struct translated_sentences : testing::Test {
    translated_sentences() {
        if (!std::setlocale(LC_ALL, "de_DE.UTF-8")) std::abort(); // the environment has it
        bindtextdomain(GETTEXT_PACKAGE, CATALOGUES);
        bind_textdomain_codeset(GETTEXT_PACKAGE, "UTF-8");
        textdomain(GETTEXT_PACKAGE); // without it glib does not look
    }
    ~translated_sentences() override { std::setlocale(LC_ALL, "C"); }
};

} // namespace

TEST_F(translated_sentences, an_error_with_what_stands_in_its_places) {
    EXPECT_EQ(
        translated(say("{} computed values that are no colours; update its driver or choose another device.", "A GPU")),
        "A GPU hat Werte berechnet, die keine Farben sind; aktualisieren Sie seinen Treiber oder wählen Sie ein "
        "anderes Gerät.");
    try {
        fail("There is not enough memory for this picture; close other programs or select a smaller area.");
    } catch (std::exception const& e) {
        EXPECT_TRUE(translated(e).starts_with("Für dieses Bild reicht der Speicher nicht;")) << translated(e);
    }
}

TEST_F(translated_sentences, a_stage_with_its_number) {
    EXPECT_EQ(translated(say("fill from coarse to fine, {} of {}", 2, 5)), "Von grob nach fein füllen, 2 von 5");
    EXPECT_EQ(translated(say("load the model")), "Das Modell laden");
}

TEST_F(translated_sentences, a_sentence_within_a_sentence) {
    EXPECT_EQ(translated(say("'{}' is damaged: {}.", "x.pth", say("tensor {} has too many dimensions", 7))),
              "„x.pth“ ist beschädigt: der Tensor 7 hat zu viele Dimensionen.");
    // Where the whole has no translation, its parts still do.
    EXPECT_EQ(translated(say("unknown here: {}", say("it has a list of lists"))),
              "unknown here: eine Liste darin besteht aus Listen");
}

TEST_F(translated_sentences, what_the_system_says) {
    std::string const said = translated(say("'{}' cannot be opened: {}.", "x.pth", system_says(ENOENT)));
    EXPECT_TRUE(said.starts_with("„x.pth“ lässt sich nicht öffnen: ")) << said;
    if (std::string const german = dgettext("libc", "No such file or directory");
        german != "No such file or directory") {
        EXPECT_NE(said.find(german), said.npos) << said; // the system has a catalogue
    }
}

// Whoever sends them may be another build.
TEST_F(translated_sentences, parts_without_a_place_are_left_out) {
    sentence s = say("step {} of {}", 1, 2);
    s.parts.assign(7, say("preview"));
    EXPECT_EQ(translated(s), "Schritt Vorschau von Vorschau");
}

TEST_F(translated_sentences, what_no_catalogue_has_stays_english) {
    EXPECT_EQ(translated(say("{} of {{}} is unknown here", 7)), "7 of {} is unknown here");
    EXPECT_EQ(translated(std::runtime_error("plain {")), "plain {");
    EXPECT_EQ(translated(sentence()), "");
}
