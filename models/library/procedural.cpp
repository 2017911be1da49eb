#include "models/library/procedural.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <format>

namespace sfumato {

namespace {

constexpr std::uint64_t golden_step = 0x9E3779B97F4A7C15;

std::uint64_t fnv1a(std::string_view text) {
    std::uint64_t hash = 0xCBF29CE484222325;
    for (unsigned char byte : text) hash = (hash ^ byte) * 0x100000001B3;
    return hash;
}

std::uint64_t mix(std::uint64_t z) {
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;
    z = (z ^ z >> 27) * 0x94D049BB133111EB;
    return z ^ z >> 31;
}

// `name` is `ending`, or ends with it after a dot.
bool is_last(std::string_view name, std::string_view ending) {
    return name.ends_with(ending) && (name.size() == ending.size() || name[name.size() - ending.size() - 1] == '.');
}

// (^|.)body.NUMBER.weight: convolutions and PReLU slopes of SRVGG.
bool is_srvgg(std::string_view name) {
    if (!name.ends_with(".weight")) return false;
    name.remove_suffix(7);
    std::size_t const digits = name.find_last_not_of("0123456789") + 1;
    return digits < name.size() && is_last(name.substr(0, digits), "body.");
}

bool is_embedding(std::string_view name) {
    constexpr std::array endings = {"token_embedding.weight", "position_embedding.weight", "positional_embedding",
                                    "shared.weight", "embed_tokens.weight"};
    return std::ranges::any_of(endings, [&](std::string_view ending) { return is_last(name, ending); });
}

double gain_of(std::string_view name) {
    if (name.ends_with("SelfAttention.q.weight")) return 0.125; // T5 does not divide by √d
    if (name.starts_with("generator."))                         // LaMa, where nothing brings values back to size
        return name.find(".conv1.") != name.npos || name.find(".conv2.") != name.npos ? 0.5 : 2;
    return is_srvgg(name) ? 1.375 : 1;
}

// To half, to nearest, ties to even, of |x| < 65520. Plain integer arithmetic that compilers turn into vectors, because
// the baseline processor has no instruction for it.
std::uint16_t half_bits(float x) {
    auto const bits = std::bit_cast<std::uint32_t>(x);
    std::uint32_t const sign = bits & 0x80000000, size = bits ^ sign;
    std::uint32_t const normal = (size + 0xc8000fff + (size >> 13 & 1)) >> 13; // exponent: −127 + 15
    // Adding 0.5 makes the float's own rounding that of a half with the least exponent.
    std::uint32_t const subnormal = std::bit_cast<std::uint32_t>(std::bit_cast<float>(size) + 0.5f) - 0x3f000000;
    return std::uint16_t(sign >> 16 | (size < 0x38800000 ? subnormal : normal));
}

// Elements 0 … 255 behind base `z`.
#ifdef __x86_64__ // five times as fast where vectors of 64 bits can be multiplied
[[gnu::target_clones("default", "arch=x86-64-v4")]]
#endif
void fill(std::array<std::uint16_t, 256>& piece, std::uint64_t z, procedural_range range) {
    std::array<std::int32_t, 256> steps; // u·2²³
    for (std::size_t i = 0; i < steps.size(); ++i)
        steps[i] = std::int32_t(mix(z + (i + 1) * golden_step) >> 40) - (1 << 23);
    if (range.offset == 0) // u and s have 24 bits each, so that float(s·u) is rounded once here as well
        for (std::size_t i = 0; i < steps.size(); ++i) piece[i] = half_bits(float(steps[i]) * 0x1p-23f * range.scale);
    else // the double is exact
        for (std::size_t i = 0; i < steps.size(); ++i)
            piece[i] = half_bits(float(range.offset + range.scale * (steps[i] * 0x1p-23)));
}

} // namespace

procedural_range procedural_range_of(std::string_view name, std::vector<std::int64_t> const& shape) {
    if (name.ends_with(".noise_strength")) return {0.5, 0.1f};
    if (shape.empty()) return {};
    if (shape.size() == 1) {
        if (is_srvgg(name)) return {0.25, 0.1f};
        bool const is_norm = name.ends_with("weight") || name.ends_with("running_var");
        return is_norm ? procedural_range{1, 0.1f} : procedural_range{0, 0.05f};
    }
    if (is_embedding(name)) return {0, float(0.02 * std::sqrt(3.0))};
    if (name.ends_with("relative_attention_bias.weight") || is_last(name, "pos_embed")) return {0, 1};
    double fan_in = 1;
    for (std::size_t i = 1; i < shape.size(); ++i) fan_in *= double(shape[i]);
    return {0, float(gain_of(name) * std::sqrt(3 / fan_in))};
}

void procedural_values(std::string_view name, std::uint64_t seed, procedural_range range, std::span<std::byte> halves) {
    std::uint64_t z = fnv1a(seed ? std::format("{}:{}", seed, name) : std::string(name));
    std::array<std::uint16_t, 256> piece;
    for (; !halves.empty(); z += piece.size() * golden_step) {
        fill(piece, z, range);
        auto const now = halves.first(std::min(halves.size(), sizeof piece));
        std::memcpy(now.data(), piece.data(), now.size());
        halves = halves.subspan(now.size());
    }
}

} // namespace sfumato
