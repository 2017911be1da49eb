#include "models/names/onnx_names.h"

#include "compute/error.h"
#include "models/names/onnx_network.h"

namespace sfumato {

namespace {

[[noreturn]] void refuse(onnx_graph const& graph, onnx_layers const& layers, std::string const& source) {
    sentence const what = layers.all().empty() ? say("without convolutions")
                                               : say("of {} convolutions, the first with {}", layers.all().size(),
                                                     show_shape(*layers.all()[0].weight));
    fail("'{}' is an ONNX export of a network that is not known here (graph {}, {}): of ONNX, exports of LaMa and "
         "MI-GAN are read.",
         source, show_name(graph.name), what);
}

} // namespace

checkpoint read_onnx(mapped_file const& file, std::string const& source) {
    onnx_graph const graph = read_onnx_graph(file, source);
    onnx_layers const layers(graph, source);
    checkpoint c{.source = source, .format = "ONNX", .metadata = nlohmann::json::object(), .tensors = {}, .files = {}};
    if (begins_as_lama(layers))
        c.tensors = lama_of(layers, source);
    else if (begins_as_migan(layers))
        c.tensors = migan_of(layers, source);
    else
        refuse(graph, layers, source);
    c.files = {file};
    return c;
}

} // namespace sfumato
