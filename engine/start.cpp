#include "engine/start.h"

#include "compute/error.h"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

namespace sfumato {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;
namespace fs = std::filesystem;

namespace {

constexpr int cancel_poll = 50;   // milliseconds between two looks at job.cancelled
constexpr auto start_limit = 30s; // for the engine to start and listen

} // namespace

bool wait_for(int fd, short events, clock::time_point deadline, job const& job) {
    while (true) {
        if (job.is_cancelled()) throw cancelled_by_user();
        pollfd polled{fd, events, 0};
        if (::poll(&polled, 1, cancel_poll) > 0) return true;
        if (clock::now() > deadline) return false;
    }
}

namespace {

bool is_executable(fs::path const& path) { return fs::is_regular_file(path) && ::access(path.c_str(), X_OK) == 0; }

fs::path find_executable() {
    if (char const* named = std::getenv("SFUMATO_ENGINE"); named && *named) {
        if (!is_executable(named)) fail("SFUMATO_ENGINE names {}, which is not an executable file.", named);
        return fs::absolute(named);
    }
    std::error_code unreadable;
    if (auto const beside = fs::read_symlink("/proc/self/exe", unreadable).parent_path() / "sfumato";
        is_executable(beside))
        return beside;
    std::string_view path = std::getenv("PATH") ? std::getenv("PATH") : "";
    while (!path.empty()) {
        auto const end = path.find(':');
        auto const candidate = fs::path(path.substr(0, end)) / "sfumato";
        if (candidate.is_absolute() && is_executable(candidate)) return candidate;
        path = end == path.npos ? "" : path.substr(end + 1);
    }
    fail("The engine program \"sfumato\" was not found beside the plug-in or on PATH; install Sfumato again or set "
         "SFUMATO_ENGINE.");
}

// A process of ours that must be waited for, whatever happens: no zombie stays behind.
struct child {
    pid_t pid;
    ~child() {
        if (pid > 0) {
            ::kill(pid, SIGKILL); // only a starter that was cancelled or hangs; a detached engine is not our child
            ::waitpid(pid, nullptr, 0);
        }
    }
    int wait() {
        int status = 0;
        ::waitpid(std::exchange(pid, -1), &status, 0);
        return status;
    }
};

} // namespace

engine_place find_engine() {
    engine_place engine;
    engine.executable = find_executable();
    engine.paths = engine_paths_for();
    engine.build = build_id(engine.executable);
    return engine;
}

void start_engine(engine_place const& engine, job const& job) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) fail("The engine cannot be started: {}.", system_says());
    file_descriptor const said(ends[0]);
    file_descriptor its_end(ends[1]);

    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&files, its_end.get(), STDERR_FILENO);
    posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    sigset_t none, defaults;
    sigemptyset(&none);
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE); // GIMP ignores or handles some; the engine starts with a clean slate
    sigaddset(&defaults, SIGTERM);
    sigaddset(&defaults, SIGINT);
    sigaddset(&defaults, SIGCHLD);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);

    std::string program = engine.executable.string(), socket = engine.paths.socket.string(), build = engine.build;
    char const* const arguments[] = {program.c_str(), "serve",   "--background", "--socket",
                                     socket.c_str(),  "--build", build.c_str(),  nullptr};
    child starter{-1};
    int const status =
        ::posix_spawn(&starter.pid, program.c_str(), &files, &attributes, const_cast<char**>(arguments), environ);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    if (status != 0) {
        starter.pid = -1;
        fail("The engine {} cannot be started: {}.", program, system_says(status));
    }
    its_end = file_descriptor();

    std::string text;
    auto const deadline = clock::now() + start_limit;
    while (true) { // until the starter and everything that shares its stderr has closed it
        if (!wait_for(said.get(), POLLIN, deadline, job))
            fail("The engine {} did not start within {} seconds.", program, start_limit.count());
        char some[512];
        auto const count = ::read(said.get(), some, sizeof some);
        if (count <= 0) break;
        if (text.size() < 4096) text.append(some, std::size_t(count));
    }
    if (int const ended = starter.wait(); ended != 0) {
        while (!text.empty() && text.back() == '\n') text.pop_back();
        fail("The engine {} did not start: {}", program,
             text.empty() ? say("it ended with status {}", ended) : sentence(text));
    }
}

} // namespace sfumato
