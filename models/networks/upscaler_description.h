// What is told of an upscaling network beside its sizes. Each network's description is a struct of its sizes with the
// same members (models/networks/upscaler.h lists the networks):
//
//   static string_view key                             "srvgg": as evaluation cases call it
//   static optional<CONFIG> found_in(network_tensors)  its sizes, from a checkpoint's tensors. Nothing where no tensor
//                                                      tells of it; else they need not fit all: difference() says
//   static optional<CONFIG> found_in(ncnn_summary)     the same from what operations a graph of ncnn's has
//   static vector<example<CONFIG>> examples()          procedural models of it (models/library/procedural.h)
//   tensors()                                          every name and shape, without a prefix
//   shape()                                            how its result lies over its input
//   name(), in_words()                                 "SRVGG"; "34 convolutions of 64 channels"
//   graph()                                            what it computes, as ncnn has it
#pragma once

#include "models/files/ncnn/ncnn_graph.h"
#include "models/networks/network_tensors.h"
#include "models/networks/tensor_shapes.h"

#include <optional>
#include <string>
#include <vector>

namespace sfumato {

/// How a network's result lies over its input, in pixels of the input.
struct upscaler_shape {
    int channels = 3;       // of the picture: 1, grey; 4, with alpha
    int scale = 1;          // pixels of the result for one of the input, along a side; 0: the result would be smaller
    int multiple = 1;       // the input's sides must be multiples of it
    int margin = 0;         // pixels at each side that have no result (convolutions without padding)
    int reach = 0;          // those further away change nothing that can be seen (1e-3 of white); beside the margin
    bool has_means = false; // it takes in means over the whole picture: tiles need those of the whole
    bool adds_picture = false; // the picture itself, enlarged, is a part of the result
};

/// Which operations a graph of ncnn's has, how many and of which sizes: enough to tell the one network that it can be.
struct ncnn_summary {
    std::vector<ncnn_settings> convolutions, deconvolutions;
    int denses = 0, prelus = 0, concats = 0, nearests = 0;
    int shuffle = 1; // factor of the pixel shuffle

    explicit ncnn_summary(ncnn_graph const&);
    bool has_deconvolution(int kernel) const;
};

/// A procedural model of a network of these sizes: "srvgg-x4-tiny".
template <class Config> struct example {
    std::string_view name;
    std::uint64_t seed = 0;
    Config config{};
};

} // namespace sfumato
