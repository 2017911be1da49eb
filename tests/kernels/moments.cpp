// The partial results themselves; what is made of them: group_norm_affine.cpp, statistics.cpp.
#include "kernel_binaries.h"
#include "tests/kernels/norm_reference.h"

namespace sfumato {
namespace {

using kernel::uint;

// access: as shaders/spans.glsl numbers it.
void check(shape const& s, uint slab_rows, uint access, dtype type) {
    SCOPED_TRACE(testing::Message() << s.n << " × " << s.h << " × " << s.c << ", slabs of " << slab_rows << ", access "
                                    << access << ", type " << int(type));
    uint const rows = uint(s.h), columns = uint(s.c), slabs = (rows + slab_rows - 1) / slab_rows;
    auto const x = rounded(random_values(s.count(), 9, 11), type);
    kernel_run r;
    tensor const from = r.input(s, x, type), partial = r.output({.n = s.n, .h = int(slabs), .w = 3, .c = s.c});
    std::size_t const lanes = access == 2 ? (columns + 31) / 32 * 8 : (columns + 3) / 4;
    r.g.dispatch(kernel::moments{.x = r.g.in(from),
                                 .partial = r.g.out(partial),
                                 .images = uint(s.n),
                                 .rows = rows,
                                 .columns = columns,
                                 .slabs = slabs,
                                 .slab_rows = slab_rows},
                 launch::items(lanes * slabs * s.n), 16, {access, uint(type), false});
    r.run();
    auto const got = r.download(partial);
    for (uint slab = 0; slab < slabs * s.n; ++slab)
        for (uint c = 0; c < columns; ++c) {
            uint const begin = slab / slabs * rows + slab % slabs * slab_rows;
            uint const end = std::min(begin + slab_rows, (slab / slabs + 1) * rows);
            std::vector<std::size_t> indices;
            for (uint row = begin; row < end; ++row) indices.push_back(std::size_t(row) * columns + c);
            auto const m = moments_of(x, indices);
            EXPECT_NEAR(got[3 * slab * columns + c] + got[(3 * slab + 1) * columns + c], m.mean, 1e-5);
            EXPECT_NEAR(got[(3 * slab + 2) * columns + c], m.variance * double(indices.size()), 1e-4);
        }
}

TEST(moments, of_columns_in_slabs) {
    for (dtype type : float_types) {
        check({.h = 1, .c = 1}, 8, 0, type);
        check({.n = 2, .h = 37, .c = 7}, 16, 0, type);
        check({.n = 2, .h = 37, .c = 36}, 16, 1, type);
        check({.n = 3, .h = 9, .c = 4}, 9, 1, type);
        if (test_device().target().subgroup != 8) continue;
        check({.n = 2, .h = 37, .c = 36}, 16, 2, type);
        check({.n = 3, .h = 50, .c = 10}, 8, 2, type);
    }
}

} // namespace
} // namespace sfumato
