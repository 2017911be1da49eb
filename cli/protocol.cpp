#include "cli/protocol.h"

#include "compute/error.h"
#include "models/json.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>
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
    finish_if_complete();
}

void message_reader::finish_if_complete() {
    if (current_blob < current.blobs.size()) return;
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
    assert(text.size() <= protocol::max_head_bytes);
    out.start += magic;
    append(out.start, protocol::version);
    append(out.start, std::uint32_t(text.size()));
    append(out.start, std::uint32_t(0));
    append(out.start, blob_bytes);
    out.start += text;
    return out;
}

namespace {

void check_sendable(int width, int height) {
    if (width < 1 || height < 1 || std::int64_t(width) * height > protocol::max_pixels)
        fail("A picture of {} × {} pixels cannot be processed: it must have 1 pixel to {} million pixels.", width,
             height, protocol::max_pixels / 1'000'000);
}

blob_view view(std::string_view name, picture const& p) {
    check_sendable(p.width, p.height);
    return {name, {p.height, p.width, 4}, p.pixels};
}

blob_view view(std::string_view name, mask const& m) {
    check_sendable(m.width, m.height);
    return {name, {m.height, m.width}, m.values};
}

blob take_blob(message& from, std::string_view name, std::size_t dimensions) {
    auto const found = std::ranges::find(from.blobs, name, &blob::name);
    if (found == from.blobs.end()) fail("A \"{}\" message must carry a blob named \"{}\".", from.type(), name);
    if (found->shape.size() != dimensions)
        fail("The blob \"{}\" must have {} sizes, not {}.", name, dimensions, found->shape.size());
    return std::move(*found);
}

template <class Allowed> void check_values(blob const& b, int channels, Allowed allowed, std::string_view rule) {
    auto const bad = std::ranges::find_if_not(b.values, allowed);
    if (bad == b.values.end()) return;
    auto const pixel = (bad - b.values.begin()) / channels;
    fail("The {} holds the value {} at column {}, row {}; {}.", b.name, *bad, pixel % b.shape[1], pixel / b.shape[1],
         rule);
}

picture take_picture(message& from, std::string_view name) {
    blob b = take_blob(from, name, 3);
    check_values(b, 4, [](float v) { return std::isfinite(v); }, "every pixel must be a finite number");
    picture p;
    p.width = b.shape[1];
    p.height = b.shape[0];
    p.pixels = std::move(b.values);
    return p;
}

mask take_mask(message& from, std::string_view name) {
    blob b = take_blob(from, name, 2);
    check_values(b, 1, [](float v) { return v >= 0 && v <= 1; }, "it must lie within 0 and 1");
    mask m;
    m.width = b.shape[1];
    m.height = b.shape[0];
    m.values = std::move(b.values);
    return m;
}

void check_same_size(picture const& p, mask const& m) {
    if (p.width != m.width || p.height != m.height)
        fail("The picture has {} × {} pixels, but its mask {} × {}.", p.width, p.height, m.width, m.height);
}

} // namespace

