// The executable as people and scripts see it: output, exit codes. `fake_sfumato` is it with a job that needs no GPU.
#include "models/library/procedural.h"
#include "request/fields.h"
#include "request/json.h"
#include "request/names.h"
#include "request/request.h"
#include "tests/cli/command.h"
#include "tests/engine/fake_jobs.h"
#include "tests/environment_variable.h"
#include "tests/models/files/torch_file.h"
#include "tests/pictures/png_file.h"

using namespace sfumato;
using namespace std::chrono_literals;
using nlohmann::json;

namespace {

struct command_line : testing::Test {
    scratch_folder folder;
    std::string const in = folder.path / "in.png", chosen = folder.path / "mask.png", out = folder.path / "out.png";
    static constexpr int side = 40;

    command_line() {
        png_file picture{.width = side, .height = side, .color = PNG_COLOR_TYPE_RGB, .samples = {}};
        picture.samples.assign(side * side * 3, 200);
        write_png(in, picture);
        write_mask(10);
    }
    // Selects a square in the middle.
    void write_mask(int size) const {
        png_file m{.width = side, .height = side, .color = PNG_COLOR_TYPE_GRAY, .samples = {}};
        m.samples.assign(side * side, 0);
        for (int y = 0; y < size; ++y)
            for (int x = 0; x < size; ++x) m.samples[std::size_t((15 + y) * side + 15 + x)] = 255;
        write_png(chosen, m);
    }
    ended run(std::vector<std::string> arguments) const {
        arguments.insert(arguments.begin(), FAKE_SFUMATO);
        return run_to_end(arguments, folder.path);
    }
    ended inpaint(std::vector<std::string> more) const {
        more.insert(more.begin(), {"inpaint", in, "--mask", chosen, "-o", out});
        return run(more);
    }
};

} // namespace

TEST_F(command_line, fills_a_picture) {
    ended const e = inpaint({"--seed", "51"});
    EXPECT_EQ(e.code, 0) << e.err;
    EXPECT_TRUE(mentions(e.out, "out.png: filled with patches in")) << e.out;
    EXPECT_TRUE(mentions(e.out, "seed 51")) << e.out;
    png_file const filled = read_png(out);
    EXPECT_EQ(filled.samples[(20 * side + 20) * 3], 51);
    EXPECT_EQ(filled.samples[(5 * side + 5) * 3], 200);
    request const recipe = request_from_json(json::parse(filled.texts.at("Comment")));
    EXPECT_EQ(recipe.seed, 51);
    EXPECT_EQ(recipe.area, (rect{0, 0, side, side}));
}

TEST_F(command_line, a_model_s_options_are_in_the_recipe) {
    ended const e = inpaint({"--seed", "51", "--model", "m", "--prompt", "a cat", "--strength", "0.5", "--edge", "9",
                             "--mask-cells", "mean", "--steps", "7", "--width", "640"});
    EXPECT_EQ(e.code, 0) << e.err;
    request wanted{.method = method::diffusion, .seed = 51, .area = {0, 0, side, side}};
    wanted.diffusion = {.model = "m", .prompt = "a cat", .steps = 7};
    wanted.inpaint = {.strength = 0.5, .mask_cells = mask_cells::mean, .edge = 9, .width = 640};
    EXPECT_EQ(request_from_json(json::parse(read_png(out).texts.at("Comment"))), wanted);
}

TEST_F(command_line, lama_is_taken_where_one_is_found) {
    std::string const lama = folder.put("my-lama.pt", torch_script_file(procedural_checkpoint("lama-tiny")));
    environment_variable const models("SFUMATO_MODELS", folder.path), home("HOME", folder.path);
    auto const made = [&] { return request_from_json(json::parse(read_png(out).texts.at("Comment"))); };
    ended e = inpaint({"--seed", "51"});
    EXPECT_TRUE(mentions(e.out, "out.png: filled by LaMa (my-lama.pt) in")) << e.out << e.err;
    request const by_lama{.method = method::lama, .seed = 51, .area = {0, 0, side, side}, .diffusion = {.model = lama}};
    EXPECT_EQ(made(), by_lama);
    e = inpaint({"--seed", "51", "--method", "patchmatch"});
    EXPECT_TRUE(mentions(e.out, "filled with patches in")) << e.out << e.err;
    // Said by name, it takes away what a recipe says.
    for (char const* recipe : {R"({"sfumato": 1, "seed": 51, "method": "patchmatch"})",
                               R"({"sfumato": 1, "seed": 51, "method": "diffusion", "model": "m"})",
                               R"({"sfumato": 1, "seed": 51, "method": "lama", "model": "gone"})"}) {
        write_text(folder.path / "r.json", recipe);
        e = inpaint({"--recipe", folder.path / "r.json", "--method", "auto"});
        EXPECT_EQ(made(), by_lama) << recipe << e.err;
    }
    e = inpaint({"--seed", "51", "--method", "auto", "--model", "sd.safetensors", "--prompt", "a cat"});
    EXPECT_TRUE(mentions(e.out, "filled by sd.safetensors in")) << e.out << e.err;
}

