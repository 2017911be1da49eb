#include "cli/serve.h"

#include "cli/connection.h"
#include "cli/endpoint.h"
#include "compute/error.h"
#include "models/json.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <list>
#include <malloc.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

namespace sfumato {

using nlohmann::json;
using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;

namespace {

constexpr std::size_t max_connections = 64;
constexpr auto stall_limit = 60s;   // a reader that takes nothing for so long is dropped
constexpr auto ending_limit = 5s;   // a job has so long to notice that the engine ends
constexpr auto handover_quiet = 1s; // after quit: connections that said hello may still be about to send

template <class... Args> void log(std::format_string<Args...> format, Args&&... args) {
    std::time_t const now = std::time(nullptr);
    std::tm local{};
    char stamp[32];
    std::strftime(stamp, sizeof stamp, "%F %T", localtime_r(&now, &local));
    std::fprintf(stderr, "%s %s\n", stamp, std::format(format, std::forward<Args>(args)...).c_str());
}

// SIGTERM and SIGINT arrive as something to poll, in no thread's way; a client that is gone is no signal.
file_descriptor catch_signals() {
    sigset_t ending;
    sigemptyset(&ending);
    sigaddset(&ending, SIGTERM);
    sigaddset(&ending, SIGINT);
    pthread_sigmask(SIG_BLOCK, &ending, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
    return file_descriptor(::signalfd(-1, &ending, SFD_CLOEXEC | SFD_NONBLOCK));
}

// The rest of the life in a child of init, its messages in the log.
void go_to_background(engine_paths const& paths) {
    file_descriptor const log(::open(paths.log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!log) fail("The engine's log {} cannot be written: {}.", paths.log.string(), std::strerror(errno));
    struct stat info{};
    if (::fstat(log.get(), &info) == 0 && info.st_size > (1 << 20) && ::ftruncate(log.get(), 0) != 0)
        fail("The engine's log {} cannot be emptied: {}.", paths.log.string(), std::strerror(errno));
    pid_t const child = ::fork();
    if (child < 0) fail("The engine cannot be put in the background: {}.", std::strerror(errno));
    if (child > 0) ::_exit(0); // the listening socket and its lock live on in the child
    ::setsid();
    file_descriptor const nothing(::open("/dev/null", O_RDWR | O_CLOEXEC));
    ::dup2(nothing.get(), STDIN_FILENO);
    ::dup2(nothing.get(), STDOUT_FILENO);
    ::dup2(log.get(), STDERR_FILENO);
    if (::chdir("/") != 0) fail("The engine cannot enter the root directory: {}.", std::strerror(errno));
}

class server {
  public:
    server(serve_options const&, run_job, endpoint&, file_descriptor signals);
    int run();

  private:
    void wait();
    void accept_all();
    void read_from(connection&);
    void answer(connection&, message);
    void take_run(connection&, message);
    void cancel(std::uint64_t client, bool tell);
    void work();
    void deliver(std::uint64_t client, task_end);
    void drop_gone();
    void quit();

    void send(connection& to, json head) { to.send(encode(std::move(head))); }
    void send_error(connection& to, std::string_view message) { send(to, {{"type", "error"}, {"message", message}}); }
    connection* find(std::uint64_t id);
    bool has_task(std::uint64_t client) const;
    bool is_idle() const { return !working.running() && waiting.empty(); }
    int milliseconds_to_wait() const;

    std::string const build;
    endpoint& door;
    file_descriptor const signals;
    file_descriptor const wake{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    std::list<connection> connections;
    std::vector<std::uint64_t> gone;
    std::uint64_t next_id = 1;
    // One task a connection, first come first served: whoever wants another goes to the end of the line.
    std::deque<task> waiting;
    std::vector<std::byte> room = std::vector<std::byte>(256 << 10);
    clock::duration idle_limit; // zero = never
    clock::time_point last_active = clock::now();
    std::optional<clock::time_point> ending_since; // no more work; leave when all is told
    int exit_code = 0;
    worker working; // last: its thread uses what is above
};

server::server(serve_options const& options, run_job do_job, endpoint& door, file_descriptor signals)
    : build(options.build.empty() ? build_id("/proc/self/exe") : options.build), door(door),
      signals(std::move(signals)), idle_limit(std::chrono::seconds(options.idle_exit)),
      working(std::move(do_job), [this] {
          std::uint64_t const one = 1; // fails only when the counter is full, and then it is awake anyway
          [[maybe_unused]] auto const written = ::write(wake.get(), &one, sizeof one);
      }) {}

int server::run() {
    while (true) {
        wait();
        accept_all();
        work();
        for (connection& c : connections)
            if (!c.flush() || (c.closing && !c.has_output()) || c.stalled_since(clock::now() - stall_limit))
                gone.push_back(c.id);
        drop_gone();
        bool const all_told = std::ranges::none_of(connections, &connection::has_output);
        if (!is_idle() || !all_told) last_active = clock::now();
        if (ending_since) {
            if (is_idle() && all_told) break;
            if (clock::now() - *ending_since > ending_limit) std::_Exit(exit_code); // a job that does not notice
        } else if (idle_limit > 0s && clock::now() - last_active > idle_limit) {
            log("nothing to do: ended");
            break;
        }
    }
    door.release();
    return exit_code;
}

// Sleeps until something happens, then reads from everyone who wrote.
void server::wait() {
    std::vector<pollfd> polled{{signals.get(), POLLIN, 0}, {wake.get(), POLLIN, 0}, {door.listener(), POLLIN, 0}};
    std::size_t const first = polled.size();
    for (connection& c : connections)
        polled.push_back({c.poll_descriptor(), short((c.closing ? 0 : POLLIN) | (c.has_output() ? POLLOUT : 0)), 0});
    if (::poll(polled.data(), polled.size(), milliseconds_to_wait()) < 0) return;

    if (polled[0].revents) {
        signalfd_siginfo info;
        if (::read(signals.get(), &info, sizeof info) > 0) {
            log("signal {}: ending", info.ssi_signo);
            door.release();
            for (connection& c : connections) {
                if (has_task(c.id)) send_error(c, "The engine was ended from outside; run it again.");
                cancel(c.id, false);
            }
            ending_since = ending_since.value_or(clock::now());
        }
    }
    std::uint64_t count;
    if (polled[1].revents) [[maybe_unused]]
        auto const drained = ::read(wake.get(), &count, sizeof count);
    std::size_t i = first;
    for (connection& c : connections) {
        short const events = polled[i++].revents;
        if (events & POLLIN)
            read_from(c);
        else if (events & (POLLHUP | POLLERR | POLLNVAL))
            gone.push_back(c.id);
    }
}

int server::milliseconds_to_wait() const {
    if (ending_since) return 50;
    bool const telling = std::ranges::any_of(connections, &connection::has_output);
    auto limit = telling ? clock::duration(1s) : clock::duration(3600s);
    if (idle_limit > 0s && is_idle()) limit = std::min(limit, last_active + idle_limit - clock::now());
    return int(std::max<std::int64_t>(0, std::chrono::ceil<std::chrono::milliseconds>(limit).count())) + 1;
}

void server::accept_all() {
    while (file_descriptor fd = door.accept()) {
        last_active = clock::now();
        connection& c = connections.emplace_back(next_id++, std::move(fd));
        if (connections.size() <= max_connections) continue;
        send_error(c, "The engine has too many connections; close a Sfumato dialog and try again.");
        c.closing = true;
    }
}

void server::read_from(connection& c) {
    last_active = clock::now();
    try {
        if (!c.receive(room)) gone.push_back(c.id);
    } catch (std::exception const& e) { // framing is lost; bad_alloc: no room for what it sends
        log("client {}: {}", c.id, e.what());
        send_error(c, e.what());
        cancel(c.id, false);
        c.closing = true;
    }
    while (auto m = c.next()) {
        try {
            answer(c, std::move(*m));
        } catch (std::exception const& e) {
            log("client {}: {}", c.id, e.what());
            send_error(c, e.what());
        }
    }
}

void server::answer(connection& c, message m) {
    std::string const type = m.type();
    if (type == "hello")
        send(c, {{"type", "hello"}, {"version", SFUMATO_VERSION}, {"build", build}, {"pid", ::getpid()}});
    else if (type == "quit") {
        send(c, {{"type", "bye"}});
        quit();
    } else if (m.version != protocol::version)
        fail("The engine speaks protocol {}, not {}; end it with: kill {}", protocol::version, m.version, ::getpid());
    else if (type == "run")
        take_run(c, std::move(m));
    else if (type == "cancel")
        cancel(c.id, true);
    else
        fail("The engine knows no message of type {}.", json_show(type));
}

void server::take_run(connection& c, message m) {
    if (has_task(c.id)) fail("This connection's last run has not ended; wait for it or cancel it.");
    if (ending_since) fail("The engine is ending; run it again.");
    task t{.client = c.id, .run = decode_run(std::move(m))};
    for (std::string const& key : t.run.unknown) log("client {}: the request's \"{}\" is not known here", c.id, key);
    waiting.push_back(std::move(t));
}

// Ends a client's task; the answer comes when it has ended.
void server::cancel(std::uint64_t client, bool tell) {
    if (working.running() && working.running()->client == client) *working.running()->cancelled = true;
    if (std::erase_if(waiting, [&](task const& t) { return t.client == client; }) && tell)
        send(*find(client), {{"type", "cancelled"}});
}

// Tells how the running task goes, and starts the next when it has ended.
void server::work() {
    if (task const* t = working.running()) {
        std::uint64_t const client = t->client;
        auto const p = working.take_progress();
        connection* c = find(client);
        if (p && c && !c->closing && !c->has_output()) // a slow reader gets fewer
            send(*c, {{"type", "progress"},
                      {"stage", p->stage},
                      {"fraction", p->fraction},
                      {"seconds_left", p->seconds_left}});
        if (auto end = working.take_end()) {
            last_active = clock::now();
            deliver(client, std::move(*end));
        }
    }
    if (!working.running() && !waiting.empty() && !ending_since) {
        task next = std::move(waiting.front());
        waiting.pop_front();
        log("client {}: {} on {} × {}", next.client, json_line(request_to_json(next.run.input.request)),
            next.run.input.picture.width, next.run.input.picture.height);
        working.start(std::move(next));
    }
}

void server::deliver(std::uint64_t client, task_end end) {
    connection* c = find(client);
    if (auto* done = std::get_if<task_result>(&end)) {
        log("client {}: done in {:.2f} s", client, done->seconds);
        auto const kept = std::make_shared<run_result const>(std::move(done->result));
        if (!c) return;
        try {
            c->send(encode_result(*kept, done->seconds), kept);
        } catch (error const& e) {
            send_error(*c, e.what());
        }
    } else if (auto* failed = std::get_if<task_failed>(&end)) {
        log("client {}: {}", client, failed->message);
        if (c) send_error(*c, failed->message);
        if (!failed->device_lost) return;
        for (task const& t : std::exchange(waiting, {}))
            if (connection* other = find(t.client)) send_error(*other, failed->message);
        door.release(); // the next call starts a fresh engine
        ending_since = clock::now();
        exit_code = 1;
    } else {
        log("client {}: cancelled", client);
        if (c) send(*c, {{"type", "cancelled"}});
    }
}

void server::drop_gone() {
    for (std::uint64_t id : std::exchange(gone, {})) {
        cancel(id, false);
        std::erase_if(connections, [&](connection const& c) { return c.id == id; });
    }
}

// Another engine may take over at once; this one ends when its connections have nothing more to do.
void server::quit() {
    log("asked to quit");
    door.release();
    idle_limit = handover_quiet;
}

connection* server::find(std::uint64_t id) {
    auto const found = std::ranges::find(connections, id, &connection::id);
    return found == connections.end() ? nullptr : &*found;
}

bool server::has_task(std::uint64_t client) const {
    return (working.running() && working.running()->client == client) ||
           std::ranges::find(waiting, client, &task::client) != waiting.end();
}

} // namespace

int serve(serve_options const& options, run_job do_job) {
    mallopt(M_MMAP_THRESHOLD, 1 << 20); // pictures and tiles go back to the system when they are done
    endpoint door(options.socket);
    engine_paths const paths = engine_paths_for(options.socket);
    if (options.background) go_to_background(paths);
    file_descriptor signals = catch_signals();
    log("sfumato {} (process {}) listens at {}", SFUMATO_VERSION, ::getpid(), paths.socket.string());
    return server(options, std::move(do_job), door, std::move(signals)).run();
}

} // namespace sfumato
