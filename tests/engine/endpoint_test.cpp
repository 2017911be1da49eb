// One listener for each path, and nothing left behind.
#include "engine/endpoint.h"

#include "compute/error.h"
#include "tests/scratch_folder.h"

#include <chrono>
#include <cstdlib>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace sfumato {
namespace {

namespace fs = std::filesystem;

// In a process of its own; what `body` returns is its exit code.
template <class Body> pid_t in_child(Body const& body) {
    pid_t const child = ::fork();
    if (child == 0) ::_exit(body());
    return child;
}

int end_of(pid_t child) {
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(endpoint, leaves_nothing_behind) {
    scratch_folder const folder;
    { endpoint const e(folder.path / "x.sock"); }
    EXPECT_TRUE(fs::is_empty(folder.path));
}

TEST(endpoint, what_a_killed_one_left_is_removed_and_what_listens_is_not) {
    scratch_folder const folder;
    fs::path const socket = folder.path / "x.sock";
    ASSERT_EQ(end_of(in_child([&] {
                  new endpoint(socket); // nobody ends it
                  return 0;
              })),
              0);
    EXPECT_FALSE(fs::is_empty(folder.path));
    remove_abandoned(socket);
    EXPECT_TRUE(fs::is_empty(folder.path));
    endpoint const e(socket);
    EXPECT_EQ(end_of(in_child([&] {
                  remove_abandoned(socket);
                  return 0;
              })),
              0);
    EXPECT_TRUE(bool(socket_connect(socket)));
}

// Each takes the path and gives it back as often as it can: while one has it, nobody else does.
TEST(endpoint, is_one_at_a_time_whoever_comes_and_goes) {
    scratch_folder const folder;
    fs::path const socket = folder.path / "x.sock", mark = folder.path / "mark";
    auto const come_and_go = [&] {
        auto const deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(1500);
        while (std::chrono::steady_clock::now() < deadline) try {
                endpoint const mine(socket);
                int const alone = ::open(mark.c_str(), O_CREAT | O_EXCL | O_CLOEXEC, 0600);
                if (alone < 0) return 1;
                ::close(alone);
                ::unlink(mark.c_str());
            } catch (error const&) { // another one has it
            }
        return 0;
    };
    std::vector<pid_t> children;
    for (int i = 0; i < 4; ++i) children.push_back(in_child(come_and_go));
    for (pid_t const child : children) EXPECT_EQ(end_of(child), 0);
    EXPECT_TRUE(fs::is_empty(folder.path));
}

} // namespace
} // namespace sfumato
