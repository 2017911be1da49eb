// txt2img and img2img as people and scripts see them: with `fake_sfumato`, whose pictures are plain grey.
#include "request/json.h"
#include "request/request.h"
#include "request/samplers.h"
#include "tests/cli/command.h"
#include "tests/engine/fake_jobs.h"
#include "tests/pictures/png_file.h"

#include <fstream>
#include <tuple>

using namespace sfumato;
using namespace std::chrono_literals;
using nlohmann::json;

namespace {

struct generate_command : testing::Test {
    scratch_folder folder;
    std::string const in = folder.path / "in.png", out = folder.path / "out.png";

    // Grey with alpha; no side is a multiple of 8.
    generate_command() {
        png_file picture{.width = 77, .height = 90, .color = PNG_COLOR_TYPE_GRAY_ALPHA, .samples = {}};
        for (int i = 0; i < 77 * 90 * 2; ++i) picture.samples.push_back(std::uint16_t(i % 256));
        write_png(in, picture);
    }
    ended run(std::vector<std::string> arguments) const {
        arguments.insert(arguments.begin(), FAKE_SFUMATO);
        return run_to_end(arguments, folder.path);
    }
    ended txt2img(std::vector<std::string> more) const {
        more.insert(more.begin(), {"txt2img", "-o", out, "--model", "models/m 1.safetensors", "--prompt", "a fox"});
        return run(more);
    }
    ended img2img(std::vector<std::string> more) const {
        more.insert(more.begin(), {"img2img", in, "-o", out, "--model", "models/m 1.safetensors"});
        return run(more);
    }
};

request recipe_of(std::string const& path) {
    return request_from_json(json::parse(read_png(path).texts.at("Comment")));
}

} // namespace

TEST_F(generate_command, makes_a_picture) {
    ended const e = txt2img({"--seed", "51", "--width", "64", "--height", "72", "--negative", "blur, haze"});
    EXPECT_EQ(e.code, 0) << e.err;
    EXPECT_TRUE(mentions(e.out, "out.png: made in ")) << e.out;
    EXPECT_TRUE(mentions(e.out, "seed 51\n")) << e.out;
    EXPECT_EQ(e.err, "needs 1 MB, 2 MB free\n");
    png_file const made = read_png(out);
    EXPECT_EQ(made.width, 64);
    EXPECT_EQ(made.height, 72);
    EXPECT_EQ(made.color, PNG_COLOR_TYPE_RGB);
    EXPECT_TRUE(std::ranges::all_of(made.samples, [](auto v) { return v == 51; }));
    EXPECT_EQ(made.texts.at("parameters"),
              "a fox\nNegative prompt: blur, haze\nSteps: 20, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 7, "
              "Seed: 51, Size: 64x72, Model: m 1, RNG: CPU, Version: Sfumato " SFUMATO_VERSION);
    request wanted{.operation = operation::txt2img, .seed = 51};
    wanted.diffusion = {.model = "models/m 1.safetensors",
                        .prompt = "a fox",
                        .negative_prompt = "blur, haze",
                        .width = 64,
                        .height = 72};
    EXPECT_EQ(recipe_of(out), wanted);
}

