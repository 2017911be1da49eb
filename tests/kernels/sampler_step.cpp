#include "compute/ops_sampler.h"
#include "tests/kernels/kernel_test.h"

#include <limits>

namespace sfumato {
namespace {

using kernel::sampler_coefficients;

constexpr shape odd_shapes[] = {{1, 1, 1, 1}, {2, 3, 5, 7}, {1, 9, 8, 4}, {3, 5, 11, 16}};

// Everything that a step reads or writes, on the host.
struct numbers {
    shape latents;
    std::vector<float> negative, positive, x, saved, kept, noise, mask, image, image_noise;

    numbers(shape s, dtype output, int mask_pictures, int image_pictures)
        : latents(s), negative(rounded(random_values(s.count(), -2, 2, 1), output)),
          positive(rounded(random_values(s.count(), -2, 2, 2), output)), x(random_values(s.count(), -9, 9, 3)),
          saved(random_values(s.count(), -9, 9, 4)), kept(random_values(4 * s.count(), -2, 2, 5)),
          noise(random_values(s.count(), -2, 2, 6)),
          mask(random_values(s.count() / std::size_t(s.c * s.n) * std::size_t(mask_pictures), 0, 1, 7)),
          image(random_values(s.count() / std::size_t(s.n) * std::size_t(image_pictures), -2, 2, 8)),
          image_noise(random_values(s.count(), -2, 2, 9)) {}
};

sampler_coefficients all_coefficients() {
    return {.guidance = 7.5f,
            .x0_x = 1.25f,
            .x0_model = -0.75f,
            .kept_x = 0.5f,
            .kept_model = -0.625f,
            .next_x = 0.875f,
            .next_saved = -0.25f,
            .next_noise = 0.375f,
            .next_kept = {1.5f, -0.5f, 0.25f, 2},
            .save_x = 0.125f,
            .save_saved = -1.5f,
            .save_kept = {0.75f, 3, -1, 0.5f},
            .known_image = 0.6f,
            .known_noise = 0.8f,
            .input_scale = 0.3f,
            .places = {2, 0, 3, 1}};
}

struct results {
    std::vector<float> x, saved, kept, x0;
};

// What a coefficient of 0 belongs to is not looked at.
double term(float coefficient, float value) { return coefficient == 0 ? 0 : double(coefficient) * value; }

results reference(numbers const& in, sampler_coefficients const& c, bool known) {
    results r{in.x, in.saved, in.kept, in.x};
    std::size_t const count = in.x.size();
    for (std::size_t i = 0; i < count; ++i) {
        double const model = in.negative[i] + double(c.guidance) * (double(in.positive[i]) - in.negative[i]);
        std::array<double, 4> k{term(c.kept_x, in.x[i]) + c.kept_model * model};
        double next = term(c.next_x, in.x[i]) + term(c.next_saved, in.saved[i]) + term(c.next_noise, in.noise[i]);
        double save = term(c.save_x, in.x[i]) + term(c.save_saved, in.saved[i]);
        bool saves = c.save_x != 0 || c.save_saved != 0;
        for (std::size_t j = 0; j < 4; ++j) {
            if (j > 0) k[j] = in.kept[c.places[j] * count + i];
            if (c.next_kept[j] != 0) next += c.next_kept[j] * k[j];
            if (c.save_kept[j] != 0) save += c.save_kept[j] * k[j];
            saves = saves || c.save_kept[j] != 0;
        }
        if (known) {
            double const mask = in.mask[i / std::size_t(in.latents.c) % in.mask.size()];
            double const there =
                c.known_image * double(in.image[i % in.image.size()]) + term(c.known_noise, in.image_noise[i]);
            next = mask * next + (1 - mask) * there;
        }
        r.x[i] = float(next);
        if (saves) r.saved[i] = float(save);
        r.kept[c.places[0] * count + i] = float(k[0]);
        r.x0[i] = float(term(c.x0_x, in.x[i]) + c.x0_model * model);
    }
    return r;
}

enum class output { one, halves, two };

struct step_case {
    shape latents;
    sampler_coefficients coefficients = all_coefficients();
    dtype output_type = dtype::f32, input_type = dtype::f32;
    output form = output::halves;
    int inputs = 2, input_channels = 0; // 0: as the latents
    bool known = false, preview = false;
    int mask_pictures = 1, image_pictures = 1;
};

struct step_run {
    kernel_run r;
    sampler_state state;
    tensor input, x0;

