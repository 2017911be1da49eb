// The layers of ncnn's graphs → what they compute.
// https://github.com/Tencent/ncnn/wiki/operation-param-weight-table
#pragma once

#include "models/files/ncnn/ncnn_graph.h"
#include "models/files/ncnn/ncnn_param.h"

namespace sfumato {

/// The nodes that have weights are in the order of the file. Throws error: damaged, a layer of a kind or with a setting
/// that no network here has (it is named).
ncnn_graph make_ncnn_graph(std::vector<ncnn_layer> const&, std::string const& source);

} // namespace sfumato
