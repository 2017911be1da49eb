#include "engine/messages.h"

#include "compute/error.h"
#include "request/fields.h"
#include "request/json.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace sfumato {

using nlohmann::json;

namespace {

constexpr std::array<std::string_view, 3> kinds{"all", "upscaler", "lama"}; // in the order of model_kind

json head_of(char const* type, std::int64_t id) { return {{"type", type}, {"id", id}}; }

json const& member(json const& object, char const* key, char const* of) {
    auto const found = object.find(key);
    if (found == object.end()) fail("A \"{}\" message must hold \"{}\".", of, key);
    return *found;
}

std::int64_t whole(json const& object, char const* key, std::int64_t least, std::int64_t most, char const* of) {
    json const& value = member(object, key, of);
    bool const fits = value.is_number_integer() &&
                      (!value.is_number_unsigned() || value.get<std::uint64_t>() <= std::uint64_t(INT64_MAX)) &&
                      value.get<std::int64_t>() >= least && value.get<std::int64_t>() <= most;
    if (!fits)
        fail("The \"{}\" of a \"{}\" message must be a whole number from {} to {}, not {}.", key, of, least, most,
             json_show(value));
    return value.get<std::int64_t>();
}

std::string text_in(json const& object, char const* key, std::size_t longest, char const* of) {
    json const& value = member(object, key, of);
    if (!value.is_string() || value.get_ref<std::string const&>().size() > longest)
        fail("The \"{}\" of a \"{}\" message must be a text of at most {} bytes.", key, of, longest);
    return value;
}

constexpr std::size_t longest_device = 1024; // bytes of its name
constexpr int far = 1 << 28;                 // of a pixel, in an enlarged picture

void check_sendable(int width, int height) {
    if (width < 1 || height < 1 || std::int64_t(width) * height > protocol::max_pixels)
        fail("A picture of {} × {} pixels cannot be processed: it must have 1 pixel to {} million pixels.", width,
             height, protocol::max_pixels / 1'000'000);
}

blob_view view(std::string_view name, picture const& p) {
    check_sendable(p.width, p.height);
    return {name, {p.height, p.width, 4}, p.pixels};
}

blob_view view(std::string_view name, mask const& m) {
    check_sendable(m.width, m.height);
    return {name, {m.height, m.width}, m.values};
}

// Nothing: there is none of that name.
blob* find_blob(message& from, std::string_view name, std::size_t dimensions) {
    auto const found = std::ranges::find(from.blobs, name, &blob::name);
    if (found == from.blobs.end()) return nullptr;
    if (found->shape.size() != dimensions)
        fail("The blob \"{}\" must have {} sizes, not {}.", name, dimensions, found->shape.size());
    check_values(*found);
    return &*found;
}

void check_values(blob_view const& b) {
    bool const is_picture = b.shape.size() == 3;
    auto const is_allowed = [&](float v) { return is_picture ? std::isfinite(v) : v >= 0 && v <= 1; };
    auto const bad = std::ranges::find_if_not(b.values, is_allowed);
    if (bad == b.values.end()) return;
    auto const pixel = (bad - b.values.begin()) / (is_picture ? 4 : 1), x = pixel % b.shape[1], y = pixel / b.shape[1];
    if (is_picture)
        fail("The picture holds the value {} at column {}, row {}; every pixel must be a finite number.", *bad, x, y);
    fail("The mask holds the value {} at column {}, row {}; it must lie within 0 and 1.", *bad, x, y);
}

outgoing encode_pixels(std::int64_t id, std::uint64_t want, blob_view const& pixels) {
    check_values(pixels);
    json head = head_of("pixels", id);
    head["want"] = want;
    return encode(std::move(head), {pixels});
}

named_picture named_picture_from_json(json const& value) {
    if (!value.is_object()) fail("A run's picture must be described by an object, not {}.", json_show(value));
    constexpr char const* of = "run";
    return {.name = text_in(value, "name", 64, of),
            .width = int(whole(value, "width", 1, far, of)),
            .height = int(whole(value, "height", 1, far, of)),
            .channels = int(whole(value, "channels", 1, 4, of))};
}

} // namespace

json to_json(sentence const& s) {
    // What stands in the places may come from a file, and be as long as that likes.
    constexpr std::size_t longest = 4096;
    std::vector<std::string> arguments = s.arguments;
    for (std::string& a : arguments) a.resize(std::min(a.size(), longest));
    sentence const short_one(s.format.substr(0, longest), std::move(arguments));
    json object{{"format", short_one.format}, {"arguments", short_one.arguments}, {"text", short_one.text()}};
    for (sentence const& part : s.parts) object["parts"].push_back(part.empty() ? json() : to_json(part));
    return object;
}

sentence sentence_of(std::exception const& e) {
    auto const* const ours = dynamic_cast<error const*>(&e);
    return ours ? ours->said : sentence(std::string(e.what()));
}

