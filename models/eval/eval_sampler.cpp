#include "models/eval/eval_sampler.h"

#include "compute/error.h"
#include "models/eval/diffusers.h"
#include "models/sampling/coefficients.h"
#include "request/json.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>
#include <span>

namespace sfumato {

using nlohmann::json;

namespace {

using numbers = std::vector<double>;

numbers f32_values(stored_tensor const& t, std::string const& name) {
    if (t.type != stored_type::f32) fail("Tensor {} is {}: sampler cases have it as f32.", name, name_of(t.type));
    std::vector<std::byte> scratch;
    auto const bytes = t.read(scratch);
    std::vector<float> values(t.count());
    std::memcpy(values.data(), bytes.data(), bytes.size());
    return {values.begin(), values.end()};
}

// Makes x' after evaluation i, of the network's output.
struct stepper {
    virtual ~stepper() = default;
    virtual numbers step(sampling_run const&, int i, numbers const& model, numbers const& noise) = 0;
};

struct host_stepper : stepper {
    numbers x, saved;
    std::array<numbers, 4> kept; // K_0 … K_3

    explicit host_stepper(numbers const& start) : x(start), saved(start.size()) { kept.fill(saved); }

    numbers sum(combination const& c, numbers const& noise) const {
        numbers y(x.size());
        for (std::size_t i = 0; i < y.size(); ++i) {
            y[i] = c.x * x[i] + c.saved * saved[i];
            if (c.noise != 0) y[i] += c.noise * noise[i];
            for (std::size_t k = 0; k < 4; ++k) y[i] += c.kept[k] * kept[k][i];
        }
        return y;
    }

    numbers step(sampling_run const& run, int i, numbers const& model, numbers const& noise) override {
        evaluation const& e = run.evaluations[std::size_t(i)];
        for (std::size_t j = 0; j < x.size(); ++j) kept[0][j] = e.kept.x * x[j] + e.kept.model * model[j];
        numbers next = sum(e.next, noise);
        if (e.save) saved = sum(*e.save, noise);
        if (e.keep) std::ranges::rotate(kept, kept.end() - 1);
        return x = std::move(next);
    }
};

struct device_stepper : stepper {
    tensor output, input;
    sampler_state state;
    std::unique_ptr<plan> step_plan;

    device_stepper(device& d, numbers const& start) {
        graph g(d.target());
        shape const s{.c = int(start.size())};
        state = sampler_inputs(g, s);
        output = g.input(s);
        input = g.temporary(s);
        sampler_step(g, state, output, {.positive = {}, .input = input, .x0 = {}, .known = {}});
        g.output(state.x);
        step_plan = std::make_unique<plan>(d, std::move(g));
        upload(state.x, start);
    }

    void upload(tensor const& t, numbers const& values) {
        std::vector<float> const floats(values.begin(), values.end());
        step_plan->upload<float>(t, floats);
    }

    numbers step(sampling_run const& run, int i, numbers const& model, numbers const& noise) override {
        auto const coefficients = step_coefficients(run, i, 1);
        step_plan->upload(state.coefficients, &coefficients, sizeof coefficients);
        upload(output, model);
        if (run.evaluations[std::size_t(i)].uses_noise()) upload(state.noise, noise);
        step_plan->run();
        auto const next = step_plan->download<float>(state.x);
        return {next.begin(), next.end()};
    }
};

numbers toy_network(numbers const& x, evaluation const& e) {
    numbers y;
    for (double v : x) y.push_back(std::tanh(0.7 * (e.input_scale * v) + 0.3 * (e.timestep / 1000)));
    return y;
}

// The draws of a case, in order.
struct noise_list {
    numbers values;
    std::size_t each, used = 0;

    numbers next(int steps) {
        if (used + each > values.size()) fail("Tensor {}.noise has too few draws for this scheduler.", steps);
        numbers const one(values.begin() + std::ptrdiff_t(used), values.begin() + std::ptrdiff_t(used + each));
        used += each;
        return one;
    }
};

struct trajectory {
    numbers samples, outputs;
};

trajectory sample(sampling_run const& run, numbers x, noise_list noise, stepper& machine) {
    trajectory t{.samples = x, .outputs = {}};
    for (int i = 0; i < int(run.evaluations.size()); ++i) {
        evaluation const& e = run.evaluations[std::size_t(i)];
        numbers const model = toy_network(x, e);
        x = machine.step(run, i, model, e.uses_noise() ? noise.next(run.steps) : numbers{});
        t.outputs.insert(t.outputs.end(), model.begin(), model.end());
        t.samples.insert(t.samples.end(), x.begin(), x.end());
    }
    return t;
}

// The N of every "N.in.x".
std::vector<int> step_counts(checkpoint const& golden) {
    std::vector<int> counts;
    for (auto const& [name, tensor] : golden.tensors) {
        int n = 0;
        auto const [end, problem] = std::from_chars(name.data(), name.data() + name.size(), n);
        if (problem == std::errc() && std::string_view(end, name.data() + name.size()) == ".in.x") counts.push_back(n);
    }
    std::ranges::sort(counts);
    if (counts.empty())
        fail("'{}' is no sampler case: it has no tensor N.in.x for any number of steps N.", golden.source);
    return counts;
}

std::string metadata_text(checkpoint const& golden, char const* key) {
    auto const found = golden.metadata.find(key);
    if (found == golden.metadata.end() || !found->is_string())
        fail("'{}' is no sampler case: its metadata has no \"{}\".", golden.source, key);
    return found->get<std::string>();
}

} // namespace

std::vector<eval_tensor> eval_sampler(checkpoint const& golden, device* device) {
    std::string const scheduler = metadata_text(golden, "scheduler");
    json const config = json_parse_python(metadata_text(golden, "config"), "The case's \"config\"");
    std::vector<eval_tensor> results;
    for (int n : step_counts(golden)) {
        auto const name = [n](char const* what) { return std::format("{}.{}", n, what); };
        stored_tensor const& start = golden.at(name("in.x"));
        stored_tensor const* draws = golden.find(name("noise"));
        diffusers_run const planned = plan_diffusers(scheduler, config, {.steps = n, .eta = draws ? 1.0 : 0.0});

        numbers const x = f32_values(start, name("in.x"));
        noise_list const noise{draws ? f32_values(*draws, name("noise")) : numbers{}, x.size()};
        std::unique_ptr<stepper> machine;
        if (device)
            machine = std::make_unique<device_stepper>(*device, x);
        else
            machine = std::make_unique<host_stepper>(x);
        trajectory t = sample(planned.run, x, noise, *machine);

        auto const several = [&](std::size_t count) {
            std::vector<std::int64_t> s = start.shape;
            s.insert(s.begin(), std::int64_t(count));
            return s;
        };
        std::size_t const calls = planned.run.evaluations.size();
        auto const list = [&](char const* what, numbers values, bool whole = false) {
            std::vector<std::int64_t> const length{std::int64_t(values.size())};
            results.push_back({name(what), length, std::move(values), whole});
        };
        list("timesteps", planned.timesteps, planned.whole_timesteps);
        if (!planned.sigmas.empty()) list("sigmas", planned.sigmas);
        list("init_noise_sigma", {planned.run.from_noise});
        results.push_back({name("model_output"), several(calls), std::move(t.outputs)});
        results.push_back({name("trajectory"), several(calls + 1), std::move(t.samples)});
    }
    return results;
}

} // namespace sfumato
