// Procedural models in the diffusers layout (tests/golden/models).
#pragma once

#include "models/files/safetensors_write.h"
#include "models/library/procedural.h"
#include "tests/models/files/scratch.h"

#include <algorithm>

namespace sfumato {

inline nlohmann::json golden(char const* name) {
    return nlohmann::json::parse(std::ifstream(std::string(GOLDEN "/models/") + name));
}

// What `operation` of layout_map.json makes of a tensor.
inline stored_tensor applied(std::string const& operation, stored_tensor const& from) {
    stored_tensor result = from;
    if (operation.starts_with("reshape"))
        result.shape = nlohmann::json::parse(operation.substr(8)).get<std::vector<std::int64_t>>();
    else if (operation.starts_with("rows")) {
        std::int64_t begin, end;
        std::sscanf(operation.c_str(), "rows %ld:%ld", &begin, &end);
        result.shape[0] = end - begin;
        result.make = [=, size = result.bytes() / std::size_t(end - begin)](std::span<std::byte> bytes) {
            std::vector<std::byte> scratch;
            std::ranges::copy(from.read(scratch).subspan(size * std::size_t(begin), bytes.size()), bytes.begin());
        };
    } else if (operation == "swap halves of dim 0") {
        result.make = [=](std::span<std::byte> bytes) {
            std::vector<std::byte> scratch;
            auto const all = from.read(scratch);
            std::ranges::rotate_copy(all, all.begin() + std::ptrdiff_t(all.size() / 2), bytes.begin());
        };
    } else {
        EXPECT_EQ(operation, "transpose");
        std::swap(result.shape[0], result.shape[1]);
        result.make = [=](std::span<std::byte> bytes) {
            std::vector<std::byte> scratch;
            auto const all = from.read(scratch);
            for (std::int64_t i = 0; i < result.shape[0]; ++i)
                for (std::int64_t j = 0; j < result.shape[1]; ++j)
                    std::memcpy(&bytes[2 * std::size_t(i * result.shape[1] + j)],
                                &all[2 * std::size_t(j * result.shape[0] + i)], 2);
        };
    }
    return result;
}

// One folder of the diffusers layout of a procedural model, names as in its files.
inline checkpoint diffusers_part(std::string const& model, std::string const& folder) {
    checkpoint const whole = procedural_checkpoint(model);
    checkpoint part{.source = folder};
    auto const map = golden("layout_map.json")[model][folder];
    for (auto const& [name, from] : map.items()) {
        if (from.is_string())
            part.tensors[name] = whole.at(std::string(from));
        else
            part.tensors[name] = applied(from[1], whole.at(std::string(from[0])));
    }
    return part;
}

inline std::string weights_name(std::string const& part) {
    return part + (part.starts_with("text") ? "/model.safetensors" : "/diffusion_pytorch_model.safetensors");
}

// Writes a procedural model as diffusers would.
inline void write_diffusers_folder(scratch_folder const& folder, std::string const& model) {
    auto const configs = golden("diffusers_configs.json")[model];
    nlohmann::json index = {{"_class_name", "StableDiffusionPipeline"}};
    for (auto const& [part, config] : configs.items()) {
        folder.put(part + "/config.json", config.dump());
        write_safetensors(folder / weights_name(part), diffusers_part(model, part).tensors);
        index[part] = {"diffusers", config.value("_class_name", "CLIPTextModel")};
    }
    folder.put("scheduler/scheduler_config.json", R"({"prediction_type": "v_prediction"})");
    folder.put("model_index.json", index.dump());
}

} // namespace sfumato
