// The rule's published values, whole models against digests of reference files (tests/golden/digests.py), and the known
// sizes of the full models.
#include "models/library/procedural.h"

#include "compute/half.h"

#include <cmath>
#include <cstring>
#include <gtest/gtest.h>
#include <numeric>
#include <tuple>

using namespace sfumato;

namespace {

std::vector<std::uint16_t> halves(std::string_view name, std::vector<std::int64_t> const& shape, std::uint64_t seed) {
    stored_tensor const t{.type = stored_type::f16, .shape = shape};
    std::vector<std::uint16_t> values(t.count());
    procedural_values(name, seed, procedural_range_of(name, shape), std::as_writable_bytes(std::span(values)));
    return values;
}

using bits = std::vector<std::uint16_t>;

// The first four and the last.
bits ends(bits const& all) { return {all[0], all[1], all[2], all[3], all.back()}; }

TEST(procedural, published_values) {
    std::string const unet = "model.diffusion_model.";
    EXPECT_EQ(ends(halves(unet + "input_blocks.0.0.weight", {32, 4, 3, 3}, 0)),
              (bits{0x2e03, 0xb47f, 0x2bcd, 0xb193, 0x2cdd}));
    EXPECT_EQ(ends(halves(unet + "input_blocks.0.0.bias", {32}, 0)), (bits{0x2968, 0x21d1, 0x2851, 0xa682, 0x247b}));
    EXPECT_EQ(ends(halves(unet + "out.0.weight", {32}, 0)), (bits{0x3b76, 0x3c28, 0x3bf8, 0x3bc2, 0x3c59}));
    EXPECT_EQ(ends(halves("cond_stage_model.transformer.text_model.embeddings.token_embedding.weight", {49408, 32}, 0)),
              (bits{0x217a, 0x268b, 0x23f2, 0x24b6, 0x9acc}));
    EXPECT_EQ(ends(halves(unet + "input_blocks.0.0.weight", {32, 4, 3, 3}, 7)),
              (bits{0x26d4, 0xb1b2, 0x30ae, 0xadf6, 0xae1f}));
}

// Values of a name, shape and seed, straight from the rule: in double, rounded to float, then by the compiler to half.
TEST(procedural, rounding_is_that_of_the_rule) {
    std::string const name = "a.weight";
    std::vector<std::int64_t> const shape = {300, 1 << 20}; // small numbers, many of them subnormal halves
    procedural_range const range = procedural_range_of(name, shape);
    std::vector<std::uint16_t> values(10'007);
    procedural_values(name, 0, range, std::as_writable_bytes(std::span(values)));
    std::uint64_t base = 0xCBF29CE484222325;
    for (char c : name) base = (base ^ std::uint64_t(c)) * 0x100000001B3;
    int subnormal = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
        std::uint64_t z = base + (i + 1) * 0x9E3779B97F4A7C15;
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;
        z = (z ^ z >> 27) * 0x94D049BB133111EB;
        z ^= z >> 31;
        double const value = range.offset + range.scale * (double(z >> 40) * 0x1p-23 - 1);
        ASSERT_EQ(values[i], f16_bits(float(value))) << i;
        subnormal += (values[i] & 0x7c00) == 0;
    }
    EXPECT_GT(subnormal, 100);
}

TEST(procedural, kinds) {
    auto const range = [](char const* name, std::vector<std::int64_t> shape) {
        auto const r = procedural_range_of(name, shape);
        return std::pair(r.offset, r.scale);
    };
    EXPECT_EQ(range("body.1.weight", {16}), std::pair(0.25, 0.1f));
    EXPECT_EQ(range("body.1.weight", {16, 3, 3, 3}), std::pair(0.0, float(1.375 * std::sqrt(3 / 27.0))));
    EXPECT_EQ(range("x.body.12.weight", {16}), std::pair(0.25, 0.1f));
    EXPECT_EQ(range("xbody.1.weight", {16}), std::pair(1.0, 0.1f));
    EXPECT_EQ(range("body.1.x.weight", {16}), std::pair(1.0, 0.1f));
    EXPECT_EQ(range("body.weight", {16}), std::pair(1.0, 0.1f));
    EXPECT_EQ(range("ln_1.bias", {16}), std::pair(0.0, 0.05f));
    EXPECT_EQ(range("bn.running_var", {16}), std::pair(1.0, 0.1f));
    EXPECT_EQ(range("bn.running_mean", {16}), std::pair(0.0, 0.05f));
    EXPECT_EQ(range("generator.model.34.weight", {3, 64, 7, 7}), std::pair(0.0, float(2 * std::sqrt(3.0 / 3136))));
    EXPECT_EQ(range("generator.model.5.conv2.ffc.convl2l.weight", {4, 3, 1, 1}), std::pair(0.0, 0.5f));
    EXPECT_EQ(range("attn.in_proj_bias", {16}), std::pair(0.0, 0.05f));
    EXPECT_EQ(range("token_embedding.weight", {10, 16}), std::pair(0.0, float(0.02 * std::sqrt(3.0))));
    EXPECT_EQ(range("my_token_embedding.weight", {10, 12}), std::pair(0.0, 0.5f));
    EXPECT_EQ(range("logit_scale", {}), std::pair(0.0, 0.0f));
}

// ---- Whole models

std::uint32_t crc32(std::uint32_t crc, std::span<std::byte const> bytes) {
    static auto const table = [] {
        std::array<std::uint32_t, 256> t;
        for (std::uint32_t i = 0; i < 256; ++i) {
            t[i] = i;
            for (int bit = 0; bit < 8; ++bit) t[i] = t[i] >> 1 ^ (t[i] & 1 ? 0xedb88320 : 0);
        }
        return t;
    }();
    crc = ~crc;
    for (std::byte byte : bytes) crc = crc >> 8 ^ table[(crc ^ std::uint32_t(byte)) & 0xff];
    return ~crc;
}

struct digest {
    char const* file;
    std::size_t tensors;
    std::uint32_t crc;
};

// The reference files' lines of tests/golden/digests.py.
constexpr digest reference[] = {
    {"lama-tiny", 177, 0x5dbd3609},         {"rrdbnet-x2-tiny", 72, 0xcf8f6566},
    {"rrdbnet-x4-tiny", 72, 0xc216ba22},    {"sd1-inpaint-tiny", 958, 0x9b741942},
    {"sd1-tiny", 980, 0x3479d25e},          {"sd2-tiny", 965, 0x6fa69440},
    {"sdxl-tiny", 951, 0x03061ac1},         {"sd3-tiny", 427, 0xd8bffb35},
    {"sd35-tiny", 65, 0x3ab87d2d},          {"srvgg-x4-tiny", 17, 0xd3295261},
    {"taesd-tiny.decoder", 67, 0x851e4ad2}, {"taesd-tiny.encoder", 67, 0xf9ecac87},
};

void PrintTo(digest const& d, std::ostream* out) { *out << d.file; }

class procedural_file : public testing::TestWithParam<digest> {};

TEST_P(procedural_file, has_the_bytes_of_the_reference) {
    std::string_view const file = GetParam().file;
    // TAESD is two files, without the prefixes.
    std::string_view const prefix = file.ends_with("decoder")   ? "taesd_decoder."
                                    : file.ends_with("encoder") ? "taesd_encoder."
                                                                : "";
    checkpoint const model = procedural_checkpoint(file.substr(0, file.find('.')));
    std::size_t count = 0;
    std::uint32_t crc = 0;
    std::vector<std::byte> scratch;
    for (auto const& [name, tensor] : model.tensors) {
        if (!name.starts_with(prefix)) continue;
        std::string const head = name.substr(prefix.size()) + [&] {
            std::string text = "[";
            for (auto extent : tensor.shape) text += (text.size() > 1 ? ", " : "") + std::to_string(extent);
            return text + "]";
        }();
        crc = crc32(crc, std::as_bytes(std::span(head)));
        crc = crc32(crc, tensor.read(scratch));
        ++count;
    }
    EXPECT_EQ(count, GetParam().tensors);
    EXPECT_EQ(crc, GetParam().crc);
}

INSTANTIATE_TEST_SUITE_P(all, procedural_file, testing::ValuesIn(reference));

std::size_t parameters(checkpoint const& c, std::string_view prefix) {
    std::size_t count = 0;
    for (auto const& [name, tensor] : c.tensors)
        if (name.starts_with(prefix)) count += tensor.count();
    return count;
}

TEST(procedural, full_sizes_are_the_published_ones) {
    checkpoint const sd1 = procedural_checkpoint("sd15");
    EXPECT_EQ(parameters(sd1, "model.diffusion_model."), 859'520'964);
    EXPECT_EQ(parameters(sd1, "first_stage_model."), 83'653'863);
    EXPECT_EQ(parameters(sd1, "first_stage_model.decoder."),
              49'490'179); // the published 49,490,199 with post_quant_conv
    EXPECT_EQ(parameters(sd1, "first_stage_model.post_quant_conv."), 20);
    EXPECT_EQ(parameters(sd1, "cond_stage_model."), 123'060'480);
    // Five more channels into the first convolution.
    EXPECT_EQ(parameters(procedural_checkpoint("sd15-inpaint"), "model.diffusion_model."), 859'520'964 + 320 * 5 * 9);

    checkpoint const sd2 = procedural_checkpoint("sd21");
    EXPECT_EQ(parameters(sd2, "model.diffusion_model."), 865'910'724);
    EXPECT_EQ(parameters(sd2, "cond_stage_model."), 354'032'641 - 1); // open_clip's text tower without logit_scale

    // The published sizes do not count the tables of positions, which are not trained.
    for (auto const& [name, size, positions] : {std::tuple{"sd3m", 2'028'328'000ll, 192 * 192 * 1536},
                                                {"sd35m", 2'243'171'520ll, 384 * 384 * 1536},
                                                {"sd35l", 8'056'627'520ll, 192 * 192 * 2432}}) {
        checkpoint const sd3 = procedural_checkpoint(name);
        EXPECT_EQ(parameters(sd3, "model.diffusion_model."), std::size_t(size) + std::size_t(positions)) << name;
        EXPECT_EQ(parameters(sd3, "text_encoders.t5xxl."), 4'762'310'656) << name;
    }
}

TEST(procedural, unknown_model_is_refused_with_those_there_are) {
    try {
        procedural_checkpoint("sd9");
        FAIL();
    } catch (std::exception const& e) {
        EXPECT_NE(std::string(e.what()).find("sd1-tiny"), std::string::npos) << e.what();
    }
}

} // namespace
