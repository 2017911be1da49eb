def sub(path, *pairs):
    s=open(path).read()
    for a,b in pairs:
        assert s.count(a)==1,(path,a,s.count(a))
        s=s.replace(a,b)
    open(path,'w').write(s)
D='models/pipelines/diffusion/'
sub('models/meson.build',("  'sampling/multistep.cpp',\n","  'sampling/lanpaint.cpp',\n  'sampling/multistep.cpp',\n"))
sub('tests/models/sampling/meson.build',("['noise',","['lanpaint', 'noise',"))
sub('models/sampling/coefficients.h',("} // namespace sfumato","/// The picture as predicted at evaluation i, and nothing else: x stays.\nkernel::sampler_coefficients look_coefficients(sampling_run const&, int i, double guidance);\n\n} // namespace sfumato"))
sub('models/sampling/coefficients.cpp',("    find_places(run, i, c.places);\n    return c;\n}\n","""    find_places(run, i, c.places);
    return c;
}

kernel::sampler_coefficients look_coefficients(sampling_run const& run, int i, double guidance) {
    evaluation const& e = run.evaluations[std::size_t(i)];
    kernel::sampler_coefficients c{.guidance = float(guidance),
                                   .x0_x = float(e.x0.x),
                                   .x0_model = float(e.x0.model),
                                   .next_x = 1};
    find_places(run, i, c.places);
    return c;
}
"""))
sub(D+'denoise.h',
('#include "models/pipelines/diffusion/conditioning.h"\n','#include "models/pipelines/diffusion/conditioning.h"\n#include "models/sampling/lanpaint.h"\n'),
("    std::function<std::vector<float>()> noise{}; // the next unit normals, channels last, when the sampler wants some\n","    std::function<std::vector<float>()> noise{}; // the next unit normals, channels last, when the sampler wants some\n    std::optional<lanpaint_settings> thinks{};   // before steps; there is something known to begin with\n"))
sub(D+'denoise.cpp',
("""// What the network is shown first: x and what stays of an inpainting model's input, for each image.
std::vector<float> first_input(denoise_inputs const& in, tensor const& input) {
    latent const& x = in.start.x;
    int const c = x.channels, all = input.shape.c;""","""// What the network is shown: x and what stays of an inpainting model's input, for each image.
std::vector<float> network_input(denoise_inputs const& in, latent const& x, evaluation const& e, tensor const& input) {
    int const c = x.channels, all = input.shape.c;"""),
("    float const scale = float(in.run.evaluations.front().input_scale);\n","    float const scale = float(e.input_scale);\n"),
("""void check_finite(""","""// What is known of x: the cells of which less than half is made anew.
lanpaint_known known_of(known_latent const& k) {
    lanpaint_known known{{}, k.image.values};
    for (std::size_t i = 0; i < known.image.size(); ++i)
        known.is_known.push_back(k.mask[i / std::size_t(k.image.channels)] < 0.5f);
    return known;
}

void check_finite("""),
("    upload_as(p, step.input, first_input(in, step.input));\n    p.upload<float>(step.state.x, x.values);\n","""    auto const show = [&](evaluation const& e) {
        upload_as(p, step.input, network_input(in, x, e, step.input));
        p.upload<float>(step.state.x, x.values);
    };
    show(in.run.evaluations.front());
"""),
("""    int const count = int(in.run.evaluations.size());
    for (int i = 0; i < count; ++i) {
        evaluation const& e = in.run.evaluations[i];
        kernel::sampler_coefficients const coefficients = step_coefficients(in.run, i, in.guidance);
        p.upload(step.state.coefficients, &coefficients, sizeof coefficients);
        p.upload<float>(step.timestep, std::vector<float>(images, float(e.timestep)));
        if (in.start.known) p.upload<float>(step.known.mask, mask_after(in.run, std::size_t(i), in.start.known->mask));
        if (e.uses_noise()) p.upload<float>(step.state.noise, in.noise());
        bool const going = p.run([&](sentence const&, double fraction) {
            running->report({say("step {} of {}", e.step + 1, in.run.steps), (i + fraction) / count});
            return !running->is_cancelled();
        });
        if (!going) return std::nullopt;
        x.values""","""    int const count = int(in.run.evaluations.size());
    auto const rounds = [&](int i) { return in.thinks ? rounds_before(*in.thinks, in.run, std::size_t(i)) : 0; };
    int calls = count, called = 0;
    for (int i = 0; i < count; ++i) calls += rounds(i);
    auto const call = [&](evaluation const& e, kernel::sampler_coefficients const& coefficients) {
        p.upload(step.state.coefficients, &coefficients, sizeof coefficients);
        p.upload<float>(step.timestep, std::vector<float>(images, float(e.timestep)));
        bool const going = p.run([&](sentence const&, double fraction) {
            running->report({say("step {} of {}", e.step + 1, in.run.steps), (called + fraction) / calls});
            return !running->is_cancelled();
        });
        ++called;
        return going;
    };
    auto const think_before = [&](int i) {
        evaluation const& e = in.run.evaluations[i];
        p.upload<float>(step.known.mask, std::vector<float>(step.known.mask.shape.count(), 1)); // x stays as it is
        auto const predict = [&](std::vector<float> const& z) {
            x.values = z;
            show(e);
            return call(e, look_coefficients(in.run, i, in.guidance)) ? p.download<float>(step.x0)
                                                                      : std::vector<float>();
        };
        std::vector<float> z = x.values;
        if (!think(*in.thinks, e.level, known_of(*in.start.known), z, predict, in.noise)) return false;
        x.values = std::move(z);
        show(e);
        return true;
    };
    for (int i = 0; i < count; ++i) {
        evaluation const& e = in.run.evaluations[i];
        if (rounds(i) && !think_before(i)) return std::nullopt;
        if (in.start.known) p.upload<float>(step.known.mask, mask_after(in.run, std::size_t(i), in.start.known->mask));
        if (e.uses_noise()) p.upload<float>(step.state.noise, in.noise());
        if (!call(e, step_coefficients(in.run, i, in.guidance))) return std::nullopt;
        x.values"""))
