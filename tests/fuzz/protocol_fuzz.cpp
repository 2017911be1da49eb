// Any bytes from the socket, in pieces: messages or an error, the same whatever the pieces, never more memory than
// bytes. Inputs begin with the size of the pieces; the rest is the stream.
#include "cli/protocol.h"
#include "compute/error.h"

#include <cstdlib>

using namespace sfumato;

namespace {

// What came of a stream, as text to compare. Every message is then taken for a run and for a result.
std::string outcome(std::span<std::byte const> bytes, std::size_t piece) {
    message_reader reader;
    std::string told;
    try {
        while (!bytes.empty()) {
            auto const now = bytes.first(std::min(piece, bytes.size()));
            bytes = bytes.subspan(now.size());
            reader.feed(now);
        }
    } catch (error const& e) {
        told = e.what();
    }
    while (auto m = reader.next()) {
        told += "|" + m->type();
        for (blob const& b : m->blobs) told += std::format(" {} {}", b.name, b.values.size());
        message copy = *m;
        try {
            decode_run(std::move(copy));
        } catch (error const&) {}
        try {
            decode_result(std::move(*m));
        } catch (error const&) {}
    }
    return told;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(unsigned char const* data, std::size_t size) {
    if (size < 1) return 0;
    auto const stream = std::as_bytes(std::span(data + 1, size - 1));
    if (outcome(stream, stream.size() + 1) != outcome(stream, std::size_t(data[0]) + 1)) std::abort();
    return 0;
}
