// txt2img and img2img with the real executable and device, and a tiny model.
#include "models/files/safetensors_write.h"
#include "models/library/procedural.h"
#include "tests/cli/command.h"
#include "tests/pictures/png_file.h"

#include <cmath>

using namespace sfumato;
using namespace std::chrono_literals;

namespace {

std::vector<std::string> const txt2img{SFUMATO,     "txt2img",
                                       "--model",   "procedural:sd1-tiny",
                                       "--prompt",  "a (red:1.3) fox",
                                       "--seed",    "7",
                                       "--width",   "64",
                                       "--height",  "72",
                                       "--steps",   "2",
                                       "--sampler", "euler_a"};

struct generate : testing::Test {
    scratch_folder folder;

    static std::vector<std::string> txt2img_with(std::string const& model) {
        auto arguments = txt2img;
        arguments[3] = model;
        return arguments;
    }
    ended run(std::vector<std::string> arguments, std::vector<std::string> const& more) const {
        arguments.insert(arguments.end(), more.begin(), more.end());
        return run_to_end(arguments, folder.path);
    }
    // What txt2img with these options writes; it must succeed.
    png_file made(std::vector<std::string> more, std::string const& model = txt2img[3]) const {
        more.insert(more.end(), {"-o", folder / "made.png"});
        ended const e = run(txt2img_with(model), more);
        EXPECT_EQ(e.code, 0) << e.err;
        return read_png(folder / "made.png");
    }
};

double psnr(png_file const& a, png_file const& b) {
    double error = 1e-9;
    for (std::size_t i = 0; i < a.samples.size(); ++i) error += std::pow(double(a.samples[i]) - b.samples[i], 2);
    return a.samples.size() == b.samples.size() ? 10 * std::log10(255 * 255 * double(a.samples.size()) / error) : 0;
}

} // namespace

// Each family tells its denoiser something else beside the prompt.
TEST_F(generate, models_of_all_families_can_be_timed) {
    for (std::string const model : {"sd1-tiny", "sd2-tiny", "sdxl-tiny", "sd3-tiny"}) {
        ended const e = run({SFUMATO, "bench", "net", "--model", "procedural:" + model, "--size", "64", "--guided"},
                            {"--steps", "1"});
        EXPECT_EQ(e.code, 0) << model << ": " << e.err;
        EXPECT_TRUE(mentions(e.out, "decode ")) << e.out;
    }
}

TEST_F(generate, a_recipe_makes_the_picture_again_bit_for_bit) {
    png_file const first = made({"--preview", folder / "preview.png"});
    EXPECT_EQ(first.width, 64);
    EXPECT_EQ(first.height, 72);
    png_file const preview = read_png(folder / "preview.png");
    EXPECT_EQ(preview.width, 8);
    EXPECT_EQ(preview.height, 9);
    EXPECT_EQ(made({"--preview", folder / "preview.png", "--preview-model", "procedural:taesd-tiny"}).samples,
              first.samples);
    EXPECT_EQ(read_png(folder / "preview.png").width, 64);

    ended const e = run({SFUMATO, "txt2img"}, {"--recipe", folder / "made.png", "-o", folder / "again.png"});
    EXPECT_EQ(e.code, 0) << e.err;
    EXPECT_EQ(read_png(folder / "again.png").samples, first.samples);
    EXPECT_EQ(read_png(folder / "again.png").texts, first.texts);

    // What is computed with is part of the recipe.
    png_file const half = made({"--dtype", "fp16"});
    EXPECT_GT(psnr(half, first), 30);
    ASSERT_EQ(run({SFUMATO, "txt2img"}, {"--recipe", folder / "made.png", "-o", folder / "again.png"}).code, 0);
    EXPECT_EQ(read_png(folder / "again.png").samples, half.samples);
    EXPECT_LT(psnr(made({"--rng", "cuda"}), first), 30);
}

