#include "models/files/pickle.h"

#include "models/files/byte_reader.h"

#include <algorithm>
#include <deque>
#include <unordered_map>
#include <variant>

namespace sfumato {

namespace {

// A checkpoint of a thousand tensors has some twenty thousand values, and each of them stands in one place: in a tuple,
// a list or a dictionary. A reference to a value takes two bytes of the pickle, so places are counted as well, and
// names, which dictionaries within dictionaries multiply.
constexpr std::size_t most_values = 500'000, most_places = 1'000'000, most_names = 50'000;
constexpr std::size_t longest_name = 500, longest_other = 60, most_dimensions = 8;
constexpr int deepest = 16;

struct value;
using ref = value*; // into the machine's own list, which outlives all of them

struct nothing {};
struct sequence {
    std::vector<ref> items;
}; // tuple, list, set
struct dictionary {
    std::vector<std::pair<ref, ref>> items;
};
struct global {
    std::string name; // "torch._utils._rebuild_tensor_v2"
};
struct storage {
    stored_type type;
    bool untyped; // counted in bytes, the tensor says the type
    std::string key;
    std::int64_t count;
};
struct opaque {};

struct value {
    std::variant<nothing, bool, std::int64_t, std::string, sequence, dictionary, global, storage, pickled_tensor,
                 opaque>
        is;
};

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

// The pickle machine: a stack of values, marks in it, a memo of those that come again.
class machine {
  public:
    machine(std::span<std::byte const> bytes, std::string const& source) : in{bytes, source} {}

    // The value at the end.
    ref run() {
        while (step()) {}
        return pop();
    }
    std::size_t rest() const { return in.rest.size(); } // bytes behind it
    named<pickled_storage> storages;

  private:
    byte_reader in;
    std::deque<value> values;
    std::vector<ref> stack;
    std::vector<std::size_t> marks;
    std::unordered_map<std::uint64_t, ref> memo;
    std::size_t places = 0;

    [[noreturn]] void damaged(std::string_view what) const { fail("'{}' is damaged: its pickle {}.", in.source, what); }
    void limit(std::size_t count, std::size_t most = most_values) const {
        if (count >= most) damaged("holds more than any model does");
    }

    template <class T> ref make(T is) {
        limit(values.size());
        return &values.emplace_back(value{std::move(is)});
    }
    void push_ref(ref v) {
        limit(stack.size());
        stack.push_back(v);
    }
    template <class T> void push(T is) { push_ref(make(std::move(is))); }
    void mark() {
        limit(marks.size());
        marks.push_back(stack.size());
    }
    ref pop() {
        if (stack.size() <= (marks.empty() ? 0 : marks.back())) damaged("takes more than there is");
        ref const top = stack.back();
        stack.pop_back();
        return top;
    }
    ref top() {
        ref const v = pop();
        stack.push_back(v);
        return v;
    }
    std::vector<ref> pop(std::size_t count) {
        std::vector<ref> items(count);
        limit(places += count, most_places);
        while (count > 0) items[--count] = pop();
        return items;
    }
    std::vector<ref> pop_to_mark() {
        if (marks.empty()) damaged("ends what did not begin");
        limit(places += stack.size() - marks.back(), most_places);
        std::vector<ref> items(stack.begin() + std::ptrdiff_t(marks.back()), stack.end());
        stack.resize(marks.back());
        marks.pop_back();
        return items;
    }
    // What a list or dictionary under construction gets; other objects that do so stay unknown.
    void append(ref to, std::vector<ref> const& items) {
        if (auto const list = std::get_if<sequence>(&to->is))
            list->items.insert(list->items.end(), items.begin(), items.end());
    }
    void set_items(ref to, std::vector<ref> const& items) {
        if (items.size() % 2) damaged("has a key without a value");
        if (auto const dict = std::get_if<dictionary>(&to->is))
            for (std::size_t i = 0; i < items.size(); i += 2) dict->items.emplace_back(items[i], items[i + 1]);
    }
    void remember(std::uint64_t index) {
        limit(memo.size());
        memo[index] = top();
    }
    void recall(std::uint64_t index) {
        auto const found = memo.find(index);
        if (found == memo.end()) damaged("refers to what it does not hold");
        push_ref(found->second);
    }
    // Names and keys are short; copies of long ones could be made without end.
    std::string const& short_text(ref v) const {
        auto const text = std::get_if<std::string>(&v->is);
        if (!text || text->size() > longest_name) damaged("has something else where a name belongs");
        return *text;
    }
    std::string line() {
        std::string text;
        for (char c; (c = in.number<char>()) != '\n'; text += c)
            if (text.size() == longest_name) damaged("has a name without end");
        return text;
    }
    void push_text(std::uint64_t length) { push(std::string(in.text(length))); }
    // Whole numbers of any length, little endian, two's complement; those beyond 64 bits are nothing that is needed.
    void push_long(std::uint64_t length) {
        auto const bytes = in.take(length);
        if (length > 8) return push(opaque{});
        std::int64_t number = length && (bytes[length - 1] & std::byte(0x80)) != std::byte(0) ? -1 : 0;
        std::memcpy(&number, bytes.data(), length);
        push(number);
    }