namespace {

json rect_to_json(rect const& r) { return {r.x, r.y, r.width, r.height}; }

rect rect_from_json(json const& head, char const* key) {
    auto const found = head.find(key);
    bool const four = found != head.end() && found->is_array() && found->size() == 4 &&
                      std::ranges::all_of(*found, [](json const& n) {
                          return n.is_number_unsigned() && n.get<std::uint64_t>() <= std::uint64_t(INT32_MAX);
                      });
    if (!four) fail("A \"run\" of an upscale must hold \"{}\": x, y, width and height.", key);
    return {(*found)[0], (*found)[1], (*found)[2], (*found)[3]};
}

using lists = std::vector<std::vector<float>>;

bool are_lists(json const& all) {
    auto const is_list = [](json const& list) {
        return list.is_array() && list.size() <= 1024 &&
               std::ranges::all_of(list, [](json const& n) { return n.is_number() && std::isfinite(n.get<float>()); });
    };
    return all.is_array() && all.size() <= 16 && std::ranges::all_of(all, is_list);
}

json means_to_json(picture_means const& means) {
    json all = json::array();
    for (network_means const& m : means) all.push_back({{"colours", m.colours}, {"alpha", m.alpha}});
    return all;
}

// Absent: nothing.
std::optional<picture_means> means_from_json(json const& head) {
    auto const found = head.find("means");
    if (found == head.end()) return {};
    auto const are_means = [](json const& m) {
        return m.is_object() && m.contains("colours") && m.contains("alpha") && are_lists(m["colours"]) &&
               are_lists(m["alpha"]);
    };
    if (!found->is_array() || found->size() > 16 || !std::ranges::all_of(*found, are_means))
        fail("The \"means\" of an upscale must be at most 16 objects with \"colours\" and \"alpha\", each at most 16 "
             "lists "
             "of at most 1024 numbers.");
    picture_means means;
    for (json const& m : *found) means.push_back({m["colours"].get<lists>(), m["alpha"].get<lists>()});
    return means;
}

upscale_part take_part(json const& head, double scale, picture const& p) {
    upscale_part const part{rect_from_json(head, "from"), rect_from_json(head, "to")};
    check_part(part, scale);
    check_sendable(part.to.width, part.to.height);
    if (part.from.width != p.width || part.from.height != p.height)
        fail("The picture has {} × {} pixels, but \"from\" says {} × {}.", p.width, p.height, part.from.width,
             part.from.height);
    return part;
}

} // namespace

outgoing encode_run(run_input const& run) {
    json head{{"type", "run"}, {"request", request_to_json(run.request)}};
    if (run.request.operation == operation::inpaint)
        return encode(std::move(head), {view("picture", run.picture), view("selection", run.selection)});
    head["from"] = rect_to_json(run.part.from);
    head["to"] = rect_to_json(run.part.to);
    if (run.means) head["means"] = means_to_json(*run.means);
    return encode(std::move(head), {view("picture", run.picture)});
}

outgoing encode_result(run_result const& result, double seconds) {
    std::vector<blob_view> blobs{view("filled", result.filled)};
    if (!result.composite.values.empty()) blobs.push_back(view("composite", result.composite));
    json head{{"type", "result"}, {"x", result.x}, {"y", result.y}, {"seconds", seconds}};
    if (!result.means.empty()) head["means"] = means_to_json(result.means);
    return encode(std::move(head), blobs);
}

run_message decode_run(message&& m) {
    auto const described = m.head.find("request");
    if (described == m.head.end()) fail("A \"run\" message must hold a \"request\".");
    run_message run;
    run_input& in = run.input;
    in.request = request_from_json(*described, &run.unknown);
    in.picture = take_picture(m, "picture");
    switch (in.request.operation) {
    case operation::inpaint:
        in.selection = take_mask(m, "selection");
        check_same_size(in.picture, in.selection);
        break;
    case operation::upscale:
        in.part = take_part(m.head, in.request.upscale.scale, in.picture);
        in.means = means_from_json(m.head);
        in.request = resolve(std::move(in.request));
        break;
    case operation::txt2img:
    case operation::img2img:
        fail("The engine serves the operations \"inpaint\" and \"upscale\"; the command line has the others.");
    }
    return run;
}

run_result decode_result(message&& m) {
    run_result result;
    for (auto const& [key, to] : {std::pair{"x", &result.x}, std::pair{"y", &result.y}}) {
        auto const found = m.head.find(key);
        if (found == m.head.end() || !found->is_number_integer())
            fail("A \"result\" must hold a whole number \"{}\".", key);
        *to = found->get<int>();
    }
    result.filled = take_picture(m, "filled");
    result.means = means_from_json(m.head).value_or(picture_means{});
    if (std::ranges::find(m.blobs, "composite", &blob::name) == m.blobs.end()) return result;
    result.composite = take_mask(m, "composite");
    check_same_size(result.filled, result.composite);
    return result;
}

} // namespace sfumato
