// Every golden trajectory, with the host's arithmetic and with the kernel's.
#include "models/eval/eval_sampler.h"

#include "models/files/safetensors.h"
#include "tests/models/files/scratch.h"
#include "tests/models/sampling/golden.h"

using namespace sfumato;

namespace {

constexpr char const* cases[] = {"ddim",
                                 "ddim_eta1",
                                 "ddim_v",
                                 "dpmpp_2m",
                                 "dpmpp_2m_karras",
                                 "dpmpp_2m_v",
                                 "dpmpp_sde",
                                 "euler",
                                 "euler_ancestral",
                                 "euler_karras",
                                 "euler_v",
                                 "euler_linspace",
                                 "heun",
                                 "euler_trailing",
                                 "dpmpp_2m_sde_karras",
                                 "heun_karras",
                                 "dpmpp_sde_karras",
                                 "lcm",
                                 "pndm",
                                 "unipc",
                                 "flow_euler_shift3"};

// Each result is in the golden file and as it is there; and each of the golden file's that is no input is a result.
void expect_golden(std::vector<eval_tensor> const& results, checkpoint const& golden) {
    std::size_t compared = 0;
    for (eval_tensor const& t : results) {
        stored_tensor const& wanted = golden.at(t.name);
        EXPECT_EQ(t.shape, wanted.shape) << t.name;
        EXPECT_EQ(t.whole, wanted.type == stored_type::i64) << t.name;
        if (t.whole)
            EXPECT_EQ(t.values, golden_values(wanted)) << t.name;
        else
            EXPECT_LE(golden_nmse(t.values, golden_values(wanted)), 1e-9) << t.name;
        ++compared;
    }
    for (auto const& [name, tensor] : golden.tensors)
        if (name.ends_with(".in.x") || name.ends_with(".noise")) ++compared;
    EXPECT_EQ(compared, golden.tensors.size());
}

class eval_sampler_case : public testing::TestWithParam<char const*> {};

TEST_P(eval_sampler_case, on_the_host) {
    checkpoint const golden = golden_file(GetParam());
    expect_golden(eval_sampler(golden), golden);
}

TEST_P(eval_sampler_case, on_the_device) {
    static device the;
    checkpoint const golden = golden_file(GetParam());
    expect_golden(eval_sampler(golden, &the), golden);
}

INSTANTIATE_TEST_SUITE_P(golden, eval_sampler_case, testing::ValuesIn(cases), [](auto const& i) { return i.param; });

std::string told(checkpoint const& c) {
    return error_of([&] { eval_sampler(c); });
}

TEST(eval_sampler, what_is_wrong_with_a_case_is_said) {
    checkpoint none = golden_file("alphas_cumprod");
    none.source = "a.safetensors";
    EXPECT_EQ(told(none), "'a.safetensors' is no sampler case: its metadata has no \"scheduler\".");

    checkpoint c = golden_file("euler_ancestral");
    c.tensors.erase("20.noise");
    EXPECT_EQ(told(c), "Tensor 20.noise has too few draws for this scheduler.");

    c = golden_file("euler");
    c.tensors = {};
    c.source = "b.safetensors";
    EXPECT_EQ(told(c), "'b.safetensors' is no sampler case: it has no tensor N.in.x for any number of steps N.");
    c.metadata["config"] = "{";
    EXPECT_TRUE(told(c).starts_with("The case's \"config\"")) << told(c);
}

} // namespace
