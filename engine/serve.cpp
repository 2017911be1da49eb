#include "engine/serve.h"

#include "compute/error.h"
#include "engine/connection.h"
#include "engine/endpoint.h"
#include "engine/messages.h"
#include "engine/process.h"
#include "engine/worker.h"
#include "models/library/find_lama.h"
#include "models/library/model_folders.h"
#include "models/library/scan.h"
#include "request/json.h"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <list>
#include <malloc.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace sfumato {

using nlohmann::json;
using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;

namespace {

constexpr std::size_t max_connections = 64;
constexpr auto ending_limit = 5s;   // a job has so long to notice that the engine ends
constexpr auto handover_quiet = 1s; // after quit: connections that said hello may still be about to send

class server {
  public:
    server(serve_options const&, engine_jobs, endpoint&, file_descriptor signals);
    int run();

  private:
    void wait();
    void accept_all();
    void read_from(connection&);
    bool admits(std::uint64_t client, message const& begun) const;
    void answer(connection&, message);
    void take_run(connection&, message const&);
    void take_question(connection&, message const&);
    void add(connection&, worker&, message const& asked, run_input, std::function<std::optional<json>(session&)> work);
    void cancel(std::uint64_t client, bool tell);
    void flush();
    void work(worker&);
    void carry(task const&);
    void deliver(task const&, task_end const&);
    void end_after_lost_device(sentence const&);
    void drop_gone();
    void quit();

    void send(connection& to, json head) { to.send(encode(std::move(head))); }
    void send_error(connection& to, std::int64_t id, sentence const& said) {
        send(to, {{"type", "error"}, {"id", id}, {"message", to_json(said)}});
    }
    connection* find(std::uint64_t id);
    connection* find_open(std::uint64_t id); // null also where nothing more is to be said
    task const* task_of(std::uint64_t client) const;
    bool is_idle() const { return runs.is_idle() && questions.is_idle(); }
    int milliseconds_to_wait() const;

