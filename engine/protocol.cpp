#include "engine/protocol.h"
#include "models/pipelines/upscale/upscale_parts.h"

#include "compute/error.h"
#include "request/json.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstring>
#include <numeric>

namespace sfumato {

using nlohmann::json;

static_assert(std::endian::native == std::endian::little, "frames and blobs are little endian");

namespace {

constexpr std::string_view magic = "SFUM";

template <class T> T read_at(std::vector<std::byte> const& from, std::size_t offset) {
    T value;
    std::memcpy(&value, from.data() + offset, sizeof value);
    return value;
}

template <class T> void append(std::string& to, T value) {
    to.append(reinterpret_cast<char const*>(&value), sizeof value);
}

// Number of floats; shapes are checked so that no product can overflow.
std::uint64_t element_count(std::vector<int> const& shape) {
    return std::accumulate(shape.begin(), shape.end(), std::uint64_t(1), std::multiplies<std::uint64_t>());
}

// Moves bytes from the front of `bytes` to the end of `to` until it holds `wanted`.
void take(std::span<std::byte const>& bytes, std::vector<std::byte>& to, std::size_t wanted) {
    std::size_t const count = std::min(bytes.size(), wanted - to.size());
    to.insert(to.end(), bytes.begin(), bytes.begin() + std::ptrdiff_t(count));
    bytes = bytes.subspan(count);
}

std::vector<int> shape_from_json(json const& value) {
    if (!value.is_array() || (value.size() != 2 && value.size() != 3))
        fail("A blob's \"shape\" must be a list of 2 or 3 sizes, not {}.", json_show(value));
    std::vector<int> shape;
    for (json const& size : value) {
        if (!size.is_number_unsigned() || size.get<std::uint64_t>() < 1 ||
            size.get<std::uint64_t>() > std::uint64_t(protocol::max_pixels))
            fail("A blob's size must be a whole number from 1 to {}, not {}.", protocol::max_pixels, json_show(size));
        shape.push_back(size.get<int>());
    }
    if (shape.size() == 3 && shape[2] != 4) fail("A blob's third size must be 4, not {}.", shape[2]);
    if (std::int64_t(shape[0]) * shape[1] > protocol::max_pixels)
        fail("A picture of {} × {} pixels is too large: {} million pixels is the limit.", shape[1], shape[0],
             protocol::max_pixels / 1'000'000);
    return shape;
}

std::vector<blob> blobs_from_head(json const& head) {
    std::vector<blob> blobs;
    auto const described = head.find("blobs");
    if (described == head.end()) return blobs;
    if (!described->is_array() || described->size() > std::size_t(protocol::max_blobs))
        fail("A message's \"blobs\" must be a list of at most {}.", protocol::max_blobs);
    for (json const& description : *described) {
        auto const name = description.is_object() ? description.find("name") : description.end();
        auto const shape = description.is_object() ? description.find("shape") : description.end();
        if (name == description.end() || shape == description.end() || !name->is_string())
            fail("A blob must be described by an object with \"name\" and \"shape\".");
        blobs.push_back({name->get<std::string>(), shape_from_json(*shape), {}});
    }
    return blobs;
}

} // namespace

void message_reader::feed(std::span<std::byte const> bytes) {
    while (!bytes.empty()) {
        switch (state) {
        case reading::header:
            take(bytes, buffer, protocol::header_bytes);
            // Known as early as possible: a stranger need not send 24 bytes to be told.
            if (std::size_t const n = std::min(buffer.size(), magic.size());
                std::memcmp(buffer.data(), magic.data(), n) != 0)
                fail("This is not a Sfumato message.");
            if (buffer.size() == protocol::header_bytes) start_head();
            break;
        case reading::head:
            take(bytes, buffer, head_bytes);
            if (buffer.size() == head_bytes) start_blobs();
            break;
        case reading::blobs: {
            if (passed_over) {
                std::size_t const count = std::min<std::uint64_t>(bytes.size(), passed_over);
                bytes = bytes.subspan(count);
                passed_over -= count;
                finish_if_complete();
                break;
            }
            blob& to = current.blobs[current_blob];
            std::uint64_t const total = element_count(to.shape) * sizeof(float);
            std::size_t const count = std::min<std::uint64_t>(bytes.size(), total - current_bytes);
            std::size_t const needed = (current_bytes + count + sizeof(float) - 1) / sizeof(float);
            if (needed > to.values.capacity()) // doubling, but never beyond the picture
                to.values.reserve(
                    std::min<std::uint64_t>(std::max(needed, 2 * to.values.capacity()), total / sizeof(float)));
            to.values.resize(needed);
            std::memcpy(reinterpret_cast<std::byte*>(to.values.data()) + current_bytes, bytes.data(), count);
            current_bytes += count;
            bytes = bytes.subspan(count);
            if (current_bytes == total) {
                ++current_blob;
                current_bytes = 0;
            }
            finish_if_complete();
            break;
        }
        }
    }
}

void message_reader::start_head() {
    current.version = read_at<std::uint32_t>(buffer, 4);
    head_bytes = read_at<std::uint32_t>(buffer, 8);
    blob_bytes = read_at<std::uint64_t>(buffer, 16);
    if (head_bytes < 2 || head_bytes > protocol::max_head_bytes)
        fail("A message's head has {} bytes; 2 to {} are allowed.", head_bytes, protocol::max_head_bytes);
    if (blob_bytes > protocol::max_blob_bytes)
        fail("A message's blobs have {} bytes; {} is the limit.", blob_bytes, protocol::max_blob_bytes);
    if (read_at<std::uint32_t>(buffer, 12) != 0) fail("A message's header is damaged.");
    buffer.clear();
    state = reading::head;
}

void message_reader::start_blobs() {
    current.head = json_parse({reinterpret_cast<char const*>(buffer.data()), buffer.size()}, "A message's head");
    buffer.clear();
    if (!current.head.is_object() || !current.head.contains("type") || !current.head["type"].is_string())
        fail("A message's head must be an object with a \"type\".");
    current.blobs = blobs_from_head(current.head);
    std::uint64_t described = 0; // at most 8 blobs of at most 2³¹ bytes
    for (blob const& b : current.blobs) described += element_count(b.shape) * sizeof(float);
    if (described != blob_bytes)
        fail("A message announces {} bytes of blobs, but describes {}.", blob_bytes, described);
    state = reading::blobs;
    if (!current.blobs.empty() && !admits(current)) {
        passed_over = blob_bytes;
        current.blobs.clear();
    }
    finish_if_complete();
}

void message_reader::finish_if_complete() {
    if (passed_over || current_blob < current.blobs.size()) return;
    ready.push_back(std::exchange(current, {}));
    current_blob = 0;
    state = reading::header;
}

std::optional<message> message_reader::next() {
    if (ready.empty()) return {};
    message m = std::move(ready.front());
    ready.pop_front();
    return m;
}

outgoing encode(json head, std::vector<blob_view> const& blobs) {
    outgoing out;
    std::uint64_t blob_bytes = 0;
    for (blob_view const& b : blobs) {
        assert(b.values.size() == element_count(b.shape));
        head["blobs"].push_back({{"name", b.name}, {"shape", b.shape}});
        out.blobs.push_back(b.values);
        blob_bytes += b.values.size_bytes();
    }
    std::string const text = json_line(head);
    if (text.size() > protocol::max_head_bytes)
        fail("A message of {} bytes cannot be sent; {} is the limit.", text.size(), protocol::max_head_bytes);
    out.start += magic;
    append(out.start, protocol::version);
    append(out.start, std::uint32_t(text.size()));
    append(out.start, std::uint32_t(0));
    append(out.start, blob_bytes);
    out.start += text;
    return out;
}

} // namespace sfumato
