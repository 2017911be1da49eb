// Messages of Protocol Buffers, field by field: what ONNX files consist of.
// https://protobuf.dev/programming-guides/encoding
#pragma once

#include "models/files/byte_reader.h"

#include <optional>
#include <vector>

namespace sfumato {

/// A number as varint, the least significant seven bits first.
inline std::uint64_t read_varint(byte_reader& in) {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
        auto const byte = in.number<std::uint8_t>();
        value |= std::uint64_t(byte & 0x7f) << shift;
        if (byte < 0x80) return value;
    }
    fail("'{}' is damaged: it has a number without end.", in.source);
}

/// One field of a message. Which of its readings is meant follows from its number; another one throws error.
struct protobuf_field {
    enum class wire : std::uint8_t { varint = 0, eight_bytes = 1, bytes_of_length = 2, four_bytes = 5 };

    std::uint64_t number = 0;
    wire type{};
    std::uint64_t value = 0;          // of a varint
    std::span<std::byte const> bytes; // of all others

    std::uint64_t number_of(std::string const& source) const {
        expect(wire::varint, source);
        return value;
    }
    float real_of(std::string const& source) const {
        expect(wire::four_bytes, source);
        float real;
        std::memcpy(&real, bytes.data(), sizeof real);
        return real;
    }
    std::span<std::byte const> message_of(std::string const& source) const {
        expect(wire::bytes_of_length, source);
        return bytes;
    }
    std::string_view text_of(std::string const& source) const {
        auto const text = message_of(source);
        return {reinterpret_cast<char const*>(text.data()), text.size()};
    }
    /// Of a repeated field: one number, or many in a row ("packed").
    void add_numbers(std::vector<std::int64_t>& to, std::size_t most, std::string const& source) const {
        auto const add = [&](std::uint64_t one) {
            if (to.size() == most) fail("'{}' is damaged: it has a list that is too long.", source);
            to.push_back(std::int64_t(one));
        };
        if (type == wire::varint) return add(value);
        for (byte_reader in{message_of(source), source}; !in.rest.empty();) add(read_varint(in));
    }

  private:
    void expect(wire wanted, std::string const& source) const {
        if (type != wanted) fail("'{}' is damaged: field {} of a message is of another kind.", source, number);
    }
};

struct protobuf_reader {
    byte_reader in;

    protobuf_reader(std::span<std::byte const> message, std::string const& source) : in{message, source} {}

    /// Nothing: the message is over.
    std::optional<protobuf_field> next() {
        if (in.rest.empty()) return {};
        std::uint64_t const tag = read_varint(in);
        protobuf_field field{.number = tag >> 3, .type = protobuf_field::wire(tag & 7), .value = 0, .bytes = {}};
        switch (field.type) {
        case protobuf_field::wire::varint: field.value = read_varint(in); break;
        case protobuf_field::wire::eight_bytes: field.bytes = in.take(8); break;
        case protobuf_field::wire::bytes_of_length: field.bytes = in.take(read_varint(in)); break;
        case protobuf_field::wire::four_bytes: field.bytes = in.take(4); break;
        default: fail("'{}' is damaged: it is no message of Protocol Buffers.", in.source);
        }
        if (field.number == 0) fail("'{}' is damaged: it is no message of Protocol Buffers.", in.source);
        return field;
    }
};

} // namespace sfumato
