// diffusers' names of the MMDiT of Stable Diffusion 3 (SD3Transformer2DModel) → those of Stability's code, without the
// prefix.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sfumato {

/// Where a tensor, or a module, belongs.
struct mmdit_place {
    std::string name;     // the name itself where it is not one of diffusers'
    int third = -1;       // queries, keys or values of the three that are one there; −1: it is whole
    bool swapped = false; // the halves of its rows, scale and shift, change places
};
/// `blocks`: how many transformer_blocks there are.
mmdit_place mmdit_place_of(std::string_view name, int blocks);

/// What diffusers calls the modules of one with so many blocks.
std::vector<std::string> mmdit_modules(int blocks);

/// The number behind "transformer_blocks."; −1: the name does not begin so.
int transformer_block_of(std::string_view name);

} // namespace sfumato