TEST_F(generate, img2img_takes_any_picture) {
    png_file in{.width = 77, .height = 90, .color = PNG_COLOR_TYPE_RGB_ALPHA, .samples = {}};
    for (int i = 0; i < 77 * 90 * 4; ++i) in.samples.push_back(std::uint16_t(i / 3 % 256));
    write_png(folder / "in.png", in);
    ended const e = run({SFUMATO, "img2img", folder / "in.png"},
                        {"--model", "procedural:sd1-tiny", "--prompt", "a fox", "--seed", "7", "--steps", "2",
                         "--strength", "0.5", "--json", "-o", folder / "out.png"});
    ASSERT_EQ(e.code, 0) << e.err;
    png_file const out = read_png(folder / "out.png");
    ASSERT_EQ(out.width, 77);
    ASSERT_EQ(out.height, 90);
    ASSERT_EQ(out.color, PNG_COLOR_TYPE_RGB_ALPHA);
    for (std::size_t i = 3; i < in.samples.size(); i += 4) ASSERT_EQ(out.samples[i], in.samples[i]);

    auto const lines = json_lines(e.out);
    EXPECT_EQ(lines.front()["type"], "progress"); // reading the picture
    std::vector<std::string> stages;
    double fraction = 0;
    for (auto const& line : lines) {
        if (line["type"] != "progress") continue;
        std::string const stage = line["stage"];
        if (stages.empty() || stages.back() != stage) stages.push_back(stage);
        EXPECT_GE(line["fraction"], fraction) << stage;
        fraction = line["fraction"];
    }
    EXPECT_EQ(stages, (std::vector<std::string>{"read " + (folder / "in.png"), "load the model", "read the prompt",
                                                "load the model", "encode the picture", "load the model", "step 1 of 2",
                                                "step 2 of 2", "load the model", "decode the picture"}));
    EXPECT_EQ(fraction, 1);
}

// Every pixel beyond the edge stays as it is, and the recipe in the file makes the same picture again.
TEST_F(generate, an_inpaint_changes_what_is_selected_alone) {
    constexpr int width = 150, height = 110, left = 60, top = 40, side = 30, edge = 8;
    png_file in{.width = width, .height = height, .depth = 16, .color = PNG_COLOR_TYPE_RGB, .samples = {}},
        chosen{.width = width, .height = height, .color = PNG_COLOR_TYPE_GRAY, .samples = {}};
    for (int y = 0; y < height; ++y)
        for (int x = 0; x < width; ++x) {
            for (int c = 0; c < 3; ++c) in.samples.push_back(std::uint16_t(9000 + 300 * x + 50 * y * c));
            bool const is_selected = x >= left && x < left + side && y >= top && y < top + side;
            chosen.samples.push_back(is_selected ? 255 : 0);
        }
    write_png(folder / "in.png", in);
    write_png(folder / "mask.png", chosen);
    std::vector<std::string> const inpaint{SFUMATO, "inpaint", folder / "in.png", "--mask", folder / "mask.png"};
    ended const e = run(inpaint, {"--model", "procedural:sd1-tiny", "--prompt", "a fox", "--seed", "7", "--steps", "2",
                                  "--width", "128", "--edge", std::to_string(edge), "-o", folder / "out.png"});
    ASSERT_EQ(e.code, 0) << e.err;
    EXPECT_TRUE(mentions(e.err, "needs ")) << e.err; // the plan
    png_file const out = read_png(folder / "out.png");
    ASSERT_EQ(out.depth, 16);
    int changed = 0;
    for (int y = 0; y < height; ++y)
        for (int x = 0; x < width; ++x) {
            std::size_t const i = 3 * (std::size_t(y) * width + std::size_t(x));
            double const away = std::hypot(std::max({left - x, x - (left + side - 1), 0}),
                                           std::max({top - y, y - (top + side - 1), 0}));
            bool const is_same = std::equal(&in.samples[i], &in.samples[i] + 3, &out.samples[i]);
            if (away > edge + 1) {
                ASSERT_TRUE(is_same) << x << ", " << y;
            }
            changed += away == 0 && !is_same;
        }
    EXPECT_GT(changed, side * side * 9 / 10);

    ASSERT_EQ(run(inpaint, {"--recipe", folder / "out.png", "-o", folder / "again.png"}).code, 0);
    EXPECT_EQ(read_png(folder / "again.png").samples, out.samples);
    EXPECT_EQ(read_png(folder / "again.png").texts, out.texts);

    // Of a batch each is made from the picture, not from the one before.
    ASSERT_EQ(
        run(inpaint, {"--recipe", folder / "out.png", "--seed", "6", "--batch", "2", "-o", folder / "two.png"}).code,
        0);
    EXPECT_NE(read_png(folder / "two-1.png").samples, out.samples);
    EXPECT_EQ(read_png(folder / "two-2.png").samples, out.samples);
    EXPECT_EQ(read_png(folder / "two-2.png").texts, out.texts);
}

