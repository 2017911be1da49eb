// Weights in fp8 with a factor beside them.
#include "models/files/scaled_fp8.h"

#include "compute/half.h"
#include "models/files/safetensors_write.h"
#include "models/library/open_checkpoint.h"
#include "tests/models/files/scratch.h"

#include <cmath>

using namespace sfumato;

namespace {

std::vector<float> const one_factor{0.0125f};
// 0, the least, 1.5, 448, −0.875, not a number; as E4M3 (OCP 8-bit floating point 1.0, table 2).
std::vector<std::uint8_t> const e4m3{0x00, 0x01, 0x3c, 0x7e, 0xb6, 0x7f};
std::vector<float> const values_of_e4m3{0, 0.001953125f, 1.5f, 448, -0.875f, NAN};
// 0, the least, 1.5, 57344, −0.875, infinite; as E5M2.
std::vector<std::uint8_t> const e5m2{0x00, 0x01, 0x3e, 0x7b, 0xbb, 0x7c};
std::vector<float> const values_of_e5m2{0, 1.52587890625e-05f, 1.5f, 57344, -0.875f, INFINITY};

stored_tensor tensor_of(stored_type type, std::vector<std::int64_t> shape, auto const& values) {
    return {.type = type, .shape = std::move(shape), .mapped = std::as_bytes(std::span(values)), .make = {}};
}

struct scaled_fp8 : testing::Test {
    scratch_folder folder;
    checkpoint made;

    checkpoint opened() const {
        write_safetensors(folder / "m.safetensors", made.tensors);
        return open_checkpoint(folder / "m.safetensors");
    }
};

void expect_halves(checkpoint const& c, std::string const& name, std::vector<float> const& values, float factor) {
    stored_tensor const& t = c.at(name);
    EXPECT_EQ(show_shape(t), "f16 [2, 3]");
    std::vector<std::byte> scratch;
    auto const bytes = t.read(scratch);
    for (std::size_t i = 0; i < values.size(); ++i) {
        std::uint16_t half = 0;
        std::memcpy(&half, &bytes[2 * i], 2);
        if (std::isnan(values[i]))
            EXPECT_TRUE(std::isnan(f16_value(half)));
        else
            EXPECT_EQ(half, f16_bits(values[i] * factor)) << values[i];
    }
}

TEST_F(scaled_fp8, is_the_product) {
    std::vector<std::uint8_t> const marker, told{1, 2, 3};
    made.tensors["a.weight"] = tensor_of(stored_type::f8_e4m3, {2, 3}, e4m3);
    made.tensors["a.scale_weight"] = tensor_of(stored_type::f32, {1}, one_factor);
    made.tensors["a.scale_input"] = tensor_of(stored_type::f32, {1}, one_factor);
    made.tensors["a.bias"] = tensor_of(stored_type::f32, {1}, one_factor);
    made.tensors["b.weight"] = tensor_of(stored_type::f8_e5m2, {2, 3}, e5m2);
    made.tensors["b.weight_scale"] = tensor_of(stored_type::f32, {}, one_factor);
    made.tensors["b.comfy_quant"] = tensor_of(stored_type::u8, {3}, told);
    made.tensors["scaled_fp8"] = tensor_of(stored_type::f8_e4m3, {0}, marker);
    checkpoint const c = opened();
    EXPECT_EQ(c.tensors.size(), 3u);
    EXPECT_FALSE(holds_other_scales(c));
    expect_halves(c, "a.weight", values_of_e4m3, one_factor[0]);
    expect_halves(c, "b.weight", values_of_e5m2, one_factor[0]);
}

TEST_F(scaled_fp8, other_forms_are_not_guessed) {
    std::vector<float> const by_channel{1, 2};
    made.tensors["a.weight"] = tensor_of(stored_type::f8_e4m3, {2, 3}, e4m3);
    made.tensors["a.weight_scale"] = tensor_of(stored_type::f32, {2}, by_channel);
    EXPECT_TRUE(holds_other_scales(opened()));
    EXPECT_EQ(show_shape(opened().at("a.weight")), "f8_e4m3 [2, 3]");
    made.tensors["a.weight"] = tensor_of(stored_type::i8, {2, 3}, e4m3);
    made.tensors["a.weight_scale"] = tensor_of(stored_type::f32, {1}, one_factor);
    EXPECT_TRUE(holds_other_scales(opened()));
}

TEST_F(scaled_fp8, factors_are_checked) {
    made.tensors["a.weight"] = tensor_of(stored_type::f8_e4m3, {2, 3}, e4m3);
    for (float wrong : {NAN, INFINITY, 1000.0f}) {
        std::vector<float> const factor{wrong};
        made.tensors["a.scale_weight"] = tensor_of(stored_type::f32, {}, factor);
        EXPECT_NE(error_of([&] { opened(); }).find("too large for weights"), std::string::npos) << wrong;
    }
}

} // namespace