TEST_F(generate_command, every_option_is_in_the_recipe) {
    std::vector<std::string> const shared{"--vae",
                                          "v.pt",
                                          "--text-encoder",
                                          "t.safetensors",
                                          "--text-encoder-2",
                                          "g.safetensors",
                                          "--text-encoder-3",
                                          "t5.safetensors",
                                          "--lora",
                                          "a b.safetensors",
                                          "--lora=C:ink:-0.5",
                                          "--steps",
                                          "7",
                                          "--cfg",
                                          "4.5",
                                          "--sampler",
                                          "ddim",
                                          "--scheduler",
                                          "beta",
                                          "--seed",
                                          "9007199254740993",
                                          "--rng",
                                          "cuda",
                                          "--clip-skip",
                                          "2",
                                          "--prediction",
                                          "v",
                                          "--zero-terminal-snr",
                                          "--dtype",
                                          "fp16"};
    auto text = shared, image = shared;
    text.insert(text.end(), {"--width", "128", "--height", "64"});
    image.insert(image.end(), {"--strength", "0.3", "--strength-rule", "fewer_steps"});
    diffusion_settings wanted{.model = "models/m 1.safetensors",
                              .vae = "v.pt",
                              .text_encoder = "t.safetensors",
                              .text_encoder_2 = "g.safetensors",
                              .text_encoder_3 = "t5.safetensors",
                              .loras = {{"a b.safetensors"}, {"C:ink", -0.5}},
                              .steps = 7,
                              .cfg = 4.5,
                              .sampler = sampler::ddim,
                              .scheduler = scheduler::beta,
                              .rng = generator::cuda,
                              .clip_skip = 2,
                              .prediction = prediction::v,
                              .zero_terminal_snr = true,
                              .dtype = dtype::f16};
    ASSERT_EQ(txt2img(text).code, 0);
    request of_text{.operation = operation::txt2img, .seed = 9007199254740993}; // more than a double holds
    of_text.diffusion = wanted;
    of_text.diffusion.prompt = "a fox", of_text.diffusion.width = 128, of_text.diffusion.height = 64;
    EXPECT_EQ(recipe_of(out), of_text);

    ended const e = img2img(image);
    ASSERT_EQ(e.code, 0) << e.err;
    request of_image{.operation = operation::img2img, .seed = 9007199254740993};
    of_image.diffusion = wanted;
    of_image.diffusion.strength = 0.3, of_image.diffusion.strength_rule = strength_rule::fewer_steps;
    EXPECT_EQ(recipe_of(out), of_image);
    EXPECT_TRUE(mentions(read_png(out).texts.at("parameters"),
                         " <lora:a b:1> <lora:C:ink:-0.5>\nSteps: 7, Sampler: DDIM, Schedule type: Beta, CFG scale: "
                         "4.5, Seed: 9007199254740993, Size: "
                         "77x90, Model: m 1, VAE: v.pt, Denoising strength: 0.3, Clip skip: 2, Version"))
        << read_png(out).texts.at("parameters");
}

TEST_F(generate_command, img2img_keeps_size_and_transparency) {
    ended const e = img2img({"--seed", "51"});
    EXPECT_EQ(e.code, 0) << e.err;
    png_file const made = read_png(out), given = read_png(in);
    ASSERT_EQ(made.width, 77);
    ASSERT_EQ(made.height, 90);
    ASSERT_EQ(made.color, PNG_COLOR_TYPE_RGB_ALPHA);
    for (std::size_t i = 0; i < 77 * 90; ++i) {
        ASSERT_EQ(made.samples[4 * i + 3], given.samples[2 * i + 1]);
        ASSERT_EQ(made.samples[4 * i], 51);
    }
}

TEST_F(generate_command, json_lines) {
    ended const e = txt2img({"--seed", "51", "--width=64", "--height=64", "--json"});
    EXPECT_EQ(e.code, 0);
    EXPECT_EQ(e.err, "");
    auto const all = json_lines(e.out);
    ASSERT_EQ(all.size(), 3u);
    EXPECT_EQ(
        all[0],
        (json{{"type", "plan"}, {"text", "needs 1 MB, 2 MB free"}, {"needed", 1'000'000}, {"available", 2'000'000}}));
    EXPECT_EQ(all[1], (json{{"type", "progress"}, {"stage", "fake"}, {"fraction", 0.25}, {"seconds_left", 3.0}}));
    EXPECT_EQ(all[2]["type"], "result");
    EXPECT_EQ(all[2]["outputs"], json::array({out}));
    EXPECT_GE(all[2]["seconds"], 0);
    EXPECT_EQ(request_from_json(all[2]["request"]), recipe_of(out));
    ended const failed = img2img({"--seed", std::to_string(fake_seed::fails), "--json"});
    EXPECT_EQ(failed.code, 1);
    EXPECT_EQ(json_lines(failed.out).back(),
              (json{{"type", "error"}, {"message", "The fake job fails as it was told."}}));
}

