// Tiles of a photograph with published weights equal the whole: how far trained networks see is known by measurement
// only (upscaler_shape::reach), and procedural weights tell nothing of it.
#include "pictures/picture_file.h"
#include "tests/kernels/kernel_test.h"
#include "tests/models/pipelines/enlarge.h"

#include <cstdlib>

namespace sfumato {
namespace {

constexpr char const* photograph = "/usr/share/backgrounds/budgie/oakland-zoo-otters.jpg";

// From the middle of it, at an eighth of its size.
picture crop_of_photograph(int width, int height) {
    picture_file const file(photograph);
    picture const large =
        file.crop({file.width() / 2 - 4 * width, file.height() / 2 - 4 * height, 8 * width, 8 * height});
    picture p(width, height);
    for (std::size_t i = 0; i < large.pixels.size(); ++i) {
        std::size_t const x = i / 4 % std::size_t(large.width) / 8, y = i / 4 / std::size_t(large.width) / 8;
        p.pixels[4 * (y * std::size_t(width) + x) + i % 4] += large.pixels[i] / 64;
    }
    return p;
}

picture enlarge(picture const& p, std::string const& model, int tile, std::size_t& tiles) {
    auto made = enlarge_whole(test_device(), {.model = model, .scale = 4, .tile = tile, .dtype = dtype::f32}, p, {},
                              [&](upscale_plan const& plan) { tiles = plan.cut.tiles.size(); });
    EXPECT_TRUE(made);
    return std::move(*made);
}

TEST(published_tiles, equal_the_whole) {
    char const* folder = std::getenv("SFUMATO_REAL_WEIGHTS");
    if (!folder)
        GTEST_SKIP()
            << "no published weights: ./run test --slow fetches them, or SFUMATO_REAL_WEIGHTS names their folder";
    if (!std::filesystem::exists(photograph)) GTEST_SKIP() << "no photograph: install budgie-backgrounds";
    std::string const model = std::string(folder) + "/waifu2x/real-esrgan/models/realesrgan-x4plus-anime.param";
    picture const p = crop_of_photograph(216, 144);
    std::size_t pieces = 0, tiles = 0;
    picture const whole = enlarge(p, model, 216, pieces), tiled = enlarge(p, model, 144, tiles);
    EXPECT_EQ(pieces, 1u);
    EXPECT_GE(tiles, 4u);
    ASSERT_EQ(whole.pixels.size(), tiled.pixels.size());
    double largest = 0;
    for (std::size_t i = 0; i < whole.pixels.size(); ++i)
        largest = std::max(largest, std::abs(double(whole.pixels[i]) - tiled.pixels[i]));
    std::printf("%zu tiles: largest difference %.1e of white\n", tiles, largest);
    EXPECT_LT(largest, 1e-3);
}

} // namespace
} // namespace sfumato