# field
sub('request/choices.h',("/// What a cell of the latent takes","""/// How much time an inpaint takes for what lies around the hole.
enum class quality {
    normal,
    high, // LanPaint: Langevin steps before each step, with ordinary models
};

/// What a cell of the latent takes"""))
sub('request/names.cpp',("constexpr std::array mask_cells_rows",'constexpr std::array quality_rows{row<quality>{quality::normal, "normal"}, row<quality>{quality::high, "high"}};\nconstexpr std::array mask_cells_rows'),
("template <> std::span<named_choice<mask_cells> const> choices()","template <> std::span<named_choice<quality> const> choices() { return quality_rows; }\ntemplate <> std::span<named_choice<mask_cells> const> choices()"))
sub('request/names.h',("template <> std::span<named_choice<mask_cells> const> choices();","template <> std::span<named_choice<quality> const> choices();\ntemplate <> std::span<named_choice<mask_cells> const> choices();"))
sub('request/request.h',("    sfumato::mask_cells mask_cells =","    sfumato::quality quality = sfumato::quality::normal;\n    sfumato::mask_cells mask_cells ="))
sub('request/fields.cpp',("    row<&i::mask_cells>(","""    row<&i::quality>({.key = "quality",
                      .used_by = inpaint,
                      .option = "--quality NAME",
                      .help = "high: six times as slow, and fits better into what is around a large hole; not for inpainting models"}),
    row<&i::mask_cells>("""))
