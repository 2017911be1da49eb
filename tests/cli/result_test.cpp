// What every command does with its result: nothing is computed that cannot be written, and nothing that was computed is
// lost.
#include "tests/cli/command.h"
#include "tests/engine/fake_jobs.h"
#include "tests/pictures/png_file.h"

#include <jpeglib.h>
#include <map>
#include <set>

using namespace sfumato;
using namespace std::chrono_literals;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

struct result_of_command : testing::Test {
    scratch_folder folder;
    fs::path const results = folder.path / "results";
    std::string const in = folder.path / "in.png", wide = folder.path / "wide.png", chosen = folder.path / "mask.png",
                      wide_mask = folder.path / "wide-mask.png";
    static constexpr int side = 64;

    // A red disc on nothing; the mask selects a corner.
    result_of_command() {
        fs::create_directory(results);
        ::setenv("XDG_CACHE_HOME", (folder / "cache").c_str(), 1);
        png_file disc{.width = side, .height = side, .color = PNG_COLOR_TYPE_RGBA, .samples = {}};
        png_file mask{.width = side, .height = side, .color = PNG_COLOR_TYPE_GRAY, .samples = {}};
        for (int y = 0; y < side; ++y)
            for (int x = 0; x < side; ++x) {
                bool const inside = (x - 32) * (x - 32) + (y - 32) * (y - 32) < 400;
                for (int const v : {200, 0, 0, inside ? 255 : 0}) disc.samples.push_back(std::uint16_t(v));
                mask.samples.push_back(x < 4 && y < 4 ? 255 : 0);
            }
        write_png(in, disc);
        write_png(chosen, mask);
        write_png(wide, {.width = 16384,
                         .height = 1,
                         .color = PNG_COLOR_TYPE_GRAY,
                         .samples = std::vector<std::uint16_t>(16384, 9)});
        write_png(wide_mask, {.width = 16384,
                              .height = 1,
                              .color = PNG_COLOR_TYPE_GRAY,
                              .samples = std::vector<std::uint16_t>(16384, 255)});
    }
    ~result_of_command() override { ::unsetenv("XDG_CACHE_HOME"); }

    static std::vector<std::string> txt2img(std::string const& out, std::string const& width = "64") {
        return {FAKE_SFUMATO, "txt2img", "-o", out, "--model", "m", "--width", width, "--height", "64", "--json"};
    }
    // What a result of that name is asked of, by each command.
    std::map<std::string, std::vector<std::string>> commands(std::string const& out) const {
        return {{"txt2img", txt2img(out)},
                {"img2img", {FAKE_SFUMATO, "img2img", in, "-o", out, "--model", "m", "--json"}},
                {"inpaint", {FAKE_SFUMATO, "inpaint", in, "--mask", chosen, "-o", out, "--json"}},
                {"upscale", {FAKE_SFUMATO, "upscale", in, "-o", out, "--json"}}};
    }
    // As long as its job waits for half a second, `change` changes the world.
    ended run_while(std::vector<std::string> arguments, std::function<void()> const& change) const {
        bool const upscales = arguments[1] == "upscale";
        arguments.insert(arguments.end(), {upscales ? "--tile" : "--seed", std::to_string(fake_seed::half_a_second)});
        process p(arguments, folder.path);
        EXPECT_TRUE(eventually([&] { return mentions(p.out(), "\"fake\""); })) << p.err();
        change();
        int const code = p.wait(20s);
        return {code, p.out(), p.err()};
    }
    std::set<std::string> made() const {
        std::set<std::string> names;
        for (auto const& entry : fs::directory_iterator(results)) names.insert(entry.path().filename().string());
        return names;
    }
};

