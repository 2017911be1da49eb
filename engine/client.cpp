#include "engine/client.h"

#include "compute/error.h"
#include "engine/messages.h"
#include "engine/start.h"
#include "request/json.h"

#include <poll.h>
#include <utility>

namespace sfumato {

using nlohmann::json;
using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;
namespace fs = std::filesystem;

namespace {

constexpr auto handshake_limit = 10s; // for its poll loop to answer, however busy its GPU is
constexpr int connect_attempts = 4;   // an engine may end or be replaced between two steps
constexpr std::int64_t only_id = 1;   // one thing is asked on a connection

// What goes to and fro, one message at a time.
class channel {
  public:
    channel(file_descriptor fd, fs::path log) : fd(std::move(fd)), log(std::move(log)) {}

    // Everything; why the engine hung up is what receive() finds.
    void send(outgoing const& what, job const& job) {
        std::vector<std::span<std::byte const>> parts{std::as_bytes(std::span(what.start))};
        for (auto const& b : what.blobs) parts.push_back(std::as_bytes(b));
        for (auto part : parts)
            while (!part.empty()) {
                wait_for(fd.get(), POLLOUT, clock::time_point::max(), job);
                auto const count = socket_send(fd, part.first(std::min(part.size(), std::size_t(1) << 20)));
                if (count < 0) return;
                part = part.subspan(std::size_t(count));
            }
    }

