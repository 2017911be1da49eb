// The networks that enlarge or restore a picture: the one list of them. A row's description is a pair of files beside
// this one (models/networks/upscaler_description.h says what it tells), its forward pass a pair in models/nets/.
#pragma once

#include "models/networks/cunet.h"
#include "models/networks/rrdbnet.h"
#include "models/networks/srvgg.h"
#include "models/networks/upconv7.h"

#include <variant>

namespace sfumato {

using upscaler_config = std::variant<rrdbnet_config, srvgg_config, upconv7_config, cunet_config>;

/// Which network a checkpoint's tensors are of, with its sizes, from canonical names (models/names/canonical.h).
/// Nothing where no tensor tells of one; else the sizes need not fit all tensors: difference() and surplus() say.
std::optional<upscaler_config> find_upscaler(network_tensors const&);
/// The network that a graph can only be if it is one at all: compare it with graph_of().
std::optional<upscaler_config> find_upscaler(ncnn_graph const&);

tensor_shapes tensors_of(upscaler_config const&);
upscaler_shape shape_of(upscaler_config const&);
/// "RRDBNet ×4"
std::string name_of(upscaler_config const&);
/// Its sizes, a clause: "23 blocks of 64 channels".
std::string in_words(upscaler_config const&);
/// What it computes, as ncnn's converters write it down (models/networks/ncnn_graph_writer.h).
ncnn_graph graph_of(upscaler_config const&);

/// Is there a network of that key: "srvgg"?
bool is_upscaler(std::string_view key);
/// Procedural models of all of them.
std::vector<example<upscaler_config>> upscaler_examples();

} // namespace sfumato
