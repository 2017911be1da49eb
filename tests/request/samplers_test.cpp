#include "request/samplers.h"

#include <gtest/gtest.h>

using namespace sfumato;

namespace {

TEST(sampler_names, lead_back_to_what_they_name) {
    for (sampler_row const& row : sampler_table) {
        EXPECT_EQ(find_sampler(row.name), row.value);
        EXPECT_EQ(find_sampler(row.display), row.value);
        EXPECT_EQ(&row_of(row.value), &row);
    }
    for (scheduler_row const& row : scheduler_table) {
        EXPECT_EQ(find_scheduler(row.name), row.value);
        EXPECT_EQ(find_scheduler(row.display), row.value);
        EXPECT_EQ(&row_of(row.value), &row);
    }
    EXPECT_EQ(std::size(sampler_table), 11u);
    EXPECT_EQ(std::size(scheduler_table), 12u);
}

TEST(sampler_names, of_other_programs) {
    EXPECT_EQ(find_sampler("euler_ancestral"), sampler::euler_a);
    EXPECT_EQ(find_sampler("uni_pc"), sampler::unipc);
    EXPECT_EQ(find_sampler("uni_pc_bh2"), sampler::unipc);
    EXPECT_EQ(find_sampler("dpm++ 2m sde"), sampler::dpmpp_2m_sde);
    EXPECT_EQ(find_sampler("PNDM"), sampler::plms);
    EXPECT_EQ(find_scheduler("Uniform"), scheduler::normal);
    EXPECT_EQ(find_scheduler("Align Your Steps"), scheduler::ays);
}

TEST(sampler_names, that_are_none) {
    for (std::string_view text : {"", "dpm_fast", "dpmpp", "euler\n"}) {
        EXPECT_EQ(find_sampler(text), std::nullopt) << text;
        EXPECT_EQ(find_scheduler(text), std::nullopt) << text;
    }
}

} // namespace