sub(D+'generation.h',("    bool masked = false;       // … within a mask\n","    bool masked = false;       // … within a mask …\n    bool thinks = false;       // … with thoughts before each step (lanpaint_settings)\n"),
("    sampling_run sampling_;\n","    sampling_run sampling_;\n    std::optional<lanpaint_settings> thinks_;\n    int evaluations_ = 0; // of the denoiser for a picture\n"),
('#include "models/sampling/samplers.h"\n','#include "models/sampling/lanpaint.h"\n'))
sub(D+'generation.cpp',
("sampling_run sampling_of(diffusion_settings const& s, diffusion_model const& model, double strength) {\n    return plan_sampling({.sampler = s.sampler,\n                          .scheduler = s.scheduler.value_or(row_of(s.sampler).scheduler),",
"""// Euler, where thoughts would come between what the sampler does.
sampling_run sampling_of(diffusion_settings const& s, diffusion_model const& model, generation_start const& start) {
    sampler const by = start.thinks && !can_think(s.sampler) ? sampler::euler : s.sampler;
    return plan_sampling({.sampler = by,
                          .scheduler = s.scheduler.value_or(row_of(by).scheduler),"""),
("                          .strength = strength,\n","                          .strength = start.from_picture ? start.strength : 1,\n"),
("sampling_(sampling_of(s, model, start.from_picture ? start.strength : 1)),","sampling_(sampling_of(s, model, start)),"),
("    texts_ = encoder_inputs(s, model, warnings);\n","""    texts_ = encoder_inputs(s, model, warnings);
    if (start.thinks) {
        if (model.is_inpainting())
            fail("The quality \\"high\\" is for ordinary models, and {} is an inpainting model: leave the quality out.",
                 s.model);
        if (!can_think(s.sampler))
            warnings.push_back(std::format("{} cannot be had with the quality \\"high\\": Euler is taken instead.",
                                           display_name(s.sampler)));
        thinks_.emplace();
    }
    evaluations_ = int(sampling_.evaluations.size());
    for (std::size_t i = 0; thinks_ && i < sampling_.evaluations.size(); ++i)
        evaluations_ += rounds_before(*thinks_, sampling_, i);
"""),
("of->second.work * double(sampling_.evaluations.size())","of->second.work * evaluations_"),
("                      .noise = [&] { return draw(later); }};","                      .noise = [&] { return draw(later); },\n                      .thinks = thinks_};"),
('#include "request/samplers.h"\n','#include "request/names.h"\n#include "request/samplers.h"\n'),
('#include <algorithm>\n','#include <algorithm>\n#include <format>\n'))
sub(D+'inpaint_by_diffusion.cpp',("                  .masked = true,\n","                  .masked = true,\n                  .thinks = r.inpaint.quality == quality::high,\n"))
sub('tests/models/pipelines/inpaint_by_diffusion_test.cpp',
("    add([](request& r) { r.inpaint.edge = 4; });","    add([](request& r) { r.inpaint.quality = quality::high; });\n    add([](request& r) { r.inpaint.edge = 4; });"),
("        {\"Strength 0.01 leaves none\",","        {\"is an inpainting model: leave the quality out\",\n         [](request& r) { r.diffusion.model = \"procedural:sd1-inpaint-tiny\", r.inpaint.quality = quality::high; }},\n        {\"Strength 0.01 leaves none\","))
sub('tests/request/request_test.cpp',("{.strength = 0.3, .mask_cells","{.strength = 0.3, .quality = quality::high, .mask_cells"))
sub('tests/models/pipelines/denoise_test.cpp',("// ---- Residuals of a control network","""// Thinking changes what is made, and nothing of what is known; without rounds it changes nothing.
TEST(denoise, thinks_before_steps) {
    tiny_run t;
    std::vector<float> mask(t.cells * t.cells);
    std::fill_n(mask.begin(), mask.size() / 2, 1.0f);
    auto const with = [&](int rounds) {
        unsigned seed = 0;
        int told = 0;
        latent const made = *denoise(
            test_device(), t.model.weights({role::denoiser}), t.model.denoiser(),
            {.run = t.run,
             .start = begin(t.run, t.noise, {.from = &t.image, .mask = mask}, false),
             .positive = t.prompt,
             .noise = [&] { return random_values(t.noise.values.size(), -1.7f, 1.7f, ++seed); },
             .thinks = lanpaint_settings{.rounds = rounds},
             .each = [&](int, latent const&, latent const&) { ++told; }},
            dtype::f32, {});
        EXPECT_EQ(told, 4) << "thoughts are not told of";
        return made.values;
    };
    std::vector<float> const plain = t.masked(mask).values, none = with(0), thought = with(3);
    EXPECT_EQ(none, plain);
    for (std::size_t i = plain.size() / 2; i < plain.size(); ++i) ASSERT_EQ(thought[i], t.image.values[i]);
    EXPECT_GT(nmse(thought, plain), 1e-6);
    EXPECT_EQ(with(3), thought);
}

// ---- Residuals of a control network"""))
