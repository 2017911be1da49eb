#include "models/files/safetensors.h"

#include "compute/error.h"
#include "request/json.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

namespace sfumato {

using nlohmann::json;

static_assert(std::endian::native == std::endian::little, "tensors lie in files as little endian");

namespace {

constexpr std::size_t length_bytes = 8;
// Far more than any model has; an entry takes some hundred bytes here, but a few of the header.
constexpr std::uint64_t longest_header = 25'000'000;
constexpr std::size_t most_tensors = 50'000, most_metadata = 10'000, most_dimensions = 8;

constexpr std::pair<std::string_view, stored_type> dtypes[] = {
    {"F64", stored_type::f64},   {"F32", stored_type::f32},         {"F16", stored_type::f16},
    {"BF16", stored_type::bf16}, {"F8_E4M3", stored_type::f8_e4m3}, {"F8_E5M2", stored_type::f8_e5m2},
    {"I64", stored_type::i64},   {"I32", stored_type::i32},         {"I16", stored_type::i16},
    {"I8", stored_type::i8},     {"U64", stored_type::u64},         {"U32", stored_type::u32},
    {"U16", stored_type::u16},   {"U8", stored_type::u8},           {"BOOL", stored_type::boolean},
};

std::uint64_t header_length(std::span<std::byte const> bytes) {
    std::uint64_t length;
    std::memcpy(&length, bytes.data(), sizeof length);
    return length;
}

// What the header says of one tensor.
struct entry {
    std::string name;
    std::optional<std::string> dtype;
    std::optional<std::vector<std::int64_t>> shape;
    std::optional<std::vector<std::int64_t>> offsets;
};

stored_tensor tensor_of(entry const& e, std::span<std::byte const> data, std::string const& source) {
    if (!e.dtype || !e.shape || !e.offsets || e.offsets->size() != 2)
        fail("'{}' is damaged: its header does not say type, shape and place of tensor {}.", source, show_name(e.name));
    auto const type = std::ranges::find(dtypes, *e.dtype, &std::pair<std::string_view, stored_type>::first);
    if (type == std::end(dtypes))
        fail("'{}' has tensor {} of type {}, which is not supported.", source, show_name(e.name), json_show(*e.dtype));

    auto const begin = std::uint64_t((*e.offsets)[0]), end = std::uint64_t((*e.offsets)[1]);
    stored_tensor t{.type = type->second, .shape = *e.shape};
    auto const size = stored_bytes(t.type, t.shape);
    if (begin > end || !size || *size != end - begin)
        fail("'{}' is damaged: tensor {} of {} does not fill its place of {} bytes.", source, show_name(e.name),
             show_shape(t), std::int64_t(end - begin));
    if (end > data.size())
        fail("'{}' is cut off: tensor {} would end {} bytes behind the file's end; get the file again.", source,
             show_name(e.name), end - data.size());
    t.mapped = data.subspan(begin, *size);
    return t;
}

// Reads the header as it is parsed: {name: {field: text or list of whole numbers}}; nothing is nested deeper, and what
// is wrong with an entry is told when it has been read.
class header_reader : public json::json_sax_t {
  public:
    /// `data`: all that stands behind the header.
    header_reader(std::span<std::byte const> data, std::string const& source) : data(data), source(source) {}

    decltype(checkpoint::tensors) tensors;
    json metadata = json::object();

    bool start_object(std::size_t) override {
        if (++depth > 2 || list) misplaced("an object");
        return true;
    }
    bool end_object() override {
        if (depth-- == 2 && !in_metadata) add_tensor();
        return true;
    }
    bool key(std::string& name) override {
        if (depth == 2) {
            field = name;
            return true;
        }
        in_metadata = name == "__metadata__";
        now = {.name = name};
        return true;
    }
    bool string(std::string& text) override {
        if (depth == 2 && in_metadata) {
            if (metadata.size() == most_metadata) damaged(say("its metadata have more entries than any model's"));
            metadata[field] = std::move(text);
            return true;
        }
        if (depth != 2 || list || field != "dtype" || now.dtype) misplaced("a text");
        now.dtype = std::move(text);
        return true;
    }
    bool start_array(std::size_t) override {
        auto& place = field == "shape" ? now.shape : now.offsets;
        if (depth != 2 || list || in_metadata || (field != "shape" && field != "data_offsets") || place)
            misplaced("a list");
        list = &place.emplace();
        return true;
    }
    bool end_array() override {
        list = nullptr;
        return true;
    }
    bool number_unsigned(json::number_unsigned_t number) override {
        if (!list || number > std::uint64_t(std::numeric_limits<std::int64_t>::max()) ||
            list->size() == most_dimensions)
            misplaced("a number");
        list->push_back(std::int64_t(number));
        return true;
    }
    bool number_integer(json::number_integer_t) override { misplaced("a negative number"); }
    bool number_float(json::number_float_t, std::string const&) override { misplaced("a fraction"); }
    bool boolean(bool) override { misplaced("true or false"); }
    bool null() override { misplaced("null"); }
    bool binary(json::binary_t&) override { misplaced("bytes"); }
    bool parse_error(std::size_t position, std::string const&, json::exception const&) override {
        fail("'{}' is damaged: its header is not valid JSON (at byte {}).", source, position);
    }

  private:
    [[noreturn]] void damaged(sentence const& what) const { fail("'{}' is damaged: {}.", source, what); }
    void add_tensor() {
        if (tensors.size() == most_tensors) damaged(say("it has more tensors than any model"));
        auto tensor = tensor_of(now, data, source);
        if (!tensors.emplace(std::move(now.name), std::move(tensor)).second)
            damaged(say("a tensor's name comes twice in it"));
    }
    [[noreturn]] void misplaced(std::string_view what) {
        fail("'{}' is damaged: its header has {} where none belongs (tensor {}).", source, what, show_name(now.name));
    }

    std::span<std::byte const> data;
    std::string const& source;
    int depth = 0;
    entry now;
    std::string field;
    bool in_metadata = false;
    std::vector<std::int64_t>* list = nullptr;
};

void refuse_overlaps(checkpoint const& c) {
    std::vector<std::span<std::byte const>> places;
    for (auto const& [name, tensor] : c.tensors) places.push_back(tensor.mapped);
    std::ranges::sort(places, {}, [](auto place) { return std::pair(place.data(), place.size()); });
    for (std::size_t i = 1; i < places.size(); ++i)
        if (places[i].data() < places[i - 1].data() + places[i - 1].size())
            fail("'{}' is damaged: two of its tensors lie in the same place.", c.source);
}

} // namespace

bool is_safetensors(std::span<std::byte const> bytes) {
    return bytes.size() > length_bytes && bytes[length_bytes] == std::byte('{');
}

checkpoint read_safetensors(mapped_file const& file, std::string const& source) {
    std::uint64_t const length = file.bytes.size() < length_bytes ? 0 : header_length(file.bytes);
    if (length > longest_header) fail("'{}' is damaged: its header would be {} bytes long.", source, length);
    if (length == 0 || length > file.bytes.size() - length_bytes)
        fail("'{}' is cut off within its header; get the file again.", source);

    auto const header = file.bytes.subspan(length_bytes, length);
    auto const text = reinterpret_cast<char const*>(header.data());
    header_reader reader(file.bytes.subspan(length_bytes + length), source);
    json::sax_parse(text, text + header.size(), &reader);

    checkpoint c{.source = source, .format = "safetensors", .metadata = std::move(reader.metadata)};
    c.files = {file};
    c.tensors = std::move(reader.tensors);
    refuse_overlaps(c);
    return c;
}

} // namespace sfumato
