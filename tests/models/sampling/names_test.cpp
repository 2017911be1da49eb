#include "models/sampling/names.h"

#include <gtest/gtest.h>

using namespace sfumato;

namespace {

TEST(names, lead_back_to_what_they_name) {
    for (auto const& [value, name, display] : sampler_names()) {
        EXPECT_EQ(find_sampler(name), value);
        EXPECT_EQ(find_sampler(display), value);
        EXPECT_EQ(name_of(value), name);
        EXPECT_EQ(display_name(value), display);
    }
    for (auto const& [value, name, display] : scheduler_names()) {
        EXPECT_EQ(find_scheduler(name), value);
        EXPECT_EQ(find_scheduler(display), value);
        EXPECT_EQ(name_of(value), name);
        EXPECT_EQ(display_name(value), display);
    }
    EXPECT_EQ(sampler_names().size(), 11u);
    EXPECT_EQ(scheduler_names().size(), 12u);
}

TEST(names, of_other_programs) {
    EXPECT_EQ(find_sampler("euler_ancestral"), sampler::euler_a);
    EXPECT_EQ(find_sampler("uni_pc"), sampler::unipc);
    EXPECT_EQ(find_sampler("uni_pc_bh2"), sampler::unipc);
    EXPECT_EQ(find_sampler("dpm++ 2m sde"), sampler::dpmpp_2m_sde);
    EXPECT_EQ(find_sampler("PNDM"), sampler::plms);
    EXPECT_EQ(find_scheduler("Uniform"), scheduler::normal);
    EXPECT_EQ(find_scheduler("Align Your Steps"), scheduler::ays);
}

TEST(names, that_are_none) {
    for (std::string_view text : {"", "dpm_fast", "dpmpp", "euler\n"}) {
        EXPECT_EQ(find_sampler(text), std::nullopt) << text;
        EXPECT_EQ(find_scheduler(text), std::nullopt) << text;
    }
}

} // namespace
