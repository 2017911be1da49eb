// The networks whose kernels ./run bench isa looks at, at their usual sizes. Nothing is allocated, no weights are made.
#pragma once

#include "compute/graph.h"

#include <map>
#include <string>

namespace sfumato {

/// By name: "sd15", "sdxl", "sd35m", "decoder", "rrdbnet" …
std::map<std::string, graph> graphs_of(target const&);

} // namespace sfumato
