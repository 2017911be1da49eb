#include "plugin/engine_client.h"

#include "cli/protocol.h"
#include "cli/socket.h"
#include "compute/error.h"
#include "models/json.h"

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace sfumato {

using nlohmann::json;
using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;
namespace fs = std::filesystem;

namespace {

constexpr int cancel_poll = 50;       // milliseconds between two looks at job.cancelled
constexpr auto start_limit = 30s;     // for the engine to start and listen
constexpr auto handshake_limit = 10s; // for its poll loop to answer, however busy its GPU is
constexpr int connect_attempts = 4;   // an engine may end or be replaced between two steps

struct cancelled {}; // leaves engine_run from any depth

// Waits until `fd` has one of `events`; false at the deadline. Throws cancelled.
bool wait_for(int fd, short events, clock::time_point deadline, job const& job) {
    while (true) {
        if (job.is_cancelled()) throw cancelled();
        pollfd polled{fd, events, 0};
        if (::poll(&polled, 1, cancel_poll) > 0) return true;
        if (clock::now() > deadline) return false;
    }
}

struct engine_place {
    fs::path executable;
    engine_paths paths;
    std::string build;
};

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

// Starts `serve --background`, whose first process ends as soon as the socket listens or it knows why not; what it said
// then is the error.
void start_engine(engine_place const& engine, job const& job) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) fail("The engine cannot be started: {}.", std::strerror(errno));
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
        fail("The engine {} cannot be started: {}.", program, std::strerror(status));
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
        if (text.empty()) text = std::format("it ended with status {}", ended);
        fail("The engine {} did not start: {}", program, text);
    }
}

// What the engine sends, one message at a time.
class channel {
  public:
    channel(file_descriptor fd, fs::path log) : fd(std::move(fd)), log(std::move(log)) {}

    // Sends everything, while looking for an answer that comes early (a refusal).
    void send(outgoing const& what, job const& job) {
        std::vector<std::span<std::byte const>> parts{std::as_bytes(std::span(what.start))};
        for (auto const& b : what.blobs) parts.push_back(std::as_bytes(b));
        for (auto part : parts)
            while (!part.empty()) {
                wait_for(fd.get(), POLLOUT, clock::time_point::max(), job);
                auto const count = socket_send(fd, part.first(std::min(part.size(), std::size_t(1) << 20)));
                if (count < 0) return; // why it hung up is what receive() finds
                part = part.subspan(std::size_t(count));
            }
    }

    // Nothing: the engine hung up. Throws cancelled, or error at the deadline.
    std::optional<message> receive(clock::time_point deadline, job const& job) {
        while (true) {
            if (auto m = reader.next()) return m;
            if (!wait_for(fd.get(), POLLIN, deadline, job))
                fail("The engine does not answer; end its process and try again (its log is {}).", log.string());
            auto const count = socket_receive(fd, room);
            if (count < 0) return {};
            reader.feed(std::span(room).first(std::size_t(count)));
        }
    }

  private:
    file_descriptor fd;
    fs::path log;
    message_reader reader;
    std::vector<std::byte> room = std::vector<std::byte>(256 << 10);
};

// Says hello. Nothing: the engine was just ending, or is another build and was asked to end; try again.
std::optional<channel> shake_hands(channel to, engine_place const& engine, job const& job) {
    auto const deadline = clock::now() + handshake_limit;
    to.send(encode({{"type", "hello"}, {"version", SFUMATO_VERSION}, {"build", engine.build}}), job);
    auto const hello = to.receive(deadline, job);
    if (!hello) return {};
    if (hello->type() == "error") fail("The engine refuses: {}", hello->head.value("message", "it does not say why."));
    if (hello->version == protocol::version && hello->head.value("build", json()) == engine.build) return to;
    to.send(encode({{"type", "quit"}}), job);
    while (auto const m = to.receive(deadline, job))
        if (m->type() == "bye") break; // it has left the socket; the next attempt starts ours
    return {};
}

channel reach_engine(job const& job) {
    engine_place engine;
    engine.executable = find_executable();
    engine.paths = engine_paths_for();
    engine.build = build_id(engine.executable);
    for (int attempt = 0; attempt < connect_attempts; ++attempt) {
        file_descriptor fd = socket_connect(engine.paths.socket);
        if (!fd) {
            job.report({.stage = "start the engine"});
            try {
                start_engine(engine, job);
            } catch (error const&) {
                // Another plug-in may have started it at the same moment: then it answers now.
                if (!(fd = socket_connect(engine.paths.socket))) throw;
            }
            if (!fd) fd = socket_connect(engine.paths.socket);
            if (!fd) continue;
        }
        if (auto to = shake_hands({std::move(fd), engine.paths.log}, engine, job)) return std::move(*to);
    }
    fail("The engine ends as soon as it is started; its log is {}.", engine.paths.log.string());
}

progress progress_from(json const& head) {
    return {head.value("stage", ""), head.value("fraction", 0.0), head.value("seconds_left", -1.0)};
}

void check_fits(run_result const& r, run_input const& in) {
    rect const area{r.x, r.y, r.filled.width, r.filled.height};
    bool const fits = in.request.operation == operation::upscale
                          ? area == rect{0, 0, in.part.to.width, in.part.to.height}
                          : r.x >= 0 && r.y >= 0 && !r.composite.values.empty() &&
                                intersect(area, {0, 0, in.picture.width, in.picture.height}) == area;
    if (!fits) fail("The engine's result is not of the size that was asked for; this is an error in Sfumato.");
}

std::optional<run_result> run_in_engine(run_input const& input, job const& job) {
    if (job.is_cancelled()) return {};
    outgoing const run = encode_run(input); // refuses what cannot be sent before anything starts
    channel engine = reach_engine(job);
    engine.send(run, job);
    while (auto m = engine.receive(clock::time_point::max(), job)) {
        std::string const type = m->type();
        if (type == "progress")
            job.report(progress_from(m->head));
        else if (type == "cancelled")
            return {};
        else if (type == "error")
            throw error(m->head.value("message", "The engine failed without saying why."));
        else if (type == "result") {
            run_result result = decode_result(std::move(*m));
            check_fits(result, input);
            return result;
        }
    }
    fail("The engine ended unexpectedly; run it again to start a fresh one (its log is {}).",
         engine_paths_for().log.string());
}

} // namespace

std::optional<run_result> engine_run(run_input const& input, job const& job) {
    try {
        return run_in_engine(input, job);
    } catch (cancelled const&) {
        return {}; // the connection is closed by now, which cancels the run in the engine
    } catch (json::exception const& e) {
        fail("The engine's answer was not understood ({}).", e.what());
    } catch (fs::filesystem_error const& e) {
        fail("The engine cannot be reached: {}.", e.what());
    }
}

} // namespace sfumato