TEST_F(generate_command, a_batch_has_numbered_names_and_a_recipe_each) {
    std::filesystem::create_directory(folder.path / "v1.5");
    std::string const dotted = folder.path / "v1.5" / "a.b.png";
    ended const e = run({"txt2img", "-o", dotted, "--model", "m", "--width", "64", "--height", "64", "--batch", "3",
                         "--seed", "9", "--json"});
    ASSERT_EQ(e.code, 0) << e.err;
    std::vector<std::string> names;
    for (int k : {1, 2, 3}) names.push_back((folder.path / "v1.5" / ("a.b-" + std::to_string(k) + ".png")).string());
    EXPECT_EQ(json_lines(e.out).back()["outputs"], names);
    EXPECT_FALSE(std::filesystem::exists(dotted));
    for (int k = 0; k < 3; ++k) {
        EXPECT_EQ(read_png(names[std::size_t(k)]).samples[0], 9 + k);
        EXPECT_EQ(recipe_of(names[std::size_t(k)]).seed, 9 + k);
        EXPECT_EQ(recipe_of(names[std::size_t(k)]).diffusion.batch, 1);
        EXPECT_TRUE(mentions(read_png(names[std::size_t(k)]).texts.at("parameters"), "Seed: " + std::to_string(9 + k)));
    }
    EXPECT_TRUE(
        mentions(txt2img({"--width", "64", "--height", "64", "--batch", "2"}).out, "out-1.png: and 1 more made"));
}

TEST_F(generate_command, a_recipe_makes_the_same_request_again) {
    ASSERT_EQ(txt2img({"--seed", "51", "--width", "64", "--height", "64", "--steps", "9"}).code, 0);
    request const wanted = recipe_of(out);
    std::filesystem::rename(out, folder.path / "earlier.png");
    write_text(folder.path / "recipe.json", read_png(folder.path / "earlier.png").texts.at("Comment"));
    for (char const* file : {"earlier.png", "recipe.json"}) {
        ended const e = run({"txt2img", "-o", out, "--recipe", folder.path / file});
        EXPECT_EQ(e.code, 0) << e.err;
        EXPECT_FALSE(mentions(e.err, "not known")) << e.err;
        EXPECT_EQ(recipe_of(out), wanted);
        std::filesystem::remove(out);
    }
    // Options win; the operation is the command's; what it has no use for is told.
    ended const e = run({"img2img", in, "-o", out, "--recipe", folder.path / "recipe.json", "--seed", "52"});
    EXPECT_EQ(e.code, 0) << e.err;
    EXPECT_TRUE(mentions(e.err, "the request's \"width\" is not known here")) << e.err;
    request const changed = recipe_of(out);
    EXPECT_EQ(changed.operation, operation::img2img);
    EXPECT_EQ(changed.seed, 52);
    EXPECT_EQ(changed.diffusion.steps, 9);
}

TEST_F(generate_command, a_seed_is_chosen_and_told) {
    ended const e = txt2img({"--width", "64", "--height", "64", "--json"});
    EXPECT_GE(json_lines(e.out).back()["request"]["seed"].get<std::int64_t>(), 0);
    EXPECT_EQ(json_lines(e.out).back()["request"]["seed"], recipe_of(out).seed);
}

// What comes with Sfumato, and it is said.
TEST_F(generate_command, no_model_is_needed) {
    for (auto const& arguments : std::vector<std::vector<std::string>>{{"txt2img"}, {"img2img", in}}) {
        auto all = arguments;
        all.insert(all.end(), {"-o", out, "--prompt", "a red apple", "--seed", "51"});
        if (arguments.size() == 1) all.insert(all.end(), {"--width", "64", "--height", "64"});
        ended const e = run(all);
        EXPECT_EQ(e.code, 0) << e.err;
        EXPECT_TRUE(mentions(e.out + e.err, ", by Sfumato's own model of icons and clip art")) << e.out << e.err;
        EXPECT_EQ(recipe_of(out).diffusion.model, "sfumato:draw");
    }
    EXPECT_FALSE(mentions(txt2img({}).err, "own model"));
}

