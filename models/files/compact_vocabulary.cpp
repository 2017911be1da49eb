#include "models/files/compact_vocabulary.h"

#include "compute/error.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace sfumato {

namespace {

constexpr std::string_view ids_suffix = "token_embedding.ids", table_suffix = "token_embedding.weight";
constexpr std::int32_t most_tokens = 1 << 20; // of any vocabulary

std::vector<std::int32_t> read_ids(checkpoint const& c, std::string const& name, stored_tensor const& t) {
    std::vector<std::int32_t> ids(t.type == stored_type::i32 && t.shape.size() == 1 ? t.count() : 0);
    std::vector<std::byte> scratch;
    if (!ids.empty()) std::memcpy(ids.data(), t.read(scratch).data(), t.bytes());
    auto const is_wrong = [](std::int32_t id) { return id < 0 || id > most_tokens; };
    if (ids.empty() || std::ranges::any_of(ids, is_wrong))
        fail("'{}': {} ({}) does not say which tokens the rows of its table are of.", c.source, show_name(name),
             show_shape(t));
    return ids;
}

// Of each token, the row that it has in the compact table.
std::vector<std::uint32_t> rows_of_tokens(std::vector<std::int32_t> const& ids) {
    auto const others = std::ranges::max_element(ids);
    std::vector<std::uint32_t> rows(std::size_t(*others), std::uint32_t(others - ids.begin()));
    for (std::size_t row = 0; row < ids.size(); ++row)
        if (ids[row] != *others) rows[std::size_t(ids[row])] = std::uint32_t(row);
    return rows;
}

// Not where a block of numbers goes on from one row to the next.
bool rows_are_whole(stored_tensor const& table) {
    return table.shape[0] > 0 && stored_bytes(table.type, std::array{table.shape[1]}).has_value();
}

stored_tensor expanded(stored_tensor const& compact, std::vector<std::uint32_t> rows) {
    stored_tensor all{.type = compact.type, .shape = {std::int64_t(rows.size()), compact.shape[1]}, .mapped = {}};
    all.make = [compact, rows = std::move(rows)](std::span<std::byte> to) {
        std::vector<std::byte> scratch;
        auto const from = compact.read(scratch);
        std::size_t const row_bytes = to.size() / rows.size();
        for (std::size_t i = 0; i < rows.size(); ++i)
            std::memcpy(&to[i * row_bytes], &from[rows[i] * row_bytes], row_bytes);
    };
    return all;
}

} // namespace

void expand_vocabularies(checkpoint& c) {
    for (auto at = c.tensors.begin(); at != c.tensors.end();) {
        if (!at->first.ends_with(ids_suffix)) {
            ++at;
            continue;
        }
        std::string const table = at->first.substr(0, at->first.size() - ids_suffix.size()).append(table_suffix);
        stored_tensor const& compact = c.at(table);
        auto const ids = read_ids(c, at->first, at->second);
        if (compact.shape.size() != 2 || std::size_t(compact.shape[0]) != ids.size() || !rows_are_whole(compact))
            fail("'{}': {} ({}) has not one row for each of the {} tokens in {}.", c.source, show_name(table),
                 show_shape(compact), ids.size(), show_name(at->first));
        auto rows = rows_of_tokens(ids);
        if (rows.empty()) fail("'{}': {} names no token.", c.source, show_name(at->first));
        c.tensors.at(table) = expanded(compact, std::move(rows));
        at = c.tensors.erase(at);
    }
}

} // namespace sfumato
