#include "models/names/weight_patch.h"

#include <algorithm>

namespace sfumato {

namespace {

constexpr std::int64_t largest = 1 << 28; // elements of a tensor, far more than any model has

stored_tensor const* part(checkpoint const& c, std::string const& name) {
    stored_tensor const* const t = c.find(name);
    if (!t || t->shape.empty() || t->count() == 0 || t->count() > std::size_t(largest)) return nullptr;
    bool const known = t->type == stored_type::f32 || t->type == stored_type::f16 || t->type == stored_type::bf16;
    return known ? t : nullptr;
}

std::int64_t behind_first(stored_tensor const& t) { return std::int64_t(t.count()) / t.shape[0]; }

std::int64_t product(std::vector<std::int64_t> const& shape) {
    std::int64_t all = 1;
    for (std::int64_t extent : shape) all *= extent;
    return all;
}

} // namespace

std::optional<patch_size> size_of(checkpoint const& c, patch_matrix const& m) {
    stored_tensor const* const up = part(c, m.up);
    if (!up) return {};
    if (m.down.empty()) return patch_size{up->shape[0], behind_first(*up)};
    stored_tensor const* const down = part(c, m.down);
    if (!down) return {};
    patch_size size{up->shape[0], behind_first(*down)};
    std::int64_t rank = behind_first(*up), lower_rank = down->shape[0];
    if (m.up_is_transposed) std::swap(size.outputs, rank);
    if (!m.core.empty()) {
        stored_tensor const* const core = part(c, m.core);
        if (!core || core->shape.size() < 2 || core->shape[0] != rank || core->shape[1] != lower_rank) return {};
        std::int64_t const pixels = std::int64_t(core->count()) / rank / lower_rank;
        size.inputs *= pixels;
        lower_rank = rank;
    }
    if (rank != lower_rank || size.outputs * size.inputs > largest) return {};
    return size;
}

std::optional<patch_size> size_of(weight_patch const& p) {
    auto const a = size_of(*p.file, p.a);
    if (!a || p.kind == patch_kind::matrix) return a;
    auto const b = size_of(*p.file, p.b);
    if (!b) return {};
    if (p.kind == patch_kind::hadamard) return *a == *b ? a : std::nullopt;
    std::int64_t outputs = 0, inputs = 0;
    if (__builtin_mul_overflow(a->outputs, b->outputs, &outputs) ||
        __builtin_mul_overflow(a->inputs, b->inputs, &inputs) || outputs > largest || inputs > largest)
        return {};
    return patch_size{outputs, inputs};
}

std::optional<magnitude_axis> axis_of_magnitude(weight_patch const& p, std::vector<std::int64_t> const& shape) {
    stored_tensor const* const m = part(*p.file, p.magnitude);
    if (!m || shape.size() < 2) return {};
    auto const count = std::int64_t(m->count());
    bool const of_outputs = count == shape[0], of_inputs = count == shape[1];
    if (p.magnitude_of_outputs) return of_outputs ? std::optional(magnitude_axis::outputs) : std::nullopt;
    // [outputs, 1 …] or [1, inputs …]
    if (of_outputs && m->shape[0] == count) return magnitude_axis::outputs;
    if (of_inputs && m->shape.size() > 1 && m->shape[1] == count) return magnitude_axis::inputs;
    return {};
}

bool fits(weight_patch const& p, std::vector<std::int64_t> const& shape) {
    auto const size = size_of(p);
    if (!size || shape.empty() || product(shape) <= 0) return false;
    bool const rows_fit = p.first_row >= 0 && p.first_row < shape[0] && p.rows <= shape[0] &&
                          size->outputs == (p.rows ? p.rows : shape[0]);
    if (!rows_fit || size->inputs != product(shape) / shape[0]) return false;
    // Its norms would be taken over rows that are not its own, or in another order.
    if (!p.magnitude.empty() && (p.rows || p.first_row)) return false;
    return p.magnitude.empty() || axis_of_magnitude(p, shape).has_value();
}

} // namespace sfumato
