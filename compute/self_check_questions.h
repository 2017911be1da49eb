// Known answers: small graphs, what goes into them, and what must come out (self_check.cpp asks).
#pragma once

#include "compute/graph.h"

#include <string>
#include <vector>

namespace sfumato {

struct question {
    std::string family; // "gemm", "attention", …; "gemm 128x64x32" of one block, "attention 64" of one head size
    graph g;
    std::vector<std::pair<tensor, std::vector<float>>> inputs = {};
    tensor answer = {};
    std::vector<float> wanted = {};
};

/// One of each family, of sizes that are no multiples of any tile.
std::vector<question> questions(target const&);
/// A convolution with more than two such blocks in each direction and several slabs.
question question_of_block(target const&, std::uint32_t m, std::uint32_t n, std::uint32_t k);
question question_of_head_size(target const&, int d, int queries);

} // namespace sfumato
