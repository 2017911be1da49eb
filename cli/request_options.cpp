#include "cli/request_options.h"

#include "cli/recipe.h"
#include "models/json.h"

#include <cstdint>
#include <format>
#include <nlohmann/json.hpp>

namespace sfumato {

using nlohmann::json;

namespace {

json value_of(options const& given, request_option const& o) {
    switch (o.is) {
    case request_option::text: return given.value(o.option);
    case request_option::whole: return given.number(o.option, INT64_MIN, INT64_MAX, 0);
    case request_option::real: return given.real(o.option);
    case request_option::flag: break;
    }
    return true;
}

} // namespace

request request_of(options const& given, std::string_view operation, std::span<request_option const> known,
                   progress_line& line) {
    json object{{"sfumato", request::version}};
    if (given.has("--recipe")) object = json_parse(read_recipe(given.value("--recipe")), given.value("--recipe"));
    if (object.is_object()) {
        object["operation"] = operation;
        for (request_option const& o : known)
            if (given.has(o.option)) object[o.key] = value_of(given, o);
    }
    std::vector<std::string> unknown;
    request r = resolve(request_from_json(object, &unknown));
    for (std::string const& key : unknown) line.warn(std::format("the request's \"{}\" is not known here", key));
    return r;
}

std::vector<std::string_view> with_value(std::span<request_option const> known, std::vector<std::string_view> more) {
    more.push_back("--recipe");
    for (request_option const& o : known)
        if (o.is != request_option::flag) more.push_back(o.option);
    return more;
}

} // namespace sfumato