sentence sentence_from_json(json const& value) {
    if (value.is_string()) return value.get<std::string>();
    if (!value.is_object()) return say("It was not said what.");
    auto const text = [](json const& v) { return v.is_string() ? v.get<std::string>() : json_show(v); };
    sentence s;
    if (value.contains("format")) s.format = text(value["format"]);
    auto const arguments = value.find("arguments");
    if (arguments != value.end() && arguments->is_array() && arguments->size() <= 32)
        for (json const& a : *arguments) s.arguments.push_back(text(a));
    auto const parts = value.find("parts");
    if (parts != value.end() && parts->is_array() && parts->size() <= s.arguments.size())
        for (json const& part : *parts) s.parts.push_back(part.is_null() ? sentence() : sentence_from_json(part));
    if (s.filled(s.format)) return s;
    return value.contains("text") ? text(value["text"]) : s.format;
}

std::int64_t id_of(message const& m) {
    return m.head.contains("id") ? whole(m.head, "id", 0, INT64_MAX, m.type().c_str()) : 0;
}

// ---- From the client

outgoing encode_run(char const* type, std::int64_t id, run_input const& in) {
    json head = head_of(type, id);
    head["request"] = request_to_json(in.request);
    json& pictures = head["pictures"] = json::array();
    for (named_picture const& p : in.pictures)
        pictures.push_back({{"name", p.name}, {"width", p.width}, {"height", p.height}, {"channels", p.channels}});
    if (in.previews) head["previews"] = true;
    if (in.nearest) head["nearest"] = true;
    if (!in.preview_model.empty()) head["preview_model"] = in.preview_model;
    if (in.device) head["device"] = *in.device;
    return encode(std::move(head));
}

run_message decode_run(message const& m) {
    std::string const type = m.type();
    run_message run;
    run_input& in = run.input;
    in.request = resolve(request_from_json(member(m.head, "request", type.c_str()), &run.unknown));
    json const pictures = m.head.value("pictures", json::array());
    if (!pictures.is_array() || pictures.size() > 16) fail("A run's \"pictures\" must be a list of at most 16.");
    for (json const& p : pictures) in.pictures.push_back(named_picture_from_json(p));
    if (m.head.contains("previews")) in.previews = m.head["previews"] == true;
    if (m.head.contains("nearest")) in.nearest = m.head["nearest"] == true;
    if (m.head.contains("preview_model")) in.preview_model = text_in(m.head, "preview_model", 1 << 16, type.c_str());
    if (m.head.contains("device")) in.device = text_in(m.head, "device", longest_device, type.c_str());
    check_pictures(in);
    return run;
}

outgoing encode_pixels(std::int64_t id, std::uint64_t want, picture const& p) {
    return encode_pixels(id, want, view("picture", p));
}
outgoing encode_pixels(std::int64_t id, std::uint64_t want, mask const& m) {
    return encode_pixels(id, want, view("mask", m));
}

std::uint64_t number_of_want(json const& head) { return std::uint64_t(whole(head, "want", 1, INT64_MAX, "pixels")); }

void check_shape(message const& begun, rect const& area, int channels) {
    std::vector<int> wanted{area.height, area.width};
    if (channels == 4) wanted.push_back(4);
    if (begun.blobs.size() != 1 || begun.blobs.front().shape != wanted)
        fail("The pixels that were sent are not the {} × {} pixels that were asked for.", area.width, area.height);
}

void check_values(blob const& b) { check_values(blob_view{b.name, b.shape, b.values}); }

picture picture_of(blob&& b) {
    picture p;
    p.width = b.shape[1];
    p.height = b.shape[0];
    p.pixels = std::move(b.values);
    return p;
}

mask mask_of(blob&& b) {
    mask m;
    m.width = b.shape[1];
    m.height = b.shape[0];
    m.values = std::move(b.values);
    return m;
}

outgoing encode_models(std::int64_t id, model_kind kind) {
    json head = head_of("models", id);
    head["kind"] = kinds[std::size_t(kind)];
    return encode(std::move(head));
}

model_kind kind_of(message const& m) {
    std::string const kind = text_in(m.head, "kind", 64, "models");
    auto const found = std::ranges::find(kinds, kind);
    if (found == kinds.end())
        fail("The \"kind\" of a \"models\" message must be {}, not {}.", one_of({kinds.begin(), kinds.end()}),
             json_show(kind));
    return model_kind(found - kinds.begin());
}

outgoing encode_describe(std::int64_t id, std::string const& model) {
    json head = head_of("describe", id);
    head["model"] = model;
    return encode(std::move(head));
}

std::string model_of(message const& m) { return text_in(m.head, "model", 1 << 16, "describe"); }

