#include "models/nets/table_window.h"

#include "compute/error.h"

#include <algorithm>
#include <cmath>

namespace sfumato {

stored_tensor window_of(stored_tensor const& table, std::string_view name, std::string const& source, int h, int w) {
    bool const is_table = table.shape.size() == 3 && table.shape[0] == 1 && table.shape[2] > 0;
    auto const side = is_table ? std::int64_t(std::lround(std::sqrt(double(table.shape[1])))) : 0;
    if (!is_table || side * side != table.shape[1])
        fail("'{}' is damaged or of a kind that is not supported, use another file: {} is {} where a square table of "
             "positions was expected.",
             source, show_name(name), show_shape(table));
    if (h > side || w > side)
        fail("{} × {} pixels are more than '{}' can make, which knows positions for {} × {}: choose a smaller picture.",
             w * 16, h * 16, source, side * 16, side * 16);
    std::int64_t const channels = table.shape[2];
    auto const row = stored_bytes(table.type, std::span(&channels, 1));
    if (!row)
        fail("'{}' has {} as {}, in blocks that do not fill its rows: use another file.", source, show_name(name),
             name_of(table.type));

    stored_tensor part{.type = table.type, .shape = {std::int64_t(h) * w, channels}, .mapped = {}, .make = {}};
    part.make = [table, side, h, w, row = *row](std::span<std::byte> to) {
        std::vector<std::byte> scratch;
        auto const all = table.read(scratch);
        std::int64_t const top = (side - h) / 2, left = (side - w) / 2;
        std::size_t const line = std::size_t(w) * row;
        for (std::int64_t y = 0; y < h; ++y)
            std::ranges::copy(all.subspan(std::size_t((top + y) * side + left) * row, line),
                              &to[std::size_t(y) * line]);
    };
    return part;
}

} // namespace sfumato
