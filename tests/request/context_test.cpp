// What an inpaint sees of a picture.
#include "request/context.h"

#include <gtest/gtest.h>

using namespace sfumato;

namespace {

request by_patches(context c = context::automatic) { return {.context = c}; }
request by_model(double strength = 1, std::optional<int> edge = {}, context c = context::automatic) {
    request r = by_patches(c);
    r.diffusion.model = "m";
    r.inpaint = {.strength = strength, .edge = edge};
    return r;
}

bool contains(rect const& outer, rect const& inner) { return intersect(outer, inner) == inner; }

} // namespace

TEST(context_box, contains_the_selection_and_stays_inside) {
    for (rect const& selection :
         {rect{0, 0, 10, 10}, rect{900, 700, 100, 100}, rect{200, 300, 500, 20}, rect{0, 0, 1000, 800}})
        for (context c : {context::automatic, context::image, context::selection})
            for (request const& r : {by_patches(c), by_model(1, {}, c), by_model(0.4, {}, c), by_model(1, 0, c)}) {
                rect const box = context_box(r, selection, 1000, 800);
                EXPECT_TRUE(contains(box, selection));
                EXPECT_TRUE(contains({0, 0, 1000, 800}, box));
            }
}

TEST(context_box, of_patches_is_as_large_as_it_always_was) {
    EXPECT_EQ(context_box(by_patches(), {1000, 1000, 200, 200}, 6000, 4000), (rect{625, 625, 950, 950}));
    EXPECT_EQ(context_box(by_patches(), {0, 0, 20, 20}, 6000, 4000).x, 0);
    EXPECT_EQ(context_box(by_patches(context::selection), {5, 6, 7, 8}, 100, 100), (rect{5, 6, 7, 8}));
}

// Wherever the object may end, there are surroundings beyond it.
TEST(context_box, of_a_stroke_holds_the_object) {
    for (request r : {by_patches(), by_model()}) {
        r.object = true;
        for (rect const& stroke : {rect{2000, 2000, 400, 30}, rect{2000, 2000, 10, 10}}) {
            int const reach = reach_of_object(stroke);
            EXPECT_GE(reach, std::max(stroke.width, 128));
            rect const box = context_box(r, stroke, 6000, 4000);
            EXPECT_TRUE(contains(box, grown(stroke, reach + 60)));
        }
        EXPECT_EQ(context_box(r, {0, 0, 50, 50}, 100, 80), (rect{0, 0, 100, 80}));
    }
}

// About square, in whole cells, with the scene around it; shifted at borders rather than shrunk.
TEST(context_box, of_a_model_shows_the_scene) {
    rect const middle = context_box(by_model(), {1000, 1000, 200, 200}, 6000, 4000);
    EXPECT_EQ(middle.width, 1024); // 200 + 2 · 36 + 2 · 375, in 64s
    EXPECT_EQ(middle.height, 1024);
    rect const corner = context_box(by_model(), {5900, 3950, 50, 50}, 6000, 4000);
    EXPECT_EQ(corner.right(), 6000);
    EXPECT_EQ(corner.bottom(), 4000);
    EXPECT_EQ(corner.width, 896);
    rect const wide = context_box(by_model(), {2000, 2000, 800, 300}, 6000, 4000);
    EXPECT_EQ(wide.width, wide.height);
    rect const all = context_box(by_model(), {10, 10, 50, 50}, 300, 200);
    EXPECT_EQ(all, (rect{0, 0, 300, 200}));
}

// Where something stays, what is near is enough.
TEST(context_box, of_a_model_that_refines_is_small) {
    rect const box = context_box(by_model(0.5), {1000, 1000, 200, 200}, 6000, 4000);
    EXPECT_EQ(box.width, 320);
    EXPECT_EQ(context_box(by_model(0.5), {1000, 1000, 20, 20}, 6000, 4000).width, 256);
}

TEST(edge_of, grows_with_selection_and_strength) {
    EXPECT_EQ(edge_of(by_model(), {0, 0, 100, 100}), 36);
    EXPECT_EQ(edge_of(by_model(0.5), {0, 0, 100, 100}), 20);
    EXPECT_EQ(edge_of(by_model(), {0, 0, 600, 800}), 104);
    EXPECT_EQ(edge_of(by_model(1, 0), {0, 0, 600, 800}), 0);
    EXPECT_EQ(edge_of(by_model(), {0, 0, 60000, 80000}), inpaint_settings::largest_edge);
    rect const box = context_box(by_model(1, 9, context::selection), {100, 100, 20, 20}, 1000, 1000);
    EXPECT_EQ(box, (rect{91, 91, 38, 38}));
}
