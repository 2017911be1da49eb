// Child processes for tests.
#pragma once

#include "tests/scratch_folder.h"

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <functional>
#include <gtest/gtest.h>
#include <spawn.h>
#include <string>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace sfumato {

inline std::string text_of(std::filesystem::path const& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

inline void write_text(std::filesystem::path const& path, std::string const& text) {
    std::ofstream(path, std::ios::binary) << text;
}

/// True as soon as `condition` is, false after `limit`.
inline bool eventually(std::function<bool()> condition, std::chrono::milliseconds limit = std::chrono::seconds(10)) {
    auto const deadline = std::chrono::steady_clock::now() + limit;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > deadline) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return true;
}

/// A running program, its output in files; killed when the test ends before it.
class process {
  public:
    process(std::vector<std::string> arguments, std::filesystem::path const& folder)
        : out_path(folder / "stdout"), err_path(folder / "stderr") {
        posix_spawn_file_actions_t files;
        posix_spawn_file_actions_init(&files);
        posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
        posix_spawn_file_actions_addopen(&files, 1, out_path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
        posix_spawn_file_actions_addopen(&files, 2, err_path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
        std::vector<char*> pointers;
        for (auto& a : arguments) pointers.push_back(a.data());
        pointers.push_back(nullptr);
        EXPECT_EQ(::posix_spawn(&pid, pointers[0], &files, nullptr, pointers.data(), environ), 0) << arguments[0];
        posix_spawn_file_actions_destroy(&files);
    }
    ~process() {
        if (pid <= 0) return;
        ::kill(pid, SIGKILL);
        ::waitpid(pid, nullptr, 0);
    }
    process(process const&) = delete;

    /// The exit code; 128 + signal when one ended it; −1 when it still runs after `limit`.
    int wait(std::chrono::milliseconds limit = std::chrono::seconds(20)) {
        int status = 0;
        if (!eventually([&] { return ::waitpid(pid, &status, WNOHANG) == pid; }, limit)) return -1;
        pid = -1;
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
    void signal(int number) const { ::kill(pid, number); }
    std::string out() const { return text_of(out_path); }
    std::string err() const { return text_of(err_path); }

    pid_t pid = -1;

  private:
    std::filesystem::path const out_path, err_path;
};

} // namespace sfumato
