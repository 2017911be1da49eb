#include "models/files/checkpoint.h"

#include "compute/error.h"
#include "request/json.h"

#include <algorithm>
#include <cassert>

namespace sfumato {

namespace {

struct type_facts {
    std::string_view name;
    std::int64_t elements, bytes; // of a block
};

type_facts facts_of(stored_type type) {
    switch (type) {
    case stored_type::f64: return {"f64", 1, 8};
    case stored_type::f32: return {"f32", 1, 4};
    case stored_type::f16: return {"f16", 1, 2};
    case stored_type::bf16: return {"bf16", 1, 2};
    case stored_type::f8_e4m3: return {"f8_e4m3", 1, 1};
    case stored_type::f8_e5m2: return {"f8_e5m2", 1, 1};
    case stored_type::i64: return {"i64", 1, 8};
    case stored_type::i32: return {"i32", 1, 4};
    case stored_type::i16: return {"i16", 1, 2};
    case stored_type::i8: return {"i8", 1, 1};
    case stored_type::u64: return {"u64", 1, 8};
    case stored_type::u32: return {"u32", 1, 4};
    case stored_type::u16: return {"u16", 1, 2};
    case stored_type::u8: return {"u8", 1, 1};
    case stored_type::boolean: return {"boolean", 1, 1};
    case stored_type::q8_0: return {"q8_0", 32, 34};
    case stored_type::q4_0: return {"q4_0", 32, 18};
    case stored_type::q4_k: return {"q4_k", 256, 144};
    case stored_type::q5_k: return {"q5_k", 256, 176};
    case stored_type::q6_k: return {"q6_k", 256, 210};
    }
    assert(false);
    return {};
}

} // namespace

std::string_view name_of(stored_type type) { return facts_of(type).name; }

std::optional<std::size_t> stored_bytes(stored_type type, std::span<std::int64_t const> shape) {
    auto const facts = facts_of(type);
    std::int64_t count = 1, bytes = 0;
    for (std::int64_t extent : shape)
        if (extent < 0 || __builtin_mul_overflow(count, extent, &count)) return {};
    if (count % facts.elements || __builtin_mul_overflow(count / facts.elements, facts.bytes, &bytes)) return {};
    return std::size_t(bytes);
}

std::size_t stored_tensor::count() const {
    std::size_t count = 1;
    for (std::int64_t extent : shape) count *= std::size_t(extent);
    return count;
}

std::size_t stored_tensor::bytes() const { return stored_bytes(type, shape).value(); }

std::span<std::byte const> stored_tensor::read(std::vector<std::byte>& scratch) const {
    if (!make) return mapped;
    scratch.resize(bytes());
    make(scratch);
    return scratch;
}

std::string show_name(std::string_view name) { return json_show(name.substr(0, 120), 120); }

std::string show_shape(stored_tensor const& t) {
    std::string text = std::string(name_of(t.type)) + " [";
    for (std::size_t i = 0; i < t.shape.size(); ++i) text += (i ? ", " : "") + std::to_string(t.shape[i]);
    return text + "]";
}

stored_tensor const* checkpoint::find(std::string_view name) const {
    auto const found = tensors.find(name);
    return found == tensors.end() ? nullptr : &found->second;
}

stored_tensor const& checkpoint::at(std::string_view name) const {
    if (auto const found = find(name)) return *found;
    fail("'{}' has no tensor '{}'.", source, name);
}

bool checkpoint::is_current() const { return std::ranges::all_of(files, &mapped_file::is_current); }

} // namespace sfumato