// What the name says of steps is taken and told, where nobody says otherwise.
TEST_F(generate_command, a_model_of_few_steps_gets_them) {
    auto const taken = [&](std::vector<std::string> more) {
        more.insert(more.begin(), {"txt2img", "-o", out, "--width", "64", "--height", "64", "--model",
                                   "m/sdxl_lightning_4step.safetensors"});
        ended const e = run(more);
        EXPECT_EQ(e.code, 0) << e.err;
        EXPECT_EQ(mentions(e.err, "m/sdxl_lightning_4step.safetensors is Lightning by its name: "),
                  more[9] != "--recipe")
            << e.err;
        diffusion_settings const d = recipe_of(out).diffusion;
        return std::tuple(d.steps, d.cfg, d.sampler, d.scheduler);
    };
    using settings = std::tuple<int, double, sampler, std::optional<scheduler>>;
    EXPECT_EQ(taken({"--prompt", "a fox"}), settings(4, 1, sampler::euler, scheduler::trailing));
    EXPECT_EQ(taken({"--steps", "6", "--cfg", "2"}), settings(6, 2, sampler::euler, scheduler::trailing));
    EXPECT_EQ(taken({"--sampler", "dpmpp_sde"}), settings(4, 1, sampler::dpmpp_sde, std::nullopt));
    std::string const kept = folder.path / "kept.json";
    std::ofstream(kept) << R"({"sfumato": 3, "operation": "txt2img", "prompt": "a fox", "steps": 20})";
    EXPECT_EQ(taken({"--recipe", kept}), settings(20, 7, sampler::dpmpp_2m, std::nullopt));
}

TEST_F(generate_command, previews_are_files) {
    std::string const preview = folder.path / "preview.png";
    ASSERT_EQ(img2img({"--seed", "51", "--preview", preview}).code, 0);
    EXPECT_EQ(read_png(preview).samples[0], 51);
    EXPECT_TRUE(read_png(preview).texts.empty());
    EXPECT_EQ(img2img({"--preview", preview, "--preview-model", "procedural:taesd-tiny"}).code, 0);
}

TEST_F(generate_command, usage_errors_are_exit_code_2) {
    struct {
        std::vector<std::string> arguments;
        std::string mentions;
    } const cases[] = {
        {{"txt2img"}, "txt2img needs -o OUT"},
        {{"txt2img", in, "-o", out, "--model", "m"}, "img2img does"},
        {{"img2img", "-o", out, "--model", "m"}, "exactly one picture"},
        {{"img2img", in, in, "-o", out, "--model", "m"}, "exactly one picture"},
        {{"img2img", in, "--model", "m"}, "img2img needs -o OUT"},
        {{"txt2img", "-o", out, "--model", "m", "--strength", "1"}, "unknown option --strength"},
        {{"img2img", in, "-o", out, "--model", "m", "--width", "64"}, "unknown option --width"},
        {{"txt2img", "-o", out, "--model", "m", "--steps", "many"}, "--steps must be a whole number"},
        {{"txt2img", "-o", out, "--model", "m", "--seed", "9223372036854775808"}, "--seed must be a whole number"},
        {{"txt2img", "-o", out, "--model", "m", "--cfg", "7,5"}, "--cfg must be a number"},
        {{"txt2img", "-o", out, "--model", "m", "--cfg", "nan"}, "--cfg must be a number"},
        {{"txt2img", "-o", out, "--model", "m", "--preview-model", "t"}, "--preview-model needs --preview FILE"},
        {{"txt2img", "-o", out, "--model", "m", "--model", "n"}, "given twice"},
        {{"txt2img", "-o", out, "--model", "m", "--sampler", "dpm_fast"}, "--sampler must be \"euler\""},
        {{"txt2img", "-o", out, "--model", "m", "--scheduler", "none"}, "--scheduler must be \"normal\""},
        {{"txt2img", "-o", out, "--model", "m", "--seed", "-2"}, "--seed must be a whole number from -1 to"},
        {{"txt2img", "-o", out, "--model", "m", "--batch", "0"}, "--batch must be a whole number from 1 to 64, not 0"},
        {{"txt2img", "-o", out, "--model", "m", "--dtype", "fp8"}, "--dtype must be \"fp32\", \"fp16\" or \"bf16\""},
        {{"txt2img", "-o", out, "--model", "m", "--rng", "gpu"}, "--rng must be \"cpu\" or \"cuda\""},
        {{"txt2img", "-o", out, "--model", "m", "--lora", "x:101"},
         "--lora must be FILE[:WEIGHT], with a weight from -100"},
        {{"txt2img", "-o", out, "--model", "m", "--lora", ""}, "--lora must be FILE[:WEIGHT]"},
        {{"txt2img", "-o", out, "--model", "m", "--width", "100"}, "--width must be a multiple of 8"},
        {{"img2img", in, "-o", out, "--model", "m", "--strength", "0"},
         "--strength must be a number from 0.01 to 1, not 0;"},
    };
    for (auto const& c : cases) {
        ended const e = run(c.arguments);
        EXPECT_EQ(e.code, 2) << c.mentions;
        EXPECT_TRUE(mentions(e.err, c.mentions)) << e.err;
        EXPECT_EQ(std::ranges::count(e.err, '\n'), 1) << e.err;
        EXPECT_EQ(e.out, "");
    }
}

