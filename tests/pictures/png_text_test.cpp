#include "compute/error.h"
#include "pictures/png_text.h"
#include "pictures/recipe.h"
#include "tests/cli/process.h"
#include "tests/pictures/png_file.h"

#include <gtest/gtest.h>
#include <sstream>
#include <zlib.h>

using namespace sfumato;

namespace {

constexpr char signature[] = "\x89PNG\r\n\x1A\n";

std::string four_bytes(std::size_t v) { return {char(v >> 24), char(v >> 16), char(v >> 8), char(v)}; }

std::string chunk(std::string const& type, std::string const& data) {
    std::string const body = type + data;
    return four_bytes(data.size()) + body +
           four_bytes(crc32(0, reinterpret_cast<Bytef const*>(body.data()), uInt(body.size())));
}

std::string deflated(std::string const& text) {
    std::string bytes(compressBound(text.size()), '\0');
    uLongf length = bytes.size();
    compress(reinterpret_cast<Bytef*>(bytes.data()), &length, reinterpret_cast<Bytef const*>(text.data()), text.size());
    bytes.resize(length);
    return bytes;
}

using namespace std::string_literals;

// What a PNG of these chunks holds under "key": the text, "nothing", or the error.
std::string found(std::string const& chunks) {
    std::istringstream png(signature + chunk("IHDR", std::string(13, 'x')) + chunks + chunk("IEND", ""));
    try {
        return find_png_text(png, "key", "x.png").value_or("nothing");
    } catch (error const& e) {
        return e.what();
    }
}

} // namespace

struct png_texts : testing::Test {
    scratch_folder folder;
    std::filesystem::path const plain = folder.path / "plain.png", with = folder.path / "with.png";

    void SetUp() override {
        write_png(plain, {.width = 3, .height = 2, .samples = std::vector<std::uint16_t>(18, 77)});
    }

    std::string read(std::string_view keyword) const {
        std::ifstream file(with, std::ios::binary);
        return find_png_text(file, keyword, "with.png").value_or("nothing");
    }
};

TEST_F(png_texts, any_text_survives) {
    std::string long_text;
    while (long_text.size() < 100000) long_text += "1girl, 桜, ";
    std::vector<text_entry> const texts{{"parameters", "a cat\nSteps: 20"},
                                        {"latin1", "café ½"},
                                        {"kanji", "猫 🐈"},
                                        {"long", long_text},
                                        {"empty", ""}};
    copy_with_texts(plain, with, texts, "with");
    for (auto const& [keyword, text] : texts) EXPECT_EQ(read(keyword), text) << keyword;
    EXPECT_EQ(read("other"), "nothing");
    // libpng agrees, and the picture is the same.
    png_file const file = read_png(with);
    EXPECT_EQ(file.samples, read_png(plain).samples);
    ASSERT_EQ(file.texts.size(), texts.size());
    EXPECT_EQ(file.texts.at("parameters"), "a cat\nSteps: 20");
    EXPECT_EQ(file.texts.at("latin1"), "caf\xE9 \xBD"); // tEXt
    EXPECT_EQ(file.texts.at("kanji"), "猫 🐈");         // iTXt
}

TEST_F(png_texts, what_a_png_cannot_hold_is_replaced) {
    std::vector<text_entry> const texts{{"key", "a\0b\xFF"s}};
    copy_with_texts(plain, with, texts, "with");
    EXPECT_EQ(read("key"), "a\uFFFDb\uFFFD");
}

TEST_F(png_texts, a_recipe_comes_from_a_png_or_a_text) {
    std::vector<text_entry> const texts{{"parameters", "x"}, {recipe_keyword, "{}"}};
    copy_with_texts(plain, with, texts, "with");
    EXPECT_EQ(read_recipe(with), "{}");
    write_text(folder.path / "r.json", "{ }\n");
    EXPECT_EQ(read_recipe(folder.path / "r.json"), "{ }\n");
    write_text(folder.path / "short", "");
    EXPECT_EQ(read_recipe(folder.path / "short"), "");

    auto const error_of = [&](std::filesystem::path const& path) -> std::string {
        try {
            read_recipe(path);
        } catch (error const& e) {
            return e.what();
        }
        return "";
    };
    auto const expect_error = [&](std::filesystem::path const& path, std::string_view part) {
        EXPECT_NE(error_of(path).find(part), std::string::npos) << error_of(path);
    };
    expect_error(plain, "carries no recipe");
    expect_error(folder.path / "none", "No such file");
    expect_error(folder.path, "is a directory");
    write_text(folder.path / "cut.png", text_of(with).substr(0, 60));
    expect_error(folder.path / "cut.png", "ends too early");
    write_text(folder.path / "big", std::string((4 << 20) + 1, ' '));
    expect_error(folder.path / "big", "more than 4 MiB");
}

TEST(find_png_text, reads_every_kind) {
    EXPECT_EQ(found(chunk("tEXt", "key\0caf\xE9"s)), "café");
    EXPECT_EQ(found(chunk("zTXt", "key\0\0"s + deflated("caf\xE9"))), "café");
    EXPECT_EQ(found(chunk("iTXt", "key\0\0\0en\0Schlüssel\0猫"s)), "猫");
    EXPECT_EQ(found(chunk("iTXt", "key\0\1\0\0\0"s + deflated("猫"))), "猫");
    EXPECT_EQ(found(chunk("iTXt", "key\0\0\0\0\0\xFF"s)), "\uFFFD");
    EXPECT_EQ(found(chunk("tEXt", "other\0a"s) + chunk("IDAT", "key\0x"s) + chunk("tEXt", "key\0b"s)), "b");
    EXPECT_EQ(found(chunk("tEXt", "key\0a"s) + chunk("tEXt", "key\0b"s)), "a");
    EXPECT_EQ(found(""), "nothing");
    EXPECT_EQ(found(chunk("tEXt", "key")), "nothing"); // no NUL, so no keyword
}

TEST(find_png_text, damaged_files_are_errors) {
    std::string const unreadable = "x.png is a damaged PNG: its text \"key\" is not readable.",
                      early = "x.png is a damaged PNG: it ends too early.";
    std::string wrong_sum = chunk("tEXt", "key\0a"s);
    wrong_sum.back() ^= 1;
    EXPECT_EQ(found(wrong_sum), unreadable);
    EXPECT_EQ(found(chunk("zTXt", "key\0"s)), unreadable);
    EXPECT_EQ(found(chunk("zTXt", "key\0\1x"s)), unreadable);
    EXPECT_EQ(found(chunk("zTXt", "key\0\0"s + deflated("abc").substr(0, 5))), unreadable);
    EXPECT_EQ(found(chunk("iTXt", "key\0\0"s)), unreadable);
    EXPECT_EQ(found(chunk("iTXt", "key\0\2\0\0\0a"s)), unreadable);
    EXPECT_EQ(found(chunk("iTXt", "key\0\0\0\0a"s)), unreadable);
    EXPECT_EQ(found(chunk("iTXt", "key\0\1\0\0\0"s + deflated(std::string(100 << 20, ' ')))), unreadable); // a bomb
    EXPECT_EQ(found(four_bytes(0xFFFFFFFF) + "tEXtkey"), early);
    EXPECT_EQ(found(four_bytes(1000) + "tEXtkey"), early);
    std::istringstream text("not a picture");
    EXPECT_THROW(find_png_text(text, "key", "x.png"), error);
}
