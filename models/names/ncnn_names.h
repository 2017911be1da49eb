// Upscalers as ncnn has them (Upscayl, realesrgan-ncnn-vulkan and its kin): NAME.param, the graph as text, and
// NAME.bin, the weights of its layers one behind the other.
// https://github.com/Tencent/ncnn/wiki/param-and-model-file-structure
#pragma once

#include "models/files/checkpoint.h"
#include "models/files/mapped_file.h"

namespace sfumato {

/// The graph is compared with those of the networks that there are here, operation by operation, and then the weights
/// get the names of models/networks/; fp16 and fp32. metadata "ncnn": {"resize": 0.5} where the graph shrinks
/// its result (realesr-animevideov3-x2 is the ×4 network). Throws error: damaged, or no such network: then it says
/// which layer is another.
checkpoint read_ncnn(mapped_file const& param, mapped_file const& bin, std::string const& source);

} // namespace sfumato
