// fft2d as fft2d() and inverse_fft2d(), with VkFFT between its steps.
#include "compute/ops.h"
#include "tests/kernels/kernel_test.h"

#include <complex>
#include <numbers>

namespace sfumato {
namespace {

using complex = std::complex<double>;

// A side of `count` numbers, `stride` apart, by the definition; ortho scaling.
void transform(complex* at, int count, std::size_t stride, int sign) {
    std::vector<complex> turns(count), sums(count);
    for (int i = 0; i < count; ++i) turns[i] = std::polar(1.0, sign * 2 * std::numbers::pi * i / count);
    for (int f = 0; f < count; ++f)
        for (int i = 0; i < count; ++i) sums[f] += at[i * stride] * turns[std::size_t(f) * i % count];
    for (int f = 0; f < count; ++f) at[f * stride] = sums[f] / std::sqrt(double(count));
}

void transform_columns(shape const& s, std::vector<complex>& z, int sign) {
    for (int n = 0; n < s.n; ++n)
        for (int i = 0; i < s.w * s.c; ++i)
            transform(&z[std::size_t(n) * s.h * s.w * s.c + i], s.h, std::size_t(s.w) * s.c, sign);
}
void transform_rows(shape const& s, std::vector<complex>& z, int sign) {
    for (int row = 0; row < s.n * s.h; ++row)
        for (int c = 0; c < s.c; ++c) transform(&z[std::size_t(row) * s.w * s.c + c], s.w, s.c, sign);
}

// As numpy.fft.rfft2(x, norm="ortho") over the middle two axes.
std::vector<float> reference(shape const& s, std::vector<float> const& x) {
    std::vector<complex> z(x.begin(), x.end());
    transform_rows(s, z, -1);
    transform_columns(s, z, -1);
    std::vector<float> spectrum;
    for (int row = 0; row < s.n * s.h; ++row)
        for (int f = 0; f <= s.w / 2; ++f)
            for (int i = 0; i < 2 * s.c; ++i) {
                complex const v = z[(std::size_t(row) * s.w + f) * s.c + i % s.c];
                spectrum.push_back(float(i < s.c ? v.real() : v.imag()));
            }
    return spectrum;
}

// As numpy.fft.irfft2: columns first, then rows of which the left half is known; what is no real number's transform
// loses its imaginary part at the frequencies 0 and w/2.
std::vector<float> inverse_reference(shape const& s, std::vector<float> const& spectrum) {
    int const known = s.w / 2 + 1;
    shape const half{s.n, s.h, known, s.c};
    std::vector<complex> z(half.count()), whole(s.count());
    for (std::size_t i = 0; i < z.size(); ++i) {
        std::size_t const at = i / s.c * 2 * s.c + i % s.c;
        z[i] = {spectrum[at], spectrum[at + s.c]};
    }
    transform_columns(half, z, 1);
    for (std::size_t i = 0; i < whole.size(); ++i) {
        int const f = int(i / s.c % s.w), c = int(i % s.c);
        std::size_t const row = i / s.c / s.w;
        bool const mirrored = f >= known;
        complex v = z[(row * known + (mirrored ? s.w - f : f)) * s.c + c];
        if (f == 0 || 2 * f == s.w) v = v.real();
        whole[i] = mirrored ? std::conj(v) : v;
    }
    transform_rows(s, whole, 1);
    std::vector<float> y;
    for (complex const& v : whole) y.push_back(float(v.real()));
    return y;
}

shape const sizes[] = {{1, 1, 1, 1},    {1, 1, 7, 3},   {1, 7, 1, 2},    {1, 2, 2, 5},
                       {2, 17, 31, 4},  {1, 64, 48, 6}, {1, 127, 5, 3},  {3, 9, 10, 1},
                       {1, 33, 64, 2},  {1, 5, 167, 2}, {1, 59, 94, 2},  {2, 64, 64, 16},
                       {1, 150, 12, 2}, {1, 3, 263, 2}, {1, 1280, 3, 2}, {1, 1, 1049, 2}};

testing::Message described(shape const& s) {
    return testing::Message() << s.n << " × " << s.h << " × " << s.w << " × " << s.c;
}

TEST(fft2d, equals_the_definition) {
    for (shape const& s : sizes) {
        SCOPED_TRACE(described(s));
        auto const x = random_values(s.count(), -1, 2);
        kernel_run r;
        tensor const spectrum = fft2d(r.g, r.input(s, x));
        r.g.output(spectrum);
        r.run();
        ASSERT_EQ(spectrum.shape, (shape{s.n, s.h, s.w / 2 + 1, 2 * s.c}));
        EXPECT_LT(nmse(r.download(spectrum), reference(s, x)), nmse_limit(dtype::f32));
    }
}

TEST(inverse_fft2d, of_any_spectrum) {
    for (shape const& s : sizes) {
        SCOPED_TRACE(described(s));
        shape const from{s.n, s.h, s.w / 2 + 1, 2 * s.c};
        auto const spectrum = random_values(from.count(), -1, 2); // of no real picture
        kernel_run r;
        tensor const y = inverse_fft2d(r.g, r.input(from, spectrum), s.w);
        r.g.output(y);
        r.run();
        ASSERT_EQ(y.shape, s);
        EXPECT_LT(nmse(r.download(y), inverse_reference(s, spectrum)), nmse_limit(dtype::f32));
    }
}

TEST(inverse_fft2d, gives_back_what_was_transformed) {
    for (shape const& s : sizes) {
        SCOPED_TRACE(described(s));
        auto const x = random_values(s.count(), -1, 2);
        kernel_run r;
        tensor const y = inverse_fft2d(r.g, fft2d(r.g, r.input(s, x)), s.w);
        r.g.output(y);
        r.run();
        EXPECT_LT(nmse(r.download(y), x), nmse_limit(dtype::f32));
    }
}

TEST(fft2d, of_any_type) {
    shape const s{1, 6, 10, 3};
    for (dtype type : {dtype::f16, dtype::bf16}) {
        auto const x = rounded(random_values(s.count(), -1, 1), type);
        kernel_run r;
        tensor const spectrum = fft2d(r.g, r.input(s, x, type));
        r.g.output(spectrum);
        r.run();
        EXPECT_EQ(spectrum.type, dtype::f32);
        EXPECT_LT(nmse(r.download(spectrum), reference(s, x)), nmse_limit(dtype::f32));
    }
}

// Several in one plan, whose numbers lie at different places and share memory, run again with other inputs; then the
// same shape in a plan of its own.
TEST(fft2d, many_in_one_plan_and_in_many) {
    shape const s{1, 12, 20, 4};
    for (int plans = 0; plans < 2; ++plans) {
        graph g(test_device().target());
        tensor const x = g.input(s);
        tensor y = x;
        for (int i = 0; i < 3; ++i) {
            tensor const kept = y, spectrum = fft2d(g, y);
            y = inverse_fft2d(g, spectrum, s.w);
            g.output(i == 1 ? kept : spectrum);
        }
        g.output(y);
        plan p(test_device(), g);
        for (unsigned seed : {1u, 2u}) {
            auto const values = random_values(s.count(), -1, 1, seed);
            p.upload(x, std::span(values));
            ASSERT_TRUE(p.run());
            EXPECT_LT(nmse(p.download<float>(y), values), 3 * nmse_limit(dtype::f32));
        }
    }
}

} // namespace
} // namespace sfumato
