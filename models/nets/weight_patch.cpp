#include "models/nets/weight_patch.h"

#include "compute/error.h"
#include "compute/half.h"

#include <algorithm>
#include <cstring>
#include <format>

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

std::vector<float> numbers_of(stored_tensor const& t) {
    std::vector<std::byte> scratch;
    auto const bytes = t.read(scratch);
    std::vector<float> all(t.count());
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = number_at(t.type, bytes, i);
    return all;
}

// Written when they are wanted: of all patches of a model they would be too much at once.
stored_tensor made_of(std::vector<std::int64_t> shape, std::function<std::vector<float>()> numbers) {
    return {
        .type = stored_type::f32, .shape = std::move(shape), .mapped = {}, .make = [numbers](std::span<std::byte> to) {
            std::vector<float> const all = numbers();
            std::memcpy(to.data(), all.data(), to.size());
        }};
}

// Σ_b mid[a, b, pixel] · down[b, input] → [a, input, pixel]
std::vector<float> joined(std::vector<float> const& mid, std::vector<float> const& down, std::size_t rank) {
    std::size_t const inputs = down.size() / rank, pixels = mid.size() / rank / rank;
    std::vector<float> all(rank * inputs * pixels);
    for (std::size_t a = 0; a < rank; ++a)
        for (std::size_t b = 0; b < rank; ++b)
            for (std::size_t i = 0; i < inputs; ++i)
                for (std::size_t p = 0; p < pixels; ++p)
                    all[(a * inputs + i) * pixels + p] += mid[(a * rank + b) * pixels + p] * down[b * inputs + i];
    return all;
}

stored_tensor const& tensor_of(weight_patch const& p, std::string const& name) {
    stored_tensor const& t = p.file->at(name);
    bool const known = t.type == stored_type::f32 || t.type == stored_type::f16 || t.type == stored_type::bf16;
    if (!known || t.shape.size() < 2)
        fail("{}: {} is {}, which is no part of a LoRA.", p.file->source, show_name(name), show_shape(t));
    return t;
}

} // namespace

patch_factors factors_of(weight_patch const& p, std::int64_t outputs, std::int64_t inputs) {
    stored_tensor const &up = tensor_of(p, p.up), &down = tensor_of(p, p.down);
    stored_tensor const* const mid = p.mid.empty() ? nullptr : &tensor_of(p, p.mid);
    std::int64_t const rank = down.shape[0];
    auto const count = [](stored_tensor const& t) { return std::int64_t(t.count()); };
    bool fits = rank > 0 && up.shape[0] == outputs && up.shape[1] == rank && count(up) == outputs * rank;
    if (!mid)
        fits = fits && count(down) == rank * inputs;
    else
        fits = fits && mid->shape[0] == rank && mid->shape[1] == rank && count(*mid) > 0 &&
               count(down) * (count(*mid) / rank / rank) == rank * inputs;
    if (!fits)
        fail("{}: {} and {} do not fit {}: this LoRA is made for another kind of model.", p.file->source,
             show_name(p.up), show_name(p.down), show_name(p.tensor));

    float const scale = float(p.factor * (p.alpha != 0 ? p.alpha / double(rank) : 1));
    auto const scaled_up = [file = p.file, &up, scale] {
        std::vector<float> all = numbers_of(up);
        for (float& v : all) v *= scale;
        return all;
    };
    auto const turned_down = [file = p.file, &down, mid, rank, inputs] {
        std::vector<float> const rows =
            mid ? joined(numbers_of(*mid), numbers_of(down), std::size_t(rank)) : numbers_of(down);
        std::vector<float> columns(rows.size());
        for (std::int64_t r = 0; r < rank; ++r)
            for (std::int64_t i = 0; i < inputs; ++i) columns[i * rank + r] = rows[r * inputs + i];
        return columns;
    };
    return {made_of({outputs, rank}, scaled_up), made_of({inputs, rank}, turned_down)};
}

tensor patched(graph& g, tensor const& w, tensor const& up, tensor const& down) {
    tensor const more = linear(g, up, pack_linear(g, down, weight_format::f32));
    tensor flat = cast(g, w, dtype::f32);
    flat.shape = more.shape;
    tensor sum = add(g, flat, more);
    sum.shape = w.shape;
    return sum;
}

} // namespace sfumato
