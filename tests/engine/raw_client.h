// An engine process (`fake_sfumato serve`), spoken to over its socket, message by message.
#pragma once

#include "compute/error.h"
#include "engine/messages.h"
#include "engine/socket.h"
#include "request/memory_client.h"
#include "tests/cli/process.h"
#include "tests/engine/fake_jobs.h"

#include <poll.h>

#ifndef ENGINE_PROGRAM // tests/fuzz names the real one
#define ENGINE_PROGRAM FAKE_SFUMATO
#endif

namespace sfumato {

using namespace std::chrono_literals;
using nlohmann::json;

struct engine {
    scratch_folder folder;
    std::filesystem::path socket = folder.path / "engine.sock";
    std::unique_ptr<process> running;

    explicit engine(std::vector<std::string> more = {}) {
        start(std::move(more));
        EXPECT_TRUE(eventually([&] { return bool(socket_connect(socket)); })) << running->err();
    }
    void start(std::vector<std::string> more = {}) {
        std::vector<std::string> arguments{ENGINE_PROGRAM, "serve", "--socket", socket};
        arguments.insert(arguments.end(), more.begin(), more.end());
        running = std::make_unique<process>(arguments, folder.path);
    }
};

// A client that says anything. Pixels that are wanted it sends, unless it is told not to.
struct client {
    file_descriptor fd;
    message_reader reader;
    memory_client mine{};
    std::vector<run_result> results{};
    bool answers = true;
    std::int64_t id = 0;

    explicit client(engine const& e) : fd(socket_connect(e.socket)) { EXPECT_TRUE(fd); }

    void send(std::string_view bytes) {
        while (!bytes.empty()) {
            pollfd polled{fd.get(), POLLOUT, 0};
            ::poll(&polled, 1, 1000);
            auto const n = socket_send(fd, std::as_bytes(std::span(bytes)));
            if (n < 0) return;
            bytes.remove_prefix(std::size_t(n));
        }
    }
    void send(outgoing const& out) {
        send(out.start);
        for (auto const& b : out.blobs) send({reinterpret_cast<char const*>(b.data()), b.size_bytes()});
    }
    // A fill of one pixel of a picture, or `type` "estimate" of it.
    void run(std::int64_t seed, int side = 8, char const* type = "run") {
        mine.pictures["picture"] = picture(side, side);
        mask m(side, side);
        m.values[0] = 1;
        mine.masks["selection"] = std::move(m);
        send(encode_run(type, ++id, mine.input({.seed = seed})));
    }
    // An upscale of a ramp, of which each pixel is another.
    run_input upscale_input(int tile, int width, int height, double scale = 2) {
        picture p(width, height);
        for (std::size_t i = 0; i < p.pixels.size(); ++i) p.pixels[i] = float(i);
        mine.pictures["picture"] = std::move(p);
        request r{.operation = operation::upscale};
        r.upscale = {.model = "sfumato:upscale-x2", .scale = scale, .tile = tile};
        return mine.input(r);
    }
    void upscale(int tile, int width = 5, int height = 3) {
        send(encode_run("run", ++id, upscale_input(tile, width, height)));
    }
    void answer(want_message const& w) {
        if (w.name == "selection")
            send(encode_pixels(id, w.number, *mine.read_mask(w.name, w.area)));
        else
            send(encode_pixels(id, w.number, *mine.read_picture(w.name, w.area)));
    }
    // The next message that is neither progress nor a want that was answered, nor a result, which is kept; an empty
    // head when the engine hung up or is silent.
    message receive(std::chrono::milliseconds limit = 10s, std::string_view also = "") {
        auto const deadline = std::chrono::steady_clock::now() + limit;
        std::vector<std::byte> room(65536);
        while (true) {
            while (auto m = reader.next()) {
                std::string const type = m->type();
                if (type == also) return std::move(*m);
                if (type == "want" && answers)
                    answer(decode_want(*m));
                else if (type == "result")
                    results.push_back(decode_result(std::move(*m)));
                else if (type != "progress" && type != "plan")
                    return std::move(*m);
            }
            auto const left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
            pollfd polled{fd.get(), POLLIN, 0};
            if (left.count() <= 0 || ::poll(&polled, 1, int(left.count())) <= 0) return {json{{"type", "silence"}}};
            auto const n = socket_receive(fd, room);
            if (n < 0) return {json{{"type", "hung up"}}};
            reader.feed(std::span(room).first(std::size_t(n)));
        }
    }
    std::string receive_type(std::chrono::milliseconds limit = 10s) { return receive(limit).type(); }
    std::string receive_error() {
        message const m = receive();
        return m.type() == "error" ? sentence_from_json(m.head.at("message")).text() : "no error but " + m.head.dump();
    }
    bool is_answered() { // the engine is alive and this connection is good
        send(encode({{"type", "hello"}}));
        return receive_type() == "hello";
    }
};

inline bool mentions(std::string const& text, std::string_view part) { return text.find(part) != text.npos; }

} // namespace sfumato
