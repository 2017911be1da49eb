// The self-check: right kernels pass, a wrong family leads to the scalar path, and both are remembered.
#include "compute/self_check.h"

#include "compute/ops.h"
#include "tests/scratch_folder.h"

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <format>
#include <fstream>
#include <gtest/gtest.h>
#include <set>
#include <unistd.h>

namespace sfumato {
namespace {

namespace fs = std::filesystem;

struct check : testing::Test {
    scratch_folder folder;
    fs::path const home = folder.path / "cache";
    void SetUp() override { setenv("XDG_CACHE_HOME", home.c_str(), 1); }
    void TearDown() override { unsetenv("XDG_CACHE_HOME"); }

    std::set<std::string> asked;
    falsify const watch = [this](std::string_view family, matrix_path, std::vector<float>&) { asked.emplace(family); };
    // One element of one family's answer is off.
    falsify wrong(std::string_view family, bool on_scalar_too) {
        return [=, this](std::string_view of, matrix_path path, std::vector<float>& answer) {
            asked.emplace(of);
            if (of == family && (on_scalar_too || path != matrix_path::scalar)) answer[answer.size() / 2] += 0.1f;
        };
    }

    fs::path file() const {
        for (auto const& f : fs::directory_iterator(home / "sfumato"))
            if (f.path().filename().string().starts_with("self-check-")) return f.path();
        return {};
    }
};

std::vector<std::string> const none;

TEST_F(check, passes_and_is_asked_once) {
    device d;
    matrix_path const path = d.target().matrix;
    auto const r = self_check(d, watch);
    EXPECT_EQ(r.wrong, none);
    EXPECT_EQ(r.wrong_even_scalar, none);
    EXPECT_EQ(d.target().matrix, path);
    EXPECT_EQ(asked, (std::set<std::string>{"gemm", "conv2d", "attention", "group_norm", "softmax"}));
    asked.clear();
    device again;
    auto const start = std::chrono::steady_clock::now();
    EXPECT_EQ(self_check(again, watch).wrong, none);
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(100));
    EXPECT_EQ(asked.size(), 0u);
}

TEST_F(check, a_wrong_family_leads_to_the_scalar_path_and_is_remembered) {
    for (std::string family : {"gemm", "conv2d", "attention", "group_norm", "softmax"}) {
        fs::remove_all(home);
        for (bool first : {true, false}) {
            asked.clear();
            device d;
            matrix_path const path = d.target().matrix;
            auto const r = self_check(d, first ? wrong(family, false) : watch);
            if (path == matrix_path::scalar) {
                EXPECT_EQ(r.wrong, none); // nothing plainer to fall back to, and nothing falsified
                continue;
            }
            EXPECT_EQ(r.wrong, std::vector{family});
            EXPECT_EQ(r.wrong_even_scalar, none);
            EXPECT_EQ(d.target().matrix, matrix_path::scalar);
            EXPECT_EQ(r.checked, path);
            EXPECT_NE(r.sentence().find(family + "; the scalar"), std::string::npos) << r.sentence();
            EXPECT_EQ(asked.empty(), !first);
        }
    }
}

TEST_F(check, wrong_even_with_scalar_kernels_is_reported) {
    device d;
    auto const r = self_check(d, wrong("attention", true));
    EXPECT_EQ(r.wrong, std::vector<std::string>{"attention"});
    EXPECT_EQ(r.wrong_even_scalar, std::vector<std::string>{"attention"});
    EXPECT_NE(r.sentence().find("update its driver"), std::string::npos);
    graph g(d.target());
    g.output(softmax(g, g.input({.c = 8})));
    try {
        plan p(d, g);
        ADD_FAILURE() << "it computes all the same";
    } catch (error const& e) {
        EXPECT_NE(std::string(e.what()).find("attention; update its driver"), std::string::npos) << e.what();
    }
}

// A driver that took the process down while it was asked left a line behind. It is asked once more, since somebody may
// have killed the process; and not at all of a process that is still there.
TEST_F(check, what_was_begun_twice_and_never_ended_counts_as_wrong) {
    std::string path;
    {
        device d;
        path = matrix_path_names[int(d.target().matrix)];
        self_check(d);
    }
    std::string text;
    std::getline(std::ifstream(file()), text, '\0');
    std::string const line = "right " + path + " attention\n";
    ASSERT_NE(text.find(line), std::string::npos) << text;
    text.replace(text.find(line), line.size(), "");
    for (std::string const& process : {std::string("begun 0 "), std::format("again {} ", ::getppid())}) {
        std::ofstream(file()) << text + process + path + " attention\n";
        device again;
        EXPECT_TRUE(self_check(again).wrong.empty()) << process;
    }
    std::ofstream(file()) << text + "again 0 " + path + " attention\n";
    device d;
    auto const r = self_check(d, watch);
    if (path == "scalar")
        EXPECT_EQ(r.wrong_even_scalar, std::vector<std::string>{"attention"});
    else {
        EXPECT_EQ(r.wrong, std::vector<std::string>{"attention"});
        EXPECT_EQ(r.used, matrix_path::scalar);
        EXPECT_EQ(d.target().matrix, matrix_path::scalar);
    }
}

// Blocks and sizes of heads are asked for when a plan first needs them; a wrong one is a sentence once, and then the
// device takes plainer kernels.
TEST_F(check, each_block_and_size_of_heads_is_asked_for_before_it_is_used) {
    setenv("SFUMATO_MATRIX", "khr", 1);
    auto const products = [](device& d) {
        graph g(d.target());
        tensor const x = g.input({.w = 40, .c = 48}, dtype::f16),
                     y = linear(g, x, pack_linear(g, g.input({.w = 48, .c = 48}), weight_format::f16));
        g.output(attention(g, y, y, y, {.heads = 2}));
        plan(d, g);
    };
    try {
        device d;
        self_check(d, watch);
        asked.clear();
        products(d);
        EXPECT_EQ(asked, (std::set<std::string>{"gemm 32x16x16", "attention 24"}));
        asked.clear();
        products(d);
        EXPECT_EQ(asked.size(), 0u); // once
        fs::remove_all(home);
        device other;
        self_check(other, wrong("gemm 32x16x16", false));
        try {
            products(other);
            ADD_FAILURE() << "no error";
        } catch (error const& e) {
            EXPECT_NE(std::string(e.what()).find("gemm 32x16x16 wrongly with khr kernels; from now on scalar ones"),
                      std::string::npos)
                << e.what();
        }
        EXPECT_EQ(other.target().matrix, matrix_path::scalar);
        EXPECT_NO_THROW(products(other));
        device third;
        EXPECT_EQ(self_check(third, watch).used, matrix_path::scalar); // remembered
    } catch (error const& e) {
        EXPECT_NE(std::string(e.what()).find("does not have"), std::string::npos) << e.what(); // a device without khr
    }
    unsetenv("SFUMATO_MATRIX");
}

TEST_F(check, a_result_of_another_driver_or_build_is_not_believed) {
    {
        device d;
        self_check(d, wrong("gemm", true));
    }
    std::string text;
    std::getline(std::ifstream(file()), text, '\0');
    text[text.find('\n') - 1] ^= 1; // the kernels' checksum
    std::ofstream(file()) << text;
    asked.clear();
    device d;
    EXPECT_EQ(self_check(d, watch).wrong, none);
    EXPECT_EQ(asked.size(), 5u);
}

TEST_F(check, without_a_cache_directory_it_is_asked_each_time) {
    std::ofstream(home.string()) << "a file where the directory should be";
    for (int i = 0; i < 2; ++i) {
        asked.clear();
        device d;
        EXPECT_EQ(self_check(d, watch).wrong, none);
        EXPECT_EQ(asked.size(), 5u);
    }
}

} // namespace
} // namespace sfumato
