#include "compute/ops.h"

#include "kernel_binaries.h"

#include <cassert>

namespace sfumato {

namespace {

using kernel::uint;

struct block_size {
    std::size_t elements, bytes;
};

block_size block_of(block_format f) {
    switch (f) {
    case block_format::q8_0: return {32, 34};
    case block_format::q4_0: return {32, 18};
    case block_format::q4_k: return {256, 144};
    case block_format::q5_k: return {256, 176};
    case block_format::q6_k: return {256, 210};
    case block_format::f8_e4m3:
    case block_format::f8_e5m2: break;
    }
    return {1, 1};
}

} // namespace

std::size_t block_bytes(block_format f, std::size_t count) {
    auto const [elements, bytes] = block_of(f);
    assert(count % elements == 0);
    return count / elements * bytes;
}

tensor dequantize(graph& g, tensor const& raw, block_format f, shape to, dtype type) {
    assert(raw.type == dtype::u32 && raw.bytes() >= block_bytes(f, to.count()));
    tensor const y = g.temporary(to, type);
    g.dispatch(kernel::dequantize{.raw = g.in(raw), .y = g.out(y), .count = uint(to.count())},
               launch::items((to.count() + 3) / 4), 40, {uint(f), uint(type)});
    return y;
}

} // namespace sfumato