TEST_F(generate_command, a_photo_is_seen_as_its_orientation_says) {
    write_png(in, {.width = 3, .height = 2, .samples = std::vector<std::uint16_t>(18, 9), .orientation = 6});
    ended const e = img2img({"--seed", "51"});
    EXPECT_EQ(e.code, 0) << e.err;
    EXPECT_EQ(read_png(out).width, 2);
    EXPECT_EQ(read_png(out).height, 3);
}

TEST_F(generate_command, failures_are_exit_code_1_and_one_line) {
    write_text(folder.path / "bad.json", R"({"sfumato": 1, "steps": "many"})");
    write_text(folder.path / "list.json", "[]");
    struct {
        std::vector<std::string> more;
        std::string mentions;
    } const cases[] = {
        {{"--recipe", folder.path / "bad.json"}, "\"steps\""},
        {{"--recipe", folder.path / "list.json"}, "must be a JSON object"},
        {{"--recipe", in}, "carries no recipe"},
        {{"--recipe", folder.path / "missing.png"}, "No such file"},
        {{"--preview", folder.path / "nowhere" / "p.png"}, "cannot be written"},
        {{"--preview", folder.path / "p.txt"}, "must end in .png"},
        {{"--preview", folder.path / "p.png", "--preview-model", folder.path / "missing.pth"}, "missing.pth"},
        {{"--device", "GeForce"}, "No Vulkan device is called \"GeForce\""},
        {{"--seed", std::to_string(fake_seed::fails)}, "fails as it was told"},
        {{"--seed", std::to_string(fake_seed::loses_device)}, "device is lost"},
    };
    for (auto const& c : cases) {
        ended e = img2img(c.more);
        EXPECT_EQ(e.code, 1) << c.mentions;
        EXPECT_TRUE(mentions(e.err, c.mentions)) << e.err;
        EXPECT_EQ(std::ranges::count(e.err, '\n'), 1 + mentions(e.err, "needs 1 MB")) << e.err;
        EXPECT_FALSE(std::filesystem::exists(out));
    }
    EXPECT_TRUE(mentions(run({"img2img", in, "-o", in, "--model", "m"}).err, "cannot be written over the picture"));
    EXPECT_TRUE(mentions(run({"txt2img", "-o", folder.path / "out.gif", "--model", "m"}).err, "must end in .png"));
    EXPECT_TRUE(mentions(run({"img2img", folder.path / "no.png", "-o", out, "--model", "m"}).err, "No such file"));
}

TEST_F(generate_command, ctrl_c_is_exit_code_3_and_a_second_one_kills) {
    std::vector<std::string> const command{FAKE_SFUMATO, "img2img", in, "-o", out, "--model", "m", "--json", "--seed"};
    auto patient = command, deaf = command;
    patient.push_back(std::to_string(fake_seed::until_cancelled));
    deaf.push_back(std::to_string(fake_seed::never_notices));
    process p(patient, folder.path);
    ASSERT_TRUE(eventually([&] { return mentions(p.out(), "\"fake\""); })) << p.err();
    p.signal(SIGINT);
    EXPECT_EQ(p.wait(2s), 3);
    EXPECT_EQ(json_lines(p.out()).back(), json({{"type", "cancelled"}}));
    process q(deaf, folder.path);
    ASSERT_TRUE(eventually([&] { return mentions(q.out(), "\"fake\""); })) << q.err();
    q.signal(SIGINT);
    EXPECT_EQ(q.wait(200ms), -1);
    q.signal(SIGINT);
    EXPECT_EQ(q.wait(2s), 128 + SIGINT);
    EXPECT_FALSE(std::filesystem::exists(out));
}
