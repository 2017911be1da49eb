#include "models/files/ncnn/ncnn_weights.h"

#include "compute/error.h"
#include "models/files/byte_reader.h"

#include <array>

namespace sfumato {

namespace {

stored_type type_of(std::uint32_t flag, ncnn_node const& n, std::string const& source) {
    if (flag == 0x01306B47) return stored_type::f16;
    if (flag == 0) return stored_type::f32;
    fail("'{}' holds the weights of layer {} in a form that is not supported ({:#010x}); those in fp16 and fp32 are.",
         source, show_name(n.name), flag);
}

ncnn_weights take_weights(byte_reader& file, ncnn_node const& n, std::int64_t count) {
    if (n.settings.operation == ncnn_operation::prelu) return {.weight = file.take(std::uint64_t(count) * 4)};
    ncnn_weights w{.type = type_of(file.number<std::uint32_t>(), n, file.source)};
    auto const bytes = stored_bytes(w.type, std::array{count}).value();
    w.weight = file.take(bytes);
    file.take(-bytes % 4); // to whole words
    w.bias = file.take(std::uint64_t(n.settings.outputs) * 4);
    return w;
}

} // namespace

std::vector<ncnn_weights> read_ncnn_weights(ncnn_graph const& graph, mapped_file const& bin,
                                            std::string const& source) {
    byte_reader file{bin.bytes, source};
    std::vector<ncnn_weights> all(graph.nodes.size());
    for (std::size_t i = 0; i < all.size(); ++i)
        if (ncnn_node const& n = graph.nodes[i]; n.has_weights())
            all[i] = take_weights(file, n, n.weight_count(graph.nodes));
    if (!file.rest.empty())
        fail("'{}' does not belong to its graph: {} bytes are left behind the last layer's weights.", source,
             file.rest.size());
    return all;
}

} // namespace sfumato