// Fine-tuning adds tokens: they are not what prompts are padded with.
TEST_F(generate, an_added_token_changes_nothing) {
    checkpoint model = procedural_checkpoint("sd1-tiny");
    auto& table = model.tensors.at("cond_stage_model.transformer.text_model.embeddings.token_embedding.weight");
    ++table.shape[0];
    table.make = [all = table](std::span<std::byte> bytes) {
        std::size_t const added = bytes.size() / std::size_t(all.shape[0]);
        std::ranges::fill(bytes.last(added), std::byte(0x3a)); // halves of 0.78
        all.make(bytes.first(bytes.size() - added));
    };
    write_safetensors(folder / "added.safetensors", model.tensors, model.metadata);
    EXPECT_EQ(made({}, folder / "added.safetensors").samples, made({}).samples);
}

TEST_F(generate, halves_that_are_joined_are_the_model) {
    checkpoint const model = procedural_checkpoint("sd1-tiny");
    auto const put = [&](std::string const& name, std::string_view prefix) {
        checkpoint part;
        for (auto const& [tensor, value] : model.tensors)
            if (tensor.starts_with(prefix)) part.tensors[tensor] = value;
        write_safetensors(folder / name, part.tensors, model.metadata);
        return folder / name;
    };
    std::string const unet = put("unet.safetensors", "model."), text = put("text.safetensors", "cond_stage_model."),
                      vae = put("vae.safetensors", "first_stage_model.");
    EXPECT_EQ(made({"--text-encoder", text, "--vae", vae}, unet).samples, made({}).samples);
    ended const e = run(txt2img_with(unet), {"--vae", vae, "-o", folder / "half.png"});
    EXPECT_EQ(e.code, 1);
    EXPECT_TRUE(mentions(e.err, "which has no text encoder; they are taken from other files with --text-encoder FILE"))
        << e.err;
}

TEST_F(generate, a_damaged_file_is_one_sentence) {
    checkpoint const model = procedural_checkpoint("sd1-inpaint-tiny");
    write_safetensors(folder / "m.safetensors", model.tensors, model.metadata);
    std::string const whole = text_of(folder / "m.safetensors");
    auto const with_model = [&](std::string const& bytes) {
        write_text(folder / "m.safetensors", bytes);
        return run({SFUMATO, "txt2img"}, {"--model", folder / "m.safetensors", "-o", folder / "out.png"});
    };
    for (std::string const& bytes :
         {whole.substr(0, whole.size() - 1), whole.substr(0, 1000), std::string("PK\3\4 no zip")}) {
        ended const e = with_model(bytes);
        EXPECT_EQ(e.code, 1);
        EXPECT_EQ(std::ranges::count(e.err, '\n'), 1) << e.err;
        EXPECT_TRUE(mentions(e.err, "m.safetensors")) << e.err;
        EXPECT_FALSE(std::filesystem::exists(folder / "out.png"));
    }
}

TEST_F(generate, ctrl_c_ends_a_run) {
    auto arguments = txt2img;
    arguments.insert(arguments.end(), {"-o", folder / "out.png", "--json", "--batch", "64"});
    process p(arguments, folder.path);
    ASSERT_TRUE(eventually([&] { return mentions(p.out(), "picture 2 of 64, step"); }, 100s)) << p.err();
    p.signal(SIGINT);
    EXPECT_EQ(p.wait(5s), 3);
    EXPECT_EQ(json_lines(p.out()).back(), nlohmann::json({{"type", "cancelled"}}));
    EXPECT_TRUE(std::filesystem::exists(folder / "out-1.png")) << "what is finished stays";
}