TEST_F(command_line, json_lines) {
    ended const e = inpaint({"--seed", "51", "--json", "--context", "selection"});
    EXPECT_EQ(e.code, 0) << e.err;
    auto const all = json_lines(e.out);
    ASSERT_GE(all.size(), 2u);
    EXPECT_EQ(all.front()["type"], "progress");
    EXPECT_EQ(all.back()["type"], "result");
    EXPECT_EQ(all.back()["output"], out);
    EXPECT_EQ(all.back()["request"]["seed"], 51);
    EXPECT_EQ(all.back()["request"]["area"], (json{{"x", 15}, {"y", 15}, {"width", 10}, {"height", 10}}));
    ended const failed = inpaint({"--seed", std::to_string(fake_seed::fails), "--json"});
    EXPECT_EQ(failed.code, 1);
    EXPECT_EQ(json_lines(failed.out).back(),
              (json{{"type", "error"}, {"message", "The fake job fails as it was told."}}));
}

TEST_F(command_line, a_request_file_with_options_on_top) {
    write_text(folder.path / "r.json", R"({"sfumato": 1, "seed": 7, "context": "selection", "mood": "blue"})");
    ended e = inpaint({"--recipe", folder.path / "r.json"});
    EXPECT_EQ(e.code, 0) << e.err;
    EXPECT_TRUE(mentions(e.err, "\"mood\" is not known")) << e.err;
    EXPECT_EQ(read_png(out).samples[(20 * side + 20) * 3], 7);
    e = inpaint({"--recipe", folder.path / "r.json", "--seed=9"});
    EXPECT_EQ(read_png(out).samples[(20 * side + 20) * 3], 9);
    // A result's own recipe makes the same result again.
    std::string const recipe = read_png(out).texts.at("Comment");
    write_text(folder.path / "r.json", recipe);
    std::filesystem::rename(out, folder.path / "earlier.png");
    for (auto const* file : {"r.json", "earlier.png"}) {
        EXPECT_EQ(inpaint({"--recipe", folder.path / file}).code, 0);
        EXPECT_EQ(read_png(out).texts.at("Comment"), recipe);
        std::filesystem::remove(out);
    }
}

TEST_F(command_line, a_seed_is_chosen_and_told) {
    ended const e = inpaint({"--json"});
    EXPECT_GE(json_lines(e.out).back()["request"]["seed"].get<std::int64_t>(), 0);
}

