// The layout of panels; what it does to numbers is seen in gemm.cpp.
#include "compute/ops.h"
#include "tests/kernels/kernel_test.h"

namespace sfumato {
namespace {

struct problem {
    int outputs = 16, inputs = 16, side = 1; // side: of a convolution's square of taps
    bool geglu = false;

    int taps() const { return side * side; }
    int k() const { return inputs * taps(); }
};

std::vector<float> numbers(problem const& p, dtype type) {
    auto w = random_values(std::size_t(p.outputs) * p.k(), -1, 1);
    // What a conversion may lose on the way.
    float const odd_ones[] = {std::numeric_limits<float>::infinity(), -0.0f, 0x1p-24f, -0x1.ffcp+15f, 0x1p-130f};
    for (int i = 0; i < 5; ++i) w[(i * 7 + 3) % w.size()] = odd_ones[i];
    return rounded(w, type);
}

packed_weights pack(graph& g, problem const& p, tensor const& w, weight_format format) {
    return p.side == 1 ? pack_linear(g, w, format, p.geglu) : pack_conv2d(g, w, format);
}

shape shape_of(problem const& p) {
    if (p.side == 1) return {.w = p.outputs, .c = p.inputs};
    return {.n = p.outputs, .h = p.inputs, .w = p.side, .c = p.side};
}

// The number for row k, tap by tap, of the panels' column; 0 where there is none.
float number_at(problem const& p, std::vector<float> const& w, int k, int column) {
    int output = column;
    if (p.geglu) output = column % 2 * (p.outputs / 2) + column / 2;
    if (column >= p.outputs) return 0;
    return w[(std::size_t(output) * p.inputs + k % p.inputs) * p.taps() + k / p.inputs];
}

std::uint32_t word_at(problem const& p, std::vector<float> const& w, weight_format format, std::size_t word) {
    bool const whole = format == weight_format::f32;
    std::size_t const line = whole ? 16 : 8, lines = word / line, i = word % line;
    int const panel = int(lines / p.k()), k = int(lines % p.k());
    if (panel * 16 >= p.outputs) return 0; // the row of zeros
    if (whole) return std::bit_cast<std::uint32_t>(number_at(p, w, k, int(panel * 16 + i % 8 * 2 + i / 8)));
    auto const bits = format == weight_format::f16 ? f16_bits : bf16_bits;
    int const column = int(panel * 16 + i * 2);
    return bits(number_at(p, w, k, column)) | std::uint32_t(bits(number_at(p, w, k, column + 1))) << 16;
}

void check(problem const& p, dtype type, weight_format format, target const& to = test_device().target()) {
    SCOPED_TRACE(testing::Message() << p.outputs << " × " << p.inputs << ", " << p.taps() << " taps, type " << int(type)
                                    << " to format " << int(format) << (p.geglu ? ", geglu" : ""));
    auto const w = numbers(p, type);
    kernel_run r(to);
    packed_weights const packed = pack(r.g, p, r.input(shape_of(p), w, type), format);
    r.g.output(packed.panels);
    r.run();
    auto const words = r.download<std::uint32_t>(packed.panels);
    ASSERT_EQ(words.size(),
              std::size_t((p.outputs + 15) / 16) * p.k() * (format == weight_format::f32 ? 16 : 8) + p.inputs);
    for (std::size_t i = 0; i < words.size(); ++i) ASSERT_EQ(words[i], word_at(p, w, format, i)) << "word " << i;
}

constexpr weight_format plain_formats[] = {weight_format::f32, weight_format::f16, weight_format::bf16};

TEST(gemm_pack, any_type_in_any_format) {
    for (dtype type : float_types)
        for (weight_format format : plain_formats) {
            check({19, 5}, type, format);
            check({33, 21, 3}, type, format);
        }
}

TEST(gemm_pack, any_size) {
    for (problem const& p :
         {problem{1, 1}, {16, 3}, {17, 16}, {31, 257}, {48, 640}, {3, 4, 7}, {320, 4, 3}, {4, 320, 3}})
        for (weight_format format : plain_formats) check(p, dtype::f16, format);
}

TEST(gemm_pack, values_beside_their_gates) {
    for (int outputs : {2, 10, 32, 70})
        for (dtype type : float_types) check({outputs, 37, 1, true}, type, weight_format::f16);
}

TEST(gemm_pack, as_on_a_gpu) {
    target gpu = test_device().target();
    gpu.software = false;
    for (dtype type : float_types)
        for (weight_format format : plain_formats) check({35, 23, 3}, type, format, gpu);
    check({31, 257}, dtype::f16, weight_format::f16, gpu);
    check({70, 37, 1, true}, dtype::f16, weight_format::f16, gpu);
}

// Packing what was unpacked from a file's own blocks loses nothing: quantising is exact on its own results.
TEST(gemm_pack, quantising_again_changes_nothing) {
    int const n = 16, k = 64;
    auto const scales = rounded(random_values(n * k / 32, 0.001f, 0.1f, 3), dtype::f16);
    auto const raw = random_values(n * k, -127.49f, 127.49f, 4);
    std::vector<float> w(n * k);
    for (int i = 0; i < n * k; ++i) w[i] = (i % 32 == 5 ? -127.f : std::nearbyint(raw[i])) * scales[i / 32];
    kernel_run r;
    packed_weights const packed = pack_linear(r.g, r.input({.w = n, .c = k}, w), weight_format::q8_0);
    r.g.output(packed.panels);
    r.run();
    auto const words = r.download<std::uint32_t>(packed.panels);
    for (int row = 0; row < k; ++row)
        for (int i = 0; i < n; ++i) {
            std::size_t const block = row / 32 * 136;
            float const scale = f16_value(std::uint16_t(words[block + i / 2] >> (16 * (i % 2))));
            std::uint32_t const word = words[block + 8 + row % 32 / 2 * 8 + i / 2];
            auto const value = std::int8_t(word >> (16 * (row % 2) + 8 * (i % 2)));
            ASSERT_EQ(scale * value, w[i * k + row]) << row << ", " << i;
        }
}

} // namespace
} // namespace sfumato
