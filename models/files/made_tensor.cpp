#include "models/files/made_tensor.h"

#include "compute/half.h"

#include <cstring>

namespace sfumato {

namespace {

float number_at(stored_type type, std::span<std::byte const> bytes, std::size_t i) {
    std::uint16_t half;
    float single;
    switch (type) {
    case stored_type::f32: std::memcpy(&single, &bytes[4 * i], 4); return single;
    case stored_type::f16: std::memcpy(&half, &bytes[2 * i], 2); return f16_value(half);
    default: std::memcpy(&half, &bytes[2 * i], 2); return bf16_value(half);
    }
}

} // namespace

bool has_numbers(stored_tensor const& t) {
    return t.type == stored_type::f32 || t.type == stored_type::f16 || t.type == stored_type::bf16;
}

std::vector<float> numbers_of(stored_tensor const& t) {
    std::vector<std::byte> scratch;
    auto const bytes = t.read(scratch);
    std::vector<float> all(t.count());
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = number_at(t.type, bytes, i);
    return all;
}

stored_tensor made_of(std::vector<std::int64_t> shape, std::function<std::vector<float>()> numbers) {
    return {.type = stored_type::f32,
            .shape = std::move(shape),
            .mapped = {},
            .make = [numbers = std::move(numbers)](std::span<std::byte> to) {
                std::vector<float> const all = numbers();
                std::memcpy(to.data(), all.data(), to.size());
            }};
}

} // namespace sfumato
