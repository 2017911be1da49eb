// What is called a model and is none. The table in docs/model-files.md has an example of each
// (tests/models/library/table_test.cpp); here is what the sentences advise.
#include "models/library/open_checkpoint.h"
#include "tests/models/files/scratch.h"

using namespace sfumato;

namespace {

struct no_model : testing::Test {
    scratch_folder folder;

    std::string told(std::string const& name, std::string_view bytes) const {
        std::string const file = folder.put(name, bytes);
        std::string const all = error_of([&] { open_checkpoint(file); });
        EXPECT_TRUE(all.starts_with("'" + file + "' ")) << all;
        return all.substr(std::min(all.size(), file.size() + 3));
    }
};

constexpr std::string_view pointer = "version https://git-lfs.github.com/spec/v1\n"
                                     "oid sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n"
                                     "size 4265146304\n";

TEST_F(no_model, what_came_instead_of_a_download) {
    for (char const* ending : {"safetensors", "ckpt", "pth", "gguf", "bin"}) {
        EXPECT_EQ(told(std::string("lfs.") + ending, pointer),
                  "is a Git LFS pointer of 135 bytes, not the model that it stands for: run \"git lfs pull\" in its "
                  "folder, or download the file from its page.");
        for (char const* page : {"<!DOCTYPE html><html><head><title>401</title></head></html>", "\n <HTML>",
                                 "\xef\xbb\xbf<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code></Error>"})
            EXPECT_EQ(told(std::string("html.") + ending, page),
                      "is a web page, not a model: what came instead of the download was an error or a login; open "
                      "the model's page in a browser and get the file there.");
        EXPECT_EQ(told(std::string("text.") + ending, "{\"error\": \"Entry not found\"}\n"),
                  "is a text, not a model (it begins with \"{\\\"error\\\": \\\"Entry not found\\\"}\\n\"): if it came "
                  "from a download, get the file again.");
    }
    EXPECT_EQ(told("zeros.safetensors", std::string(5000, '\0')),
              "begins with 1024 bytes of zeros: its download has not finished; get the file again.");
    EXPECT_EQ(told("empty.ckpt", ""), "is empty; get the file again.");
}

TEST_F(no_model, files_of_other_programs) {
    EXPECT_EQ(told("a.safetensors", "\x89PNG\r\n\x1a\n"),
              "is a PNG picture, not a model: choose another file (.safetensors, .ckpt, .pth, .gguf).");
    EXPECT_EQ(told("a.ckpt", "Rar!\x1a\x07"), "is a RAR archive, not a model: unpack it and choose the model in it.");
    EXPECT_TRUE(told("a.pth", "\x01\x02\x03").starts_with("is no model file that is known here"));
}

// Every kind of file says that it is cut, and what to do.
TEST_F(no_model, cut_files_say_so) {
    for (auto const& [name, bytes] :
         {std::pair("a.safetensors", std::string("\x10\0\0\0\0\0\0\0{", 9)),
          std::pair("a.gguf", std::string("GGUF\3\0", 6)),
          std::pair("a.pth", std::string("PK\3\4 and no directory at the end", 30)),
          std::pair("a.pt", std::string("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80", 16))}) {
        std::string const all = told(name, bytes);
        EXPECT_NE(all.find("cut off"), all.npos) << all;
        EXPECT_NE(all.find("get the file again"), all.npos) << all;
    }
}

} // namespace
