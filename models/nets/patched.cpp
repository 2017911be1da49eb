#include "models/nets/patched.h"

#include "compute/error.h"
#include "models/files/made_tensor.h"

#include <algorithm>
#include <cmath>

namespace sfumato {

namespace {

using numbers = std::vector<float>;

// ---- The file's numbers

numbers numbers_of(checkpoint const& c, std::string const& name) { return sfumato::numbers_of(c.at(name)); }

numbers transposed(numbers const& m, std::size_t rows) {
    std::size_t const columns = m.size() / rows;
    numbers all(m.size());
    for (std::size_t r = 0; r < rows; ++r)
        for (std::size_t c = 0; c < columns; ++c) all[c * rows + r] = m[r * columns + c];
    return all;
}

// ---- A matrix's factors: [outputs, rank] and [rank, inputs]

std::int64_t rank_of(checkpoint const& c, patch_matrix const& m) {
    stored_tensor const& up = c.at(m.up);
    return m.up_is_transposed ? up.shape[0] : std::int64_t(up.count()) / up.shape[0];
}

numbers upper(checkpoint const& c, patch_matrix const& m) {
    numbers all = numbers_of(c, m.up);
    return m.up_is_transposed ? transposed(all, std::size_t(rank_of(c, m))) : all;
}

// Σ_b core[a, b, pixel] · down[b, input] → [a, input, pixel]
numbers through_core(numbers const& core, numbers const& down, std::size_t rank, std::size_t lower_rank) {
    std::size_t const inputs = down.size() / lower_rank, pixels = core.size() / rank / lower_rank;
    numbers all(rank * inputs * pixels);
    for (std::size_t a = 0; a < rank; ++a)
        for (std::size_t b = 0; b < lower_rank; ++b)
            for (std::size_t i = 0; i < inputs; ++i)
                for (std::size_t p = 0; p < pixels; ++p)
                    all[(a * inputs + i) * pixels + p] +=
                        core[(a * lower_rank + b) * pixels + p] * down[b * inputs + i];
    return all;
}

numbers lower(checkpoint const& c, patch_matrix const& m) {
    numbers down = numbers_of(c, m.down);
    if (m.core.empty()) return down;
    return through_core(numbers_of(c, m.core), down, std::size_t(rank_of(c, m)), std::size_t(c.at(m.down).shape[0]));
}

// The whole matrix, where it is small.
numbers multiplied(checkpoint const& c, patch_matrix const& m, patch_size const& size) {
    numbers const up = upper(c, m);
    if (m.down.empty()) return up;
    numbers const down = lower(c, m);
    std::size_t const rank = up.size() / std::size_t(size.outputs), inputs = std::size_t(size.inputs);
    numbers all(std::size_t(size.outputs) * inputs);
    for (std::size_t o = 0; o < std::size_t(size.outputs); ++o)
        for (std::size_t r = 0; r < rank; ++r)
            for (std::size_t i = 0; i < inputs; ++i) all[o * inputs + i] += up[o * rank + r] * down[r * inputs + i];
    return all;
}

numbers kronecker(numbers const& a, patch_size const& of_a, numbers const& b, patch_size const& of_b) {
    numbers all;
    all.reserve(a.size() * b.size());
    for (std::int64_t row = 0; row < of_a.outputs * of_b.outputs; ++row)
        for (std::int64_t i = 0; i < of_a.inputs; ++i) {
            float const factor = a[std::size_t(row / of_b.outputs * of_a.inputs + i)];
            auto const from = b.begin() + row % of_b.outputs * of_b.inputs;
            std::transform(from, from + of_b.inputs, std::back_inserter(all), [&](float v) { return factor * v; });
        }
    return all;
}

// ---- Δ on the device

// Rows of the patch to where they belong among the tensor's, times `scale`; elsewhere 0.
numbers placed(numbers rows, weight_patch const& p, std::int64_t outputs, double scale) {
    for (float& v : rows) v = float(v * scale);
    if (!p.first_row && !p.rows) return rows;
    std::size_t const count = std::size_t(p.rows ? p.rows : outputs), width = rows.size() / count;
    numbers all(std::size_t(outputs) * width);
    for (std::size_t r = 0; r < count; ++r)
        std::copy_n(&rows[r * width], width, &all[(std::size_t(p.first_row) + r) % std::size_t(outputs) * width]);
    return all;
}

struct patcher {
    graph& g;
    weight_patch const& p;
    std::int64_t outputs, inputs; // of the tensor
    double scale;
    patch_upload const& upload;

