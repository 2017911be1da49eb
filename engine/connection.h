// One client connected to the engine: messages in, messages out, never more memory than one result and what it sends
// us.
#pragma once

#include "engine/protocol.h"
#include "engine/socket.h"

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>

namespace sfumato {

class connection {
  public:
    /// `admits`: as message_reader has it.
    connection(std::uint64_t id, file_descriptor fd, std::function<bool(message const&)> admits)
        : id(id), fd(std::move(fd)), reader(std::move(admits)) {}

    std::uint64_t const id;
    bool closing = false; // nothing more is read; closed once all is sent

    int poll_descriptor() const { return fd.get(); }

    /// Reads what is there, at most `room` bytes. False: the other end is gone. Throws error when framing is lost.
    bool receive(std::span<std::byte> room);
    std::optional<message> next() { return reader.next(); }

    /// Queues a message; `keep` owns what it points to. flush() sends what the socket takes; false: the other end is
    /// gone.
    void send(outgoing, std::shared_ptr<void const> keep = {});
    bool flush();
    bool has_output() const { return !output.empty(); }
    /// So many answers wait that it should take some before it asks for more.
    bool owes_much() const { return output.size() > 100; }

    /// The other end has not taken a byte of what waits for it since `moment`.
    bool stalled_since(std::chrono::steady_clock::time_point moment) const {
        return has_output() && last_sent < moment;
    }

  private:
    struct item {
        outgoing what;
        std::shared_ptr<void const> keep;
        std::size_t part = 0;   // 0 = start, then blobs[part - 1]
        std::size_t offset = 0; // bytes of that part already sent
    };

    file_descriptor fd;
    message_reader reader;
    std::deque<item> output;
    std::chrono::steady_clock::time_point last_sent{};
};

} // namespace sfumato
