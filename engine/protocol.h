// How the plug-in and the engine talk over one local socket.
//
// A frame is   "SFUM" | version u32 | head bytes u32 | 0 u32 | blob bytes u64 | head | blobs      (little endian)
// The head is one JSON object: "type", what belongs to that type, and "blobs": [{"name", "shape"}], which describes the
// 32-bit floats that follow it. The frame's layout never changes; `version` says whether both sides mean the same by
// it, and two types are understood across versions: hello and quit.
//
//   client → engine                               engine → client
//   hello     version, build                      hello      version, build, pid
//   run       request, pictures (name, width,     plan       needed and free memory, in words too
//              height, channels), previews,       want       want (its number), name, x, y, width, height
//              device
//   pixels    want; picture or mask               progress   stage, item, fraction, seconds_left; preview
//   cancel                                        warning    message
//                                                 result     x, y, recipe; picture, mask (any number)
//                                                 done       seconds
//                                                 cancelled
//                                                 error      message
//   estimate  as run                              want … done with the plan
//   models    kind                                model (any number), done
//   describe  model                               model, done
//   devices                                       done with their names
//   quit      (end when your work is done)        bye
//
// All but hello and quit have an "id", a whole number of the client's choice, and what answers them has the same. What
// is said to people (message, stage, item) is a sentence in parts: format, arguments, and the text in English.
//
// A run belongs to the engine: it asks for the pixels that it wants, when it wants them, and gives results as they are
// ready. A connection has one run (or question) at a time; further connections wait their turn. Closing a connection
// cancels what it asked for. Only pixels have blobs on their way to the engine, and only those that were asked for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sfumato {

struct protocol {
    static constexpr std::uint32_t version = 2;
    static constexpr std::size_t header_bytes = 24;
    static constexpr std::size_t max_head_bytes = 1 << 20;
    static constexpr int max_blobs = 2;
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
    /// `admits`: asked of each message that has blobs when its head is there; false: they are passed over, and the
    /// message has none. What it throws, feed() throws.
    explicit message_reader(std::function<bool(message const&)> admits = [](message const&) { return true; })
        : admits(std::move(admits)) {}

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

    std::function<bool(message const&)> admits;
    reading state = reading::header;
    std::vector<std::byte> buffer; // the header, then the head, as far as it has come
    std::uint32_t head_bytes = 0;
    std::uint64_t blob_bytes = 0;
    message current;
    std::uint64_t passed_over = 0; // bytes of blobs that are not wanted, still to come
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

} // namespace sfumato
