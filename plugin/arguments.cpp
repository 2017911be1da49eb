#include "plugin/arguments.h"

#include "request/fields.h"
#include "request/json.h"
#include "request/names.h"
#include "ui/translated.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <utility>

namespace sfumato {

namespace {

// GIMP's names have hyphens: "negative-prompt".
std::string argument_name(field const& f) {
    std::string name(f.key);
    std::ranges::replace(name, '_', '-');
    return name;
}

// GIMP's whole numbers have 32 bits. Where that is too little, a real number is one, which has 53.
bool fits_int(whole_number const& n) { return std::in_range<int>(n.least) && std::in_range<int>(n.most); }
constexpr std::int64_t most_of_double = std::int64_t(1) << 53;

// A value may be left to Sfumato. Then a choice has one name more, and a number one more below its least.
constexpr std::string_view automatic = "automatic";
bool is_optional(field const& f) { return std::holds_alternative<std::monostate>(f.get({})); }

// Adds an argument of a type; of `initial`, the field's default, a choice and a number have one.
struct argument_maker {
    GimpProcedure* procedure;
    std::string name;
    char const *label, *blurb;
    choice_list const& words;
    field_value initial;
    bool optional;

    void operator()(free_text const& t) const {
        if (t.names_a_model)
            gimp_procedure_add_file_argument(procedure, name.c_str(), label, blurb, GIMP_FILE_CHOOSER_ACTION_ANY, TRUE,
                                             nullptr, G_PARAM_READWRITE);
        else
            gimp_procedure_add_string_argument(procedure, name.c_str(), label, blurb,
                                               std::get<std::string>(initial).c_str(), G_PARAM_READWRITE);
    }
    void operator()(whole_number const& n) const {
        auto const* const given = std::get_if<std::int64_t>(&initial);
        std::int64_t const least = n.least - optional, value = given ? *given : least;
        if (fits_int(n))
            gimp_procedure_add_int_argument(procedure, name.c_str(), label, blurb, int(least), int(n.most), int(value),
                                            G_PARAM_READWRITE);
        else
            gimp_procedure_add_double_argument(procedure, name.c_str(), label, blurb, double(least),
                                               double(std::min(n.most, most_of_double)), double(value),
                                               G_PARAM_READWRITE);
    }
    void operator()(real_number const& n) const {
        gimp_procedure_add_double_argument(procedure, name.c_str(), label, blurb, n.least, n.most,
                                           std::get<double>(initial), G_PARAM_READWRITE);
    }
    void operator()(truth const&) const {
        gimp_procedure_add_boolean_argument(procedure, name.c_str(), label, blurb, std::get<bool>(initial),
                                            G_PARAM_READWRITE);
    }
    void operator()(choice const& c) const {
        auto names = c.names();
        if (optional) names.insert(names.begin(), automatic);
        [[maybe_unused]] auto const is_one = [&](choice_words const& w) {
            return std::ranges::find(names, std::string_view(w.name)) != names.end();
        };
        assert(std::ranges::all_of(words, is_one));
        choice_list all = words;
        if (all.empty())
            for (std::string_view n : names) all.push_back({n.data(), n.data()}); // literals
        auto const* const given = std::get_if<std::string>(&initial);
        add_choice_argument(procedure, name.c_str(), label, blurb, all, given ? given->c_str() : automatic.data());
    }
    void operator()(lora_list const&) const { assert(!"no procedure has it yet"); }
    void operator()(place const&) const { assert(!"an area is captured, not asked for"); }
};

// The value of an argument of a type, as JSON has it; null: left to Sfumato.
struct argument_value {
    GimpProcedureConfig* config;
    std::string name;
    bool optional;

