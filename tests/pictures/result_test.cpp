// Finished work is not lost: what can refuse a result is found before the work, and what is refused after it is kept.
#include "pictures/result.h"
#include "tests/cli/process.h"
#include "tests/environment_variable.h"
#include "tests/pictures/gegl_file.h"
#include "tests/pictures/png_file.h"

#include <set>

using namespace sfumato;
namespace fs = std::filesystem;

namespace {

std::set<std::string> names_in(fs::path const& folder) {
    std::set<std::string> names;
    for (auto const& entry : fs::directory_iterator(folder)) names.insert(entry.path().filename().string());
    return names;
}

picture_file grey_picture() {
    picture p(3, 2);
    std::ranges::fill(p.pixels, 1.f);
    for (std::size_t i = 0; i < p.pixels.size(); ++i)
        if (i % 4 != 3) p.pixels[i] = 51 / 255.f;
    return picture_file(p);
}

} // namespace

// The longest that Linux has.
TEST(result, has_any_name_that_the_file_system_takes) {
    scratch_folder const folder;
    for (std::size_t const length : {200u, 240u, 255u})
        for (std::string const ending : {".png", ".jpg", ".tif", ".webp", ".exr"}) {
            fs::path const path = folder.path / (std::string(length - ending.size(), 'n') + ending);
            EXPECT_EQ(error_of([&] { check_can_write(path, {3, 2}); }), "no error");
            EXPECT_FALSE(fs::exists(path));
            grey_picture().write(path, {{"Comment", "{}"}});
            EXPECT_EQ(picture_file(path).width(), 3) << path;
            EXPECT_EQ(names_in(folder.path).size(), 1u) << path; // nothing else is left
            EXPECT_EQ(error_of([&] { check_can_write(path, {3, 2}); }), "no error") << "over the one that is there";
            EXPECT_EQ(picture_file(path).width(), 3) << "which stays";
            fs::remove(path);
        }
}

TEST(result, what_refuses_it_is_found_before) {
    scratch_folder const folder;
    fs::create_directory(folder.path / "folder.png");
    struct {
        fs::path path;
        result_size size;
        std::string says;
    } const cases[] = {
        {folder.path / (std::string(252, 'n') + ".png"), {3, 2}, "cannot be written: File name too long"},
        {folder.path / "nowhere" / "out.png", {3, 2}, "out.png cannot be written: No such file or directory"},
        {"/proc/out.png", {3, 2}, "/proc/out.png cannot be written: "},
        {folder.path / "folder.png", {3, 2}, "it is a directory"},
        {folder.path / "out.gif", {3, 2}, "must end in .png"},
        {folder.path / "out.jpg", {65501, 2}, "65501 × 2 pixels are more than a JPEG picture can have (65500)"},
        {folder.path / "out.webp", {3, 16384}, "more than a WebP picture can have (16383)"},
        {folder.path / "out.png", {1'000'001, 2}, "more than a PNG picture can have (1000000)"},
        {folder.path / "out.exr", {40'000, 40'000, 16}, "are more than an OpenEXR file can have here"},
        {folder.path / "out.tif", {1 << 28, 1 << 28, 8}, "GB are free there; make room"},
    };
    for (auto const& c : cases) {
        std::string const message = error_of([&] { check_can_write(c.path, c.size); });
        EXPECT_TRUE(mentions(message, c.says)) << message;
    }
    for (auto const& c : {std::pair{"out.jpg", 65500}, {"out.webp", 16383}, {"out.png", 1'000'000}})
        EXPECT_EQ(error_of([&] { check_can_write(folder.path / c.first, {c.second, 2}); }), "no error");
    EXPECT_EQ(names_in(folder.path), std::set<std::string>{"folder.png"});
}

TEST(result, that_is_refused_afterwards_lies_beside) {
    scratch_folder const folder;
    fs::create_directory(folder.path / "out.jpg");
    fs::create_directory(folder.path / "sfumato-rescued-1.png"); // taken
    std::string const message =
        error_of([&] { write_result(grey_picture(), folder.path / "out.jpg", {{"Comment", "{}"}}); });
    fs::path const kept = folder.path / "sfumato-rescued-2.png";
    EXPECT_TRUE(
        mentions(message, "out.jpg cannot be written: it is a directory. The picture is finished: it is kept as " +
                              kept.string() + "."))
        << message;
    EXPECT_EQ(read_png(kept).samples[0], 51);
    EXPECT_EQ(read_png(kept).texts.at("Comment"), "{}");
}

TEST(result, whose_folder_is_gone_lies_in_the_cache_or_with_temporary_files) {
    scratch_folder const folder;
    environment_variable const temporary("TMPDIR", folder / "tmp");
    fs::create_directory(folder.path / "tmp");
    fs::path const out = folder.path / "gone" / "out.png";
    write_text(folder.path / "gone", "no folder any more");
    {
        environment_variable const cache("XDG_CACHE_HOME", folder / "cache");
        std::string const message = error_of([&] { write_result(grey_picture(), out, {}); });
        EXPECT_TRUE(mentions(message, "it is kept as " + (folder / "cache/sfumato/sfumato-rescued-1.png"))) << message;
        EXPECT_EQ(read_png(folder.path / "cache/sfumato/sfumato-rescued-1.png").samples[0], 51);
    }
    environment_variable const cache("XDG_CACHE_HOME", folder / "gone");
    std::string const message = error_of([&] { write_result(grey_picture(), out, {}); });
    EXPECT_TRUE(mentions(message, "it is kept as " + (folder / "tmp/sfumato-rescued-1.png"))) << message;
    fs::remove_all(folder.path / "tmp");
    EXPECT_TRUE(mentions(error_of([&] { write_result(grey_picture(), out, {}); }), "out.png cannot be written: Not a"));
}
