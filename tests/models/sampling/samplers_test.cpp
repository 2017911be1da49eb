// Samplers by what must hold for any of them: with a network that is always right a run never leaves its path, and on
// data of which the solution is known the error falls with the order that the sampler has.
#include "models/sampling/coefficients.h"
#include "request/samplers.h"
#include "tests/models/files/scratch.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <numeric>

using namespace sfumato;

namespace {

// A sample as coefficients of independent unit normals: of the picture, of the noise it began with, of each later draw.
using expansion = std::vector<double>;

expansion times(double factor, expansion a) {
    for (double& v : a) v *= factor;
    return a;
}
expansion& operator+=(expansion& a, expansion const& b) {
    a.resize(std::max(a.size(), b.size()));
    for (std::size_t i = 0; i < b.size(); ++i) a[i] += b[i];
    return a;
}

// Follows a run from `x`; `picture`: what the network predicts at x. After each evaluation `look` is shown x'.
expansion follow_run(
    sampling_run const& run, expansion x, std::function<expansion(expansion const&, evaluation const&)> const& picture,
    std::function<void(evaluation const&, expansion const&)> const& look = [](auto&, auto&) {}) {
    expansion saved;
    std::array<expansion, 4> kept;
    std::size_t draws = 2; // 0: the picture, 1: the first noise
    for (evaluation const& e : run.evaluations) {
        expansion model = picture(x, e); // of which x0 = picture follows
        model += times(-e.x0.x, x);
        model = times(1 / e.x0.model, model);
        kept[0] = times(e.kept.x, x);
        kept[0] += times(e.kept.model, model);
        auto const sum = [&](combination const& c) {
            expansion y = times(c.x, x);
            y += times(c.saved, saved);
            for (std::size_t k = 0; k < 4; ++k) y += times(c.kept[k], kept[k]);
            if (c.noise != 0) {
                expansion noise(draws + 1);
                noise[draws++] = c.noise;
                y += noise;
            }
            return y;
        };
        expansion next = sum(e.next);
        if (e.save) saved = sum(*e.save);
        if (e.keep) std::ranges::rotate(kept, kept.end() - 1);
        x = std::move(next);
        look(e, x);
    }
    return x;
}

double noise_of(expansion const& x) {
    return std::sqrt(std::inner_product(x.begin() + 1, x.end(), x.begin() + 1, 0.0));
}

bool is_stochastic(sampler s) { return row_of(s).eta > 0 || s == sampler::lcm; }

void expect_on_path(sampling_settings const& settings) {
    sampling_run const run = plan_sampling(settings);
    std::string const name = std::format("{} {} prediction {}, {} steps", row_of(settings.sampler).name,
                                         row_of(settings.scheduler).name, int(settings.prediction), settings.steps);
    expansion const start{run.from_image.image, run.from_image.noise};
    bool const lcm = settings.sampler == sampler::lcm; // adds a little of x to the picture
    double const near = lcm ? 1e-5 : 1e-9;
    follow_run(
        run, start, [](expansion const&, evaluation const&) { return expansion{1}; },
        [&](evaluation const& e, expansion const& x) {
            EXPECT_NEAR(x[0], e.reached.image, near) << name;
            EXPECT_NEAR(noise_of(x), e.reached.noise, near) << name;
            if (!is_stochastic(settings.sampler)) { // none of it was replaced
                EXPECT_NEAR(x[1], e.reached.noise, near) << name;
            }
        });
    EXPECT_EQ(run.evaluations.back().reached.noise, 0) << name;
    EXPECT_EQ(run.evaluations.back().reached.image, 1) << name;
}

TEST(samplers, with_the_right_picture_stay_on_their_path) {
    for (sampler_row const& row : sampler_table)
        for (scheduler_row const& levels : scheduler_table)
            for (prediction p : {prediction::epsilon, prediction::v, prediction::flow})
                for (int steps : {1, 2, 3, 4, 7, 20}) {
                    scheduler const s = levels.value;
                    if (p == prediction::flow && (s == scheduler::ays || s == scheduler::lcm)) continue;
                    if (row.value == sampler::lcm && s != scheduler::lcm) continue; // its timesteps need to be large
                    expect_on_path({.sampler = row.value, .scheduler = s, .steps = steps, .prediction = p});
                }
}

TEST(samplers, with_the_right_picture_stay_on_their_path_without_terminal_signal) {
    for (sampler_row const& row : sampler_table)
        for (scheduler s : {scheduler::trailing, scheduler::karras, scheduler::normal})
            if (row.value != sampler::lcm)
                expect_on_path({.sampler = row.value,
                                .scheduler = s,
                                .steps = 7,
                                .prediction = prediction::v,
                                .zero_terminal_snr = true});
}

TEST(samplers, with_any_eta_stay_on_their_path) {
    for (sampler s :
         {sampler::euler_a, sampler::ddim, sampler::dpmpp_2m_sde, sampler::dpmpp_sde, sampler::dpmpp_3m_sde})
        for (double eta : {0.0, 0.3, 0.99})
            for (prediction p : {prediction::epsilon, prediction::flow}) {
                sampling_run const run = plan_sampling(
                    {.sampler = s, .scheduler = scheduler::normal, .steps = 9, .prediction = p, .eta = eta});
                follow_run(
                    run, {run.from_image.image, run.from_image.noise}, [](auto&, auto&) { return expansion{1}; },
                    [&](evaluation const& e, expansion const& x) {
                        EXPECT_NEAR(x[0], e.reached.image, 1e-9);
                        EXPECT_NEAR(noise_of(x), e.reached.noise, 1e-9);
                        EXPECT_EQ(e.uses_noise(), eta > 0 && e.reached.noise > 0);
                    });
            }
}

// ---- Data that is normal with variance c²: its network and its path are known. --------------------------------------

constexpr double data_variance = 0.64;

// E[x0 | x], and how large x is at a level when it began at another and followed the flow's equation.
double expected_picture(noise_level const& l) {
    return l.image * data_variance / (l.image * l.image * data_variance + l.noise * l.noise);
}
double deviation(noise_level const& l) { return std::sqrt(l.image * l.image * data_variance + l.noise * l.noise); }

// Largest error along the way up to σ = 0.05 of a run without new noise, started at 1.
double error_of_run(sampling_settings const& settings) {
    sampling_run const run = plan_sampling(settings);
    double error = 0;
    follow_run(
        run, {0, 1}, [](expansion const& x, evaluation const& e) { return times(expected_picture(e.level), x); },
        [&](evaluation const& e, expansion const& x) {
            bool const whole = &e == &run.evaluations.back() || (&e)[1].step != e.step;
            if (!whole || e.reached.noise < 0.05 * e.reached.image) return;
            error = std::max(error, std::abs(x[1] - deviation(e.reached) / deviation(run.from_image)));
        });
    return error;
}

double order_of(sampling_settings settings) {
    settings.steps = 40;
    double const coarse = error_of_run(settings);
    settings.steps = 80;
    return std::log2(coarse / error_of_run(settings));
}

TEST(samplers, have_their_order) {
    struct expected {
        sampler which;
        double least, most;
    };
    for (auto const& [which, least, most] : {expected{sampler::euler, 0.85, 1.2},
                                             {sampler::euler_a, 0.85, 1.2},
                                             {sampler::ddim, 0.85, 1.2},
                                             {sampler::heun, 1.8, 2.4},
                                             {sampler::dpmpp_2m, 1.7, 2.4},
                                             {sampler::dpmpp_2m_sde, 1.7, 2.4},
                                             {sampler::dpmpp_sde, 1.8, 2.4},
                                             {sampler::dpmpp_3m_sde, 1.7, 3.4},
                                             {sampler::unipc, 1.8, 3.4},
                                             {sampler::plms, 1.7, 2.4}})
        for (scheduler s : {scheduler::karras, scheduler::exponential})
            for (prediction p : {prediction::epsilon, prediction::v}) {
                double const order = order_of({.sampler = which, .scheduler = s, .prediction = p, .eta = 0});
                EXPECT_GE(order, least) << row_of(which).name << " " << row_of(s).name;
                EXPECT_LE(order, most) << row_of(which).name << " " << row_of(s).name;
            }
}

TEST(samplers, have_their_order_on_flows) {
    for (auto const& [which, least] : std::map<sampler, double>{
             {sampler::euler, 0.85}, {sampler::heun, 1.8}, {sampler::dpmpp_2m, 1.5}, {sampler::unipc, 1.5}})
        EXPECT_GE(order_of({.sampler = which, .scheduler = scheduler::normal, .prediction = prediction::flow}), least)
            << row_of(which).name;
}

// The deviation of what an SDE sampler makes, whose noises are independent, and how far it is from the data's.
double error_of_deviation(sampling_settings const& settings) {
    sampling_run const run = plan_sampling(settings);
    double error = 0;
    follow_run(
        run, {0, deviation(run.from_image)},
        [](expansion const& x, evaluation const& e) { return times(expected_picture(e.level), x); },
        [&](evaluation const& e, expansion const& x) {
            bool const whole = &e == &run.evaluations.back() || (&e)[1].step != e.step;
            if (whole && e.reached.noise > 0.05 * e.reached.image)
                error = std::max(error, std::abs(noise_of(x) - deviation(e.reached)));
        });
    return error;
}

TEST(samplers, with_new_noise_reach_the_datas_distribution) {
    for (auto const& [which, least] : std::map<sampler, double>{{sampler::euler_a, 0.8},
                                                                {sampler::ddim, 0.8},
                                                                {sampler::dpmpp_2m_sde, 1.6},
                                                                {sampler::dpmpp_sde, 0.9},
                                                                {sampler::dpmpp_3m_sde, 1.6}})
        for (double eta : {0.5, 1.0}) {
            sampling_settings settings{.sampler = which, .scheduler = scheduler::exponential, .steps = 40, .eta = eta};
            double const coarse = error_of_deviation(settings);
            settings.steps = 80;
            EXPECT_GE(std::log2(coarse / error_of_deviation(settings)), least) << row_of(which).name << ", eta " << eta;
        }
}

// More pictures of the past help, where there is enough of it.
TEST(samplers, third_order_is_better_than_second) {
    sampling_settings settings{.sampler = sampler::dpmpp_3m_sde, .scheduler = scheduler::exponential, .steps = 40};
    double const third = error_of_deviation(settings);
    settings.sampler = sampler::dpmpp_2m_sde;
    EXPECT_LT(third, 0.7 * error_of_deviation(settings));
}

// ---- Which are the same. --------------------------------------------------------------------------------------------

void expect_same(sampling_run const& a, sampling_run const& b, double near) {
    ASSERT_EQ(a.evaluations.size(), b.evaluations.size());
    for (std::size_t i = 0; i < a.evaluations.size(); ++i) {
        evaluation const &e = a.evaluations[i], &f = b.evaluations[i];
        EXPECT_EQ(e.timestep, f.timestep);
        EXPECT_NEAR(e.next.x, f.next.x, near);
        EXPECT_NEAR(e.next.noise, f.next.noise, near);
        for (std::size_t k = 0; k < 4; ++k) EXPECT_NEAR(e.next.kept[k], f.next.kept[k], near);
    }
}

TEST(samplers, that_are_others_without_new_noise) {
    auto const run = [](sampler s, std::optional<double> eta) {
        return plan_sampling({.sampler = s, .scheduler = scheduler::normal, .steps = 12, .eta = eta});
    };
    expect_same(run(sampler::euler_a, 0.0), run(sampler::euler, {}), 1e-12);
    expect_same(run(sampler::ddim, {}), run(sampler::euler, {}), 1e-12);
    expect_same(run(sampler::ddim, 1.0), run(sampler::euler_a, {}), 1e-12);
    expect_same(run(sampler::dpmpp_2m_sde, 0.0), run(sampler::dpmpp_2m, {}), 1e-12);
}

TEST(samplers, evaluations_and_draws_are_as_many_as_documented) {
    for (sampler_row const& row : sampler_table) {
        auto const [which, name] = std::pair(row.value, row.name);
        sampling_run const run = plan_sampling({.sampler = which, .scheduler = scheduler::normal, .steps = 10});
        bool const two = row.evaluations == 2;
        EXPECT_EQ(int(run.evaluations.size()), 9 * row.evaluations + 1 + row.first_step_twice) << name;
        EXPECT_EQ(run.steps, 10);
        EXPECT_EQ(run.evaluations.back().step, 9);
        EXPECT_EQ(std::ranges::count_if(run.evaluations, &evaluation::uses_noise), !is_stochastic(which) ? 0
                                                                                   : two                 ? 18
                                                                                                         : 9)
            << name;
        for (evaluation const& e : run.evaluations) EXPECT_NEAR(e.input_scale, 1, 1e-12) << name;
    }
}

// ---- Strength. ------------------------------------------------------------------------------------------------------

std::vector<double> timesteps(sampling_settings const& s) {
    std::vector<double> timesteps;
    for (evaluation const& e : plan_sampling(s).evaluations) timesteps.push_back(e.timestep);
    return timesteps;
}

TEST(strength, leaves_the_end_of_a_schedule) {
    sampling_settings s{.sampler = sampler::euler, .scheduler = scheduler::normal, .steps = 6, .strength = 0.5};
    std::vector<double> const all = timesteps({.sampler = sampler::euler, .scheduler = scheduler::normal, .steps = 12});
    EXPECT_EQ(timesteps(s), std::vector<double>(all.begin() + 6, all.end())); // six of twelve

    s.rule = strength_rule::fewer_steps;
    std::vector<double> const six = timesteps({.sampler = sampler::euler, .scheduler = scheduler::normal, .steps = 6});
    EXPECT_EQ(timesteps(s), std::vector<double>(six.begin() + 3, six.end())); // three of six
    sampling_run const run = plan_sampling(s);
    EXPECT_NEAR(run.from_image.noise / run.from_image.image, diffusion_table().sigma_at(six[3]), 1e-9);

    s.strength = 0.6; // ⌊3.6⌋, ⌊6 / 0.6⌋
    EXPECT_EQ(timesteps(s).size(), 3u);
    s.rule = strength_rule::full_steps;
    EXPECT_EQ(timesteps(s).size(), 6u);
    EXPECT_EQ(timesteps(s)[0], timesteps({.sampler = sampler::euler, .scheduler = scheduler::normal, .steps = 10})[4]);
}

// However many steps: a run begins where its share of the finest schedule does, and goes on from there.
TEST(strength, is_kept_beyond_a_thousand_steps) {
    for (auto const& [scheduler, name, display, others] : scheduler_table) {
        if (scheduler == scheduler::lcm) continue;
        std::vector<double> const all = timesteps({.sampler = sampler::euler, .scheduler = scheduler, .steps = 1000});
        for (auto const& [steps, strength] :
             {std::pair{1000, 0.1}, {1000, 0.5}, {600, 0.5}, {100, 0.05}, {20, 0.01}, {1000, 0.01}}) {
            auto const some =
                timesteps({.sampler = sampler::euler, .scheduler = scheduler, .steps = steps, .strength = strength});
            auto const from = std::size_t(double(all.size()) * (1 - strength));
            ASSERT_FALSE(some.empty()) << name;
            EXPECT_LE(some.size(), std::size_t(steps)) << name;
            EXPECT_LE(some[0], all[from - 2]) << name << ", " << steps << " steps of strength " << strength;
            EXPECT_GE(some[0], from + 2 < all.size() ? all[from + 2] : 0) << name << ", " << steps << ", " << strength;
            EXPECT_TRUE(std::ranges::is_sorted(some, std::ranges::greater_equal())) << name;
        }
    }
}

TEST(strength, with_all_of_its_steps_where_levels_lie_between_timesteps) {
    for (scheduler s : {scheduler::normal, scheduler::karras, scheduler::exponential, scheduler::sgm_uniform,
                        scheduler::ays, scheduler::linspace})
        EXPECT_EQ(timesteps({.sampler = sampler::dpmpp_2m, .scheduler = s, .steps = 20, .strength = 0.01}).size(), 20u);
}

TEST(strength, of_lcm_leaves_a_share_of_its_timesteps) {
    auto const told = [](int steps, double strength) {
        return error_of([&] {
            plan_sampling({.sampler = sampler::lcm, .scheduler = scheduler::lcm, .steps = steps, .strength = strength});
        });
    };
    EXPECT_EQ(told(25, 0.5), "");
    EXPECT_EQ(told(30, 0.5),
              "Strength 0.5 leaves 25 of the 50 timesteps that LCM's own schedule has: choose at most as "
              "many steps, not 30, or another schedule.");
    EXPECT_EQ(told(60, 0.5).substr(0, 22), "Strength 0.5 leaves 25");
    EXPECT_NE(told(60, 1).find("not 60"), std::string::npos);
}

TEST(samplers, say_that_a_flow_has_no_terminal_snr) {
    EXPECT_NE(error_of([] {
                  plan_sampling({.prediction = prediction::flow, .zero_terminal_snr = true});
              }).find("not for this model"),
              std::string::npos);
}

TEST(strength, that_leaves_nothing_is_an_error) {
    EXPECT_EQ(error_of([] { plan_sampling({.steps = 9, .strength = 0.1, .rule = strength_rule::fewer_steps}); }),
              "Strength 0.1 leaves none of 9 steps: choose more steps or more strength.");
}

// ---- As the kernel takes it. ----------------------------------------------------------------------------------------

TEST(coefficients, say_where_the_history_lies) {
    sampling_run const run = plan_sampling({.sampler = sampler::plms, .scheduler = scheduler::normal, .steps = 8});
    std::array<int, 4> lies{-1, -1, -1, -1}; // which evaluation's K_0 is in each place
    std::vector<int> kept;                   // those that were kept, the last one first
    for (int i = 0; i < int(run.evaluations.size()); ++i) {
        auto const c = step_coefficients(run, i, 1);
        lies[c.places[0]] = i;
        for (std::size_t k = 1; k < 4 && k <= kept.size(); ++k)
            EXPECT_EQ(lies[c.places[k]], kept[k - 1]) << i << ", K_" << k;
        if (run.evaluations[std::size_t(i)].keep) kept.insert(kept.begin(), i);
    }
    EXPECT_EQ(kept.size(), run.evaluations.size() - 1); // the repeated step's is dropped
}

TEST(coefficients, ask_for_no_input_after_the_last_evaluation) {
    sampling_run const run = plan_sampling({.steps = 3});
    EXPECT_EQ(step_coefficients(run, 1, 7.5).input_scale, 1);
    EXPECT_EQ(step_coefficients(run, 1, 7.5).guidance, 7.5f);
    EXPECT_EQ(step_coefficients(run, 2, 7.5).input_scale, 0);
    EXPECT_EQ(step_coefficients(run, 2, 7.5).known_image, 1);
    EXPECT_EQ(step_coefficients(run, 2, 7.5).known_noise, 0);
}

} // namespace
