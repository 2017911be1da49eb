#include "models/sampling/schedule.h"

#include "models/sampling/beta_quantile.h"
#include "request/samplers.h"
#include "tests/models/files/scratch.h"
#include "tests/models/sampling/golden.h"

#include <algorithm>

using namespace sfumato;

namespace {

TEST(schedule, table_is_diffusers_bit_for_bit) {
    noise_table const table = diffusion_table();
    auto const alphas = golden_values(golden_file("alphas_cumprod").at("alphas_cumprod"));
    ASSERT_EQ(table.sigmas.size(), alphas.size());
    for (std::size_t i = 0; i < alphas.size(); ++i)
        EXPECT_EQ(table.sigmas[i], double(std::sqrt((1.0f - float(alphas[i])) / float(alphas[i])))) << i;
}

TEST(schedule, table_is_near_the_exact_one) {
    noise_table const table = diffusion_table();
    auto const alphas = golden_values(golden_file("alphas_cumprod").at("alphas_cumprod_f64"));
    for (std::size_t i = 0; i < alphas.size(); ++i) {
        double const sigma = std::sqrt((1 - alphas[i]) / alphas[i]);
        EXPECT_NEAR(table.sigmas[i], sigma, 2e-5 * sigma) << i;
    }
}

TEST(schedule, without_terminal_signal_only_the_end_is_noise) {
    noise_table const table = diffusion_table({.zero_terminal_snr = true});
    EXPECT_TRUE(std::ranges::is_sorted(table.sigmas));
    EXPECT_NEAR(table.sigma_min(), diffusion_table().sigma_min(), 1e-5);
    EXPECT_NEAR(table.sigma_max(), 4096, 1);
    EXPECT_TRUE(std::isinf(diffusion_table({.zero_terminal_snr = true, .terminal_snr = 0}).sigma_max()));
}

TEST(schedule, timesteps_and_sigmas_are_each_others_inverse) {
    noise_table const table = diffusion_table();
    for (double t = 0; t <= 999; t += 0.37) EXPECT_NEAR(table.timestep_of(table.sigma_at(t)), t, 1e-4);
    EXPECT_EQ(table.timestep_of(1e9), 999);
    EXPECT_EQ(table.timestep_of(0), 0);
    EXPECT_DOUBLE_EQ(table.sigma_at(500), table.sigmas[500]);
    noise_table const flow = flow_table(3);
    EXPECT_DOUBLE_EQ(flow.sigma_max(), 1);
    EXPECT_NEAR(flow.sigma_min(), 0.0029940, 1e-7); // shifted
    EXPECT_DOUBLE_EQ(flow.timestep_of(0.25), 250);
}

TEST(schedule, beta_quantiles) {
    for (double p : {0.0, 0.25, 0.5, 0.9, 1.0}) EXPECT_NEAR(beta_quantile(p, 1, 1), p, 1e-14);
    for (double p : {0.01, 0.3, 0.77}) // the arcsine distribution
        EXPECT_NEAR(beta_quantile(p, 0.5, 0.5), std::pow(std::sin(M_PI * p / 2), 2), 1e-13);
    for (double p : {0.1, 0.4, 0.95}) EXPECT_NEAR(beta_quantile(p, 3, 1), std::cbrt(p), 1e-13);
    for (double p : {0.05, 0.2, 0.45})
        EXPECT_NEAR(beta_quantile(p, 0.6, 0.6) + beta_quantile(1 - p, 0.6, 0.6), 1, 1e-13);
}

// Every one goes down from at most the table's end to 0, with as many steps as asked for, and tells timesteps on the
// way.
TEST(schedule, all_of_them_descend) {
    for (auto const& table : {diffusion_table(), diffusion_table({.zero_terminal_snr = true}), flow_table(3)})
        for (auto const& [which, name, display, others] : scheduler_table)
            for (int steps : {1, 2, 3, 4, 7, 10, 20, 30, 50}) {
                if (table.is_flow() && (which == scheduler::ays || which == scheduler::lcm)) continue;
                schedule const s = make_schedule(which, table, steps);
                ASSERT_EQ(s.steps(), steps) << name;
                ASSERT_EQ(s.sigmas.size(), s.timesteps.size() + 1);
                EXPECT_EQ(s.sigmas.back(), 0);
                EXPECT_LE(s.sigmas.front(), table.sigma_max() * (1 + 1e-9)) << name;
                EXPECT_TRUE(std::ranges::is_sorted(s.sigmas, std::ranges::greater_equal()) || steps == 1) << name;
                for (int i = 0; i < steps; ++i)
                    EXPECT_NEAR(s.timesteps[std::size_t(i)], table.timestep_of(s.sigmas[std::size_t(i)]), 1) << name;
            }
}

void expect_sigmas(scheduler which, int steps, std::vector<double> const& wanted, bool xl = false) {
    schedule const s = make_schedule(which, diffusion_table(), steps, xl);
    ASSERT_EQ(s.sigmas.size(), wanted.size());
    for (std::size_t i = 0; i < wanted.size(); ++i) EXPECT_NEAR(s.sigmas[i], wanted[i], 2e-4 * wanted[i]) << i;
}

std::vector<double> timesteps(scheduler which, int steps) {
    return make_schedule(which, diffusion_table(), steps).timesteps;
}

TEST(schedule, timesteps_by_their_rules) {
    EXPECT_EQ(timesteps(scheduler::normal, 4), (std::vector<double>{999, 666, 333, 0}));
    EXPECT_EQ(timesteps(scheduler::sgm_uniform, 4), (std::vector<double>{999, 749.25, 499.5, 249.75}));
    EXPECT_EQ(timesteps(scheduler::leading, 4), (std::vector<double>{751, 501, 251, 1}));
    auto const all = timesteps(scheduler::leading, 1000);
    EXPECT_EQ(all.front(), 999);
    EXPECT_EQ(all.back(), 0);
    EXPECT_TRUE(std::ranges::is_sorted(all, std::ranges::greater_equal()) &&
                std::ranges::adjacent_find(all) == all.end());
    EXPECT_EQ(timesteps(scheduler::trailing, 4), (std::vector<double>{999, 749, 499, 249}));
    EXPECT_EQ(timesteps(scheduler::trailing, 3), (std::vector<double>{999, 666, 332}));
    EXPECT_EQ(timesteps(scheduler::linspace, 3), (std::vector<double>{999, 499.5, 0}));
    EXPECT_EQ(timesteps(scheduler::lcm, 4), (std::vector<double>{999, 759, 499, 259}));
}

TEST(schedule, sigmas_by_their_rules) {
    auto const sigma = diffusion_table().sigmas;
    expect_sigmas(scheduler::simple, 4, {sigma[999], sigma[749], sigma[499], sigma[249], 0});
    expect_sigmas(scheduler::simple, 3, {sigma[999], sigma[666], sigma[333], 0});
    expect_sigmas(scheduler::ddim_uniform, 4, {sigma[751], sigma[501], sigma[251], sigma[1], 0});
    expect_sigmas(scheduler::exponential, 3, {14.614647, std::sqrt(14.614647 * 0.0291675), 0.0291675, 0});
    double const middle = (std::pow(14.614647, 1 / 7.0) + std::pow(0.0291675, 1 / 7.0)) / 2;
    expect_sigmas(scheduler::karras, 3, {14.614647, std::pow(middle, 7), 0.0291675, 0});
    // 999 · (1, 0.80…, 0.5, 0.19…): quantiles of Beta(0.6, 0.6)
    expect_sigmas(scheduler::beta, 2, {sigma[999], sigma[500], 0});
}

TEST(schedule, align_your_steps) {
    expect_sigmas(scheduler::ays, 10,
                  {14.6146, 6.4746, 3.8637, 2.6946, 1.8842, 1.3944, 0.9643, 0.6524, 0.3977, 0.1515, 0});
    expect_sigmas(scheduler::ays, 10,
                  {14.6146, 6.3184, 3.7682, 2.1812, 1.3405, 0.8621, 0.5551, 0.3799, 0.2332, 0.1114, 0}, true);
    expect_sigmas(scheduler::ays, 5, {14.6146, 3.8637, 1.8842, 0.9643, 0.3977, 0});
    schedule const twenty = make_schedule(scheduler::ays, diffusion_table(), 20);
    EXPECT_NEAR(twenty.sigmas[1], std::sqrt(14.6146 * 6.4746), 1e-3);
}

TEST(schedule, beta_leaves_out_what_comes_twice) {
    EXPECT_LT(make_schedule(scheduler::beta, diffusion_table(), 1000).steps(), 1000);
    EXPECT_EQ(make_schedule(scheduler::beta, diffusion_table(), 60).steps(), 60);
}

TEST(schedule, of_flows_shifts_twice) {
    schedule const s = make_schedule(scheduler::normal, flow_table(3), 4);
    for (scheduler same : {scheduler::leading, scheduler::trailing, scheduler::linspace})
        EXPECT_EQ(make_schedule(same, flow_table(3), 4).sigmas, s.sigmas);
    EXPECT_DOUBLE_EQ(s.sigmas[0], 1);
    EXPECT_NEAR(s.sigmas[3], 0.00893, 1e-5); // of Stability's own sampler
    EXPECT_NEAR(s.timesteps[3], 8.93, 0.01);
}

TEST(schedule, what_cannot_be_had_is_said) {
    EXPECT_EQ(error_of([] { make_schedule(scheduler::ays, flow_table(3), 4); }),
              "The schedules ays and lcm are for Stable Diffusion 1, 2 and XL: choose another one for this model.");
    EXPECT_EQ(error_of([] { make_schedule(scheduler::lcm, diffusion_table(), 51); }),
              "LCM's own schedule has 50 timesteps: choose at most as many steps, not 51, or another schedule.");
}

} // namespace
