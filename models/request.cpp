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
constexpr std::array operations{
    choice<operation>{"inpaint", operation::inpaint}, choice<operation>{"txt2img", operation::txt2img},
    choice<operation>{"img2img", operation::img2img}, choice<operation>{"upscale", operation::upscale}};
constexpr std::array methods{choice<method>{"patchmatch", method::patchmatch}};
constexpr std::array contexts{choice<context>{"automatic", context::automatic},
                              choice<context>{"image", context::image},
                              choice<context>{"selection", context::selection}};
constexpr std::array sources{choice<source>{"layer", source::layer}, choice<source>{"visible", source::visible}};
constexpr std::array generators{choice<generator>{"cpu", generator::cpu}, choice<generator>{"cuda", generator::cuda}};
constexpr std::array strength_rules{choice<strength_rule>{"full_steps", strength_rule::full_steps},
                                    choice<strength_rule>{"fewer_steps", strength_rule::fewer_steps}};
constexpr std::array dtypes{choice<dtype>{"fp32", dtype::f32}, choice<dtype>{"fp16", dtype::f16},
                            choice<dtype>{"bf16", dtype::bf16}};
constexpr std::array predictions{choice<prediction>{"epsilon", prediction::epsilon},
                                 choice<prediction>{"v", prediction::v}};

template <class T> std::string_view name_of(T value, std::span<choice<T> const> choices) {
    auto const found = std::ranges::find(choices, value, &choice<T>::second);
    assert(found != choices.end());
    return found->first;
}

// `"a"`, `"a" or "b"`, `"a", "b" or "c"`.
std::string listed(auto const& choices, auto const& name_of_choice) {
    std::string list;
    for (std::size_t i = 0; i < choices.size(); ++i) {
        if (i) list += i + 1 == choices.size() ? " or " : ", ";
        list += std::format("\"{}\"", name_of_choice(choices[i]));
    }
    return list;
}

// Reads the keys of one JSON object and remembers which it knew.
struct object_reader {
    json const& object;
    std::string prefix; // "" or "area."
    std::vector<std::string_view> known{};

    [[noreturn]] void refuse(std::string_view key, std::string const& what_it_may_be, json const& value) const {
        throw request_error(prefix + std::string(key), "must be " + what_it_may_be, json_show(value));
    }

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
        refuse(key, listed(choices, [](choice<T> const& c) { return c.first; }), *value);
    }
    // Where leaving it out is a choice of its own.
    template <class T, std::size_t N>
    void read(std::string_view key, std::array<choice<T>, N> const& choices, std::optional<T>& to) {
        if (object.contains(key)) read(key, choices, to.emplace());
    }

    // A name that other programs write in other ways.
    template <class T>
    std::optional<T> read(std::string_view key, std::optional<T> (*named)(std::string_view),
                          std::span<sampling_name<T> const> all) {
        json const* value = find(key);
        if (!value) return {};
        auto const meaning = value->is_string() ? named(value->get_ref<std::string const&>()) : std::nullopt;
        if (!meaning) refuse(key, listed(all, [](sampling_name<T> const& n) { return n.name; }), *value);
        return meaning;
    }

    template <class T>
    void read(std::string_view key, std::int64_t least, std::int64_t most, T& to, bool required = false) {
        json const* value = find(key);
        if (!value && !required) return;
        std::string const range =
            least == most ? std::to_string(least) : std::format("a whole number from {} to {}", least, most);
        if (!value) fail("The request's \"{}{}\" must be {}, but is missing.", prefix, key, range);
        // An unsigned value beyond int64 would wrap around in get<int64>().
        bool const fits = value->is_number_integer() &&
                          (!value->is_number_unsigned() || value->get<std::uint64_t>() <= std::uint64_t(INT64_MAX));
        if (!fits || value->get<std::int64_t>() < least || value->get<std::int64_t>() > most)
            refuse(key, range, *value);
        to = T(value->get<std::int64_t>());
    }

    void read(std::string_view key, double least, double most, double& to) {
        json const* value = find(key);
        if (!value) return;
        if (!value->is_number() || !(value->get<double>() >= least && value->get<double>() <= most))
            refuse(key, std::format("a number from {} to {}", least, most), *value);
        to = value->get<double>();
    }

    void read(std::string_view key, std::string& to) {
        json const* value = find(key);
        if (!value) return;
        constexpr std::size_t longest = 1 << 16;
        if (!value->is_string() || value->get_ref<std::string const&>().size() > longest)
            refuse(key, std::format("a text of at most {} bytes", longest), *value);
        to = *value;
    }

    void read(std::string_view key, bool& to) {
        json const* value = find(key);
        if (!value) return;
        if (!value->is_boolean()) refuse(key, "true or false", *value);
        to = *value;
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
        throw request_error(std::string(key), "must be a multiple of 8, from 64 on (0: as the model was trained)",
                            std::to_string(to));
}

