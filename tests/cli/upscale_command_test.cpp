// upscale as people and scripts see it: with `fake_sfumato`, which repeats each pixel as often as the scale says.
#include "request/json.h"
#include "request/request.h"
#include "tests/cli/command.h"
#include "tests/engine/fake_jobs.h"
#include "tests/pictures/png_file.h"

using namespace sfumato;
using namespace std::chrono_literals;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

struct upscale_command : testing::Test {
    scratch_folder folder;
    std::string const in = folder.path / "in.png", out = folder.path / "out.png";

    upscale_command() { write(in, 8, PNG_COLOR_TYPE_RGB); }
    static png_file write(std::string const& path, int depth, int color, int width = 7, int height = 5) {
        png_file p{.width = width, .height = height, .depth = depth, .color = color, .samples = {}};
        for (int i = 0; i < width * height * p.channels(); ++i)
            p.samples.push_back(std::uint16_t(i * 977 % (1 << depth)));
        write_png(path, p);
        return p;
    }
    ended run(std::vector<std::string> arguments) const {
        arguments.insert(arguments.begin(), {FAKE_SFUMATO, "upscale"});
        return run_to_end(arguments, folder.path);
    }
};

} // namespace

TEST_F(upscale_command, keeps_depth_and_channels_to_the_last_bit) {
    for (int depth : {8, 16})
        for (int color : {PNG_COLOR_TYPE_RGB, PNG_COLOR_TYPE_RGBA, PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_GRAY_ALPHA}) {
            png_file const given = write(in, depth, color);
            ended const e = run({in, "-o", out, "--scale", "3"});
            EXPECT_EQ(e.code, 0) << e.err;
            EXPECT_EQ(e.err, "needs 1 MB, 2 MB free\n");
            EXPECT_TRUE(mentions(e.out, "out.png: 21 × 15 pixels in ")) << e.out;
            png_file const made = read_png(out);
            ASSERT_EQ(made.width, 21);
            ASSERT_EQ(made.height, 15);
            ASSERT_EQ(made.depth, depth);
            ASSERT_EQ(made.color, color);
            std::size_t const c = std::size_t(given.channels());
            for (std::size_t y = 0; y < 15; ++y)
                for (std::size_t i = 0; i < 21 * c; ++i)
                    ASSERT_EQ(made.samples[y * 21 * c + i], given.samples[y / 3 * 7 * c + i / c / 3 * c + i % c]);
        }
}

TEST_F(upscale_command, the_same_file_gives_the_same_file) {
    for (auto [depth, color] : {std::pair{8, PNG_COLOR_TYPE_RGB}, {16, PNG_COLOR_TYPE_RGBA}}) {
        write(in, depth, color, 90, 70);
        std::string first;
        for (int i = 0; i < 10; ++i) {
            ended const e = run({in, "-o", out, "--tile", std::to_string(fake_seed::between_steps)});
            EXPECT_EQ(e.code, 0) << e.err;
            if (!i) first = text_of(out);
            EXPECT_TRUE(text_of(out) == first) << depth << " bit, colour type " << color << ", run " << i;
        }
    }
}

TEST_F(upscale_command, the_recipe_says_it_all) {
    ended const e = run({in, "-o", out, "--scale", "1.5", "--model", "procedural:srvgg-x4-tiny", "--tile", "640",
                         "--dtype", "fp16", "--json"});
    EXPECT_EQ(e.code, 0) << e.err;
    request wanted{.operation = operation::upscale};
    wanted.upscale = {.model = "procedural:srvgg-x4-tiny", .scale = 1.5, .tile = 640, .dtype = dtype::f16};
    EXPECT_EQ(request_from_json(json::parse(read_png(out).texts.at("Comment"))), wanted);
    auto const lines = json_lines(e.out);
    EXPECT_EQ(request_from_json(lines.back().at("request")), wanted);
    EXPECT_EQ(lines.back().at("output"), out);
    ended const again = run({in, "-o", folder.path / "again.png", "--recipe", out});
    EXPECT_EQ(again.code, 0) << again.err;
    EXPECT_EQ(read_png(folder.path / "again.png").texts, read_png(out).texts);
    EXPECT_EQ(read_png(out).width, 11);
}

TEST_F(upscale_command, without_a_scale_the_models_own) {
    auto const width_with = [&](std::vector<std::string> const& options) {
        std::vector<std::string> all{in, "-o", out};
        all.insert(all.end(), options.begin(), options.end());
        ended const e = run(all);
        EXPECT_EQ(e.code, 0) << e.err;
        return read_png(out).width;
    };
    EXPECT_EQ(width_with({}), 14);
    EXPECT_EQ(width_with({"--model", "sfumato:upscale-x4"}), 28);
    EXPECT_EQ(width_with({"--model", "procedural:rrdbnet-x1-tiny"}), 7);
    EXPECT_EQ(width_with({"--model", "sfumato:upscale-x4", "--scale", "2"}), 14);
    fs::copy(out, folder.path / "recipe.png");
    EXPECT_EQ(width_with({"--model", "procedural:rrdbnet-x1-tiny", "--recipe", folder / "recipe.png"}), 14);
}

