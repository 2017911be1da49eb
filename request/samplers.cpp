#include "request/samplers.h"

#include <algorithm>
#include <string>

namespace sfumato {

namespace {

constexpr bool in_order_of_the_enum(auto const& table) {
    for (int i = 0; i < int(std::size(table)); ++i)
        if (int(table[i].value) != i) return false;
    return true;
}
static_assert(in_order_of_the_enum(sampler_table) && in_order_of_the_enum(scheduler_table));

// Lower case, without what stands between words; "++" is "pp".
std::string plain(std::string_view text) {
    std::string plain;
    for (char c : text)
        if (c >= 'A' && c <= 'Z')
            plain += char(c - 'A' + 'a');
        else if (c == '+')
            plain += 'p';
        else if (c != ' ' && c != '_' && c != '-')
            plain += c;
    return plain;
}

auto find(std::string_view text, auto const& table) -> std::optional<decltype(table[0].value)> {
    std::string const wanted = plain(text);
    if (wanted.empty()) return {};
    for (auto const& row : table)
        if (plain(row.name) == wanted || plain(row.display) == wanted || std::ranges::count(row.others, wanted))
            return row.value;
    return {};
}

} // namespace

std::optional<sampler> find_sampler(std::string_view text) { return find(text, sampler_table); }
std::optional<scheduler> find_scheduler(std::string_view text) { return find(text, scheduler_table); }

} // namespace sfumato
