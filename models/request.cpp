#include "models/request.h"

#include "compute/error.h"
#include "models/json.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <nlohmann/json.hpp>
#include <random>
#include <span>
#include <utility>

namespace sfumato {

using nlohmann::json;

namespace {

// The names of every choice, in JSON, on the command line and in the GIMP procedure.
template <class T> using choice = std::pair<std::string_view, T>;
constexpr std::array operations{choice<operation>{"inpaint", operation::inpaint}};
constexpr std::array methods{choice<method>{"patchmatch", method::patchmatch}};
constexpr std::array contexts{choice<context>{"automatic", context::automatic},
                              choice<context>{"image", context::image},
                              choice<context>{"selection", context::selection}};
constexpr std::array sources{choice<source>{"layer", source::layer}, choice<source>{"visible", source::visible}};

template <class T> std::string_view name_of(T value, std::span<choice<T> const> choices) {
    auto const found = std::ranges::find(choices, value, &choice<T>::second);
    assert(found != choices.end());
    return found->first;
}

// `"a"`, `"a" or "b"`, `"a", "b" or "c"`.
template <class T> std::string listed(std::span<choice<T> const> choices) {
    std::string list;
    for (std::size_t i = 0; i < choices.size(); ++i) {
        if (i) list += i + 1 == choices.size() ? " or " : ", ";
        list += std::format("\"{}\"", choices[i].first);
    }
    return list;
}

// Reads the keys of one JSON object and remembers which it knew.
struct object_reader {
    json const& object;
    std::string prefix; // "" or "area."
    std::vector<std::string_view> known{};

    json const* find(std::string_view key) {
        known.push_back(key);
        auto const found = object.find(key);
        return found == object.end() ? nullptr : &*found;
    }

    template <class T, std::size_t N> void read(std::string_view key, std::array<choice<T>, N> const& choices, T& to) {
        json const* value = find(key);
        if (!value) return;
        if (value->is_string())
            for (auto const& [name, meaning] : choices)
                if (value->get_ref<std::string const&>() == name) {
                    to = meaning;
                    return;
                }
        fail("The request's \"{}{}\" must be {}, not {}.", prefix, key, listed(std::span<choice<T> const>(choices)),
             json_show(*value));
    }

    template <class T>
    void read(std::string_view key, std::int64_t least, std::int64_t most, T& to, bool required = false) {
        json const* value = find(key);
        if (!value && !required) return;
        auto const refuse = [&](std::string const& got) {
            if (least == most) fail("The request's \"{}{}\" must be {}{}.", prefix, key, least, got);
            fail("The request's \"{}{}\" must be a whole number from {} to {}{}.", prefix, key, least, most, got);
        };
        if (!value) refuse(", but is missing");
        // An unsigned value beyond int64 would wrap around in get<int64>().
        bool const fits = value->is_number_integer() &&
                          (!value->is_number_unsigned() || value->get<std::uint64_t>() <= std::uint64_t(INT64_MAX));
        if (!fits || value->get<std::int64_t>() < least || value->get<std::int64_t>() > most)
            refuse(", not " + json_show(*value));
        to = T(value->get<std::int64_t>());
    }

    void report_unknown(std::vector<std::string>* unknown) const {
        if (!unknown) return;
        for (auto const& [key, value] : object.items())
            if (std::ranges::find(known, key) == known.end()) unknown->push_back(prefix + key);
    }
};

rect area_from_json(json const& value, std::vector<std::string>* unknown) {
    if (!value.is_object())
        fail("The request's \"area\" must be an object with \"x\", \"y\", \"width\" and \"height\", not {}.",
             json_show(value));
    constexpr int far = 1 << 24; // GIMP ends at 2¹⁹; x + width stays well inside an int
    object_reader reader{value, "area."};
    rect area;
    reader.read("x", -far, far, area.x, true);
    reader.read("y", -far, far, area.y, true);
    reader.read("width", 1, far, area.width, true);
    reader.read("height", 1, far, area.height, true);
    reader.report_unknown(unknown);
    return area;
}

} // namespace

request request_from_json(json const& object, std::vector<std::string>* unknown) {
    if (!object.is_object()) fail("A request must be a JSON object, not {}.", json_show(object));
    object_reader reader{object, ""};
    request r;
    int version = 0;
    reader.read("sfumato", request::version, request::version, version, true);
    reader.read("operation", operations, r.operation);
    reader.read("method", methods, r.method);
    reader.read("seed", -1, 0xFFFFFFFF, r.seed);
    reader.read("context", contexts, r.context);
    reader.read("source", sources, r.source);
    if (json const* area = reader.find("area")) r.area = area_from_json(*area, unknown);
    reader.find("made_by"); // a layer's recipe says which version made it; it changes no pixel
    reader.report_unknown(unknown);
    return r;
}

json request_to_json(request const& r) {
    json object{{"sfumato", request::version},
                {"operation", name_of<operation>(r.operation, operations)},
                {"method", name_of<method>(r.method, methods)},
                {"seed", r.seed},
                {"context", name_of<context>(r.context, contexts)},
                {"source", name_of<source>(r.source, sources)}};
    if (!r.area.empty())
        object["area"] = {{"x", r.area.x}, {"y", r.area.y}, {"width", r.area.width}, {"height", r.area.height}};
    return object;
}

request resolve_seed(request r) {
    if (r.seed < 0) r.seed = std::random_device{}();
    return r;
}

} // namespace sfumato