std::vector<std::array<int, 3>> jpeg_pixels(std::string const& path, std::vector<std::pair<int, int>> const& places) {
    std::FILE* const file = std::fopen(path.c_str(), "rb");
    if (!file) throw std::runtime_error("no file " + path);
    jpeg_decompress_struct jpeg{};
    jpeg_error_mgr errors;
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_decompress(&jpeg);
    jpeg_stdio_src(&jpeg, file);
    jpeg_read_header(&jpeg, TRUE);
    jpeg.out_color_space = JCS_RGB;
    jpeg_start_decompress(&jpeg);
    std::size_t const stride = jpeg.output_width * 3u;
    std::vector<std::uint8_t> all(stride * jpeg.output_height);
    while (jpeg.output_scanline < jpeg.output_height) {
        JSAMPROW rows[]{&all[jpeg.output_scanline * stride]};
        jpeg_read_scanlines(&jpeg, rows, 1);
    }
    jpeg_finish_decompress(&jpeg);
    jpeg_destroy_decompress(&jpeg);
    std::fclose(file);
    std::vector<std::array<int, 3>> pixels;
    for (auto const& [x, y] : places) {
        std::uint8_t const* const at = &all[std::size_t(y) * stride + std::size_t(x) * 3];
        pixels.push_back({at[0], at[1], at[2]});
    }
    return pixels;
}

void expect_near(std::array<int, 3> const& got, std::array<int, 3> const& wanted) {
    for (std::size_t c = 0; c < 3; ++c) EXPECT_NEAR(got[c], wanted[c], 6) << c;
}

} // namespace

// 253 bytes, as people make them of a prompt.
TEST_F(result_of_command, has_a_long_name) {
    std::string name;
    for (int i = 0; i < 19; ++i) name += "masterpiece, ";
    std::string const out = results / (name + "ab.png");
    for (auto const& [command, arguments] : commands(out)) {
        ended const e = run_to_end(arguments, folder.path);
        EXPECT_EQ(e.code, 0) << command << ": " << e.err << e.out;
        EXPECT_EQ(made(), std::set<std::string>{name + "ab.png"}) << command;
        EXPECT_EQ(read_png(out).width, command == "upscale" ? 128 : 64);
        fs::remove(out);
    }
}

TEST_F(result_of_command, that_will_be_refused_is_not_computed) {
    fs::create_directory(results / "folder.png");
    struct {
        fs::path out;
        std::string says;
    } const cases[] = {{results / (std::string(252, 'n') + ".png"), "File name too long"},
                       {results / "nowhere" / "out.png", "No such file"},
                       {"/proc/out.png", "cannot be written: "},
                       {results / "folder.png", "it is a directory"},
                       {results / "out.gif", "must end in .png"}};
    for (auto const& c : cases)
        for (auto const& [command, arguments] : commands(c.out)) {
            ended const e = run_to_end(arguments, folder.path);
            EXPECT_EQ(e.code, 1) << command;
            EXPECT_TRUE(mentions(e.err, c.says)) << command << ": " << e.err;
            EXPECT_FALSE(mentions(e.out, "\"fake\"")) << command << ": " << e.out;
        }
    std::string const webp = results / "out.webp";
    for (std::vector<std::string> const& arguments :
         {txt2img(webp, "16384"),
          {FAKE_SFUMATO, "img2img", wide, "-o", webp, "--model", "m", "--json"},
          {FAKE_SFUMATO, "inpaint", wide, "--mask", wide_mask, "-o", webp, "--json"},
          {FAKE_SFUMATO, "upscale", wide, "-o", webp, "--json"}}) {
        ended const e = run_to_end(arguments, folder.path);
        EXPECT_EQ(e.code, 1);
        EXPECT_TRUE(mentions(e.err, "more than a WebP picture can have (16383)")) << e.err;
        EXPECT_FALSE(mentions(e.out, "\"fake\"")) << e.out;
    }
    // The numbers of a batch make its names longer; and a preview is a file, too.
    auto batch = txt2img(results / (std::string(251, 'n') + ".png"));
    batch.insert(batch.end(), {"--batch", "2"});
    auto preview = txt2img(results / "out.png");
    preview.insert(preview.end(), {"--preview", results / (std::string(252, 'n') + ".png")});
    for (auto const& arguments : {batch, preview}) {
        ended const e = run_to_end(arguments, folder.path);
        EXPECT_EQ(e.code, 1);
        EXPECT_TRUE(mentions(e.err, "File name too long")) << e.err;
        EXPECT_FALSE(mentions(e.out, "\"fake\"")) << e.out;
    }
    EXPECT_EQ(made(), std::set<std::string>{"folder.png"});
}

