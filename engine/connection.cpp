#include "engine/connection.h"

namespace sfumato {

bool connection::receive(std::span<std::byte> room) {
    auto const count = socket_receive(fd, room);
    if (count > 0) reader.feed(room.first(std::size_t(count)));
    return count >= 0;
}

void connection::send(outgoing what, std::shared_ptr<void const> keep) {
    if (output.empty()) last_sent = std::chrono::steady_clock::now();
    output.push_back({std::move(what), std::move(keep)});
}

bool connection::flush() {
    while (!output.empty()) {
        item& i = output.front();
        auto const part =
            i.part == 0 ? std::as_bytes(std::span(i.what.start)) : std::as_bytes(i.what.blobs[i.part - 1]);
        if (i.offset < part.size()) {
            auto const count = socket_send(fd, part.subspan(i.offset));
            if (count < 0) return false;
            if (count == 0) return true; // full: poll says when it goes on
            i.offset += std::size_t(count);
            last_sent = std::chrono::steady_clock::now();
        }
        if (i.offset == part.size()) {
            i.offset = 0;
            if (++i.part > i.what.blobs.size()) output.pop_front();
        }
    }
    return true;
}

} // namespace sfumato