    nlohmann::json operator()(free_text const& t) const {
        return t.names_a_model ? model_name(config, name.c_str()) : text(config, name.c_str());
    }
    nlohmann::json operator()(whole_number const& n) const {
        if (!fits_int(n)) {
            double const value = real(config, name.c_str());
            return value == std::floor(value) ? nlohmann::json(std::int64_t(value)) : nlohmann::json(value);
        }
        int value = 0;
        g_object_get(config, name.c_str(), &value, nullptr);
        return optional && value < n.least ? nlohmann::json() : nlohmann::json(value);
    }
    nlohmann::json operator()(real_number const&) const { return real(config, name.c_str()); }
    nlohmann::json operator()(truth const&) const { return boolean(config, name.c_str()); }
    nlohmann::json operator()(choice const&) const {
        std::string const chosen = text(config, name.c_str());
        return optional && chosen == automatic ? nlohmann::json() : nlohmann::json(chosen);
    }
    nlohmann::json operator()(auto const&) const { return nullptr; } // of an area or LoRAs: there is none
};

using file_handle = std::unique_ptr<GFile, decltype(&g_object_unref)>;

// As model_name() reads it; empty: none.
file_handle file_of_model(std::string const& name) {
    return {name.starts_with('/') ? g_file_new_for_path(name.c_str()) : g_file_new_for_uri(name.c_str()),
            g_object_unref};
}

// Sets an argument of a type to a field's value.
struct argument_setter {
    GObject* config;
    char const* name;
    field_value value;