    // scale · m, or for the second factor of a LoHa m
    tensor matrix(patch_matrix const& m, bool scaled) const {
        double const by = scaled ? scale : 1;
        tensor const up =
            upload(made_of({outputs, m.down.empty() ? inputs : rank_of(*p.file, m)},
                           [p = p, m, outputs = outputs, by] { return placed(upper(*p.file, m), p, outputs, by); }));
        if (m.down.empty()) return up;
        tensor const down =
            upload(made_of({rank_of(*p.file, m), inputs}, [file = p.file, m] { return lower(*file, m); }));
        return linear(g, up, pack_linear_transposed(g, down, weight_format::f32));
    }
    tensor kronecker_product() const {
        return upload(made_of({outputs, inputs}, [p = p, outputs = outputs, scale = scale] {
            patch_size const a = *size_of(*p.file, p.a), b = *size_of(*p.file, p.b);
            return placed(kronecker(multiplied(*p.file, p.a, a), a, multiplied(*p.file, p.b, b), b), p, outputs, scale);
        }));
    }
    tensor delta() const {
        switch (p.kind) {
        case patch_kind::matrix: return matrix(p.a, true);
        case patch_kind::hadamard: return mul(g, matrix(p.a, true), matrix(p.b, false));
        case patch_kind::kronecker: return kronecker_product();
        }
        return {};
    }
};

// ---- DoRA

constexpr float no_row = 1e-30f; // what is added to a mean square, so that nothing is divided by 0

// Each row of v [outputs, inputs] with the norm m[output].
tensor with_row_norms(graph& g, tensor const& v, weight_patch const& p, patch_upload const& upload) {
    int const outputs = v.shape.w, inputs = v.shape.c;
    tensor ones = upload(made_of({1, inputs}, [inputs] { return numbers(std::size_t(inputs), 1.0f); }));
    tensor const norms = upload(made_of({outputs, 1}, [file = p.file, name = p.magnitude, inputs] {
        numbers all = numbers_of(*file, name);
        for (float& m : all) m = float(m / std::sqrt(double(inputs))); // rms → norm
        return all;
    }));
    ones.shape = {.c = inputs};
    return mul(g, rms_norm(g, v, ones, no_row), norms);
}

// Each column with the norm m[column / pixels], taken over all rows and pixels: a group norm of v and −v together,
// whose mean is 0.
tensor with_column_norms(graph& g, tensor const& v, int pixels, weight_patch const& p, patch_upload const& upload) {
    int const outputs = v.shape.w, columns = v.shape.c;
    tensor flat = v;
    flat.shape = {.c = outputs * columns};
    tensor both = concat(g, flat, scale(g, flat, -1));
    both.shape = {.w = 2 * outputs, .c = columns};
    tensor norms = upload(made_of({1, columns}, [=, file = p.file, name = p.magnitude] {
        numbers const m = numbers_of(*file, name);
        numbers all(static_cast<std::size_t>(columns));
        for (int c = 0; c < columns; ++c) all[c] = float(m[c / pixels] / std::sqrt(double(outputs) * pixels));
        return all;
    }));
    tensor zeros = upload(made_of({1, columns}, [columns] { return numbers(std::size_t(columns)); }));
    norms.shape = zeros.shape = {.c = columns};
    return apply_affine(g, v, group_norm_affine(g, both, columns / pixels, norms, zeros, no_row));
}

// factor · (V' − W)
tensor decomposed(graph& g, tensor const& w, tensor const& delta, weight_patch const& p,
                  std::vector<std::int64_t> const& shape, patch_upload const& upload) {
    tensor const v = add(g, w, delta);
    int const pixels = int(w.shape.c / shape[1]);
    tensor const made = *axis_of_magnitude(p, shape) == magnitude_axis::outputs
                            ? with_row_norms(g, v, p, upload)
                            : with_column_norms(g, v, pixels, p, upload);
    return scale(g, add_scaled(g, w, -1, made), float(p.factor));
}

} // namespace

tensor patched(graph& g, tensor const& w, std::vector<std::int64_t> const& shape, std::span<weight_patch const> all,
               patch_upload const& upload) {
    if (all.empty()) return w;
    std::int64_t const outputs = shape[0], inputs = std::int64_t(w.shape.count()) / outputs;
    tensor own = cast(g, w, dtype::f32);
    own.shape = {.w = int(outputs), .c = int(inputs)};
    tensor sum = own;
    for (weight_patch const& p : all) {
        if (!fits(p, shape))
            fail("{}: {} does not fit {}: this LoRA is made for another kind of model, or damaged.", p.file->source,
                 show_name(p.a.up), show_name(p.tensor));
        bool const is_decomposed = !p.magnitude.empty();
        patcher const from{g, p, outputs, inputs, is_decomposed ? p.scale : p.scale * p.factor, upload};
        tensor const more = from.delta();
        sum = add(g, sum, is_decomposed ? decomposed(g, own, more, p, shape, upload) : more);
    }
    sum.shape = w.shape;
    return sum;
}

} // namespace sfumato
