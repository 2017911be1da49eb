// Real-ESRGAN's x4plus at full size (procedural weights) on pictures as people have them: minutes on a software device.
#include "tests/models/pipelines/upscale_cases.h"

namespace sfumato {
namespace {

request x4plus() {
    request r = asked("procedural:rrdbnet-x4", 4);
    r.upscale.dtype.reset();
    return r;
}

// Around pixel (x, y) of the picture the result is that of a small picture, cut out with all that the network sees.
void expect_as_of_a_cutting(picture const& given, picture const& made, int x, int y) {
    int const compared = 24, seen = 96;
    rect const around{x - compared - seen, y - compared - seen, 2 * (compared + seen), 2 * (compared + seen)};
    rect const inside = intersect(around, {0, 0, given.width, given.height});
    auto const alone = enlarge(crop(given, inside), x4plus());
    ASSERT_EQ(alone.plans.at(0).cut.tiles.size(), 1u);
    auto const middle = [&](int left, int top) {
        return rect{4 * (x - compared - left), 4 * (y - compared - top), 8 * compared, 8 * compared};
    };
    EXPECT_LT(largest_difference(crop(made, middle(0, 0)), crop(alone.made, middle(inside.x, inside.y))), 4e-3)
        << given.width << " × " << given.height << " at " << x << ", " << y;
}

void expect_no_seams(int width, int height) {
    picture const given = sketch(width, height);
    shelf models;
    request const r = x4plus();
    parts_client client(given, 4);
    ASSERT_TRUE(upscale(test_device(), open_upscaler(models, r.upscale), input_of(r, given), client, {}));
    expect_as_of_a_cutting(given, client.made, width / 2, height / 2); // parts and tiles meet near it
    expect_as_of_a_cutting(given, client.made, 3 * width / 4, height / 4);
}

// A test each, since each takes long: what passed is told before the next begins.
TEST(large_upscale, of_512_x_512) { expect_no_seams(512, 512); }
TEST(large_upscale, of_900_x_500) { expect_no_seams(900, 500); }
TEST(large_upscale, of_1500_x_1000) { expect_no_seams(1500, 1000); }

TEST(large_upscale, of_the_largest_part_of_a_photograph) {
    int const width = 4000, height = 3000;
    shelf models;
    request const r = x4plus();
    upscale_model& m = open_upscaler(models, r.upscale);
    auto const parts = upscale_parts(width, height, 4, overlap_for(shape_of(m.network()), 4));
    auto const pixels = [](upscale_part const& p) { return std::int64_t(p.from.width) * p.from.height; };
    upscale_part largest = *std::ranges::max_element(parts, {}, pixels);
    run_plan const plan = plan_of_upscale(test_device(), m, {.request = r, .pictures = {{"picture", width, height}}});
    EXPECT_LE(plan.needed, plan.available);
    // Only its own pixels are made: what is further left and above is not looked at.
    picture const given = sketch(largest.from.width, largest.from.height);
    largest.to.x -= 4 * largest.from.x;
    largest.to.y -= 4 * largest.from.y;
    largest.from.x = largest.from.y = 0;
    auto const e = enlarge(given, r, largest);
    EXPECT_EQ(e.made.width, largest.to.width);
    ASSERT_EQ(e.made.height, largest.to.height);
    EXPECT_LE(e.plans.at(0).needed, plan.needed);
}

} // namespace
} // namespace sfumato
