#include "ui/translated.h"

#include <libintl.h>

namespace sfumato {

namespace {

char const* find_translation(char const* english) {
    char const* const ours = g_dgettext(GETTEXT_PACKAGE, english);
    return ours == english ? dgettext("libc", english) : ours;
}

} // namespace

std::string translated(sentence s) {
    if (s.empty()) return ""; // the catalogue's own header
    for (std::size_t i = 0; i < std::min(s.parts.size(), s.arguments.size()); ++i)
        if (!s.parts[i].empty()) s.arguments[i] = translated(s.parts[i]);
    // A translation with other places than the sentence is of no use.
    return s.filled(find_translation(s.format.c_str())).value_or(s.text());
}

std::string translated(std::exception const& e) {
    auto const* const ours = dynamic_cast<error const*>(&e);
    return ours ? translated(ours->said) : e.what();
}

} // namespace sfumato
