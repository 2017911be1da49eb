// The operations that diffusion networks spend their time in, found by walking the networks' architectures.
#pragma once

#include <compare>
#include <map>
#include <string>
#include <vector>

namespace sfumato::bench {

/// What is timed. gemm: linear layers and 1×1 convolutions; softmax: the rows that an attention which is not fused has;
/// gemm_pack: an fp16 checkpoint's weights into panels, once when a model is loaded.
enum class family { gemm, conv3x3, attention, group_norm, softmax, gemm_pack };
inline constexpr family families[] = {family::gemm,       family::conv3x3, family::attention,
                                      family::group_norm, family::softmax, family::gemm_pack};
std::string name_of(family);

/// One operation at one size, batch 1. `h` × `w` pixels or tokens go in; fields that a family does not have keep their
/// defaults.
struct op_case {
    family of = family::gemm;
    int h = 1, w = 1;            // gemm_pack: taps
    int inputs = 0, outputs = 0; // channels
    int stride = 1;              // conv3x3
    bool upsample = false;       // conv3x3: of a picture taken twice as large
    int heads = 1, keys = 0;     // attention; softmax: a row's length, one head's rows
    auto operator<=>(op_case const&) const = default;

    bool counts_bytes() const { return of >= family::group_norm; }
    /// GFLOP (2 a multiply-add), or GB read and written once: fp32, of gemm_pack fp16.
    double work() const;
    /// "conv3x3 64² 320 → 640", stable: results are stored by it.
    std::string name() const;
};

using op_counts = std::map<op_case, int>; // one evaluation's

/// Pixels a side.
op_counts sd15_unet(int size);
op_counts sdxl_unet(int size);
op_counts vae_decoder(int size);
op_counts rrdbnet_x4(int size);
/// Of all weights of a network's matrices.
op_counts packing(op_counts const& network);

struct network {
    std::string key, title; // "sd15", "SD 1.5 UNet, 512²"
    op_counts ops;
};
/// What `bench_ops` times.
std::vector<network> networks();

} // namespace sfumato::bench