    std::string const build;
    std::chrono::seconds const patience;
    engine_jobs const jobs;
    endpoint& door;
    file_descriptor const signals;
    file_descriptor const awake{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    std::function<void()> const wake = [this] {
        std::uint64_t const one = 1; // fails only when the counter is full, and then it is awake anyway
        [[maybe_unused]] auto const written = ::write(awake.get(), &one, sizeof one);
    };
    std::list<connection> connections;
    std::vector<std::uint64_t> gone;
    std::uint64_t next_id = 1;
    std::vector<std::byte> room = std::vector<std::byte>(256 << 10);
    clock::duration idle_limit; // zero = never
    clock::time_point last_active = clock::now();
    std::optional<clock::time_point> ending_since; // no more work; leave when all is told
    int exit_code = 0;
    worker runs{wake}, questions{wake}; // last: their threads use what is above
};

server::server(serve_options const& options, engine_jobs jobs, endpoint& door, file_descriptor signals)
    : build(options.build.empty() ? build_id("/proc/self/exe") : options.build), patience(options.patience),
      jobs(std::move(jobs)), door(door), signals(std::move(signals)),
      idle_limit(std::chrono::seconds(options.idle_exit)) {}

int server::run() {
    while (true) {
        wait();
        accept_all();
        flush();
        work(runs);
        work(questions);
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
    std::vector<pollfd> polled{{signals.get(), POLLIN, 0}, {awake.get(), POLLIN, 0}, {door.listener(), POLLIN, 0}};
    std::size_t const first = polled.size();
    for (connection& c : connections)
        polled.push_back({c.poll_descriptor(),
                          short((c.closing || c.owes_much() ? 0 : POLLIN) | (c.has_output() ? POLLOUT : 0)), 0});
    if (::poll(polled.data(), polled.size(), milliseconds_to_wait()) < 0) return;

    if (polled[0].revents) {
        signalfd_siginfo info;
        if (::read(signals.get(), &info, sizeof info) > 0) {
            log("signal {}: ending", info.ssi_signo);
            door.release();
            for (connection& c : connections) {
                if (task const* const t = task_of(c.id))
                    send_error(c, t->asked->id, say("The engine was ended from outside; run it again."));
                cancel(c.id, false);
            }
            ending_since = ending_since.value_or(clock::now());
        }
    }
    std::uint64_t count;
    if (polled[1].revents) [[maybe_unused]]
        auto const drained = ::read(awake.get(), &count, sizeof count);
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
        std::uint64_t const id = next_id++;
        connection& c =
            connections.emplace_back(id, std::move(fd), [this, id](message const& begun) { return admits(id, begun); });
        if (connections.size() <= max_connections) continue;
        send_error(c, 0, say("The engine has too many connections; close a Sfumato dialog and try again."));
        c.closing = true;
    }
}

void server::read_from(connection& c) {
    last_active = clock::now();
    try {
        if (!c.receive(room)) gone.push_back(c.id);
    } catch (std::exception const& e) { // framing is lost; bad_alloc: no room for what it sends
        log("client {}: {}", c.id, e.what());
        task const* const t = task_of(c.id);
        send_error(c, t ? t->asked->id : 0, sentence_of(e));
        cancel(c.id, false);
        c.closing = true;
    }
    while (auto m = c.next()) {
        try {
            answer(c, std::move(*m));
        } catch (std::exception const& e) {
            log("client {}: {}", c.id, e.what());
            send_error(c, 0, sentence_of(e));
        }
    }
}

// Pixels that nobody asked for are not read at all.
bool server::admits(std::uint64_t client, message const& begun) const {
    task const* const t = task_of(client);
    return t && begun.version == protocol::version && begun.type() == "pixels" && t->asked->admits(begun);
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
    else if (type == "pixels") {
        if (task const* const t = task_of(c.id)) t->asked->answer(std::move(m));
    } else if (type == "cancel")
        cancel(c.id, true);
    else
        try {
            if (type == "run" || type == "estimate")
                take_run(c, m);
            else if (type == "models" || type == "describe" || type == "devices")
                take_question(c, m);
            else
                fail("The engine knows no message of type {}.", json_show(type));
        } catch (error const& e) {
            log("client {}: {}", c.id, e.what());
            send_error(c, id_of(m), e.said);
        }
}

void server::take_run(connection& c, message const& m) {
    run_message run = decode_run(m);
    auto const warn = [unknown = run.unknown](session& s) {
        for (std::string const& key : unknown) s.warn(say("The request's \"{}\" is not known here.", key));
    };
    if (m.type() == "estimate") {
        add(c, runs, m, std::move(run.input), [this](session& s) -> std::optional<json> {
            auto const plan = jobs.estimate(s.input, s, s.job());
            if (!plan) return {};
            return json{{"type", "done"}, {"plan", to_json(*plan)}};
        });
        return;
    }
    add(c, runs, m, std::move(run.input), [this, warn](session& s) -> std::optional<json> {
        warn(s);
        if (!jobs.run(s.input, s, s.job())) return {};
        return json{{"type", "done"}};
    });
}

void server::take_question(connection& c, message const& m) {
    auto const found = [](session& s) { return [&s](found_model const& one) { s.found(summary_of(one)); }; };
    auto const done = json{{"type", "done"}};
    if (m.type() == "describe") {
        add(c, questions, m, {}, [=, name = model_of(m)](session& s) -> std::optional<json> {
            found(s)(look_at_model(name));
            return done;
        });
        return;
    }
    if (m.type() == "devices") {
        add(c, questions, m, {}, [this](session&) -> std::optional<json> {
            return json{{"type", "done"}, {"devices", to_json(jobs.devices())}};
        });
        return;
    }
    add(c, questions, m, {}, [=, kind = kind_of(m)](session& s) -> std::optional<json> {
        if (kind == model_kind::lama) {
            if (std::string const lama = find_lama(); !lama.empty()) found(s)(look_at_model(lama));
            return done;
        }
        auto const folders = kind == model_kind::upscaler ? upscaler_folders() : model_folders();
        scan_models(folders, found(s), s.job().cancelled);
        scan_built_in_models(found(s));
        return done;
    });
}

void server::add(connection& c, worker& to, message const& m, run_input input,
                 std::function<std::optional<json>(session&)> work) {
    if (task_of(c.id)) fail("This connection's last run has not ended; wait for it or cancel it.");
    if (ending_since) fail("The engine is ending; run it again.");
    to.add({c.id, m.type(), std::make_shared<session>(id_of(m), std::move(input), patience, wake), std::move(work)});
}

// Ends a client's task; the answer comes when it has ended.
void server::cancel(std::uint64_t client, bool tell) {
    task const* const t = task_of(client);
    if (!t) return;
    std::int64_t const id = t->asked->id;
    t->asked->cancel();
    if ((runs.drop(client) || questions.drop(client)) && tell) send(*find(client), {{"type", "cancelled"}, {"id", id}});
}

void server::flush() {
    for (connection& c : connections)
        if (!c.flush() || (c.closing && !c.has_output()) || c.stalled_since(clock::now() - patience))
            gone.push_back(c.id);
}

// Carries what the running task says, and starts the next when it has ended.
void server::work(worker& w) {
    if (task const* const running = w.running()) {
        task const t = *running;
        auto const end = w.take_end(); // before what was said until then is taken
        carry(t);
        if (end) {
            last_active = clock::now();
            deliver(t, *end);
        }
    }
    if (ending_since) return;
    task const* const t = w.start_next();
    if (!t) return;
    run_input const& in = t->asked->input;
    if (t->type != "run")
        log("client {}: {}", t->client, t->type);
    else if (in.pictures.empty())
        log("client {}: {}", t->client, json_line(request_to_json(in.request)));
    else
        log("client {}: {} on {} × {}", t->client, json_line(request_to_json(in.request)), in.pictures[0].width,
            in.pictures[0].height);
}

// Never more than one result lies here and waits for its reader.
void server::carry(task const& t) {
    connection* const c = find_open(t.client);
    for (session::item& i : t.asked->take_items())
        if (c) c->send(std::move(i.what), std::move(i.keep));
    if (!c) return t.asked->all_sent();
    bool is_there = c->flush();
    if (!c->has_output()) // a slow reader is told less often
        if (auto progress = t.asked->take_progress()) {
            c->send(std::move(progress->what), std::move(progress->keep));
            is_there = c->flush();
        }
    if (!is_there) gone.push_back(c->id);
    if (!c->has_output()) t.asked->all_sent();
}

void server::deliver(task const& t, task_end const& end) {
    connection* const c = find_open(t.client);
    if (auto const* done = std::get_if<task_done>(&end)) {
        log("client {}: done in {:.2f} s", t.client, done->seconds);
        json answer = done->answer;
        answer.update({{"id", t.asked->id}, {"seconds", done->seconds}});
        if (c) send(*c, std::move(answer));
    } else if (auto const* failed = std::get_if<task_failed>(&end)) {
        log("client {}: {}", t.client, failed->said.text());
        if (c) send_error(*c, t.asked->id, failed->said);
        if (failed->device_lost) end_after_lost_device(failed->said);
    } else {
        log("client {}: cancelled", t.client);
        if (c) send(*c, {{"type", "cancelled"}, {"id", t.asked->id}});
    }
    if (c && !c->flush()) gone.push_back(c->id);
}

void server::end_after_lost_device(sentence const& said) {
    for (worker* const w : {&runs, &questions})
        for (task const& t : w->drop_all())
            if (connection* other = find_open(t.client)) send_error(*other, t.asked->id, said);
    door.release(); // the next call starts a fresh engine
    ending_since = clock::now();
    exit_code = 1;
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

connection* server::find_open(std::uint64_t id) {
    connection* const c = find(id);
    return c && !c->closing ? c : nullptr;
}

task const* server::task_of(std::uint64_t client) const {
    task const* const t = runs.find(client);
    return t ? t : questions.find(client);
}

} // namespace

int serve(serve_options const& options, engine_jobs jobs) {
    mallopt(M_MMAP_THRESHOLD, 1 << 20); // pictures and tiles go back to the system when they are done
    endpoint door(options.socket);
    engine_paths const paths = engine_paths_for(options.socket);
    if (options.background) go_to_background(paths);
    file_descriptor signals = catch_signals();
    log("sfumato {} (process {}) listens at {}", SFUMATO_VERSION, ::getpid(), paths.socket.string());
    return server(options, std::move(jobs), door, std::move(signals)).run();
}

} // namespace sfumato