    step_run(step_case const& test, numbers const& in) {
        shape const s = test.latents;
        shape four = s, twice = s;
        four.n *= 4;
        twice.n *= 2;
        std::vector<float> coefficients(sizeof test.coefficients / sizeof(float));
        std::memcpy(coefficients.data(), &test.coefficients, sizeof test.coefficients);
        state = {.coefficients = r.input({.c = int(coefficients.size())}, coefficients),
                 .x = r.input(s, in.x),
                 .saved = r.input(s, in.saved),
                 .kept = r.input(four, in.kept),
                 .noise = r.input(s, in.noise)};
        sampler_step_options o;
        tensor output;
        if (test.form == output::halves) {
            std::vector<float> both = in.negative;
            both.insert(both.end(), in.positive.begin(), in.positive.end());
            output = r.input(twice, both, test.output_type);
        } else {
            output = r.input(s, in.negative, test.output_type);
        }
        if (test.form == output::two) o.positive = r.input(s, in.positive, test.output_type);
        if (test.known) {
            shape mask = s, image = s;
            mask.c = 1;
            mask.n = test.mask_pictures;
            image.n = test.image_pictures;
            o.known = {r.input(mask, in.mask), r.input(image, in.image), r.input(s, in.image_noise)};
        }
        if (test.inputs) {
            shape i = s;
            i.n *= test.inputs;
            i.c = std::max(s.c, test.input_channels);
            o.input = input = r.input(i, std::vector<float>(i.count(), -5), test.input_type);
            r.g.output(input);
        }
        if (test.preview) o.x0 = x0 = r.output(s);
        sampler_step(r.g, state, output, o);
        for (tensor const& t : {state.x, state.saved, state.kept}) r.g.output(t);
        r.run();
    }
};

// The network's next input: `scale` times x, copies one after the other, other channels as they were.
std::vector<float> expected_input(step_case const& test, std::vector<float> const& x) {
    std::size_t const c = std::size_t(test.latents.c), channels = std::max(c, std::size_t(test.input_channels));
    std::vector<float> input(x.size() / c * channels * std::size_t(test.inputs), -5);
    for (std::size_t i = 0; i < input.size(); ++i)
        if (i % channels < c)
            input[i] = test.coefficients.input_scale * x[i / channels % (x.size() / c) * c + i % channels];
    return input;
}

void expect_as_reference(step_case const& test, std::string const& name) {
    numbers in(test.latents, test.output_type, test.mask_pictures, test.image_pictures);
    if (test.form == output::one) in.positive = in.negative;
    results const wanted = reference(in, test.coefficients, test.known);
    step_run run(test, in);
    EXPECT_LE(nmse(run.r.download(run.state.x), wanted.x), 1e-12) << name;
    EXPECT_LE(nmse(run.r.download(run.state.saved), wanted.saved), 1e-12) << name;
    EXPECT_LE(nmse(run.r.download(run.state.kept), wanted.kept), 1e-12) << name;
    if (test.preview) {
        EXPECT_LE(nmse(run.r.download(run.x0), wanted.x0), 1e-12) << name;
    }
    if (test.inputs) {
        EXPECT_LE(nmse(run.r.download(run.input), expected_input(test, wanted.x)), nmse_limit(test.input_type)) << name;
    }
}

TEST(sampler_step, as_reference_over_shapes_and_types) {
    for (shape s : odd_shapes)
        for (dtype output_type : float_types)
            for (dtype input_type : float_types)
                expect_as_reference(
                    {.latents = s, .output_type = output_type, .input_type = input_type, .preview = true},
                    std::format("{} elements, {} {}", s.count(), int(output_type), int(input_type)));
}

TEST(sampler_step, outputs_of_the_network_in_every_form) {
    for (shape s : odd_shapes)
        for (output form : {output::one, output::halves, output::two})
            for (int inputs : {0, 1, 2})
                expect_as_reference({.latents = s, .form = form, .inputs = inputs},
                                    std::format("{} elements, form {}, {} inputs", s.count(), int(form), inputs));
}

TEST(sampler_step, leaves_further_input_channels_alone) {
    for (shape s : odd_shapes)
        for (int more : {1, 5})
            for (dtype type : float_types)
                expect_as_reference({.latents = s, .input_type = type, .input_channels = s.c + more},
                                    std::format("{} elements, {} more", s.count(), more));
}

TEST(sampler_step, keeps_what_is_known_outside_the_mask) {
    for (shape s : odd_shapes)
        for (int mask_pictures : {1, s.n})
            for (int image_pictures : {1, s.n})
                expect_as_reference(
                    {.latents = s,
                     .known = true,
                     .preview = true,
                     .mask_pictures = mask_pictures,
                     .image_pictures = image_pictures},
                    std::format("{} elements, {} masks, {} images", s.count(), mask_pictures, image_pictures));
}

TEST(sampler_step, every_order_of_places) {
    step_case test{.latents = {1, 3, 5, 4}};
    auto& places = test.coefficients.places;
    std::ranges::sort(places);
    do expect_as_reference(test, std::format("{} {} {} {}", places[0], places[1], places[2], places[3]));
    while (std::next_permutation(places, places + 4));
}

// Tensors that have never been written hold anything, as do those of samplers that do not use them.
TEST(sampler_step, does_not_look_at_what_has_no_coefficient) {
    float const nan = std::numeric_limits<float>::quiet_NaN();
    step_case test{.latents = {2, 3, 5, 4}, .known = true};
    test.coefficients = {.guidance = 1,
                         .kept_model = 1,
                         .next_kept = {0.75f},
                         .known_image = 0.5f,
                         .input_scale = 1,
                         .places = {0, 3, 2, 1}};
    numbers in(test.latents, dtype::f32, 1, 1);
    for (auto* unused : {&in.x, &in.saved, &in.kept, &in.noise, &in.image_noise}) std::ranges::fill(*unused, nan);
    results const wanted = reference(in, test.coefficients, true);
    step_run run(test, in);
    EXPECT_LE(nmse(run.r.download(run.state.x), wanted.x), 1e-12);
    for (float v : run.r.download(run.state.saved)) EXPECT_TRUE(std::isnan(v)); // stays
}

// The last evaluation has no next input.
TEST(sampler_step, writes_no_input_after_the_last_evaluation) {
    step_case test{.latents = {1, 3, 5, 4}};
    test.coefficients.input_scale = 0;
    step_run run(test, numbers(test.latents, dtype::f32, 1, 1));
    for (float v : run.r.download(run.input)) EXPECT_EQ(v, -5);
}

} // namespace
} // namespace sfumato
