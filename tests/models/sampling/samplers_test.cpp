// Samplers by what must hold for any of them: with a network that is always right a run never leaves its path, and on
// data of which the solution is known the error falls with the order that the sampler has.
#include "models/sampling/coefficients.h"
#include "models/sampling/names.h"
#include "tests/models/weights/scratch.h"

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

bool is_stochastic(sampler s) { return default_eta(s) > 0 || s == sampler::lcm; }

void expect_on_path(sampling_settings const& settings) {
    sampling_run const run = plan_sampling(settings);
    std::string const name = std::format("{} {} prediction {}, {} steps", name_of(settings.sampler),
                                         name_of(settings.scheduler), int(settings.prediction), settings.steps);
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
    for (auto const& [sampler, name, display] : sampler_names())
        for (auto const& [scheduler, scheduler_name, scheduler_display] : scheduler_names())
            for (prediction p : {prediction::epsilon, prediction::v, prediction::flow})
                for (int steps : {1, 2, 3, 4, 7, 20}) {
                    if (p == prediction::flow && (scheduler == scheduler::ays || scheduler == scheduler::lcm)) continue;
                    if (sampler == sampler::lcm && scheduler != scheduler::lcm)
                        continue; // its timesteps need to be large
                    expect_on_path({.sampler = sampler, .scheduler = scheduler, .steps = steps, .prediction = p});
                }
}

TEST(samplers, with_the_right_picture_stay_on_their_path_without_terminal_signal) {
    for (auto const& [sampler, name, display] : sampler_names())
        for (scheduler s : {scheduler::trailing, scheduler::karras, scheduler::normal})
            if (sampler != sampler::lcm)
                expect_on_path({.sampler = sampler,
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
                EXPECT_GE(order, least) << name_of(which) << " " << name_of(s);
                EXPECT_LE(order, most) << name_of(which) << " " << name_of(s);
            }
}

TEST(samplers, have_their_order_on_flows) {
    for (auto const& [which, least] : std::map<sampler, double>{
             {sampler::euler, 0.85}, {sampler::heun, 1.8}, {sampler::dpmpp_2m, 1.5}, {sampler::unipc, 1.5}})
        EXPECT_GE(order_of({.sampler = which, .scheduler = scheduler::normal, .prediction = prediction::flow}), least)
            << name_of(which);
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
            EXPECT_GE(std::log2(coarse / error_of_deviation(settings)), least) << name_of(which) << ", eta " << eta;
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
    for (auto const& [which, name, display] : sampler_names()) {
        sampling_run const run = plan_sampling({.sampler = which, .scheduler = scheduler::normal, .steps = 10});
        bool const two = which == sampler::heun || which == sampler::dpmpp_sde;
        EXPECT_EQ(run.evaluations.size(), two                      ? 19u
                                          : which == sampler::plms ? 11u
                                                                   : 10u)
            << name; // the last step to 0 is one
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
    s.strength = 0.001; // of a schedule of 1000 steps, not 6000
    EXPECT_EQ(timesteps(s).size(), 6u);
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
