#include "models/files/gguf.h"

#include "models/files/byte_reader.h"
#include "models/files/ggml_blocks.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace sfumato {

using nlohmann::json;

namespace {

constexpr std::uint32_t magic = 0x46554747; // "GGUF"
constexpr std::uint64_t largest_alignment = 1 << 20, longest_name = 4096, longest_text = 1 << 16;
constexpr std::uint32_t most_dimensions = 8;

enum class kv_type : std::uint32_t { u8, i8, u16, i16, u32, i32, f32, boolean, text, list, u64, i64, f64 };

// Bytes of one; 0: it has its own length.
std::uint64_t size_of(kv_type type) {
    switch (type) {
    case kv_type::u8:
    case kv_type::i8:
    case kv_type::boolean: return 1;
    case kv_type::u16:
    case kv_type::i16: return 2;
    case kv_type::u32:
    case kv_type::i32:
    case kv_type::f32: return 4;
    case kv_type::u64:
    case kv_type::i64:
    case kv_type::f64: return 8;
    default: return 0;
    }
}

struct tensor_type {
    std::uint32_t number; // ggml's
    stored_type type;
};

constexpr tensor_type tensor_types[] = {
    {0, stored_type::f32},   {1, stored_type::f16},   {2, stored_type::q4_0},  {8, stored_type::q8_0},
    {12, stored_type::q4_k}, {13, stored_type::q5_k}, {14, stored_type::q6_k}, {24, stored_type::i8},
    {25, stored_type::i16},  {26, stored_type::i32},  {27, stored_type::i64},  {28, stored_type::f64},
    {30, stored_type::bf16},
};

struct gguf_reader {
    byte_reader in;

    [[noreturn]] void damaged(sentence const& what) const { fail("'{}' is damaged: {}.", in.source, what); }

    std::string name() {
        auto const length = in.number<std::uint64_t>();
        if (length > longest_name) damaged(say("it has a name without end"));
        return std::string(in.text(length));
    }

    // Of longer lists than shapes nothing is kept.
    json list() {
        auto const type = in.number<kv_type>();
        auto const count = in.number<std::uint64_t>();
        if (type == kv_type::list) damaged(say("it has a list of lists"));
        json items = json::array();
        if (count <= most_dimensions)
            for (std::uint64_t i = 0; i < count; ++i) items.push_back(value(type));
        else if (std::uint64_t const size = size_of(type))
            in.take(count <= in.rest.size() ? count * size : count);
        else
            for (std::uint64_t i = 0; i < count; ++i) value(type);
        return items;
    }

    std::string text() {
        std::string_view const all = in.text(in.number<std::uint64_t>());
        return std::string(all.size() <= longest_text ? all : "");
    }

