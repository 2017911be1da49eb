#include "models/names/upscaler_names.h"

#include "models/files/number_in.h"

#include <algorithm>
#include <array>
#include <format>

namespace sfumato {

namespace {

constexpr std::array prefixes = {"", "module.", "model.", "net."};

// A tensor of each that no other network has.
constexpr std::string_view esrgan_tensor = "model.1.sub.0.RDB1.conv1.0.weight";
constexpr std::array known_tensors = {esrgan_tensor,
                                      std::string_view("RRDB_trunk.0.RDB1.conv1.weight"),
                                      std::string_view("body.0.rdb1.conv1.weight"),
                                      std::string_view("body.1.weight"),
                                      std::string_view("unet1.conv1.conv.0.weight"),
                                      std::string_view("net.12.weight")};

constexpr int most_layers = 64;

std::vector<std::string_view> parts_of(std::string_view name) {
    std::vector<std::string_view> parts;
    for (std::size_t dot = 0; dot != name.npos; name.remove_prefix(dot == name.npos ? 0 : dot + 1)) {
        dot = name.find('.');
        parts.push_back(name.substr(0, dot));
    }
    return parts;
}

std::string dense_name(std::string_view block, std::string_view dense, std::string_view rest) {
    return std::format("body.{}.rdb{}.{}", block, dense.substr(3), rest);
}

// Behind conv_body: for each doubling an upsampling, a convolution and its activation, which are three layers; then
// conv_hr, its activation and conv_last.
std::string esrgan_layer(int layer, int last) {
    if (layer == 0) return "conv_first";
    if (layer == last) return "conv_last";
    if (layer == last - 2) return "conv_hr";
    return layer > 1 && layer % 3 == 0 && (last - 4) % 3 == 0 ? std::format("conv_up{}", layer / 3) : "";
}

std::string from_esrgan(std::string_view name, int last) {
    auto const parts = parts_of(name);
    if (parts[0] == "model" && parts.size() == 3)
        if (auto const layer = esrgan_layer(number_in<int>(parts[1]).value_or(-1), last); !layer.empty())
            return std::format("{}.{}", layer, parts[2]);
    if (!name.starts_with("model.1.sub.")) return std::string(name);
    if (parts.size() == 5) return std::format("conv_body.{}", parts[4]);
    bool const dense = parts.size() == 8 && parts[4].starts_with("RDB") && parts[6] == "0";
    return dense ? dense_name(parts[3], parts[4], std::format("{}.{}", parts[5], parts[7])) : std::string(name);
}

std::string from_bsrgan(std::string_view name) {
    auto const parts = parts_of(name);
    if (parts[0] == "RRDB_trunk" && parts.size() == 5 && parts[2].starts_with("RDB"))
        return dense_name(parts[1], parts[2], std::format("{}.{}", parts[3], parts[4]));
    if (parts.size() != 2) return std::string(name);
    if (parts[0] == "trunk_conv") return std::format("conv_body.{}", parts[1]);
    if (parts[0] == "HRconv") return std::format("conv_hr.{}", parts[1]);
    if (parts[0].starts_with("upconv")) return std::format("conv_up{}.{}", parts[0].substr(6), parts[1]);
    return std::string(name);
}

} // namespace

std::string upscaler_names::canonical(std::string_view name) const {
    if (name.starts_with(prefix)) name.remove_prefix(prefix.size());
    return esrgan_last ? from_esrgan(name, esrgan_last) : from_bsrgan(name);
}

std::optional<upscaler_names> upscaler_names_of(checkpoint const& c) {
    auto const has = [&](std::string_view prefix, std::string_view name) {
        return c.find(std::string(prefix) + std::string(name)) != nullptr;
    };
    for (std::string_view const prefix : prefixes) {
        if (std::ranges::none_of(known_tensors, [&](std::string_view name) { return has(prefix, name); })) continue;
        upscaler_names names{.prefix = prefix};
        if (has(prefix, esrgan_tensor))
            for (int layer = 2; layer < most_layers; ++layer)
                if (has(prefix, std::format("model.{}.weight", layer))) names.esrgan_last = layer;
        return names;
    }
    return {};
}

} // namespace sfumato