// Longer than one part: they are put together without a gap.
TEST_F(upscale_command, a_long_picture_comes_in_parts) {
    png_file const given = write(in, 8, PNG_COLOR_TYPE_GRAY, 1500, 3);
    ended const e = run({in, "-o", out, "--scale", "4", "--json"});
    EXPECT_EQ(e.code, 0) << e.err;
    png_file const made = read_png(out);
    ASSERT_EQ(made.width, 6000);
    for (std::size_t i = 0; i < made.samples.size(); ++i)
        ASSERT_EQ(made.samples[i], given.samples[i / 6000 / 4 * 1500 + i % 6000 / 4]) << i;
    double last = 0;
    for (json const& line : json_lines(e.out))
        if (line.at("type") == "progress") {
            EXPECT_GE(line.at("fraction"), last);
            last = line.at("fraction");
        }
    EXPECT_GE(last, 0.5);
}

TEST_F(upscale_command, a_folder_is_done_picture_by_picture) {
    fs::path const pictures = folder.path / "pictures", results = folder.path / "new" / "results";
    fs::create_directories(pictures / "below");
    write(pictures / "b.png", 8, PNG_COLOR_TYPE_RGB);
    write(pictures / "a.png", 16, PNG_COLOR_TYPE_GRAY);
    std::ofstream(pictures / "damaged.png") << "no picture";
    std::ofstream(pictures / "broken.jpg") << "\xFF\xD8\xFF\xE0 then nothing that a JPEG has";
    std::ofstream(pictures / "notes.txt") << "no picture either";
    std::ofstream(pictures / "old.gif") << "GIF89a";
    std::ofstream(pictures / ".hidden") << "nor this";
    fs::create_symlink("loop.png", pictures / "loop.png");
    ended const e = run({pictures, "-o", results});
    EXPECT_EQ(e.code, 1);
    EXPECT_TRUE(mentions(e.err, "damaged.png is not a PNG")) << e.err;
    EXPECT_TRUE(mentions(e.err, "broken.jpg is a damaged JPEG picture (")) << e.err;
    EXPECT_TRUE(mentions(e.err, "2 of 4 pictures could not be enlarged.")) << e.err;
    EXPECT_TRUE(mentions(e.err, "3 files that are no pictures Sfumato reads were passed over")) << e.err;
    EXPECT_EQ(read_png(results / "a.png").depth, 16);
    EXPECT_EQ(read_png(results / "b.png").width, 14);
    EXPECT_FALSE(fs::exists(results / "damaged.png"));
    std::ofstream(out) << "a file";
    EXPECT_TRUE(mentions(run({pictures, "-o", out}).err, "cannot be made"));
    EXPECT_TRUE(mentions(run({pictures, "-o", pictures}).err, "name another folder"));
    EXPECT_TRUE(mentions(run({pictures / "below", "-o", results}).err, "no picture in the folder"));
}

TEST_F(upscale_command, what_is_wrong_with_a_whole_folder_is_said_once) {
    fs::path const pictures = folder.path / "pictures", results = folder.path / "results";
    fs::create_directory(pictures);
    write(pictures / "a.png", 8, PNG_COLOR_TYPE_RGB);
    write(pictures / "b.png", 8, PNG_COLOR_TYPE_RGB);
    auto const fails = [&](std::vector<std::string> const& options, std::string const& says, std::ptrdiff_t lines) {
        std::vector<std::string> all{pictures, "-o", results};
        all.insert(all.end(), options.begin(), options.end());
        ended const e = run(all);
        EXPECT_NE(e.code, 0);
        EXPECT_TRUE(mentions(e.err, says)) << e.err;
        EXPECT_EQ(std::ranges::count(e.err, '\n'), lines) << e.err;
    };
    fails({"--model", "nosuch.pth"}, "nosuch.pth", 1);
    fails({"--scale", "99"}, "--scale must be a number from 1 to 16, not 99", 1);
    fails({"--device", "nosuch"}, "No Vulkan device is called \"nosuch\"", 1);
    EXPECT_FALSE(fs::exists(results));
    fails({"--tile", std::to_string(fake_seed::loses_device)}, "sfumato: The fake device is lost.", 2);
    fails({"--tile", std::to_string(fake_seed::fails)}, "b.png: The fake job fails as it was told.", 5);
}

