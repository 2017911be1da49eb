#include "ui/translated.h"

namespace sfumato {

namespace {

// What the engine says, for translators: as it stands in its fail(), with the same places.
[[maybe_unused]] constexpr char const* sentences[] = {
    N_("There is not enough memory for this picture; close other programs or select a smaller area."),
    N_("{} computed values that are no colours; update its driver or choose another device."),
};

} // namespace

std::string translated(sentence const& s, char const* context) {
    char const* const english = s.format.c_str();
    if (s.format.empty()) return ""; // the catalogue's own header
    char const* const found =
        context ? g_dpgettext2(GETTEXT_PACKAGE, context, english) : g_dgettext(GETTEXT_PACKAGE, english);
    return s.filled(found).value_or(s.text()); // a translation with other places than the sentence is of no use
}

std::string translated(std::exception const& e) {
    auto const* const ours = dynamic_cast<error const*>(&e);
    return ours ? translated(ours->said) : e.what();
}

} // namespace sfumato
