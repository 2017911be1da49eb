#include "models/eval/case.h"

#include "compute/error.h"
#include "compute/half.h"
#include "models/files/safetensors.h"
#include "models/files/safetensors_write.h"
#include "request/json.h"

#include <algorithm>
#include <cstring>

namespace sfumato {

using nlohmann::json;

namespace {

template <class T, class Convert>
std::vector<float> each(std::span<std::byte const> bytes, std::size_t count, Convert const& convert) {
    std::vector<float> values(count);
    for (std::size_t i = 0; i < count; ++i) {
        T number;
        std::memcpy(&number, bytes.data() + i * sizeof(T), sizeof(T));
        values[i] = convert(number);
    }
    return values;
}

std::vector<float> values_of(stored_tensor const& t, std::string_view name, std::string const& source) {
    auto const as_it_is = [](auto number) { return float(number); };
    switch (t.type) {
    case stored_type::f64: return each<double>(t.mapped, t.count(), as_it_is);
    case stored_type::f32: return each<float>(t.mapped, t.count(), as_it_is);
    case stored_type::f16: return each<std::uint16_t>(t.mapped, t.count(), f16_value);
    case stored_type::bf16: return each<std::uint16_t>(t.mapped, t.count(), bf16_value);
    case stored_type::i64: return each<std::int64_t>(t.mapped, t.count(), as_it_is);
    case stored_type::i32: return each<std::int32_t>(t.mapped, t.count(), as_it_is);
    default:
        fail("'{}' has tensor {} of {}; numbers of cases are f64, f32, f16, bf16, i64 or i32.", source, show_name(name),
             show_shape(t));
    }
}

std::string show_wanted(std::initializer_list<std::int64_t> wanted) {
    std::string text = "[";
    for (std::int64_t extent : wanted)
        text += (text.size() > 1 ? ", " : "") + (extent == any_extent ? "any" : std::to_string(extent));
    return text + "]";
}

} // namespace

case_tensor const& network_case::at(std::string_view name, std::initializer_list<std::int64_t> wanted) const {
    auto const found = tensors.find(name);
    if (found == tensors.end()) fail("The case '{}' has no tensor '{}'.", source, name);
    auto const fits = [](std::int64_t extent, std::int64_t asked) {
        return asked == any_extent ? extent > 0 && extent < (1 << 24) : extent == asked;
    };
    if (!std::ranges::equal(found->second.shape, wanted, fits))
        fail("The case '{}' has '{}' as {}; {} is wanted there.", source, name,
             show_shape({.shape = found->second.shape}), show_wanted(wanted));
    return found->second;
}

network_case read_case(std::string const& path) {
    checkpoint const file = read_safetensors(map_file(path), path);
    network_case c{.source = path,
                   .which = file.metadata.value("which", ""),
                   .config = {},
                   .metadata = file.metadata,
                   .tensors = {}};
    if (file.metadata.contains("config"))
        c.config = json_parse(file.metadata["config"].get<std::string>(), "The config of the case '" + path + "'");
    for (auto const& [name, t] : file.tensors) c.tensors[name] = {t.shape, values_of(t, name, path)};
    return c;
}

void write_case(std::filesystem::path const& path, case_tensors const& tensors, json const& metadata) {
    std::map<std::string, stored_tensor, std::less<>> all;
    for (auto const& [name, t] : tensors) all.emplace(name, f32_tensor(t.shape, t.values));
    write_safetensors(path, all, metadata);
}

} // namespace sfumato
