// The length of the graph in two bytes, the graph, the weights.
#include "models/names/ncnn_names.h"

#include "tests/fuzz/checkpoint_fuzz.h"

#include <algorithm>

extern "C" int LLVMFuzzerTestOneInput(unsigned char const* data, std::size_t size) {
    using namespace sfumato;
    if (size < 2) return 0;
    auto const all = std::as_bytes(std::span(data, size)).subspan(2);
    std::size_t const length = std::min<std::size_t>(all.size(), data[0] + 256 * data[1]);
    return fuzz_checkpoint([&] { return read_ncnn({nullptr, all.first(length)}, {nullptr, all.subspan(length)}, "m"); },
                           size);
}
