// The machine that pickles are programs of, as far as checkpoints need it. It makes values and runs nothing: a class or
// function it does not know becomes an opaque value.
#pragma once

#include "models/files/byte_reader.h"
#include "models/files/pickle.h"

#include <cstring>
#include <deque>
#include <unordered_map>
#include <variant>

namespace sfumato::pickling {

// A checkpoint of a thousand tensors has some twenty thousand values, and each of them stands in one place: in a tuple,
// a list or a dictionary. A reference to a value takes two bytes of the pickle, so places are counted as well, and
// names, which dictionaries within dictionaries multiply.
inline constexpr std::size_t most_values = 500'000, most_places = 1'000'000, most_names = 50'000;
inline constexpr std::size_t longest_name = 500, longest_other = 60, most_dimensions = 8;
inline constexpr int deepest = 16;

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
// What a class or function that is not known here would make.
struct opaque {
    ref made_by = nullptr; // the class, where there is one
    ref state = nullptr;   // its attributes
};

struct value {
    std::variant<nothing, bool, std::int64_t, std::string, sequence, dictionary, global, storage, pickled_tensor,
                 opaque>
        is;
};

// A stack of values, marks in it, a memo of those that come again.
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

    [[noreturn]] void damaged(sentence const& what) const { fail("'{}' is damaged: its pickle {}.", in.source, what); }
    void limit(std::size_t count, std::size_t most = most_values) const {
        if (count >= most) damaged(say("holds more than any model does"));
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
        if (stack.size() <= (marks.empty() ? 0 : marks.back())) damaged(say("takes more than there is"));
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
        if (marks.empty()) damaged(say("ends what did not begin"));
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
        if (items.size() % 2) damaged(say("has a key without a value"));
        if (auto const dict = std::get_if<dictionary>(&to->is))
            for (std::size_t i = 0; i < items.size(); i += 2) dict->items.emplace_back(items[i], items[i + 1]);
    }
    void remember(std::uint64_t index) {
        limit(memo.size());
        memo[index] = top();
    }
    void recall(std::uint64_t index) {
        auto const found = memo.find(index);
        if (found == memo.end()) damaged(say("refers to what it does not hold"));
        push_ref(found->second);
    }
    // Names and keys are short; copies of long ones could be made without end.
    std::string const& short_text(ref v) const {
        auto const text = std::get_if<std::string>(&v->is);
        if (!text || text->size() > longest_name) damaged(say("has something else where a name belongs"));
        return *text;
    }
    std::string line() {
        std::string text;
        for (char c; (c = in.number<char>()) != '\n'; text += c)
            if (text.size() == longest_name) damaged(say("has a name without end"));
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

} // namespace sfumato::pickling
