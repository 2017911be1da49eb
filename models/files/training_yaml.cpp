#include "models/files/training_yaml.h"

#include <algorithm>
#include <array>

namespace sfumato {

namespace {

constexpr std::string_view blanks = " \t\r";
constexpr std::array<std::string_view, 3> wanted = {"model", "params", "parameterization"}; // one within another
constexpr std::size_t longest_value = 40;

std::string_view trimmed(std::string_view text) {
    std::size_t const begin = std::min(text.find_first_not_of(blanks), text.size());
    return text.substr(begin, text.find_last_not_of(blanks) + 1 - begin);
}

std::string_view without_quotes(std::string_view text) {
    bool const quoted = text.size() >= 2 && (text[0] == '"' || text[0] == '\'') && text.back() == text[0];
    return quoted ? text.substr(1, text.size() - 2) : text;
}

// A comment begins at a # that is the line's first character or stands behind a blank.
std::string_view without_comment(std::string_view line) {
    for (std::size_t at = 0; (at = line.find('#', at)) != line.npos; ++at)
        if (at == 0 || blanks.find(line[at - 1]) != blanks.npos) return line.substr(0, at);
    return line;
}

} // namespace

std::optional<std::string> parameterization_in(std::string_view yaml) {
    constexpr std::size_t not_known = -1;
    std::size_t within = 0;                               // how many of the wanted keys the reader is within
    std::array<std::size_t, wanted.size()> indents = {0}; // of what stands in each: that of its first line
    while (!yaml.empty()) {
        std::size_t const end = std::min(yaml.find('\n'), yaml.size());
        std::string_view const line = without_comment(yaml.substr(0, end));
        yaml.remove_prefix(std::min(end + 1, yaml.size()));
        std::size_t const indent = line.find_first_not_of(blanks);
        if (indent == line.npos) continue;
        if (within > 0 && indents[within] == not_known) indents[within] = indent;
        while (within > 0 && (indent < indents[within] || indents[within] <= indents[within - 1])) --within;
        std::size_t const colon = line.find(':');
        if (indent != indents[within] || colon == line.npos) continue;
        if (without_quotes(trimmed(line.substr(0, colon))) != wanted[within]) continue;
        std::string_view const value = without_quotes(trimmed(line.substr(colon + 1)));
        if (within + 1 == wanted.size())
            return value.empty() || value.size() > longest_value ? std::nullopt : std::optional(std::string(value));
        if (value.empty()) indents[++within] = not_known;
    }
    return {};
}

} // namespace sfumato
