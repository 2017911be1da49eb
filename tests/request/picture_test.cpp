// Pictures as they travel.
#include "request/picture.h"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>

using namespace sfumato;

TEST(picture, what_is_infinite_or_no_number_becomes_transparent) {
    picture p(3, 1);
    p.pixels = {0.1f, 12, -3, 1, 0.5f, std::nanf(""), 0.5f, 1, 1, 1, 1, -std::numeric_limits<float>::infinity()};
    make_unknown_transparent(p);
    EXPECT_EQ(p.pixels, (std::vector<float>{0.1f, 12, -3, 1, 0, 0, 0, 0, 0, 0, 0, 0}));
}
