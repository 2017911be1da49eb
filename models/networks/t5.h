// The encoder of T5 v1.1 (Raffel et al. 2020), in transformers' names (T5EncoderModel): its sizes, and its tensors.
// models/nets/t5.h runs it.
#pragma once

#include "models/files/prefixes.h"
#include "models/networks/tensor_shapes.h"

#include <optional>
#include <string>

namespace sfumato {

struct t5_config {
    int width = 4096;
    int heads = 64;
    int head_channels = 64;
    int layers = 24;
    int feed_forward = 10240;
    int vocabulary = 32128; // rows of its table

    static constexpr int buckets = 32; // of relative positions
    static constexpr int pad = 0, eos = 1;

    /// Nothing where no tensor of it is there. The sizes need not fit all tensors: difference() says.
    static std::optional<t5_config> found_in(checkpoint const&);
    tensor_shapes tensors() const;
    /// A clause: "24 layers of width 4096".
    std::string in_words() const;
    /// Why models/nets/t5.h cannot run it, a clause; "": it can.
    sentence unfit() const;

    bool operator==(t5_config const&) const = default;
};

} // namespace sfumato