TEST_F(command_line, usage_errors_are_exit_code_2) {
    struct {
        std::vector<std::string> arguments;
        std::string mentions;
    } const cases[] = {
        {{}, "a command is missing"},
        {{"paint"}, "no command \"paint\""},
        {{"--frobnicate"}, "no command"},
        {{"inpaint"}, "exactly one picture"},
        {{"inpaint", in, in, "--mask", chosen, "-o", out}, "exactly one picture"},
        {{"inpaint", in, "-o", out}, "--mask"},
        {{"inpaint", in, "--mask", chosen}, "-o OUT"},
        {{"inpaint", in, "--mask"}, "--mask needs a value"},
        {{"inpaint", in, "--mask", chosen, "--mask", chosen}, "given twice"},
        {{"inpaint", in, "--mask", chosen, "-o", out, "--sed", "4"}, "unknown option --sed"},
        {{"inpaint", in, "--mask", chosen, "-o", out, "--seed", "x"}, "--seed must be a whole number"},
        {{"inpaint", in, "--mask", chosen, "-o", out, "--seed", "1e3"}, "--seed must be a whole number"},
        {{"inpaint", in, "--mask", chosen, "-o", out, "--seed", ""}, "--seed must be a whole number"},
        {{"inpaint", in, "--mask", chosen, "-o", out, "--json=yes"}, "takes no value"},
        {{"inpaint", in, "--mask", chosen, "-o", out, "--seed", "4294967296"},
         "--seed must be a whole number from -1 to 4294967295, not 4294967296"},
        {{"inpaint", in, "--mask", chosen, "-o", out, "--method", "magic"},
         "--method must be \"patchmatch\", \"diffusion\" or \"lama\", not \"magic\""},
        {{"inpaint", in, "--mask", chosen, "-o", out, "--method", "diffusion"},
         "--method diffusion needs --model MODEL"},
        {{"inpaint", in, "--mask", chosen, "-o", out, "--prompt", "a cat"}, "--prompt needs --model MODEL"},
        {{"inpaint", in, "--mask", chosen, "-o", out, "--model", "m", "--method", "patchmatch"},
         "--model is not for --method patchmatch"},
        {{"inpaint", in, "--mask", chosen, "-o", out, "--prompt", "a cat", "--method", "lama"},
         "--prompt is not for --method lama"},
        {{"inpaint", in, "--mask", chosen, "-o", out, "--model", "m", "--strength", "0"},
         "--strength must be a number from 0.01 to 1, not 0"},
        {{"inpaint", in, "--mask", chosen, "-o", out, "--model", "m", "--edge", "-1"},
         "--edge must be a whole number from 0 to 1024, not -1"},
        {{"inpaint", in, "--mask", chosen, "-o", out, "--model", "m", "--mask-cells", "most"},
         "--mask-cells must be \"maximum\", \"mean\" or \"nearest\""},
        {{"inpaint", in, "--mask", chosen, "-o", out, "--model", "m", "--scale", "2"}, "unknown option --scale"},
        {{"inpaint", in, "--mask", chosen, "-o", out, "--context", "all"}, "--context must be \"automatic\""},
        {{"serve", "extra"}, "takes no file"},
        {{"serve", "--idle-exit", "-1"}, "--idle-exit must be"},
        {{"devices", "extra"}, "takes no file"},
    };
    for (auto const& c : cases) {
        ended const e = run(c.arguments);
        EXPECT_EQ(e.code, 2) << c.mentions;
        EXPECT_TRUE(mentions(e.err, c.mentions)) << e.err;
        bool const has_command = c.arguments.size() > 1 || c.mentions == "exactly one picture";
        EXPECT_TRUE(mentions(e.err, has_command ? "see sfumato " + c.arguments[0] + " --help" : "see sfumato --help"))
            << e.err;
        EXPECT_EQ(e.out, "");
    }
}

TEST_F(command_line, usage_errors_are_json_too) {
    ended const e = run({"inpaint", in, "--mask", chosen, "-o", out, "--json", "--seed", "x"});
    EXPECT_EQ(e.code, 2);
    std::string const message =
        "--seed must be a whole number from -1 to 4294967295, not \"x\"; see sfumato inpaint --help";
    EXPECT_EQ(json_lines(e.out), (std::vector<json>{{{"type", "error"}, {"message", message}}}));
    EXPECT_EQ(e.err, "sfumato: " + message + "\n");
}