    json value(kv_type type) {
        switch (type) {
        case kv_type::u8: return in.number<std::uint8_t>();
        case kv_type::i8: return in.number<std::int8_t>();
        case kv_type::u16: return in.number<std::uint16_t>();
        case kv_type::i16: return in.number<std::int16_t>();
        case kv_type::u32: return in.number<std::uint32_t>();
        case kv_type::i32: return in.number<std::int32_t>();
        case kv_type::f32: return in.number<float>();
        case kv_type::boolean: return in.number<std::uint8_t>() != 0;
        case kv_type::text: return text();
        case kv_type::list: return list();
        case kv_type::u64: return in.number<std::uint64_t>();
        case kv_type::i64: return in.number<std::int64_t>();
        case kv_type::f64: return in.number<double>();
        }
        damaged(say("it has a value of an unknown type"));
    }
};

struct tensor_place {
    std::string name;
    stored_tensor tensor;
    std::uint64_t offset, bytes;   // from the data's start
    ggml_block const* blocks = {}; // expanded where the tensor is read
};

std::vector<std::int64_t> true_shape(json const& metadata, std::string const& name) {
    auto const found = metadata.find("comfy.gguf.orig_shape." + name);
    std::vector<std::int64_t> shape;
    if (found != metadata.end() && found->is_array())
        for (json const& extent : *found)
            if (extent.is_number_integer()) shape.push_back(extent.get<std::int64_t>());
    return shape;
}

// Type and bytes of a tensor; nothing where its rows are no whole blocks.
std::optional<std::uint64_t> take_type(std::uint32_t number, tensor_place& place, gguf_reader const& r) {
    auto const& shape = place.tensor.shape;
    std::int64_t const row = shape.empty() ? 1 : shape.back();
    if (place.blocks = find_ggml_block(number); place.blocks) {
        place.tensor.type = stored_type::f16;
        auto const halves = stored_bytes(stored_type::f16, shape);
        if (!halves || std::uint64_t(row) % place.blocks->elements) return {};
        return *halves / 2 / place.blocks->elements * place.blocks->bytes;
    }
    auto const type = std::ranges::find(tensor_types, number, &tensor_type::number);
    if (type == std::end(tensor_types))
        fail("'{}' has tensor {} in ggml's type number {}, which is not supported.", r.in.source, show_name(place.name),
             number);
    place.tensor.type = type->type;
    if (!stored_bytes(type->type, {{row}})) return {};
    return stored_bytes(type->type, shape);
}

tensor_place read_place(gguf_reader& r, json const& metadata) {
    tensor_place place{.name = r.name()};
    auto const dimensions = r.in.number<std::uint32_t>();
    if (dimensions > most_dimensions) r.damaged(say("tensor {} has too many dimensions", show_name(place.name)));
    auto& shape = place.tensor.shape;
    for (std::uint32_t i = 0; i < dimensions; ++i) shape.insert(shape.begin(), r.in.number<std::int64_t>());
    auto const size = take_type(r.in.number<std::uint32_t>(), place, r);
    place.offset = r.in.number<std::uint64_t>();

    auto const as_stored = stored_bytes(place.tensor.type, shape);
    if (auto original = true_shape(metadata, place.name); !original.empty()) shape = std::move(original);
    if (!size || stored_bytes(place.tensor.type, shape) != as_stored)
        r.damaged(say("tensor {} cannot have the shape {}", show_name(place.name), show_shape(place.tensor)));
    place.bytes = *size;
    return place;
}

std::uint64_t alignment_of(gguf_reader const& r, json const& metadata) {
    json const given = metadata.value("general.alignment", json(32u));
    std::uint64_t const alignment = given.is_number_unsigned() ? given.get<std::uint64_t>() : 0;
    if (alignment == 0 || alignment > largest_alignment) r.damaged(say("its alignment is no number of bytes"));
    return alignment;
}

// The bytes of each tensor; none may share them.
void put_bytes(std::vector<tensor_place>& places, std::span<std::byte const> data, gguf_reader const& r) {
    std::ranges::sort(places, {}, [](tensor_place const& p) { return std::pair(p.offset, p.bytes); });
    std::uint64_t end = 0;
    for (tensor_place& p : places) {
        if (p.offset > data.size() || p.bytes > data.size() - p.offset)
            fail("'{}' is cut off: tensor {} would end behind the file's end; get the file again.", r.in.source,
                 show_name(p.name));
        if (p.offset < end) r.damaged(say("two of its tensors lie in the same place"));
        end = p.offset + p.bytes;
        auto const bytes = data.subspan(p.offset, p.bytes);
        if (!p.blocks)
            p.tensor.mapped = bytes;
        else
            p.tensor.make = [bytes, format = *p.blocks](std::span<std::byte> to) { expand_blocks(format, bytes, to); };
    }
}

} // namespace

bool is_gguf(std::span<std::byte const> bytes) {
    return bytes.size() >= 4 && std::memcmp(bytes.data(), &magic, 4) == 0;
}

checkpoint read_gguf(mapped_file const& file, std::string const& source) {
    gguf_reader r{{file.bytes, source}};
    r.in.take(4);
    auto const version = r.in.number<std::uint32_t>();
    if (version != 2 && version != 3) fail("'{}' is GGUF of version {}; 2 and 3 are supported.", source, version);
    auto const tensors = r.in.number<std::uint64_t>(), values = r.in.number<std::uint64_t>();

    checkpoint c{.source = source, .format = std::format("GGUF v{}", version), .metadata = json::object()};
    for (std::uint64_t i = 0; i < values; ++i) {
        std::string const name = r.name();
        auto const type = r.in.number<kv_type>();
        c.metadata[name] = r.value(type);
    }
    std::vector<tensor_place> places;
    for (std::uint64_t i = 0; i < tensors; ++i) places.push_back(read_place(r, c.metadata));

    std::uint64_t const alignment = alignment_of(r, c.metadata), head = file.bytes.size() - r.in.rest.size();
    std::uint64_t const start =
        std::min<std::uint64_t>((head + alignment - 1) / alignment * alignment, file.bytes.size());
    put_bytes(places, file.bytes.subspan(start), r);
    c.files = {file};
    for (tensor_place& p : places)
        if (!c.tensors.emplace(std::move(p.name), std::move(p.tensor)).second)
            r.damaged(say("a tensor's name comes twice in it"));
    return c;
}

} // namespace sfumato
