// Any bytes from the socket, in pieces: messages or an error, the same whatever the pieces, never more memory than
// bytes. Inputs begin with the size of the pieces; the rest is the stream.
#include "compute/error.h"
#include "engine/messages.h"

#include <cstdlib>

using namespace sfumato;

namespace {

// What came of a stream, as text to compare. Every message is then taken for each that there is.
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
        auto const tried = [&](auto decode) {
            message copy = *m;
            try {
                decode(std::move(copy));
            } catch (error const&) {}
        };
        tried([](message&& one) { decode_run(one); });
        tried([](message&& one) { decode_result(std::move(one)); });
        tried([](message&& one) { decode_want(one); });
        tried([](message&& one) { decode_progress(one); });
        tried([](message&& one) { run_plan_from_json(one.head); });
        tried([](message&& one) { decode_model(one); });
        tried([](message&& one) { model_of(one); });
        tried([](message&& one) { kind_of(one); });
        tried([](message&& one) { sentence_from_json(one.head).text(); });
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
