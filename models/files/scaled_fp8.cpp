#include "models/files/scaled_fp8.h"

#include "compute/error.h"
#include "compute/half.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

namespace sfumato {

namespace {

constexpr std::array<std::string_view, 2> factors{".scale_weight", ".weight_scale"};
constexpr std::array<std::string_view, 4> of_no_use{".scale_input", ".input_scale", ".comfy_quant", "scaled_fp8"};

// Of the name of a factor, that of its weight; empty: it is none.
std::string weight_of(std::string_view name) {
    for (std::string_view suffix : factors)
        if (name.ends_with(suffix)) return std::string(name.substr(0, name.size() - suffix.size())) + ".weight";
    return {};
}

bool is_fp8(stored_type type) { return type == stored_type::f8_e4m3 || type == stored_type::f8_e5m2; }

// E4M3 without infinities (OCP 8-bit floating point 1.0): its bits below a half's exponent, which is 8 larger. E5M2 is
// a half's upper byte.
float value_of(stored_type type, unsigned byte) {
    if (type == stored_type::f8_e5m2) return f16_value(std::uint16_t(byte << 8));
    if ((byte & 0x7f) == 0x7f) return NAN;
    return f16_value(std::uint16_t((byte & 0x80) << 8 | (byte & 0x7f) << 7)) * 256;
}

using table = std::array<std::uint16_t, 256>; // of a byte, its half

table table_of(stored_type type, float factor) {
    table t;
    for (unsigned byte = 0; byte < t.size(); ++byte) t[byte] = f16_bits(value_of(type, byte) * factor);
    return t;
}

float read_factor(checkpoint const& c, std::string const& name, stored_tensor const& t, stored_type of) {
    std::vector<std::byte> scratch;
    float factor = 0;
    std::memcpy(&factor, t.read(scratch).data(), sizeof factor);
    float const largest = 65504 / (of == stored_type::f8_e4m3 ? 448.0f : 57344.0f);
    if (!(std::abs(factor) <= largest))
        fail("'{}': the factor {} is {}, which is too large for weights; get the file again.", c.source,
             show_name(name), factor);
    return factor;
}

stored_tensor scaled(stored_tensor const& bytes, table const& halves) {
    stored_tensor t{.type = stored_type::f16, .shape = bytes.shape, .mapped = {}};
    t.make = [bytes, halves](std::span<std::byte> to) {
        std::vector<std::byte> scratch;
        auto const from = bytes.read(scratch);
        for (std::size_t i = 0; i < from.size(); ++i)
            std::memcpy(&to[2 * i], &halves[std::to_integer<int>(from[i])], 2);
    };
    return t;
}

bool has_factors(checkpoint const& c) {
    return std::ranges::any_of(c.tensors, [](auto const& t) { return !weight_of(t.first).empty(); });
}

bool is_of_no_use(std::string_view name) {
    return std::ranges::any_of(of_no_use, [&](std::string_view suffix) { return name.ends_with(suffix); });
}

} // namespace

void apply_fp8_scales(checkpoint& c) {
    bool any = false;
    for (auto at = c.tensors.begin(); at != c.tensors.end();) {
        auto const here = at++;
        std::string const weight = weight_of(here->first);
        auto const of = weight.empty() ? c.tensors.end() : c.tensors.find(weight);
        stored_tensor const& factor = here->second;
        if (of == c.tensors.end() || !is_fp8(of->second.type) || factor.type != stored_type::f32 || factor.count() != 1)
            continue;
        table const halves = table_of(of->second.type, read_factor(c, here->first, factor, of->second.type));
        of->second = scaled(of->second, halves);
        c.tensors.erase(here);
        any = true;
    }
    if (any && !has_factors(c)) std::erase_if(c.tensors, [](auto const& t) { return is_of_no_use(t.first); });
}

bool holds_other_scales(checkpoint const& c) {
    return has_factors(c) || std::ranges::any_of(c.tensors, [](auto const& t) { return is_of_no_use(t.first); });
}

} // namespace sfumato
