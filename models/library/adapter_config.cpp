#include "models/library/adapter_config.h"

#include "compute/error.h"
#include "request/json.h"

#include <array>
#include <cmath>

namespace sfumato {

using nlohmann::json;

namespace {

constexpr std::size_t longest = 1 << 20; // bytes of a config

// Null where it is none.
json object_in(std::string_view text) try {
    if (text.size() > longest) return nullptr;
    json parsed = json_parse(text, "adapter config");
    return parsed.is_object() ? parsed : json();
} catch (error const&) {
    return nullptr;
}

json file_beside(checkpoint const& lora) try {
    auto const path = std::filesystem::path(lora.source).replace_filename("adapter_config.json");
    std::error_code gone;
    if (lora.files.empty() || !std::filesystem::is_regular_file(path, gone)) return nullptr;
    mapped_file const file = map_file(path);
    return object_in({reinterpret_cast<char const*>(file.bytes.data()), file.bytes.size()});
} catch (error const&) {
    return nullptr;
}

double number(json const& object, char const* key) {
    auto const found = object.find(key);
    bool const there = found != object.end() && found->is_number() && std::isfinite(found->get<double>());
    return there ? found->get<double>() : 0;
}

// "unet.lora_alpha": 8 → "unet": {"lora_alpha": 8}
json by_parts(json const& flat) {
    json parts = json::object();
    for (auto const& [key, value] : flat.items())
        for (std::string const name : {"lora_alpha", "alpha_pattern", "use_rslora"})
            if (key == name || key.ends_with("." + name))
                parts[key.substr(0, key.size() - std::min(key.size(), name.size() + 1))][name] = value;
    return parts;
}

// That of the module in the part's pattern, else the part's own.
double alpha_of(json const& part, std::string_view module) {
    auto const pattern = part.find("alpha_pattern");
    if (pattern != part.end() && pattern->is_object())
        for (auto const& [name, value] : pattern->items())
            if (module == name || module.ends_with("." + name)) return number(*pattern, name.c_str());
    return number(part, "lora_alpha");
}

} // namespace

adapter_config::adapter_config(checkpoint const& lora) {
    auto const found = lora.metadata.is_object() ? lora.metadata.find("lora_adapter_metadata") : lora.metadata.end();
    bool const stated = lora.metadata.is_object() && found != lora.metadata.end() && found->is_string();
    json const flat = stated ? object_in(found->get_ref<std::string const&>()) : file_beside(lora);
    if (flat.is_object()) parts_ = by_parts(flat);
}

double adapter_config::scale_of(std::string_view module, std::int64_t rank) const {
    for (auto const& [name, part] : parts_.items()) {
        if (!name.empty() && !module.starts_with(name + ".")) continue;
        double const alpha = alpha_of(part, module);
        if (alpha == 0) return 1;
        bool const by_root = part.value("use_rslora", json()) == true;
        return alpha / (by_root ? std::sqrt(double(rank)) : double(rank));
    }
    return 1;
}

} // namespace sfumato
