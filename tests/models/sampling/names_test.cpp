#include "models/sampling/names.h"

#include "tests/models/weights/scratch.h"

using namespace sfumato;

namespace {

TEST(names, lead_back_to_what_they_name) {
    for (auto const& [value, name, display] : sampler_names()) {
        EXPECT_EQ(sampler_named(name), value);
        EXPECT_EQ(sampler_named(display), value);
        EXPECT_EQ(name_of(value), name);
        EXPECT_EQ(display_name(value), display);
    }
    for (auto const& [value, name, display] : scheduler_names()) {
        EXPECT_EQ(scheduler_named(name), value);
        EXPECT_EQ(scheduler_named(display), value);
        EXPECT_EQ(name_of(value), name);
        EXPECT_EQ(display_name(value), display);
    }
    EXPECT_EQ(sampler_names().size(), 11u);
    EXPECT_EQ(scheduler_names().size(), 12u);
}

TEST(names, of_other_programs) {
    EXPECT_EQ(sampler_named("euler_ancestral"), sampler::euler_a);
    EXPECT_EQ(sampler_named("uni_pc"), sampler::unipc);
    EXPECT_EQ(sampler_named("uni_pc_bh2"), sampler::unipc);
    EXPECT_EQ(sampler_named("dpm++ 2m sde"), sampler::dpmpp_2m_sde);
    EXPECT_EQ(sampler_named("PNDM"), sampler::plms);
    EXPECT_EQ(scheduler_named("Uniform"), scheduler::normal);
    EXPECT_EQ(scheduler_named("Align Your Steps"), scheduler::ays);
}

TEST(names, that_are_wrong_get_the_list) {
    EXPECT_EQ(error_of([] { sampler_named("dpm_fast"); }),
              "There is no sampler \"dpm_fast\"; there are: euler, euler_a, heun, dpmpp_2m, dpmpp_2m_sde, dpmpp_sde, "
              "dpmpp_3m_sde, ddim, plms, unipc, lcm.");
    EXPECT_EQ(error_of([] { scheduler_named(""); }),
              "There is no schedule \"\"; there are: normal, karras, exponential, sgm_uniform, simple, ddim_uniform, "
              "beta, ays, leading, trailing, linspace, lcm.");
}

} // namespace
