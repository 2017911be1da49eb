// How the plug-in and the engine talk over one local socket.
//
// A frame is   "SFUM" | version u32 | head bytes u32 | 0 u32 | blob bytes u64 | head | blobs      (little endian)
// The head is one JSON object: "type", what belongs to that type, and "blobs": [{"name", "shape"}], which describes the
// 32-bit floats that follow it. The frame's layout never changes; `version` says whether both sides mean the same by
// it, and two types are understood across versions: hello and quit.
//
//   plug-in → engine                              engine → plug-in
//   hello   version, build                        hello      version, build, pid
//   run     request; picture                      progress   stage, fraction, seconds_left
//           of inpaint; selection                 result     x, y, seconds; filled
//           of upscale  from, to (rectangles)                of inpaint; composite
//                       means: colours and alpha of          of upscale  means
//                        each pass (lists of numbers)
//   cancel                                        cancelled
//   quit    (end when your work is done)          error      message
//                                                 bye        (the answer to quit)
//
// A connection has one run at a time; further connections wait their turn. Closing a connection cancels its run.
#pragma once

#include "models/pipelines/run.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sfumato {

struct protocol {
    static constexpr std::uint32_t version = 1;
    static constexpr std::size_t header_bytes = 24;
    static constexpr std::size_t max_head_bytes = 1 << 20;
    static constexpr int max_blobs = 8;
    static constexpr std::int64_t max_pixels = 1 << 27;                 // 11,585 × 11,585
    static constexpr std::uint64_t max_blob_bytes = max_pixels * 4 * 5; // a picture and a mask of that size
};

/// Floats with a name: a picture is [height, width, 4], a mask [height, width].
struct blob {
    std::string name;
    std::vector<int> shape;
    std::vector<float> values;
};

struct message {
    nlohmann::json head; // an object with a string "type"
    std::vector<blob> blobs{};
    std::uint32_t version = protocol::version;

    std::string type() const { return head.at("type"); }
};

/// Bytes in, messages out. Memory grows with the bytes that arrive, never with what a header claims.
/// Once feed() has thrown, framing is lost and the connection must be closed.
class message_reader {
  public:
    /// Throws error: not a Sfumato frame, over the limits, a damaged head, blobs that do not match their description.
    void feed(std::span<std::byte const>);

    /// The next whole message, oldest first.
    std::optional<message> next();

    /// Between two frames: nothing is lost when the connection ends now.
    bool at_boundary() const { return state == reading::header && buffer.empty(); }

  private:
    enum class reading { header, head, blobs };

    void start_head();
    void start_blobs();
    void finish_if_complete();

    reading state = reading::header;
    std::vector<std::byte> buffer; // the header, then the head, as far as it has come
    std::uint32_t head_bytes = 0;
    std::uint64_t blob_bytes = 0;
    message current;
    std::size_t current_blob = 0;
    std::uint64_t current_bytes = 0; // of current_blob, arrived
    std::deque<message> ready;
};

/// A message on its way out: `start` (header and head), then each of `blobs`, whose values are not copied.
struct outgoing {
    std::string start;
    std::vector<std::span<float const>> blobs;
};
struct blob_view {
    std::string_view name;
    std::vector<int> shape;
    std::span<float const> values;
};
outgoing encode(nlohmann::json head, std::vector<blob_view> const& = {});

// What the two sides send. The pictures in it must outlive the `outgoing`, which only points to them. Throws error when
// one is empty or over the limit.
outgoing encode_run(run_input const&);
outgoing encode_result(run_result const&, double seconds);

// And what they make of it: the values move out of the message. Throws error when a blob is missing, has another shape,
// or holds values that no picture has (NaN, infinite; a mask outside 0..1), or a part cannot be computed.
struct run_message {
    run_input input;
    std::vector<std::string> unknown; // keys of the request that this version does not know
};
run_message decode_run(message&&);
run_result decode_result(message&&);

} // namespace sfumato
