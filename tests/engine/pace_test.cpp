// What is remembered of how fast a machine was.
#include "engine/pace.h"

#include "tests/environment_variable.h"
#include "tests/scratch_folder.h"

#include <gtest/gtest.h>

namespace sfumato {
namespace {

struct pace_of : testing::Test {
    scratch_folder cache;
    environment_variable const cached{"XDG_CACHE_HOME", cache.path.string()};
};

TEST_F(pace_of, is_by_device_and_kind) {
    pace("A").learn("lama", 2);
    EXPECT_EQ(pace("A").of("lama"), 2);
    EXPECT_LT(pace("A").of("patchmatch"), 0);
    EXPECT_LT(pace("B").of("lama"), 0);
    pace("B").learn("lama", 3);
    EXPECT_EQ(pace("A").of("lama"), 2);
}

TEST_F(pace_of, first_runs_may_be_slow) {
    pace first("A");
    first.learn("lama", 40); // compiles everything
    first.learn("lama", 2);
    EXPECT_EQ(first.of("lama"), 2);
    pace next("A");
    next.learn("lama", 10); // reads what was compiled
    EXPECT_EQ(next.of("lama"), 2);
    next.learn("lama", 3);
    EXPECT_EQ(next.of("lama"), 3) << "the machine has become slower";
}

TEST_F(pace_of, several_kinds_learn_at_once) {
    pace a("A");
    a.learn_all({"a model", "any model"}, 4);
    EXPECT_EQ(pace("A").of("a model"), 4);
    EXPECT_EQ(pace("A").of("any model"), 4);
    a.learn_all({"another model", "any model"}, 6);
    EXPECT_EQ(pace("A").of("a model"), 4);
    EXPECT_EQ(pace("A").of("any model"), 6);
}

TEST_F(pace_of, no_file_can_do_harm) {
    for (char const* text : {"", "[]", "{\"A\": 1}", "{\"A\": {\"lama\": -1, \"x\": \"y\"}}", "{\"A\": {\"lama\": 1"}) {
        cache.put("sfumato/pace.json", text);
        EXPECT_LT(pace("A").of("lama"), 0) << text;
    }
}

} // namespace
} // namespace sfumato
