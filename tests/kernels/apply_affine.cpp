// apply_affine as apply_affine(), group_norm() and modulate().
#include "tests/kernels/norm_reference.h"

namespace sfumato {
namespace {

testing::Message described(shape const& s, dtype type, target const& to) {
    return testing::Message() << s.n << " × " << s.h << " × " << s.w << " × " << s.c << ", type " << int(type)
                              << ", software " << to.software;
}

void check_affine(shape const& s, dtype type, activation f) {
    for (target const& to : norm_targets()) {
        SCOPED_TRACE(described(s, type, to));
        auto const x = rounded(random_values(s.count(), -3, 3), type);
        auto const affine = random_values(2 * s.n * s.c, -2, 2, 2);
        kernel_run r(to);
        tensor const y = apply_affine(r.g, r.input(s, x, type), r.input({.n = s.n, .w = 2, .c = s.c}, affine), f);
        r.g.output(y);
        r.run();
        auto const wanted = apply_affine_reference(s, x, {affine.begin(), affine.end()}, f == activation::silu);
        EXPECT_LT(nmse(r.download(y), wanted), nmse_limit(type));
    }
}

TEST(apply_affine, any_shape) {
    for (shape const& s : {shape{1, 1, 1, 1},
                           {2, 3, 5, 7},
                           {1, 1, 1, 31},
                           {3, 1, 1, 32},
                           {2, 13, 11, 33},
                           {1, 9, 8, 66},
                           {1, 67, 1, 128},
                           {2, 8, 8, 320},
                           {1, 1, 4200037, 1}})
        check_affine(s, dtype::f32, activation::none);
}

TEST(apply_affine, any_type_with_silu) {
    for (dtype type : float_types)
        for (int c : {5, 12, 34, 64}) check_affine({2, 5, 13, c}, type, activation::silu);
}

void check_group_norm(shape const& s, dtype type, activation f) {
    for (target const& to : norm_targets()) {
        SCOPED_TRACE(described(s, type, to));
        auto const x = rounded(random_values(s.count(), 1, 4), type);
        auto const weight = random_values(s.c, 0.5, 2, 2), bias = random_values(s.c, -1, 1, 3);
        kernel_run r(to);
        tensor const y =
            group_norm(r.g, r.input(s, x, type), 32, r.input({.c = s.c}, weight), r.input({.c = s.c}, bias), 1e-6f, f);
        r.g.output(y);
        r.run();
        auto const affine = group_norm_reference(s, x, 32, weight, bias, 1e-6);
        EXPECT_LT(nmse(r.download(y), apply_affine_reference(s, x, affine, f == activation::silu)), nmse_limit(type));
    }
}

TEST(apply_affine, after_group_norm_affine_is_group_norm) {
    for (dtype type : float_types) {
        check_group_norm({2, 17, 19, 96}, type, activation::none);
        check_group_norm({1, 32, 32, 320}, type, activation::silu);
    }
}

void check_modulate(shape const& s, dtype type, dtype parameters) {
    for (target const& to : norm_targets()) {
        SCOPED_TRACE(described(s, type, to));
        auto const x = rounded(random_values(s.count(), -3, 3), type);
        auto const scale = rounded(random_values(s.n * s.c, -1, 1, 2), parameters);
        auto const shift = rounded(random_values(s.n * s.c, -1, 1, 3), parameters);
        kernel_run r(to);
        tensor const y = modulate(r.g, r.input(s, x, type), r.input({.n = s.n, .c = s.c}, scale, parameters),
                                  r.input({.n = s.n, .c = s.c}, shift, parameters));
        r.g.output(y);
        r.run();
        std::vector<double> affine;
        for (int n = 0; n < s.n; ++n) {
            for (int c = 0; c < s.c; ++c) affine.push_back(1.0 + scale[n * s.c + c]);
            for (int c = 0; c < s.c; ++c) affine.push_back(shift[n * s.c + c]);
        }
        EXPECT_LT(nmse(r.download(y), apply_affine_reference(s, x, affine, false)), nmse_limit(type));
    }
}

TEST(apply_affine, modulates_with_any_types) {
    for (int c : {7, 22, 64}) {
        for (dtype type : float_types) check_modulate({3, 1, 19, c}, type, dtype::f32);
        for (dtype type : {dtype::f16, dtype::bf16}) check_modulate({3, 1, 19, c}, type, type);
    }
}

} // namespace
} // namespace sfumato