TEST_F(upscale_command, no_picture_is_written_over_itself) {
    std::string const before = text_of(in);
    fs::create_symlink("in.png", folder.path / "link.png");
    fs::create_hard_link(in, folder.path / "hard.png");
    for (std::string const name : {"in.png", "link.png", "hard.png"}) {
        ended const e = run({in, "-o", folder / name});
        EXPECT_EQ(e.code, 1);
        EXPECT_TRUE(mentions(e.err, "cannot be written over the picture")) << e.err;
    }
    fs::create_directories(folder.path / "pictures");
    fs::create_directories(folder.path / "results");
    fs::copy(in, folder.path / "pictures");
    fs::create_symlink("../pictures/in.png", folder.path / "results" / "in.png");
    fs::create_symlink("../pictures/in.png", folder.path / "results" / "other.png");
    fs::copy(in, folder.path / "pictures" / "other.png");
    EXPECT_EQ(run({folder / "pictures", "-o", folder / "results"}).code, 1);
    EXPECT_EQ(text_of(folder.path / "pictures" / "in.png"), before);
    EXPECT_EQ(text_of(in), before);
}

TEST_F(upscale_command, the_orientation_stays) {
    write_png(in, {.width = 3, .height = 2, .samples = std::vector<std::uint16_t>(18, 9), .orientation = 6});
    ended const e = run({in, "-o", out});
    EXPECT_EQ(e.code, 0) << e.err;
    EXPECT_EQ(read_png(out).width, 6);
    EXPECT_EQ(read_png(out).orientation, 6);
}

TEST_F(upscale_command, another_scale_than_the_recipes_chooses_our_network_anew) {
    auto const model_of = [&](std::string const& path) {
        return json::parse(read_png(path).texts.at("Comment")).at("model").get<std::string>();
    };
    EXPECT_EQ(run({in, "-o", out}).code, 0);
    EXPECT_EQ(model_of(out), "sfumato:upscale-x2");
    std::string const again = folder / "again.png";
    EXPECT_EQ(run({in, "-o", again, "--recipe", out, "--scale", "4"}).code, 0);
    EXPECT_EQ(model_of(again), "sfumato:upscale-x4");
    EXPECT_EQ(run({in, "-o", again, "--recipe", out, "--scale", "4", "--model", "sfumato:upscale-x2"}).code, 0);
    EXPECT_EQ(model_of(again), "sfumato:upscale-x2");
    EXPECT_EQ(run({in, "-o", out, "--model", "procedural:rrdbnet-x1-tiny"}).code, 0);
    EXPECT_EQ(run({in, "-o", again, "--recipe", out, "--scale", "4"}).code, 0);
    EXPECT_EQ(model_of(again), "procedural:rrdbnet-x1-tiny");
}

TEST_F(upscale_command, what_is_wrong_is_said_in_a_sentence) {
    std::string const wide = folder.path / "wide.png";
    write(wide, 8, PNG_COLOR_TYPE_GRAY, 1100, 1);
    struct {
        std::vector<std::string> arguments;
        int code;
        std::string says;
    } const cases[] = {
        {{in}, 2, "upscale needs -o OUT"},
        {{"-o", out}, 2, "exactly one picture"},
        {{in, "-o", out, "--scale", "much"}, 2, "--scale must be a number"},
        {{in, "-o", out, "--scale", "0"},
         2,
         "--scale must be a number from 1 to 16, not 0; see sfumato upscale --help"},
        {{in, "-o", out, "--tile", "abc"}, 2, "--tile must be a whole number from 0 to 16384, not \"abc\""},
        {{in, "-o", out, "--dtype", "int8"}, 2, "--dtype must be \"fp32\", \"fp16\" or \"bf16\", not \"int8\""},
        {{in, "-o", out + ".xcf"}, 1, "must end in .png"},
        {{wide, "-o", out + ".webp", "--scale", "16"}, 1, "more than a WebP picture can have (16383)"},
        {{folder.path / "no.png", "-o", out}, 1, "no.png cannot be opened"},
        {{in, "-o", out, "--tile", std::to_string(fake_seed::fails)}, 1, "fails as it was told"},
    };
    for (auto const& c : cases) {
        ended const e = run(c.arguments);
        EXPECT_EQ(e.code, c.code) << c.says;
        EXPECT_TRUE(mentions(e.err, c.says)) << e.err;
    }
    EXPECT_FALSE(fs::exists(out));
}

TEST_F(upscale_command, an_interrupted_run_leaves_nothing) {
    process p({FAKE_SFUMATO, "upscale", in, "-o", out, "--tile", std::to_string(fake_seed::until_cancelled), "--json"},
              folder.path);
    ASSERT_TRUE(eventually([&] { return mentions(p.out(), "\"fraction\":0.5"); }));
    p.signal(SIGINT);
    EXPECT_EQ(p.wait(10s), 3);
    EXPECT_TRUE(mentions(p.out(), "\"cancelled\""));
    EXPECT_FALSE(fs::exists(out));
}
