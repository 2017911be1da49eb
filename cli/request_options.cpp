#include "cli/request_options.h"

#include "models/library/find_lama.h"
#include "pictures/recipe.h"
#include "request/fields.h"
#include "request/json.h"
#include "request/known_models.h"
#include "request/names.h"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <format>
#include <nlohmann/json.hpp>
#include <optional>

namespace sfumato {

using nlohmann::json;

namespace {

std::vector<field const*> fields_with_option(operation o) {
    std::vector<field const*> all = fields_of(o);
    std::erase_if(all, [](field const* f) { return f->option.empty(); });
    return all;
}

bool is_repeatable(field const& f) { return std::holds_alternative<lora_list>(f.type); }
bool is_flag(field const& f) { return std::holds_alternative<truth>(f.type); }

template <class T> std::optional<T> number_in(std::string const& text) {
    T number{};
    auto const [end, status] = std::from_chars(text.data(), text.data() + text.size(), number);
    bool const whole = status == std::errc() && end == text.data() + text.size();
    return whole && std::isfinite(double(number)) ? std::optional(number) : std::nullopt;
}

// A choice may be left to Sfumato by name, too, which takes a recipe's away.
constexpr std::string_view automatic = "auto";
bool can_be_left(field const& f) {
    return std::holds_alternative<choice>(f.type) && std::holds_alternative<std::monostate>(f.get(request()));
}

// FILE or FILE:WEIGHT
json lora_of(std::string const& text) {
    auto const colon = text.rfind(':');
    auto const weight = colon == text.npos ? std::nullopt : number_in<double>(text.substr(colon + 1));
    return {{"file", weight ? text.substr(0, colon) : text}, {"weight", weight.value_or(1)}};
}

json loras_of(std::vector<std::string> const& texts) {
    json list = json::array();
    for (std::string const& text : texts) list.push_back(lora_of(text));
    return list;
}

// What is no number stays a text: the request's own check then says what it must be.
json value_of(std::string const& text, field_type const& type) {
    if (std::holds_alternative<truth>(type)) return true;
    if (std::holds_alternative<whole_number>(type))
        if (auto const number = number_in<std::int64_t>(text)) return *number;
    if (std::holds_alternative<real_number>(type))
        if (auto const number = number_in<double>(text)) return *number;
    return text;
}

void set(json& object, field const& f, options const& given) {
    std::string const text = given.value(f.option_name());
    if (can_be_left(f) && text == automatic)
        object.erase(f.key);
    else
        object[f.key] = is_repeatable(f) ? loras_of(given.lists.find(f.option_name())->second) : value_of(text, f.type);
}

// A value that stands in the command line is a mistake in the command line.
request checked(json const& object, options const& given, operation o, std::vector<std::string>& unknown) try {
    return request_from_json(object, &unknown);
} catch (request_error const& e) {
    field const* const f = find_field(o, e.key);
    if (!f || f->option.empty() || !given.has(f->option_name())) throw;
    if (is_repeatable(*f))
        throw usage_error(std::format("{} must be {}, with a weight from {} to {}", f->option_name(),
                                      f->option.substr(f->option_name().size() + 1), -lora_choice::largest_weight,
                                      lora_choice::largest_weight));
    std::string const text = given.value(f->option_name());
    bool const is_number = object.at(e.key).is_number();
    throw usage_error(
        std::format("{} must be {}, not {}", f->option_name(), e.rule, is_number ? text : json_show(text)));
}

// ---- Help

std::string in_words(field_value const& value) {
    if (auto const number = std::get_if<std::int64_t>(&value)) return std::to_string(*number);
    if (auto const number = std::get_if<double>(&value)) return std::format("{}", *number);
    auto const text = std::get_if<std::string>(&value);
    return text ? *text : "";
}

std::string range_in_words(field_type const& type) {
    if (auto const n = std::get_if<whole_number>(&type))
        return n->multiple_of == 1 ? std::format("{} to {}", n->least, n->most)
                                   : std::format("a multiple of {}, {} to {}", n->multiple_of, n->smallest, n->most);
    if (auto const n = std::get_if<real_number>(&type)) return std::format("{} to {}", n->least, n->most);
    return "";
}

// "how often the network goes over the picture (1 to 1000; default: 20)"
std::string help_of(field const& f) {
    std::string text(f.help), facts = range_in_words(f.type);
    if (auto const c = std::get_if<choice>(&f.type)) {
        auto names = c->names();
        if (can_be_left(f)) names.insert(names.begin(), automatic);
        text += ": " + list_names(names);
    }
    std::string const otherwise = f.unset.empty() ? in_words(f.get(request())) : std::string(f.unset);
    if (!otherwise.empty()) facts += (facts.empty() ? "default: " : "; default: ") + otherwise;
    return facts.empty() ? text : std::format("{} ({})", text, facts);
}

// Of a model that wants other steps than most, what nobody says otherwise is as it wants it. A recipe has said all.
void take_known_steps(request& r, options const& given, progress_line& line) {
    if (!by_diffusion(r) || given.has("--recipe")) return;
    auto const known = known_by_name(r.diffusion);
    if (!known) return;
    diffusion_settings& d = r.diffusion;
    step_settings const& wanted = known->settings;
    step_settings const asked = steps_in(d);
    if (!given.has("--steps")) d.steps = wanted.steps;
    if (!given.has("--cfg")) d.cfg = wanted.cfg;
    if (!given.has("--sampler")) d.sampler = wanted.sampler;
    if (!given.has("--sampler") && !given.has("--scheduler")) d.scheduler = wanted.scheduler;
    if (steps_in(d) == asked) return;
    std::string const settings = in_words(steps_in(d)).text();
    line.note(std::format("{} is {} by its name: {}", known->file, known->kind, settings),
              {{"type", "known model"}, {"file", known->file}, {"kind", known->kind}, {"settings", settings}});
}

} // namespace

request request_of(options const& given, operation o, progress_line& line) {
    json object{{"sfumato", request::version}};
    if (given.has("--recipe")) object = json_parse(read_recipe(given.value("--recipe")), given.value("--recipe"));
    if (object.is_object()) {
        object["operation"] = name_of(o);
        for (field const* f : fields_with_option(o))
            if (given.has(f->option_name())) set(object, *f, given);
        // A recipe's model goes with its method.
        if (o == operation::inpaint && given.value("--method") == automatic && !given.has("--model"))
            object.erase("model");
    }
    std::vector<std::string> unknown;
    request r = resolve(checked(object, given, o, unknown), find_lama);
    for (std::string const& key : unknown) line.warn(std::format("the request's \"{}\" is not known here", key));
    take_known_steps(r, given, line);
    return r;
}

std::vector<std::string_view> options_with_value(operation o, std::vector<std::string_view> own) {
    own.push_back("--recipe");
    for (field const* f : fields_with_option(o))
        if (!is_flag(*f)) own.push_back(f->option_name());
    return own;
}

std::vector<std::string_view> repeatable_options(operation o) {
    std::vector<std::string_view> all;
    for (field const* f : fields_with_option(o))
        if (is_repeatable(*f)) all.push_back(f->option_name());
    return all;
}

std::vector<std::string_view> options_without_value(operation o, std::vector<std::string_view> own) {
    for (field const* f : fields_with_option(o))
        if (is_flag(*f)) own.push_back(f->option_name());
    return own;
}

std::vector<help_option> options_help(operation o) {
    std::vector<help_option> all;
    for (field const* f : fields_with_option(o)) all.push_back({std::string(f->option), help_of(*f)});
    all.push_back({"--recipe FILE", "a PNG that an earlier run wrote, or its JSON; the options above win"});
    return all;
}

} // namespace sfumato
