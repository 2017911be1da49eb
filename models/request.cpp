#include "models/request.h"

#include "compute/error.h"
#include "models/json.h"
#include "models/sampling/names.h"

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
constexpr std::array operations{choice<operation>{"inpaint", operation::inpaint},
                                choice<operation>{"txt2img", operation::txt2img},
                                choice<operation>{"img2img", operation::img2img}};
constexpr std::array methods{choice<method>{"patchmatch", method::patchmatch}};
constexpr std::array contexts{choice<context>{"automatic", context::automatic},
                              choice<context>{"image", context::image},
                              choice<context>{"selection", context::selection}};
constexpr std::array sources{choice<source>{"layer", source::layer}, choice<source>{"visible", source::visible}};
constexpr std::array generators{choice<generator>{"cpu", generator::cpu}, choice<generator>{"cuda", generator::cuda}};
constexpr std::array strength_rules{choice<strength_rule>{"full_steps", strength_rule::full_steps},
                                    choice<strength_rule>{"fewer_steps", strength_rule::fewer_steps}};
constexpr std::array predictions{choice<prediction>{"epsilon", prediction::epsilon},
                                 choice<prediction>{"v", prediction::v}};

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

    void read(std::string_view key, double least, double most, double& to) {
        json const* value = find(key);
        if (!value) return;
        if (!value->is_number() || !(value->get<double>() >= least && value->get<double>() <= most))
            fail("The request's \"{}{}\" must be a number from {} to {}, not {}.", prefix, key, least, most,
                 json_show(*value));
        to = value->get<double>();
    }

    void read(std::string_view key, std::string& to) {
        json const* value = find(key);
        if (!value) return;
        constexpr std::size_t longest = 1 << 16;
        if (!value->is_string() || value->get_ref<std::string const&>().size() > longest)
            fail("The request's \"{}{}\" must be a text of at most {} bytes, not {}.", prefix, key, longest,
                 json_show(*value));
        to = *value;
    }

    void read(std::string_view key, bool& to) {
        json const* value = find(key);
        if (!value) return;
        if (!value->is_boolean())
            fail("The request's \"{}{}\" must be true or false, not {}.", prefix, key, json_show(*value));
        to = *value;
    }

    // What `named` makes of a text; its error says what there is.
    template <class T, class Named> void read_named(std::string_view key, Named const& named, T& to) {
        json const* value = find(key);
        if (!value) return;
        if (!value->is_string()) fail("The request's \"{}{}\" must be a name, not {}.", prefix, key, json_show(*value));
        to = named(value->get_ref<std::string const&>());
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

void read_size(object_reader& reader, std::string_view key, int& to) {
    reader.read(key, 0, 1 << 14, to);
    if (to % 8 || (to && to < 64))
        fail("The request's \"{}\" must be a multiple of 8, from 64 on (0: as the model was trained), not {}.", key,
             to);
}

void read_diffusion(object_reader& reader, diffusion_settings& d) {
    reader.read("model", d.model);
    reader.read("prompt", d.prompt);
    reader.read("negative_prompt", d.negative_prompt);
    read_size(reader, "width", d.width);
    read_size(reader, "height", d.height);
    reader.read("steps", 1, 1000, d.steps);
    reader.read("cfg", 1.0, 100.0, d.cfg);
    reader.read_named("sampler", sampler_named, d.sampler);
    reader.read_named("scheduler", scheduler_named, d.scheduler);
    reader.read("rng", generators, d.rng);
    reader.read("clip_skip", 1, 12, d.clip_skip);
    reader.read("batch", 1, 64, d.batch);
    reader.read("strength", 0.01, 1.0, d.strength);
    reader.read("strength_rule", strength_rules, d.strength_means);
    prediction chosen{};
    reader.read("prediction", predictions, chosen);
    if (reader.object.contains("prediction")) d.prediction = chosen;
    reader.read("zero_terminal_snr", d.zero_terminal_snr);
}

void write_diffusion(json& object, request const& r) {
    diffusion_settings const& d = r.diffusion;
    object.update({{"model", d.model},
                   {"prompt", d.prompt},
                   {"negative_prompt", d.negative_prompt},
                   {"width", d.width},
                   {"height", d.height},
                   {"steps", d.steps},
                   {"cfg", d.cfg},
                   {"sampler", name_of(d.sampler)},
                   {"rng", name_of<generator>(d.rng, generators)},
                   {"clip_skip", d.clip_skip},
                   {"batch", d.batch},
                   {"zero_terminal_snr", d.zero_terminal_snr}});
    if (d.scheduler) object["scheduler"] = name_of(*d.scheduler);
    if (d.prediction) object["prediction"] = name_of<prediction>(*d.prediction, predictions);
    if (r.operation == operation::txt2img) return;
    object["strength"] = d.strength;
    object["strength_rule"] = name_of<strength_rule>(d.strength_means, strength_rules);
}

} // namespace

request request_from_json(json const& object, std::vector<std::string>* unknown) {
    if (!object.is_object()) fail("A request must be a JSON object, not {}.", json_show(object));
    object_reader reader{object, ""};
    request r;
    int version = 0;
    reader.read("sfumato", request::version, request::version, version, true);
    reader.read("operation", operations, r.operation);
    // The seeds of other programs go beyond 32 bits; the fill has no use for more.
    reader.read("seed", -1, r.operation == operation::inpaint ? 0xFFFFFFFF : INT64_MAX, r.seed);
    if (r.operation == operation::inpaint) {
        reader.read("method", methods, r.method);
        reader.read("context", contexts, r.context);
        reader.read("source", sources, r.source);
        if (json const* area = reader.find("area")) r.area = area_from_json(*area, unknown);
    } else
        read_diffusion(reader, r.diffusion);
    reader.find("made_by"); // a layer's recipe says which version made it; it changes no pixel
    reader.report_unknown(unknown);
    return r;
}

json request_to_json(request const& r) {
    json object{
        {"sfumato", request::version}, {"operation", name_of<operation>(r.operation, operations)}, {"seed", r.seed}};
    if (r.operation != operation::inpaint) {
        write_diffusion(object, r);
        return object;
    }
    object.update({{"method", name_of<method>(r.method, methods)},
                   {"context", name_of<context>(r.context, contexts)},
                   {"source", name_of<source>(r.source, sources)}});
    if (!r.area.empty())
        object["area"] = {{"x", r.area.x}, {"y", r.area.y}, {"width", r.area.width}, {"height", r.area.height}};
    return object;
}

request resolve_seed(request r) {
    if (r.seed < 0) r.seed = std::random_device{}();
    return r;
}

} // namespace sfumato
