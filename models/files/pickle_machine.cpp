#include "models/files/pickle_machine.h"

#include <algorithm>

namespace sfumato::pickling {

namespace {

constexpr std::pair<std::string_view, stored_type> storage_types[] = {
    {"torch.DoubleStorage", stored_type::f64}, {"torch.FloatStorage", stored_type::f32},
    {"torch.HalfStorage", stored_type::f16},   {"torch.BFloat16Storage", stored_type::bf16},
    {"torch.LongStorage", stored_type::i64},   {"torch.IntStorage", stored_type::i32},
    {"torch.ShortStorage", stored_type::i16},  {"torch.CharStorage", stored_type::i8},
    {"torch.ByteStorage", stored_type::u8},    {"torch.BoolStorage", stored_type::boolean},
};

constexpr std::pair<std::string_view, stored_type> element_types[] = {
    {"torch.float64", stored_type::f64},
    {"torch.float32", stored_type::f32},
    {"torch.float16", stored_type::f16},
    {"torch.bfloat16", stored_type::bf16},
    {"torch.float8_e4m3fn", stored_type::f8_e4m3},
    {"torch.float8_e5m2", stored_type::f8_e5m2},
    {"torch.int64", stored_type::i64},
    {"torch.int32", stored_type::i32},
    {"torch.int16", stored_type::i16},
    {"torch.int8", stored_type::i8},
    {"torch.uint64", stored_type::u64},
    {"torch.uint32", stored_type::u32},
    {"torch.uint16", stored_type::u16},
    {"torch.uint8", stored_type::u8},
    {"torch.bool", stored_type::boolean},
};

std::string_view global_name(ref v) {
    auto const g = as<global>(v);
    return g ? std::string_view(g->name) : "";
}

} // namespace

// False: STOP.
bool machine::step() {
    switch (in.number<std::uint8_t>()) {
    case 0x80: in.take(1); break;                                          // PROTO
    case 0x95: in.take(8); break;                                          // FRAME
    case '.': return false;                                                // STOP
    case '(': mark(); break;                                               // MARK
    case '0': pop(); break;                                                // POP
    case '1': pop_to_mark(); break;                                        // POP_MARK
    case '2': push_ref(top()); break;                                      // DUP
    case 'N': push(nothing{}); break;                                      // NONE
    case 0x88: push(true); break;                                          // NEWTRUE
    case 0x89: push(false); break;                                         // NEWFALSE
    case 'J': push(std::int64_t(in.number<std::int32_t>())); break;        // BININT
    case 'K': push(std::int64_t(in.number<std::uint8_t>())); break;        // BININT1
    case 'M': push(std::int64_t(in.number<std::uint16_t>())); break;       // BININT2
    case 0x8a: push_long(in.number<std::uint8_t>()); break;                // LONG1
    case 0x8b: push_long(in.number<std::uint32_t>()); break;               // LONG4
    case 'G': in.take(8), push(opaque{}); break;                           // BINFLOAT
    case 'X': push_text(in.number<std::uint32_t>()); break;                // BINUNICODE
    case 0x8c: push_text(in.number<std::uint8_t>()); break;                // SHORT_BINUNICODE
    case 0x8d: push_text(in.number<std::uint64_t>()); break;               // BINUNICODE8
    case 'T': push_text(in.number<std::uint32_t>()); break;                // BINSTRING
    case 'U': push_text(in.number<std::uint8_t>()); break;                 // SHORT_BINSTRING
    case 'B': in.take(in.number<std::uint32_t>()), push(opaque{}); break;  // BINBYTES
    case 'C': in.take(in.number<std::uint8_t>()), push(opaque{}); break;   // SHORT_BINBYTES
    case 0x8e: in.take(in.number<std::uint64_t>()), push(opaque{}); break; // BINBYTES8
    case 0x96: in.take(in.number<std::uint64_t>()), push(opaque{}); break; // BYTEARRAY8
    case ')': push(sequence{}); break;                                     // EMPTY_TUPLE
    case 't': push(sequence{pop_to_mark()}); break;                        // TUPLE
    case 0x85: push(sequence{pop(1)}); break;                              // TUPLE1
    case 0x86: push(sequence{pop(2)}); break;                              // TUPLE2
    case 0x87: push(sequence{pop(3)}); break;                              // TUPLE3
    case ']': push(sequence{}); break;                                     // EMPTY_LIST
    case 'l': push(sequence{pop_to_mark()}); break;                        // LIST
    case 0x8f: push(sequence{}); break;                                    // EMPTY_SET
    case 0x91: push(sequence{pop_to_mark()}); break;                       // FROZENSET
    case 'a': {                                                            // APPEND
        auto const items = pop(1);
        append(top(), items);
        break;
    }
    case 'e':    // APPENDS
    case 0x90: { // ADDITEMS
        auto const items = pop_to_mark();
        append(top(), items);
        break;
    }
    case '}': push(dictionary{}); break; // EMPTY_DICT
    case 'd': {                          // DICT
        auto const items = pop_to_mark();
        push(dictionary{});
        set_items(top(), items);
        break;
    }
    case 's': { // SETITEM
        auto const items = pop(2);
        set_items(top(), items);
        break;
    }
    case 'u': { // SETITEMS
        auto const items = pop_to_mark();
        set_items(top(), items);
        break;
    }
    case 'c': { // GLOBAL
        std::string const module = line();
        push(global{module + "." + line()});
        break;
    }
    case 0x93: { // STACK_GLOBAL
        auto const names = pop(2);
        push(global{short_text(names[0]) + "." + short_text(names[1])});
        break;
    }
    case 'R':    // REDUCE
    case 0x81: { // NEWOBJ
        auto const parts = pop(2);
        push_ref(called(parts[0], parts[1]));
        break;
    }
    case 0x92: { // NEWOBJ_EX
        auto const parts = pop(3);
        push_ref(called(parts[0], parts[1]));
        break;
    }
    case 'b': { // BUILD: attributes
        ref const state = pop();
        if (auto const object = std::get_if<opaque>(&top()->is)) object->state = state;
        break;
    }
    case 'Q': push_ref(persistent(pop())); break;          // BINPERSID
    case 'h': recall(in.number<std::uint8_t>()); break;    // BINGET
    case 'j': recall(in.number<std::uint32_t>()); break;   // LONG_BINGET
    case 'q': remember(in.number<std::uint8_t>()); break;  // BINPUT
    case 'r': remember(in.number<std::uint32_t>()); break; // LONG_BINPUT
    case 0x94: remember(memo.size()); break;               // MEMOIZE
    default: damaged(say("has an instruction that PyTorch does not write"));
    }
    return true;
}

// What calling these would make; nothing is called.
ref machine::called(ref callable, ref arguments) {
    std::string_view const name = global_name(callable);
    auto const given = as<sequence>(arguments);
    if (!given) damaged(say("calls without arguments"));
    if (name == "collections.OrderedDict" || name == "collections.defaultdict" || name == "builtins.dict" ||
        name == "__builtin__.dict")
        return make(dictionary{});
    if (name == "torch._utils._rebuild_tensor_v2" || name == "torch._utils._rebuild_tensor")
        return rebuilt_tensor(given->items, true);
    if (name == "torch._utils._rebuild_tensor_v3") return rebuilt_tensor(given->items, false);
    constexpr std::string_view of_subclass =
        "torch._tensor._rebuild_from_type_v2"; // (function, class, arguments, state)
    if (name == of_subclass && given->items.size() >= 3 && global_name(given->items[0]) != of_subclass)
        return called(given->items[0], given->items[2]);
    bool const wraps = name == "torch._utils._rebuild_parameter" ||
                       name == "torch._utils._rebuild_parameter_with_state" || name == "torch.Size";
    if (wraps && !given->items.empty()) return given->items[0];
    return make(opaque{.made_by = callable});
}

std::vector<std::int64_t> machine::numbers(ref v) const {
    auto const list = as<sequence>(v);
    if (!list || list->items.size() > most_dimensions) damaged(say("gives a tensor no shape"));
    std::vector<std::int64_t> result;
    for (ref item : list->items) {
        auto const number = as<std::int64_t>(item);
        if (!number) damaged(say("gives a tensor no shape"));
        result.push_back(*number);
    }
    return result;
}

// (storage, offset, shape, strides, …); untyped storages: the type is the 7th.
ref machine::rebuilt_tensor(std::vector<ref> const& arguments, bool typed) {
    if (arguments.size() < (typed ? 4 : 7)) damaged(say("makes a tensor of too little"));
    auto const from = as<storage>(arguments[0]);
    auto const offset = as<std::int64_t>(arguments[1]);
    if (!from || !offset) damaged(say("makes a tensor of no storage"));
    pickled_tensor t{.type = from->type,
                     .storage = from->key,
                     .storage_count = from->count,
                     .offset = *offset,
                     .shape = numbers(arguments[2]),
                     .strides = numbers(arguments[3])};
    if (typed == from->untyped) damaged(say("makes a tensor of a storage of another kind"));
    if (!typed) {
        std::string_view const name = global_name(arguments[6]);
        auto const type = std::ranges::find(element_types, name, &std::pair<std::string_view, stored_type>::first);
        if (type == std::end(element_types))
            fail("'{}' has a tensor of type {}, which is not supported.", in.source, show_name(name));
        t.type = type->second;
        t.storage_count /= std::int64_t(stored_bytes(t.type, {}).value());
    }
    return make(std::move(t));
}

// ("storage", class, key, device, count, …); before PyTorch 1.6 also ("module", class, file, source code)
ref machine::persistent(ref id) {
    auto const parts = as<sequence>(id);
    auto const kind = parts && !parts->items.empty() ? as<std::string>(parts->items[0]) : nullptr;
    if (kind && *kind == "module" && parts->items.size() > 1) return parts->items[1];
    // Before PyTorch 1.6 a sixth says which part of another one it is, where it is; nothing has written that since 0.4.
    if (!parts || parts->items.size() < 5 || (parts->items.size() > 5 && !as<nothing>(parts->items[5])))
        damaged(say("refers to something that is no storage"));
    auto const& items = parts->items;
    std::string const& key = short_text(items[2]);
    auto const count = as<std::int64_t>(items[4]);
    if (!count) damaged(say("refers to something that is no storage"));
    std::string_view const name = global_name(items[1]);
    if (name == "torch.storage.UntypedStorage") return make(storage{stored_type::u8, true, key, *count});
    auto const type = std::ranges::find(storage_types, name, &std::pair<std::string_view, stored_type>::first);
    if (type == std::end(storage_types))
        fail("'{}' has a tensor of type {}, which is not supported.", in.source, show_name(name));
    storages.emplace(key, pickled_storage{type->second, *count});
    return make(storage{type->second, false, key, *count});
}

} // namespace sfumato::pickling
