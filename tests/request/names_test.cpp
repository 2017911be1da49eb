#include "request/names.h"

#include <gtest/gtest.h>

using namespace sfumato;

namespace {

TEST(names, lead_back_to_what_they_name) {
    for (auto const& [value, name, display, also] : choices<sampler>()) {
        EXPECT_EQ(find_choice<sampler>(name), value);
        EXPECT_EQ(find_choice<sampler>(display), value);
        EXPECT_EQ(name_of(value), name);
        EXPECT_EQ(display_name(value), display);
    }
    for (auto const& [value, name, display, also] : choices<scheduler>()) {
        EXPECT_EQ(find_choice<scheduler>(name), value);
        EXPECT_EQ(find_choice<scheduler>(display), value);
        EXPECT_EQ(name_of(value), name);
        EXPECT_EQ(display_name(value), display);
    }
    EXPECT_EQ(choices<sampler>().size(), 11u);
    EXPECT_EQ(choices<scheduler>().size(), 12u);
}

TEST(names, of_other_programs) {
    EXPECT_EQ(find_choice<sampler>("euler_ancestral"), sampler::euler_a);
    EXPECT_EQ(find_choice<sampler>("uni_pc"), sampler::unipc);
    EXPECT_EQ(find_choice<sampler>("uni_pc_bh2"), sampler::unipc);
    EXPECT_EQ(find_choice<sampler>("dpm++ 2m sde"), sampler::dpmpp_2m_sde);
    EXPECT_EQ(find_choice<sampler>("PNDM"), sampler::plms);
    EXPECT_EQ(find_choice<scheduler>("Uniform"), scheduler::normal);
    EXPECT_EQ(find_choice<scheduler>("Align Your Steps"), scheduler::ays);
}

TEST(names, that_are_none) {
    for (std::string_view text : {"", "dpm_fast", "dpmpp", "euler\n"}) {
        EXPECT_EQ(find_choice<sampler>(text), std::nullopt) << text;
        EXPECT_EQ(find_choice<scheduler>(text), std::nullopt) << text;
    }
}

} // namespace
