// Every operation of networks on one page. Channels last ([n, h, w, c]; tokens are [n, 1, w, c]); shapes and types are
// checked here, by assert. Activations are f32, f16 or bf16; sums, statistics and softmax are fp32 always. A result has
// the type of the (first) input unless the op says otherwise. "per channel" parameters ([c]) may have any of the three
// types.
#pragma once

#include "compute/graph.h"

#include <optional>

namespace sfumato {

// ---- Pointwise ------------------------------------------------------------------------------------------------------

/// y = f(x); numbers as in shaders/activation.glsl. leaky_relu and scaled take a slope, prelu one per channel;
/// tanh_clamp is 3·tanh(x/3) (TAESD).
enum class activation : std::uint32_t {
    none,
    silu,
    gelu_tanh,
    quick_gelu, // x·σ(1.702 x)
    gelu,       // the exact one, with erf
    relu,
    leaky_relu,
    sigmoid,
    tanh,
    tanh_clamp,
    prelu,
    scaled // x·slope
};

tensor activate(graph&, tensor const& x, activation, float slope = 0);
/// slopes [c]
tensor prelu(graph&, tensor const& x, tensor const& slopes);
/// x [.., 2c] → x[.., :c] · gelu(x[.., c:])
tensor geglu(graph&, tensor const& x);

/// The second operand has the first's shape, or broadcasts: each of its extents is x's or 1.
tensor add(graph&, tensor const& x, tensor const& y);
tensor mul(graph&, tensor const& x, tensor const& y);
/// a + (b − a)·t; t broadcasts as above.
tensor lerp(graph&, tensor const& a, tensor const& b, tensor const& t);
/// x·factor + offset
tensor scale(graph&, tensor const& x, float factor, float offset = 0);
/// x itself where it has that type already.
tensor cast(graph&, tensor const& x, dtype);

/// Where a result goes: channels of a tensor that is there already, from `first` on. The op returns that tensor.
struct channels_from {
    tensor whole;
    int first = 0;
};
/// x·factor + y; y may have more channels, of which the first count.
tensor add_scaled(graph&, tensor const& x, float factor, tensor const& y,
                  std::optional<channels_from> const& into = {});
tensor copy(graph&, tensor const& x, channels_from const& into);

/// Along channels.
tensor concat(graph&, tensor const& a, tensor const& b);
/// Channels first … first + count − 1.
tensor slice(graph&, tensor const& x, int first, int count);

// ---- Norms and reductions -------------------------------------------------------------------------------------------

/// What group_norm found: [n, 1, 2, c] f32, the factor and the offset of each channel, so that y = x·factor + offset.
/// Statistics over (h, w, c/groups) in two stages; weight and bias [c]. With `second`: of concat(x, second).
tensor group_norm_affine(graph&, tensor const& x, int groups, tensor const& weight, tensor const& bias, float eps,
                         std::optional<tensor> const& second = {});
/// y = f(x·factor + offset) with the result of group_norm_affine; f is none or silu.
tensor apply_affine(graph&, tensor const& x, tensor const& affine, activation = activation::none);
/// Both in a row.
tensor group_norm(graph&, tensor const& x, int groups, tensor const& weight, tensor const& bias, float eps,
                  activation = activation::none);

struct layer_norm_options {
    std::optional<tensor> weight, bias; // [c]
    std::optional<tensor> scale, shift; // adaLN: y·(1 + scale) + shift, each [n, 1, 1, c]
    float eps = 1e-5f;
};
/// Over c.
tensor layer_norm(graph&, tensor const& x, layer_norm_options const& = {});
/// x / √(mean(x²) + eps) · weight, over c; weight [c]. For heads: c is the head's size. `into`: where the result goes,
/// of x's shape and type; it may be a part of a tensor that is there already.
tensor rms_norm(graph&, tensor const& x, tensor const& weight, float eps, std::optional<tensor> const& into = {});
/// x·(1 + scale) + shift; scale, shift [n, 1, 1, c].
tensor modulate(graph&, tensor const& x, tensor const& scale, tensor const& shift);

/// Over c; x·factor first, the result times `scale`.
tensor softmax(graph&, tensor const& x, float factor = 1, float scale = 1);

/// Over (h, w): [n, 1, 1, c] f32.
tensor channel_means(graph&, tensor const& x);
/// Of each picture n over everything: [n, 1, 1, 5] f32: mean, variance (population), minimum, maximum, count of values
/// that are not finite (minimum and maximum leave those out).
tensor statistics(graph&, tensor const& x);

// ---- Tables ---------------------------------------------------------------------------------------------------------

/// ids [n, 1, w, 1] u32 (too large: the last row), table [rows, c] (as {.w = rows, .c}) → [n, 1, w, c] f32 or `type`.
tensor embedding(graph&, tensor const& ids, tensor const& table, dtype type = dtype::f32);

/// t [n] f32 (as {.c = n}) → [n, 1, 1, channels] f32: sines and cosines of t·10000^(−i/(half − shift)), i < half =
/// channels/2. cos_first: diffusers' flip_sin_to_cos, and CompVis' order.
tensor timestep_embedding(graph&, tensor const& t, int channels, bool cos_first = true, float shift = 0);

/// T5's bias on relative positions: table [32, heads] (as {.w = 32, .c}) → [1, heads, queries, keys] f32. Key k behind
/// query q by d tokens has the row d, beyond 7 one of 8 that reach twice as far every second row (the last from 91 on);
/// before it, the same of the first 16 rows.
tensor relative_position_bias(graph&, tensor const& table, int queries, int keys);

// ---- Resampling -----------------------------------------------------------------------------------------------------

/// [n, h, w, c·r²] ⇄ [n, h·r, w·r, c] as torch.nn.PixelShuffle orders the channels: (c, dy, dx).
/// `base` [n, h, w, c]: added, r times as large by nearest neighbour; may have another type.
tensor pixel_shuffle(graph&, tensor const& x, int r, std::optional<tensor> const& base = {});
tensor pixel_unshuffle(graph&, tensor const& x, int r);

/// [n, h, w, r²·c] with channels in the order (dy, dx, c) → the first rows and columns of [n, h·r, w·r, c]; + the
/// middle of `base` [n, .., .., c], which is larger by even numbers and may have another type. r = 1: only the sum.
tensor interleave(graph&, tensor const& x, int r, int height, int width, std::optional<tensor> const& base = {});

enum class filter : std::uint32_t { nearest, bilinear, bicubic, lanczos };
/// Half-pixel centres. nearest, bilinear (triangle), bicubic (a = −0.5) and Lanczos-3 as Pillow computes them: when it
/// shrinks the filter widens (antialias), at borders its weights are renormalised. `antialias` false: as torch
/// interpolate (bicubic a = −0.75, border repeated, nearest takes ⌊i·from/to⌋; no Lanczos). Rows first; what lies
/// between the two passes is f32.
tensor resize(graph&, tensor const& x, int h, int w, filter, bool antialias = true);

/// A part of a resized picture, so that parts of any place fit together without a seam.
struct resize_window {
    double step_y = 1, step_x = 1; // from one of its pixels to the next, in pixels of x
    tensor origin;                 // f32 {.c = 2}: y, x where its first pixel begins, in pixels of x
};
/// h × w pixels of it, with antialias as above; what lies outside of x has the border's colour.
tensor resize(graph&, tensor const& x, int h, int w, filter, resize_window const&);

// ---- Weights --------------------------------------------------------------------------------------------------------

/// Block formats of GGUF files and the 8-bit floats of safetensors.
enum class block_format : std::uint32_t { q8_0, q4_0, q4_k, q5_k, q6_k, f8_e4m3, f8_e5m2 };
std::size_t block_bytes(block_format, std::size_t count);
/// raw: the file's bytes in a u32 tensor (padded to 4) → `to` of `type`, whose count is a multiple of the block (files
/// flatten tensors with rows that are not).
tensor dequantize(graph&, tensor const& raw, block_format, shape to, dtype type);

/// How packed weights are stored; q8_0 and q4_0 stay so in memory and are expanded in the kernel.
enum class weight_format : std::uint32_t { f32, f16, bf16, q8_0, q4_0 };

/// Weights as the matrix kernel reads them, whatever the device: panels of 16 outputs, [n/16][taps·cin][16] (the last
/// panel filled up with 0), the taps of a convolution row by row. shaders/gemm.comp has the layout.
struct packed_weights {
    tensor panels; // raw bytes
    weight_format format = weight_format::f32;
    int outputs = 0, inputs = 0; // of each tap
    int kernel_h = 1, kernel_w = 1;
    bool geglu = false;
};

/// w [n, k] as in a checkpoint ({.w = n, .c = k}). `geglu`: rows 0 … n/2 − 1 are values and the rest their gates, as in
/// diffusers' GEGLU; the product's result has n/2 columns.
packed_weights pack_linear(graph&, tensor const& w, weight_format, bool geglu = false);
/// Outputs first … first + count − 1 of a linear layer's weights, without a copy; both are multiples of 16.
packed_weights outputs_of(packed_weights const&, int first, int count);
/// w [k, n] ({.w = k, .c = n}), for products x·w.
packed_weights pack_linear_transposed(graph&, tensor const& w, weight_format);
/// w [outputs, inputs, kernel_h, kernel_w] as in a checkpoint ({.n = outputs, .h = inputs, .w = kernel_h, .c =
/// kernel_w}).
packed_weights pack_conv2d(graph&, tensor const& w, weight_format);
/// Four convolutions, one for each parity of the result's rows and columns.
struct packed_transpose_weights {
    packed_weights parity[2][2];
};
/// w [inputs, outputs, 3, 3], for conv_transpose2d.
packed_transpose_weights pack_conv_transpose2d(graph&, tensor const& w, weight_format);

// ---- Matrix products ------------------------------------------------------------------------------------------------

/// What follows a product before it is stored: y = f(product + bias + channel_add)·gate + residual.
struct epilogue {
    std::optional<tensor> bias;        // [outputs]
    std::optional<tensor> channel_add; // [n, 1, 1, outputs], e.g. the time embedding
    sfumato::activation activation = activation::none;
    float slope = 0;                // of leaky_relu, scaled
    std::optional<tensor> slopes;   // [outputs], of prelu
    std::optional<tensor> gate;     // [n, 1, 1, outputs]
    std::optional<tensor> residual; // y's shape, or more channels, of which the first count
    std::optional<dtype> type;      // of the result
    /// The result becomes these channels of a tensor that is there already, and that is returned, with all its
    /// channels. The product may read other channels of it.
    std::optional<channels_from> into;
};

/// x [.., k] → x·wᵀ [.., outputs]
tensor linear(graph&, tensor const& x, packed_weights const&, epilogue const& = {});

struct conv2d_options {
    int stride = 1;
    struct {
        int top = 0, left = 0, bottom = 0, right = 0;
    } pad;
    bool reflect = false;         // pad by reflection instead of zeros
    bool upsample = false;        // x is taken twice as large, nearest neighbour
    std::optional<tensor> second; // further channels: the input is concat(x, second)
    std::optional<tensor> affine; // of group_norm_affine(concat): applied as the input is loaded,
    bool affine_silu = false;     // with silu after it
};
inline constexpr conv2d_options same_3x3{.pad = {1, 1, 1, 1}};

/// x may have more channels than the weights take (then without `second`): the first count.
tensor conv2d(graph&, tensor const& x, packed_weights const&, conv2d_options const& = same_3x3, epilogue const& = {});
/// 3 × 3, stride 2, padding 1, output padding 1: [n, h, w, c] → [n, 2h, 2w, outputs].
tensor conv_transpose2d(graph&, tensor const& x, packed_transpose_weights const&, epilogue const& = {});

// ---- Attention ------------------------------------------------------------------------------------------------------

struct attention_options {
    int heads = 1;
    std::optional<float> scale; // default 1/√(head size)
    bool causal = false;        // query i sees keys 0 … i
    std::optional<tensor> bias; // [1 or n, heads or 1, queries, keys], added to the scaled products
};
/// q [n, 1, queries, heads·d], k and v [n, 1, keys, heads·d] → [n, 1, queries, heads·d]; fast where d is a multiple
/// of 8. The products never lie in memory (flash attention: Dao et al. 2022, 2023), but some of them at a time where
/// one head is too large for that (an autoencoder's 512).
tensor attention(graph&, tensor const& q, tensor const& k, tensor const& v, attention_options const&);

// ---- Fourier transform (VkFFT) --------------------------------------------------------------------------------------

/// Real 2-D transform over (h, w), ortho scaling, f32: [n, h, w, c] → [n, h, w/2 + 1, 2c], the real parts in channels 0
/// … c − 1 and the imaginary parts behind them (as LaMa's FourierUnit stacks them).
tensor fft2d(graph&, tensor const& x);
/// Back to a width of w.
tensor inverse_fft2d(graph&, tensor const& spectrum, int w);

} // namespace sfumato
