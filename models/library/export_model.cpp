#include "models/library/export_model.h"

#include "compute/error.h"
#include "compute/half.h"
#include "models/files/safetensors_write.h"
#include "models/library/open_checkpoint.h"

#include <cstring>

namespace sfumato {

namespace {

// Blocks of 32: a half, by which their bytes are multiplied.
void expand_q8_0(std::span<std::byte const> blocks, std::span<std::byte> halves) {
    constexpr std::size_t elements = 32, block = 2 + elements;
    for (std::size_t i = 0; i < halves.size() / 2; ++i) {
        std::byte const* const from = &blocks[i / elements * block];
        std::uint16_t factor;
        std::memcpy(&factor, from, 2);
        std::uint16_t const half =
            f16_bits(f16_value(factor) * float(std::to_integer<std::int8_t>(from[2 + i % elements])));
        std::memcpy(&halves[2 * i], &half, 2);
    }
}

stored_tensor ordinary(stored_tensor const& t) {
    if (t.type != stored_type::q8_0) return t;
    stored_tensor halves{.type = stored_type::f16, .shape = t.shape, .mapped = {}};
    halves.make = [t](std::span<std::byte> to) {
        std::vector<std::byte> scratch;
        expand_q8_0(t.read(scratch), to);
    };
    return halves;
}

} // namespace

void export_model(std::string const& model, std::filesystem::path const& to) {
    if (!model.starts_with("sfumato:"))
        fail("'{}' is not one of Sfumato's own models, and only those are exported: name it sfumato:NAME.", model);
    checkpoint c = open_checkpoint(model);
    for (auto& [name, tensor] : c.tensors) tensor = ordinary(tensor);
    nlohmann::json said = nlohmann::json::object();
    for (auto const& [key, value] : c.metadata.items())
        if (value.is_string() && !key.starts_with("general.")) said[key] = value;
    write_safetensors(to, c.tensors, said);
}

} // namespace sfumato
