// The pipeline cache on disk: written whole, read back, ignored when damaged.
#include "compute/ops.h"
#include "kernel_binaries.h"
#include "tests/kernels/kernel_test.h"
#include "tests/scratch_folder.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace sfumato {
namespace {

namespace fs = std::filesystem;

struct pipeline_cache : testing::Test {
    scratch_folder folder;
    fs::path const home = folder.path / "cache";
    void SetUp() override { setenv("XDG_CACHE_HOME", home.c_str(), 1); }
    void TearDown() override { unsetenv("XDG_CACHE_HOME"); }

    void use_a_pipeline() {
        device d;
        graph g;
        tensor const x = g.input({.c = 8}), y = g.temporary({.c = 8});
        g.dispatch(kernel::softmax{.x = g.in(x), .y = g.out(y), .rows = 1, .columns = 8, .factor = 1, .scale = 1},
                   {.x = 64});
        plan p(d, g);
        EXPECT_TRUE(p.run());
    }
    std::vector<fs::path> files() {
        std::vector<fs::path> all;
        if (fs::exists(home / "sfumato")) // the driver keeps a cache of its own beside it
            for (auto const& f : fs::directory_iterator(home / "sfumato")) all.push_back(f.path());
        return all;
    }
};

TEST_F(pipeline_cache, is_written_once_and_read_back) {
    use_a_pipeline();
    ASSERT_EQ(files().size(), 1u); // and no partial file
    auto const written = fs::last_write_time(files()[0]);
    use_a_pipeline();
    EXPECT_EQ(fs::last_write_time(files()[0]), written);
}

// Pipelines that are being made when a run is stopped are made at the next one.
TEST_F(pipeline_cache, a_stopped_run_may_begin_again) {
    device d;
    graph g(d.target());
    tensor const x = g.input({.h = 16, .w = 16, .c = 32}), w = g.input({.n = 32, .h = 32, .w = 3, .c = 3});
    tensor const y = group_norm(g, conv2d(g, x, pack_conv2d(g, w, weight_format::f16)), 32, g.input({.c = 32}),
                                g.input({.c = 32}), 1e-5f);
    g.output(y);
    plan p(d, std::move(g));
    int asked = 0;
    EXPECT_FALSE(p.run([&](auto&&...) { return ++asked == 0; }));
    EXPECT_EQ(asked, 1);
    EXPECT_TRUE(p.run());
}

TEST_F(pipeline_cache, damaged_files_are_ignored_and_replaced) {
    use_a_pipeline();
    ASSERT_EQ(files().size(), 1u);
    auto const file = files()[0];
    auto const size = fs::file_size(file);
    fs::resize_file(file, size - 1); // truncated
    use_a_pipeline();
    EXPECT_EQ(fs::file_size(file), size);
    std::fstream(file, std::ios::in | std::ios::out | std::ios::binary).seekp(-1, std::ios::end).put('\x5a'); // flipped
    use_a_pipeline();
    EXPECT_EQ(fs::file_size(file), size);
    std::ofstream(file, std::ios::trunc) << "not a cache";
    use_a_pipeline();
    EXPECT_EQ(fs::file_size(file), size);
}

TEST_F(pipeline_cache, a_directory_that_cannot_be_written_costs_nothing_but_time) {
    std::ofstream(home.string()) << "a file where the directory should be";
    use_a_pipeline();
    EXPECT_TRUE(fs::is_regular_file(home));
}

} // namespace
} // namespace sfumato