TEST_F(command_line, failures_are_exit_code_1_and_one_line) {
    write_text(folder.path / "bad.json", R"({"sfumato": 1, "seed": "blue"})");
    write_text(folder.path / "area.json", R"({"sfumato": 1, "area": {"x": 0, "y": 0, "width": 20, "height": 20}})");
    write_text(folder.path / "text.json", "a photo of a cat");
    write_text(folder.path / "far.json", R"({"sfumato": 1, "area": {"x": 30, "y": 0, "width": 20, "height": 20}})");
    struct {
        std::vector<std::string> more;
        std::string mentions;
    } const cases[] = {
        {{"--device", "GeForce"}, "No Vulkan device is called \"GeForce\""},
        {{"--recipe", folder.path / "bad.json"}, "The request's \"seed\" must be a whole number"},
        {{"--recipe", folder.path / "area.json"}, "outside the request's \"area\""},
        {{"--recipe", folder.path / "far.json"}, "does not lie inside the picture"},
        {{"--recipe", in}, "carries no recipe"},
        {{"--recipe", folder.path / "text.json"}, "is not valid JSON"},
        {{"--recipe", folder.path / "missing.json"}, "No such file"},
        {{"--seed", std::to_string(fake_seed::fails)}, "fails as it was told"},
    };
    for (auto const& c : cases) {
        ended const e = inpaint(c.more);
        EXPECT_EQ(e.code, 1) << c.mentions;
        EXPECT_TRUE(mentions(e.err, c.mentions)) << e.err;
        EXPECT_EQ(std::ranges::count(e.err, '\n'), 1) << e.err;
        EXPECT_FALSE(std::filesystem::exists(out));
    }
    write_text(folder.path / "cut.jpg", "\xFF\xD8\xFF\xE0 then nothing that a JPEG has");
    EXPECT_TRUE(mentions(run({"inpaint", folder.path / "cut.jpg", "--mask", chosen, "-o", out}).err,
                         "cut.jpg is a damaged JPEG picture ("));
    EXPECT_TRUE(mentions(run({"inpaint", in, "--mask", chosen, "-o", in}).err, "cannot be written over the picture"));
    EXPECT_TRUE(
        mentions(run({"inpaint", in, "--mask", chosen, "-o", chosen}).err, "cannot be written over the picture"));
    write_mask(0);
    EXPECT_TRUE(mentions(inpaint({}).err, "selects nothing"));
    EXPECT_TRUE(
        mentions(run({"inpaint", in, "--mask", chosen, "-o", folder.path / "out.gif"}).err, "must end in .png"));
    EXPECT_TRUE(mentions(run({"inpaint", folder.path / "no.png", "--mask", chosen, "-o", out}).err, "No such file"));
}

TEST_F(command_line, help_and_version) {
    EXPECT_EQ(run({"--version"}).out, "sfumato " SFUMATO_VERSION "\n");
    ended const all = run({"--help"});
    EXPECT_EQ(all.code, 0);
    for (std::string name : {"inpaint", "txt2img", "img2img", "devices", "models", "bench", "eval", "serve"}) {
        EXPECT_TRUE(mentions(all.out, name));
        for (std::string flag : {"--help", "-h"}) {
            ended const one = run({name, flag});
            EXPECT_EQ(one.code, 0);
            EXPECT_TRUE(one.out.starts_with("sfumato " + name + " ") || name == "devices") << one.out; // an example
            EXPECT_TRUE(mentions(one.out, "Usage: sfumato " + name));
        }
    }
}

TEST_F(command_line, help_has_every_option_of_a_request) {
    for (operation o : {operation::inpaint, operation::txt2img, operation::img2img, operation::upscale}) {
        std::string const name(name_of(o)), help = run({name, "--help"}).out;
        for (field const* f : fields_of(o)) {
            if (f->option.empty()) continue;
            EXPECT_TRUE(mentions(help, "\n  " + std::string(f->option) + "  ")) << f->option;
            auto const c = std::get_if<choice>(&f->type);
            for (std::string_view one : c ? c->names() : std::vector<std::string_view>())
                EXPECT_TRUE(mentions(help, std::string(one))) << one;
        }
        std::istringstream lines(help);
        for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 120u) << line;
    }
}

TEST_F(command_line, ctrl_c_is_exit_code_3) {
    process p({FAKE_SFUMATO, "inpaint", in, "--mask", chosen, "-o", out, "--json", "--seed",
               std::to_string(fake_seed::until_cancelled)},
              folder.path);
    ASSERT_TRUE(eventually([&] { return mentions(p.out(), "\"fake\""); })) << p.err();
    p.signal(SIGINT);
    EXPECT_EQ(p.wait(2s), 3);
    EXPECT_EQ(json_lines(p.out()).back(), json({{"type", "cancelled"}}));
    EXPECT_FALSE(std::filesystem::exists(out));
}

TEST_F(command_line, devices_lists_what_vulkan_offers) {
    ended const e = run({"devices", "--json"});
    if (e.code == 1) GTEST_SKIP() << e.err; // no Vulkan on this machine
    auto const all = json_lines(e.out);
    ASSERT_GE(all.size(), 1u);
    EXPECT_EQ(all[0]["number"], 0);
    EXPECT_FALSE(all[0]["name"].get<std::string>().empty());
    EXPECT_TRUE(all[0]["usable"].is_boolean());
    EXPECT_TRUE(mentions(run({"devices"}).out, all[0]["name"].get<std::string>()));
}