    // Nothing: the engine hung up. Throws cancelled_by_user, or error at the deadline.
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

sentence message_of(message const& m) { return sentence_from_json(m.head.value("message", json())); }

// It leaves the socket before it says bye: whoever connects from then on starts another.
void send_away(channel& engine, clock::time_point deadline, job const& job) {
    engine.send(encode({{"type", "quit"}}), job);
    while (auto const m = engine.receive(deadline, job))
        if (m->type() == "bye") return;
}

// Says hello. Nothing: the engine was just ending, or is another build and was asked to end; try again.
std::optional<channel> shake_hands(channel to, engine_place const& engine, job const& job) {
    auto const deadline = clock::now() + handshake_limit;
    to.send(encode({{"type", "hello"}, {"version", SFUMATO_VERSION}, {"build", engine.build}}), job);
    auto const hello = to.receive(deadline, job);
    if (!hello) return {};
    if (hello->type() == "error") throw error(message_of(*hello));
    if (hello->version == protocol::version && hello->head.value("build", json()) == engine.build) return to;
    send_away(to, deadline, job);
    return {};
}

channel reach_engine(job const& job) {
    engine_place const engine = find_engine();
    for (int attempt = 0; attempt < connect_attempts; ++attempt) {
        file_descriptor fd = socket_connect(engine.paths.socket);
        if (!fd) {
            job.report({.stage = say("start the engine")});
            try {
                start_engine(engine, job);
            } catch (error const&) {
                // Another client may have started it at the same moment: then it answers now.
                if (!(fd = socket_connect(engine.paths.socket))) throw;
            }
            if (!fd) fd = socket_connect(engine.paths.socket);
            if (!fd) continue;
        }
        if (auto to = shake_hands({std::move(fd), engine.paths.log}, engine, job)) return std::move(*to);
    }
    fail("The engine ends as soon as it is started; its log is {}.", engine.paths.log.string());
}

// Asks for something and listens until it is done. `told` gets what comes before. Nothing: cancelled.
std::optional<message> ask(outgoing const& question, job const& job,
                           std::function<void(channel&, message&&)> const& told) try {
    if (job.is_cancelled()) return {};
    channel engine = reach_engine(job);
    engine.send(question, job);
    while (auto m = engine.receive(clock::time_point::max(), job)) {
        std::string const type = m->type();
        if (type == "done") return m;
        if (type == "cancelled") return {};
        if (type == "error") throw error(message_of(*m));
        told(engine, std::move(*m));
    }
    fail("The engine ended unexpectedly; run it again to start a fresh one (its log is {}).",
         engine_paths_for().log.string());
} catch (cancelled_by_user const&) {
    return {}; // the connection is closed by now, which cancels what was asked for
} catch (json::exception const& e) {
    fail("The engine's answer was not understood ({}).", e.what());
} catch (fs::filesystem_error const& e) {
    fail("The engine cannot be reached: {}.", e.what());
}

void check_fits(run_result const& r, run_input const& in) {
    rect const area{r.x, r.y, r.picture.width, r.picture.height};
    auto const lies_in = [&](int width, int height) { return intersect(area, {0, 0, width, height}) == area; };
    bool fits = true;
    if (in.request.operation == operation::inpaint) {
        named_picture const& p = find_picture(in, "picture", 4);
        fits = !r.mask.values.empty() && lies_in(p.width, p.height);
    } else if (in.request.operation == operation::upscale) {
        named_picture const& p = find_picture(in, "picture", 4);
        double const scale = in.request.upscale.scale;
        fits = lies_in(upscaled(p.width, scale), upscaled(p.height, scale));
    }
    if (!fits) fail("The engine's result is not of the size that was asked for; this is an error in Sfumato.");
}

// Sends the pixels that the engine wants.
void send_pixels(channel& engine, message const& m, run_input const& in, run_client& client, job const& job) {
    want_message const w = decode_want(m);
    auto const found = std::ranges::find(in.pictures, w.name, &named_picture::name);
    if (found == in.pictures.end() || intersect(w.area, {0, 0, found->width, found->height}) != w.area)
        fail("The engine wants pixels that are not there; this is an error in Sfumato.");
    auto const send = [&](auto const& pixels) {
        if (!pixels) throw cancelled_by_user();
        engine.send(encode_pixels(only_id, w.number, *pixels), job);
    };
    if (found->channels == 4)
        send(client.read_picture(w.name, w.area));
    else
        send(client.read_mask(w.name, w.area));
}

void tell(channel& engine, message&& m, run_input const& in, run_client& client, job const& job) {
    std::string const type = m.type();
    if (type == "want") {
        send_pixels(engine, m, in, client, job);
    } else if (type == "progress") {
        if (!m.blobs.empty()) client.preview(picture_of(std::move(m.blobs.front())));
        job.report(decode_progress(m));
    } else if (type == "plan") {
        client.planned(run_plan_from_json(m.head.at("plan")));
    } else if (type == "warning") {
        client.warn(message_of(m));
    } else if (type == "result") {
        run_result r = decode_result(std::move(m));
        check_fits(r, in);
        client.take(std::move(r));
    }
}

std::optional<message> ask_run(char const* type, run_input const& in, run_client& client, job const& job) {
    check_pictures(in); // what cannot be done is refused before anything starts
    return ask(encode_run(type, only_id, in), job,
               [&](channel& engine, message&& m) { tell(engine, std::move(m), in, client, job); });
}

} // namespace

bool engine_run(run_input const& in, run_client& client, job const& job) {
    return ask_run("run", in, client, job).has_value();
}

std::optional<run_plan> engine_estimate(run_input const& in, run_client& client, job const& job) {
    auto const done = ask_run("estimate", in, client, job);
    if (!done) return {};
    if (!done->head.contains("plan")) fail("The engine did not say what the run takes.");
    return run_plan_from_json(done->head["plan"]);
}

bool engine_models(model_kind kind, std::function<void(model_summary const&)> const& found, job const& job) {
    return ask(encode_models(only_id, kind), job,
               [&](channel&, message&& m) {
                   if (m.type() == "model") found(decode_model(m));
               })
        .has_value();
}

std::optional<model_summary> engine_describe(std::string const& model, job const& job) {
    std::optional<model_summary> about;
    auto const done = ask(encode_describe(only_id, model), job, [&](channel&, message&& m) {
        if (m.type() == "model") about = decode_model(m);
    });
    if (done && !about) fail("The engine did not say what the model is.");
    return done ? about : std::nullopt;
}

std::optional<std::vector<device_choice>> engine_devices(job const& job) {
    auto const done = ask(encode_devices(only_id), job, [](channel&, message&&) {});
    if (!done) return {};
    return devices_from_json(done->head);
}

void engine_end() {
    engine_paths const paths = engine_paths_for();
    file_descriptor fd = socket_connect(paths.socket);
    if (!fd) return;
    channel engine(std::move(fd), paths.log);
    send_away(engine, clock::now() + handshake_limit, {});
}

} // namespace sfumato