    void operator()(free_text const& t) const {
        auto const& words = std::get<std::string>(value);
        if (!t.names_a_model)
            g_object_set(config, name, words.c_str(), nullptr);
        else
            g_object_set(config, name, words.empty() ? nullptr : file_of_model(words).get(), nullptr);
    }
    void operator()(whole_number const& n) const {
        auto const* const given = std::get_if<std::int64_t>(&value);
        std::int64_t const number = given ? *given : n.least - 1;
        if (fits_int(n))
            g_object_set(config, name, int(number), nullptr);
        else
            g_object_set(config, name, double(number), nullptr);
    }
    void operator()(real_number const&) const { g_object_set(config, name, std::get<double>(value), nullptr); }
    void operator()(truth const&) const { g_object_set(config, name, gboolean(std::get<bool>(value)), nullptr); }
    void operator()(choice const&) const {
        auto const* const given = std::get_if<std::string>(&value);
        g_object_set(config, name, given ? given->c_str() : automatic.data(), nullptr);
    }
    void operator()(auto const&) const {} // of an area or LoRAs: there is none
};

} // namespace

void set_arguments(GimpProcedureConfig* config, request const& r) {
    for (field const* f : fields_of(r.operation)) {
        std::string const name = argument_name(*f);
        if (f->of_diffusion && !by_diffusion(r)) continue; // it says nothing about them
        if (g_object_class_find_property(G_OBJECT_GET_CLASS(config), name.c_str()))
            std::visit(argument_setter{G_OBJECT(config), name.c_str(), f->get(r)}, f->type);
    }
}

void add_argument(GimpProcedure* procedure, operation o, char const* key, char const* label, char const* blurb,
                  choice_list const& choices, request const& initial) {
    field const* const f = find_field(o, key);
    assert(f && "the operation has such a field");
    std::visit(argument_maker{procedure, argument_name(*f), label, blurb, choices, f->get(initial), is_optional(*f)},
               f->type);
}

request request_from(GimpProcedureConfig* config, operation o) {
    nlohmann::json object{{"sfumato", request::version}};
    for (field const* f : fields_of(o)) {
        std::string const name = argument_name(*f);
        if (!g_object_class_find_property(G_OBJECT_GET_CLASS(config), name.c_str())) continue;
        if (auto value = std::visit(argument_value{config, name, is_optional(*f)}, f->type); !value.is_null())
            object[f->key] = std::move(value);
    }
    object["operation"] = name_of(o);
    try {
        return request_from_json(object);
    } catch (request_error const& e) {
        fail("The argument “{}” must be {}, not {}.", argument_name(*find_field(o, e.key)), e.rule, e.value);
    }
}

bool boolean(GimpProcedureConfig* config, char const* argument) {
    gboolean value = FALSE;
    g_object_get(config, argument, &value, nullptr);
    return value;
}

double real(GimpProcedureConfig* config, char const* argument) {
    double value = 0;
    g_object_get(config, argument, &value, nullptr);
    return value;
}

int whole(GimpProcedureConfig* config, char const* argument) {
    int value = 0;
    g_object_get(config, argument, &value, nullptr);
    return value;
}

std::string text(GimpProcedureConfig* config, char const* argument) {
    char* value = nullptr;
    g_object_get(config, argument, &value, nullptr);
    std::unique_ptr<char, decltype(&g_free)> const kept(value, g_free);
    return value ? value : "";
}

std::string model_name(GimpProcedureConfig* config, char const* argument) {
    GFile* value = nullptr;
    g_object_get(config, argument, &value, nullptr);
    if (!value) return "";
    file_handle const file(value, g_object_unref);
    std::unique_ptr<char, decltype(&g_free)> const path(g_file_get_path(value), g_free),
        uri(g_file_get_uri(value), g_free);
    if (path) return path.get();
    std::string_view const name = uri.get();
    if (!name.starts_with("procedural:") && !name.starts_with("sfumato:"))
        fail("The model {} is not on this computer; choose a file that is.", uri.get());
    return uri.get();
}

// What is filled is what is seen; what is enlarged has a shape and a transparency of its own.
void add_source_argument(GimpProcedure* procedure, operation o) {
    choice_list const words{{"layer", _("Active layer")}, {"visible", _("All visible layers")}};
    if (find_field(o, "source"))
        add_argument(procedure, o, "source", _("Sourc_e"), _("Which pixels are read"), words,
                     {.source = o == operation::inpaint ? source::visible : source::layer});
    else // a request for one picture does not say where it is from
        add_choice_argument(procedure, "source", _("Sourc_e"), _("Which pixels are read"), words, "layer");
}

void add_method_argument(GimpProcedure* procedure) {
    add_argument(procedure, operation::inpaint, "method", _("_Method"),
                 _("What fills the selection; automatic: a diffusion model where one is chosen, else LaMa where its "
                   "file is found, else patches"),
                 {{"automatic", _("Automatic")},
                  {"patchmatch", _("Patches of the surroundings")},
                  {"lama", _("LaMa, for large selections")},
                  {"diffusion", _("A diffusion model")}});
}

sentence say_found(request const& r) {
    return say(" LaMa found: {}.", std::filesystem::path(r.diffusion.model).filename().string());
}

void add_context_argument(GimpProcedure* procedure) {
    add_argument(procedure, operation::inpaint, "context", _("Con_text"),
                 _("How much of the surroundings the fill may look at"),
                 {{"automatic", _("Automatic")},
                  {"image", _("All of the source")},
                  {"selection", _("Bounds of the selection")}});
}

void add_object_argument(GimpProcedure* procedure) {
    add_argument(
        procedure, operation::inpaint, "object", _("_Find the object"),
        _("The selection is rough, a stroke over an object: it grows to the object's edge and a little beyond"));
}

void add_seed_argument(GimpProcedure* procedure, operation o) {
    add_argument(
        procedure, o, "seed", _("See_d"),
        _("The same seed gives the same result. −1 chooses a new one each time; the layer's name and recipe tell it."));
}

void add_recipe_argument(GimpProcedure* procedure) {
    gimp_procedure_add_boolean_argument(procedure, keeps_recipe, _("_Remember how it was made"),
                                        _("The layer carries its recipe, with the words, also in saved files"), TRUE,
                                        G_PARAM_READWRITE);
}

source source_of(GimpProcedureConfig* config) {
    check_choice(config, "source", {"layer", "visible"});
    return text(config, "source") == "layer" ? source::layer : source::visible;
}

void check_choice(GimpProcedureConfig* config, char const* argument, std::vector<std::string_view> const& names) {
    std::string const chosen = text(config, argument);
    if (std::ranges::find(names, chosen) == names.end())
        fail("The argument “{}” must be {}, not {}.", argument, one_of(names), json_show(chosen));
}

} // namespace sfumato