outgoing encode_devices(std::int64_t id) { return encode(head_of("devices", id)); }

// ---- From the engine

outgoing encode_want(std::int64_t id, want_message const& w) {
    json head = head_of("want", id);
    head.update({{"want", w.number},
                 {"name", w.name},
                 {"x", w.area.x},
                 {"y", w.area.y},
                 {"width", w.area.width},
                 {"height", w.area.height}});
    return encode(std::move(head));
}

want_message decode_want(message const& m) {
    auto const number = [&](char const* key, int least) { return int(whole(m.head, key, least, far, "want")); };
    return {.number = std::uint64_t(whole(m.head, "want", 1, INT64_MAX, "want")),
            .name = text_in(m.head, "name", 64, "want"),
            .area = {number("x", 0), number("y", 0), number("width", 1), number("height", 1)}};
}

outgoing encode_progress(std::int64_t id, progress const& p, picture const* preview) {
    json head = head_of("progress", id);
    head.update({{"stage", to_json(p.stage)}, {"fraction", p.fraction}, {"seconds_left", p.seconds_left}});
    if (!p.item.empty()) head["item"] = to_json(p.item);
    return preview ? encode(std::move(head), {view("preview", *preview)}) : encode(std::move(head));
}

progress decode_progress(message const& m) {
    auto const number = [&](char const* key, double otherwise) {
        auto const found = m.head.find(key);
        return found != m.head.end() && found->is_number() ? found->get<double>() : otherwise;
    };
    progress p{.stage = sentence_from_json(member(m.head, "stage", "progress")),
               .fraction = number("fraction", 0),
               .seconds_left = number("seconds_left", -1)};
    if (m.head.contains("item")) p.item = sentence_from_json(m.head["item"]);
    return p;
}

json to_json(run_plan const& p) {
    json object{{"text", to_json(p.text)}, {"needed", p.needed}, {"available", p.available}};
    if (p.seconds >= 0) object["seconds"] = p.seconds;
    return object;
}

run_plan run_plan_from_json(json const& object) {
    run_plan p{.text = sentence_from_json(member(object, "text", "plan")),
               .needed = std::uint64_t(whole(object, "needed", 0, INT64_MAX, "plan")),
               .available = std::uint64_t(whole(object, "available", 0, INT64_MAX, "plan"))};
    auto const seconds = object.find("seconds");
    if (seconds != object.end() && seconds->is_number()) p.seconds = *seconds;
    return p;
}

outgoing encode_plan(std::int64_t id, run_plan const& p) {
    json head = head_of("plan", id);
    head["plan"] = to_json(p);
    return encode(std::move(head));
}

outgoing encode_warning(std::int64_t id, sentence const& s) {
    json head = head_of("warning", id);
    head["message"] = to_json(s);
    return encode(std::move(head));
}

outgoing encode_result(std::int64_t id, run_result const& r) {
    json head = head_of("result", id);
    head.update({{"x", r.x}, {"y", r.y}, {"recipe", request_to_json(r.recipe)}});
    std::vector<blob_view> blobs{view("picture", r.picture)};
    if (!r.mask.values.empty()) blobs.push_back(view("mask", r.mask));
    return encode(std::move(head), blobs);
}

run_result decode_result(message&& m) {
    run_result r{.x = int(whole(m.head, "x", 0, far, "result")), .y = int(whole(m.head, "y", 0, far, "result"))};
    r.recipe = request_from_json(member(m.head, "recipe", "result"));
    blob* const pixels = find_blob(m, "picture", 3);
    if (!pixels) fail("A \"result\" message must carry a blob named \"picture\".");
    r.picture = picture_of(std::move(*pixels));
    blob* const values = find_blob(m, "mask", 2);
    if (!values) return r;
    r.mask = mask_of(std::move(*values));
    if (r.picture.width != r.mask.width || r.picture.height != r.mask.height)
        fail("The picture has {} × {} pixels, but its mask {} × {}.", r.picture.width, r.picture.height, r.mask.width,
             r.mask.height);
    return r;
}

json to_json(std::vector<device_choice> const& devices) {
    json list = json::array();
    for (device_choice const& d : devices) list.push_back({{"device", d.device}, {"name", d.name}});
    return list;
}

std::vector<device_choice> devices_from_json(json const& done) {
    json const& list = member(done, "devices", "done");
    std::vector<device_choice> devices;
    if (list.is_array())
        for (json const& d : list)
            devices.push_back(
                {text_in(d, "device", longest_device, "done"), text_in(d, "name", longest_device, "done")});
    return devices;
}

outgoing encode_model(std::int64_t id, model_summary const& about) {
    json head = head_of("model", id);
    head["model"] = to_json(about);
    return encode(std::move(head));
}

model_summary decode_model(message const& m) { return model_summary_from_json(member(m.head, "model", "model")); }

} // namespace sfumato