void read_diffusion(object_reader& reader, request& r) {
    diffusion_settings& d = r.diffusion;
    reader.read("seed", -1, INT64_MAX, r.seed); // those of other programs go beyond 32 bits
    reader.read("model", d.model);
    reader.read("vae", d.vae);
    reader.read("prompt", d.prompt);
    reader.read("negative_prompt", d.negative_prompt);
    reader.read("steps", 1, 1000, d.steps);
    reader.read("cfg", 1.0, 100.0, d.cfg);
    d.sampler = reader.read("sampler", find_sampler, sampler_names()).value_or(d.sampler);
    d.scheduler = reader.read("scheduler", find_scheduler, scheduler_names());
    reader.read("rng", generators, d.rng);
    reader.read("clip_skip", 1, 12, d.clip_skip);
    reader.read("batch", 1, 64, d.batch);
    reader.read("prediction", predictions, d.prediction);
    reader.read("zero_terminal_snr", d.zero_terminal_snr);
    reader.read("dtype", dtypes, d.dtype);
    if (r.operation == operation::txt2img) {
        read_size(reader, "width", d.width);
        read_size(reader, "height", d.height);
    } else {
        reader.read("strength", 0.01, 1.0, d.strength);
        reader.read("strength_rule", strength_rules, d.strength_rule);
    }
    if (r.seed > INT64_MAX - (d.batch - 1))
        fail("The request's \"seed\" is too large for a \"batch\" of {}: its pictures have the seeds that follow.",
             d.batch);
}

void write_diffusion(json& object, request const& r) {
    diffusion_settings const& d = r.diffusion;
    object.update({{"model", d.model},
                   {"prompt", d.prompt},
                   {"negative_prompt", d.negative_prompt},
                   {"steps", d.steps},
                   {"cfg", d.cfg},
                   {"sampler", name_of(d.sampler)},
                   {"rng", name_of<generator>(d.rng, generators)},
                   {"clip_skip", d.clip_skip},
                   {"batch", d.batch},
                   {"zero_terminal_snr", d.zero_terminal_snr}});
    if (!d.vae.empty()) object["vae"] = d.vae;
    if (d.scheduler) object["scheduler"] = name_of(*d.scheduler);
    if (d.dtype) object["dtype"] = name_of<dtype>(*d.dtype, dtypes);
    if (d.prediction) object["prediction"] = name_of<prediction>(*d.prediction, predictions);
    if (r.operation == operation::txt2img)
        object.update({{"width", d.width}, {"height", d.height}});
    else
        object.update(
            {{"strength", d.strength}, {"strength_rule", name_of<strength_rule>(d.strength_rule, strength_rules)}});
}

void write_area(json& object, rect const& area) {
    if (!area.empty()) object["area"] = {{"x", area.x}, {"y", area.y}, {"width", area.width}, {"height", area.height}};
}

void read_inpaint(object_reader& reader, request& r, std::vector<std::string>* unknown) {
    reader.read("seed", -1, 0xFFFFFFFF, r.seed);
    reader.read("method", methods, r.method);
    reader.read("context", contexts, r.context);
    reader.read("source", sources, r.source);
    if (json const* area = reader.find("area")) r.area = area_from_json(*area, unknown);
}

void write_inpaint(json& object, request const& r) {
    object.update({{"method", name_of<method>(r.method, methods)},
                   {"context", name_of<context>(r.context, contexts)},
                   {"source", name_of<source>(r.source, sources)}});
    write_area(object, r.area);
}

void read_upscale(object_reader& reader, request& r, std::vector<std::string>* unknown) {
    upscale_settings& u = r.upscale;
    reader.read("model", u.model);
    reader.read("scale", 1.0, upscale_settings::largest_scale, u.scale);
    reader.read("tile", 0, 1 << 14, u.tile);
    reader.read("dtype", dtypes, u.dtype);
    reader.read("source", sources, r.source);
    if (json const* area = reader.find("area")) r.area = area_from_json(*area, unknown);
}

void write_upscale(json& object, request const& r) {
    upscale_settings const& u = r.upscale;
    object.update({{"model", u.model}, {"scale", u.scale}, {"source", name_of<source>(r.source, sources)}});
    if (u.tile) object["tile"] = u.tile;
    if (u.dtype) object["dtype"] = name_of<dtype>(*u.dtype, dtypes);
    write_area(object, r.area);
}

} // namespace

request request_from_json(json const& object, std::vector<std::string>* unknown) {
    if (!object.is_object()) fail("A request must be a JSON object, not {}.", json_show(object));
    object_reader reader{object, ""};
    request r;
    int version = 0;
    reader.read("sfumato", request::version, request::version, version, true);
    reader.read("operation", operations, r.operation);
    switch (r.operation) {
    case operation::inpaint: read_inpaint(reader, r, unknown); break;
    case operation::upscale: read_upscale(reader, r, unknown); break;
    case operation::txt2img:
    case operation::img2img: read_diffusion(reader, r); break;
    }
    reader.find("made_by"); // a layer's recipe says which version made it; it changes no pixel
    reader.report_unknown(unknown);
    return r;
}

json request_to_json(request const& r) {
    json object{{"sfumato", request::version}, {"operation", name_of<operation>(r.operation, operations)}};
    if (r.operation != operation::upscale) object["seed"] = r.seed;
    switch (r.operation) {
    case operation::inpaint: write_inpaint(object, r); break;
    case operation::upscale: write_upscale(object, r); break;
    case operation::txt2img:
    case operation::img2img: write_diffusion(object, r); break;
    }
    return object;
}

request resolve(request r) {
    if (r.operation != operation::upscale) {
        if (r.seed < 0) r.seed = std::random_device{}();
    } else if (r.upscale.model.empty()) {
        r.upscale.model = r.upscale.scale > 2 ? "sfumato:upscale-x4" : "sfumato:upscale-x2";
    }
    return r;
}

} // namespace sfumato
