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

TEST_F(translated_sentences, a_stage_with_its_size) {
    EXPECT_EQ(translated(say("fill {} × {}", 64, 32), "stage"), "64 × 32 füllen");
    EXPECT_EQ(translated("load weights", "stage"), "Gewichte laden");
}

TEST_F(translated_sentences, what_no_catalogue_has_stays_english) {
    EXPECT_EQ(translated(say("{} of {{}} is unknown here", 7)), "7 of {} is unknown here");
    EXPECT_EQ(translated(std::runtime_error("plain {")), "plain {");
    EXPECT_EQ(translated(sentence()), "");
}
