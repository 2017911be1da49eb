#include "cli/help.h"

#include <algorithm>

namespace sfumato {

namespace {

constexpr std::size_t page_width = 100;

// Characters of UTF-8; none of ours is wide.
std::size_t columns(std::string_view text) {
    return std::size_t(std::ranges::count_if(text, [](char c) { return (c & 0xC0) != 0x80; }));
}

// Words that follow what stands in a line up to `indent`; further lines begin there.
std::string wrapped(std::string_view words, std::size_t indent) {
    std::string text;
    for (std::size_t column = indent; !words.empty();) {
        std::string_view const word = words.substr(0, words.find(' '));
        words.remove_prefix(std::min(words.size(), word.size() + 1));
        if (column > indent && column + 1 + columns(word) > page_width) {
            text += "\n" + std::string(indent, ' ');
            column = indent;
        } else if (column > indent) {
            text += ' ';
            ++column;
        }
        text += word;
        column += columns(word);
    }
    return text + "\n";
}

std::string paragraphs(std::string_view text) {
    std::string page;
    while (!text.empty()) {
        std::string_view const line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), line.size() + 1));
        page += wrapped(line, 0);
    }
    return page;
}

std::string two_columns(std::vector<help_option> const& options) {
    std::size_t longest = 0;
    for (help_option const& o : options) longest = std::max(longest, columns(o.option));
    std::string page;
    for (help_option const& o : options)
        page += "  " + o.option + std::string(longest - columns(o.option) + 2, ' ') + wrapped(o.text, longest + 4);
    return page;
}

} // namespace

std::string help_text(help_page const& p) {
    std::string page = std::string(p.example) + "\n\n" + paragraphs(p.about) + "\n";
    page += "Usage: " + std::string(p.usage) + "\n";
    if (!p.options.empty()) page += "\n" + two_columns(p.options);
    if (!p.end.empty()) page += "\n" + paragraphs(p.end);
    return page;
}

} // namespace sfumato
