// Any bytes as a model file: an error in one short sentence, or a checkpoint whose every tensor can be read and which
// can be described, within memory and time that follow from the file's size.
#pragma once

#include "compute/error.h"
#include "models/files/mapped_file.h"
#include "models/library/family.h"
#include "models/library/lora.h"
#include "models/names/canonical.h"

#include <cmath>
#include <cstdlib>
#include <memory>

namespace sfumato {

inline void read_all(checkpoint const& c, std::size_t most) {
    std::vector<std::byte> scratch;
    for (auto const& [name, tensor] : c.tensors) {
        if (tensor.bytes() > most) std::abort();
        if (tensor.read(scratch).size() != tensor.bytes()) std::abort();
    }
}

/// As a LoRA for a model of one matrix and one kernel: what fits them is of their sizes.
inline void match_as_lora(checkpoint const& c) {
    checkpoint model;
    model.tensors["model.diffusion_model.middle_block.1.proj_in.weight"] = {.shape = {4, 6}};
    model.tensors["model.diffusion_model.middle_block.0.in_layers.2.weight"] = {.shape = {4, 2, 3, 3}};
    try {
        for (weight_patch const& p : match_lora(std::make_shared<checkpoint const>(c), model, "m").patches)
            if (p.tensor.empty() || !fits(p, model.at(p.tensor).shape) || !std::isfinite(p.scale)) std::abort();
    } catch (error const& e) {
        if (std::string_view(e.what()).size() > 500) std::abort();
    }
}

/// `read` makes the checkpoint of `size` bytes.
template <class Read> int fuzz_checkpoint(Read read, std::size_t size) {
    try {
        checkpoint c = read();
        read_all(c, 8 * size); // two bits become sixteen
        match_as_lora(c);
        use_canonical_names(c);
        read_all(c, 8 * size);
        if (describe_model(c).reason.size() > 500) std::abort();
    } catch (error const& e) {
        if (std::string_view(e.what()).size() > 500) std::abort();
    }
    return 0;
}

inline int fuzz_checkpoint(checkpoint (*read)(mapped_file const&, std::string const&), unsigned char const* data,
                           std::size_t size) {
    return fuzz_checkpoint([&] { return read({nullptr, std::as_bytes(std::span(data, size))}, "m"); }, size);
}

} // namespace sfumato