TEST_F(result_of_command, whose_name_is_refused_after_the_run_is_kept_beside) {
    for (auto const& [command, arguments] : commands(results / "out.png")) {
        ended const e = run_while(arguments, [&] { fs::create_directory(results / "out.png"); });
        fs::path const kept = results / "sfumato-rescued-1.png";
        EXPECT_EQ(e.code, 1) << command;
        EXPECT_TRUE(mentions(e.err, "The picture is finished: it is kept as " + kept.string())) << e.err;
        EXPECT_TRUE(read_png(kept).texts.contains("Comment")) << command;
        EXPECT_EQ(made().size(), 2u) << command;
        fs::remove(results / "out.png");
        fs::remove(kept);
    }
}

TEST_F(result_of_command, whose_folder_is_gone_after_the_run_is_kept_in_the_cache) {
    for (auto const& [command, arguments] : commands(results / "out.png")) {
        ended const e = run_while(arguments, [&] { fs::remove(results); });
        fs::path const kept = folder.path / "cache" / "sfumato" / "sfumato-rescued-1.png";
        EXPECT_EQ(e.code, 1) << command;
        EXPECT_TRUE(
            mentions(e.err, "No such file or directory. The picture is finished: it is kept as " + kept.string()))
            << e.err;
        EXPECT_GE(read_png(kept).width, 64) << command;
        fs::remove(kept);
        fs::create_directory(results);
    }
}

TEST_F(result_of_command, one_of_a_batch_takes_no_other_with_it) {
    for (std::string const command : {"txt2img", "inpaint"}) {
        auto arguments = commands(results / "out.png").at(command);
        if (command == "inpaint") arguments.insert(arguments.end(), {"--model", "m.safetensors"});
        arguments.insert(arguments.end(), {"--batch", "3"});
        ended const e = run_while(arguments, [&] { fs::create_directory(results / "out-2.png"); });
        EXPECT_EQ(e.code, 1) << command;
        EXPECT_EQ(made(), (std::set<std::string>{"out-1.png", "out-2.png", "out-3.png", "sfumato-rescued-1.png"}));
        EXPECT_TRUE(read_png(results / "sfumato-rescued-1.png").texts.contains("Comment")) << command;
        EXPECT_TRUE(mentions(e.out, "out-2.png cannot be written: it is a directory. The picture is finished"))
            << e.out;
        EXPECT_TRUE(mentions(e.err, "1 of 3 pictures could not be written under their names.")) << e.err;
        for (std::string const& name : made()) fs::remove(results / name);
    }
}

TEST_F(result_of_command, does_not_fail_with_a_preview) {
    auto arguments = txt2img(results / "out.png");
    arguments.insert(arguments.end(), {"--preview", results / "preview.png"});
    ended const e = run_while(arguments, [&] { fs::create_directory(results / "preview.png"); });
    EXPECT_EQ(e.code, 0) << e.err;
    EXPECT_TRUE(mentions(e.out, "There are no more previews.")) << e.out;
    EXPECT_EQ(read_png(results / "out.png").width, 64);
}

TEST_F(result_of_command, without_alpha_lies_on_the_background) {
    std::string const out = results / "out.jpg";
    for (std::string const command : {"upscale", "inpaint", "img2img"})
        for (auto const& [background, colour] : {std::pair<std::string, std::array<int, 3>>{"", {255, 255, 255}},
                                                 {"#0080ff", {0, 128, 255}},
                                                 {"black", {}}}) {
            SCOPED_TRACE(command + " " + background);
            auto arguments = commands(out).at(command);
            if (!background.empty()) arguments.insert(arguments.end(), {"--background", background});
            ended const e = run_to_end(arguments, folder.path);
            ASSERT_EQ(e.code, 0) << e.err;
            EXPECT_TRUE(mentions(e.out, "JPEG has no transparency")) << e.out;
            int const scale = command == "upscale" ? 2 : 1;
            auto const pixels = jpeg_pixels(out, {{62 * scale, 2 * scale}, {32 * scale, 32 * scale}});
            expect_near(pixels[0], colour);
            if (command != "img2img") expect_near(pixels[1], {200, 0, 0});
        }
    auto wrong = commands(out).at("upscale");
    wrong.insert(wrong.end(), {"--background", "mauve"});
    ended const e = run_to_end(wrong, folder.path);
    EXPECT_EQ(e.code, 2);
    EXPECT_TRUE(mentions(e.err, "--background must be white, black or #RRGGBB, not \"mauve\"")) << e.err;
}
