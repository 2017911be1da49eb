#include "compute/gemm_block.h"

#include <algorithm>
#include <cassert>
#include <optional>
#include <vector>

namespace sfumato {

namespace {

using uint = std::uint32_t;

uint parts(uint count, uint size) { return (count + size - 1) / size; }

uint slabs_of(gemm_size const& s, uint k) { return s.taps * (parts(s.c1, k) + parts(s.c2, k)); }

// Spreads `m` × `n` fragments over as many subgroups as there are, as evenly as possible.
bool spread(gemm_block& b, uint m, uint n, uint subgroups) {
    for (; subgroups > 1; subgroups /= 2) {
        bool const wide = n / b.grid_n >= m / b.grid_m;
        if (wide && n % (b.grid_n * 2) == 0)
            b.grid_n *= 2;
        else if (m % (b.grid_m * 2) == 0)
            b.grid_m *= 2;
        else if (n % (b.grid_n * 2) == 0)
            b.grid_n *= 2;
    }
    b.fragments_m = m / b.grid_m;
    b.fragments_n = n / b.grid_n;
    return m % b.grid_m == 0 && n % b.grid_n == 0;
}

uint bytes_of_tiles(gemm_block const& b) {
    uint const weights = b.turned ? b.n * (b.k / 8 + 1) : b.k * (b.n / 8 + 1);
    return (b.m * (b.k / 8 + 1) + weights) * 16;
}

// Sums leave by way of the tiles' memory, or a little more, as many rows at once as fit. A fragment leaves whole.
void choose_patch(gemm_block& b, target const& t, uint rows) {
    uint const wanted = std::max(bytes_of_tiles(b), b.fragment.workgroup_scope ? 36864u : 17408u),
               most = std::min(wanted, t.shared_bytes), row = (b.n / 4 + 1) * 16;
    b.patch_rows = b.m;
    while (b.patch_rows % 2 == 0 && b.patch_rows / 2 >= rows && b.patch_rows * row > most) b.patch_rows /= 2;
}

uint shared_bytes(gemm_block const& b) {
    if (b.variant == kernel_variant::scalar) return b.k * (b.m + 4) * 4 + b.k * b.n * 4;
    return std::max(bytes_of_tiles(b), b.patch_rows * (b.n / 4 + 1) * 16);
}

bool shape_scalar(gemm_block& b, target const& t) {
    b.lanes = b.n <= 16 ? 4 : b.n <= 48 ? 8 : 16;
    uint const threads = gemm_invocations(b.variant);
    return b.n % (2 * b.lanes) == 0 && b.m * b.lanes % threads == 0 &&
           b.m * b.n / threads <= std::min(64u, t.most_sums);
}

bool shape_fragments(gemm_block& b, target const& t) {
    uint const threads = gemm_invocations(b.variant), subgroups = std::max(1u, threads / t.subgroup);
    if (b.m * b.n / threads > t.most_sums || b.m > t.most_rows || b.k > t.most_inputs) return false;
    if (b.variant == kernel_variant::cooperative) {
        auto const& f = t.khr_fragment;
        b.fragment = t.matrix == matrix_path::nv2 ? decltype(b.fragment){f.m, f.n, f.k, false} : t.fragment;
        if (b.m % b.fragment.m || b.n % b.fragment.n || b.k % b.fragment.k || b.fragment.n % 8) return false;
        if (!spread(b, b.m / b.fragment.m, b.n / b.fragment.n, subgroups)) return false;
        choose_patch(b, t, b.fragment.m);
        return true;
    }
    // Each holds one, as large as it can be.
    auto const& f = t.flexible;
    if (b.m % f.m || b.n % f.n || b.k % f.k) return false;
    if (!f.workgroup_scope && !spread(b, b.m / f.m, b.n / f.n, subgroups)) return false;
    b.fragment = {b.m / b.grid_m, b.n / b.grid_n, b.k, f.workgroup_scope};
    b.fragments_m = b.fragments_n = 1;
    choose_patch(b, t, 1);
    return true;
}

std::vector<kernel_variant> variants_of(target const& t) {
    if (t.matrix == matrix_path::khr) return {kernel_variant::cooperative};
    std::vector<kernel_variant> all;
    if (t.matrix == matrix_path::nv2 && t.flexible.m) all.push_back(kernel_variant::flexible);
    if (t.matrix == matrix_path::nv2 && t.khr_fragment.m) all.push_back(kernel_variant::cooperative);
    if (all.empty()) all.push_back(kernel_variant::scalar);
    return all;
}

std::optional<gemm_block> shaped(target const& t, kernel_variant variant, uint m, uint n, uint k) {
    gemm_block b{.variant = variant, .m = m, .n = n, .k = k, .turned = t.turned_weights};
    bool const fits = variant == kernel_variant::scalar ? shape_scalar(b, t) : shape_fragments(b, t);
    if (!fits || shared_bytes(b) > t.shared_bytes) return {};
    return b;
}

// Few blocks and a long inner dimension: several workgroups share a block.
uint splits_of(target const& t, gemm_size const& s, gemm_block const& b) {
    uint const slabs = slabs_of(s, b.k), cores = t.software ? 64 : t.cores;
    bool const possible = s.can_split && slabs >= 32 && b.count < cores / 2;
    return possible ? std::min({8u, cores / b.count, slabs / 8}) : 1;
}

// In products of one core.
double time_of(target const& t, gemm_size const& s, gemm_block const& b) {
    // Loads that a product costs beside others in a block, as products.
    double const loads = b.variant == kernel_variant::scalar ? 16 : 24;
    double const each = double(b.m) * b.n * b.k * slabs_of(s, b.k) / b.splits * (1 + loads / b.m + loads / b.n);
    double const adding = b.splits > 1 ? 2e6 + 64.0 * b.splits * s.rows * s.columns / t.cores : 0;
    // Where there are both, matrices of a workgroup are about so much faster than those of subgroups.
    double const kind = t.matrix == matrix_path::nv2 && b.variant == kernel_variant::cooperative ? 1.2 : 1;
    return kind * each * parts(b.count * b.splits, t.cores) + adding;
}

} // namespace

std::uint32_t gemm_invocations(kernel_variant variant) { return variant == kernel_variant::scalar ? 128 : 256; }

std::uint32_t length_of_line(std::uint32_t count, double operations) {
    constexpr double most_operations = 1e8;
    constexpr uint most_lines = 32768;
    return std::clamp(uint(std::min(most_operations / operations, double(most_lines))),
                      std::max(1u, parts(count, most_lines)), std::max(1u, std::min(count, most_lines)));
}

double gemm_block::operations(gemm_size const& s) const { return 2.0 * count * m * n * k * slabs_of(s, k); }

gemm_block choose_gemm_block(target const& t, gemm_size const& s) {
    std::optional<gemm_block> best;
    double least = 0;
    auto const consider = [&](kernel_variant variant, uint m, uint n, uint k) {
        auto b = shaped(t, variant, m, n, k);
        if (!b) return;
        b->count = parts(s.rows, m) * parts(s.columns, n);
        b->splits = splits_of(t, s, *b);
        double const time = t.software && !t.block.m ? double(m) * n * k : time_of(t, s, *b);
        if (best && time >= least) return;
        best = b;
        least = time;
    };
    auto const variants = variants_of(t);
    if (t.block.m)
        for (kernel_variant const variant : variants) consider(variant, t.block.m, t.block.n, t.block.k);
    if (best) return *best;
    for (kernel_variant const variant : variants)
        for (uint k : {32, 16})
            for (uint m : {256, 128, 64, 32})
                for (uint n : {160, 128, 96, 64, 48, 32, 16})
                    if (k == 16 || variant != kernel_variant::scalar) consider(variant, m, n, k);
    assert(best && "every device has shared memory for the smallest block");
    return *best;
}

} // namespace sfumato