    bool step();
    ref called(ref callable, ref arguments);
    ref rebuilt_tensor(std::vector<ref> const& arguments, bool typed);
    ref persistent(ref id);
    std::vector<std::int64_t> numbers(ref) const;
};

template <class T> T const* as(ref v) { return std::get_if<T>(&v->is); }

std::string_view global_name(ref v) {
    auto const g = as<global>(v);
    return g ? std::string_view(g->name) : "";
}

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
    case 'b': pop(), top(); break;                         // BUILD: attributes, none of which is needed
    case 'Q': push_ref(persistent(pop())); break;          // BINPERSID
    case 'h': recall(in.number<std::uint8_t>()); break;    // BINGET
    case 'j': recall(in.number<std::uint32_t>()); break;   // LONG_BINGET
    case 'q': remember(in.number<std::uint8_t>()); break;  // BINPUT
    case 'r': remember(in.number<std::uint32_t>()); break; // LONG_BINPUT
    case 0x94: remember(memo.size()); break;               // MEMOIZE
    default: damaged("has an instruction that PyTorch does not write");
    }
    return true;
}

// What calling these would make; nothing is called.
ref machine::called(ref callable, ref arguments) {
    std::string_view const name = global_name(callable);
    auto const given = as<sequence>(arguments);
    if (!given) damaged("calls without arguments");
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
    return make(opaque{});
}

std::vector<std::int64_t> machine::numbers(ref v) const {
    auto const list = as<sequence>(v);
    if (!list || list->items.size() > most_dimensions) damaged("gives a tensor no shape");
    std::vector<std::int64_t> result;
    for (ref item : list->items) {
        auto const number = as<std::int64_t>(item);
        if (!number) damaged("gives a tensor no shape");
        result.push_back(*number);
    }
    return result;
}

// (storage, offset, shape, strides, …); untyped storages: the type is the 7th.
ref machine::rebuilt_tensor(std::vector<ref> const& arguments, bool typed) {
    if (arguments.size() < (typed ? 4 : 7)) damaged("makes a tensor of too little");
    auto const from = as<storage>(arguments[0]);
    auto const offset = as<std::int64_t>(arguments[1]);
    if (!from || !offset) damaged("makes a tensor of no storage");
    pickled_tensor t{.type = from->type,
                     .storage = from->key,
                     .storage_count = from->count,
                     .offset = *offset,
                     .shape = numbers(arguments[2]),
                     .strides = numbers(arguments[3])};
    if (typed == from->untyped) damaged("makes a tensor of a storage of another kind");
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

// ("storage", class, key, device, count, …)
ref machine::persistent(ref id) {
    auto const parts = as<sequence>(id);
    // Before PyTorch 1.6 a sixth says which part of another one it is, where it is; nothing has written that since 0.4.
    if (!parts || parts->items.size() < 5 || (parts->items.size() > 5 && !as<nothing>(parts->items[5])))
        damaged("refers to something that is no storage");
    auto const& items = parts->items;
    std::string const& key = short_text(items[2]);
    auto const count = as<std::int64_t>(items[4]);
    if (!count) damaged("refers to something that is no storage");
    std::string_view const name = global_name(items[1]);
    if (name == "torch.storage.UntypedStorage") return make(storage{stored_type::u8, true, key, *count});
    auto const type = std::ranges::find(storage_types, name, &std::pair<std::string_view, stored_type>::first);
    if (type == std::end(storage_types))
        fail("'{}' has a tensor of type {}, which is not supported.", in.source, show_name(name));
    storages.emplace(key, pickled_storage{type->second, *count});
    return make(storage{type->second, false, key, *count});
}

// ---- What came out

// Each dictionary once: they may contain one another.
struct collector {
    pickled& all;
    std::string const& source;
    std::set<ref> seen = {};

    void limit(std::size_t count) const {
        if (count >= most_names) fail("'{}' is damaged: its pickle holds more than any model does.", source);
    }

    void collect(ref v, std::string const& path, int depth) {
        auto const dict = as<dictionary>(v);
        auto const yes = as<bool>(v);
        limit(all.tensors.size() + all.others.size());
        if (auto const tensor = as<pickled_tensor>(v))
            all.tensors.emplace(path, *tensor);
        else if (!dict && !as<nothing>(v) && (!yes || *yes) && path.size() <= longest_other)
            all.others.insert(path);
        if (!dict || depth == deepest || !seen.insert(v).second) return;
        for (auto const& [key, item] : dict->items)
            if (auto const name = as<std::string>(key); name && path.size() + name->size() <= longest_name)
                collect(item, path.empty() ? *name : path + "." + *name, depth + 1);
    }
};

} // namespace

pickled read_pickle(std::span<std::byte const> bytes, std::string const& source) {
    if (bytes.size() > longest_pickle)
        fail("'{}' has a pickle of {} bytes, more than any model.", source, bytes.size());
    machine m(bytes, source);
    ref const whole = m.run();
    pickled all{.storages = std::move(m.storages), .bytes = bytes.size() - m.rest()};
    collector names{all, source};
    names.collect(whole, "", 0);
    if (auto const list = as<sequence>(whole))
        for (ref item : list->items)
            if (auto const text = as<std::string>(item); text && text->size() <= longest_name) {
                names.limit(all.texts.size());
                all.texts.push_back(*text);
            }
    return all;
}

} // namespace sfumato
