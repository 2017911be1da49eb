// The push constants of every kernel, one struct each, included by GLSL and by C++ so that the two cannot disagree.
// Buffer addresses first, then int, uint and float; at most 128 bytes. Shapes in comments, channels last.
#ifdef __cplusplus
#pragma once
#include "compute/kernel_types.h"
namespace sfumato::kernel {
#endif

// ---- The model-free fill. Pictures are [height, width] with premultiplied alpha; states, kinds, matches: patch.glsl.
// left, top, right and bottom bound the part that is worked on: around the hole, inside the picture.

// A picture with straight alpha and its selection, made ready.
struct fill_prepare {
    vec4s picture;  // [count]
    f32s selection; // [count]: > 0 is the hole
    vec4s pixels;   // [count]: 0 where not known
    u32s states;    // [count]
    f32s weights;   // [count]: 1 where known, else 0
    uint count;
};

// Of an opaque picture, alpha gives its place to how much brightness changes from a pixel to its neighbours.
struct patch_texture {
    vec4s pixels;   // [height, width]
    u32s states;    // [height, width]
    vec4s textured; // [height, width]
    int width, height;
    float scale;
};

// How far the nearest value in low..high is in the same column, at most `reach`. An invocation is a column.
struct distance_columns {
    f32s values;  // [height, width]
    f32s columns; // [height, width]
    int width, height, reach;
    float low, high;
};

// From that, the exact Euclidean distance. An invocation is a row.
struct distance_rows {
    f32s columns;   // [height, width]
    u32s nearest;   // [height, width]: room to work in
    f32s distances; // [height, width]
    int width, height;
};

// The selection with a soft rim outside of what is fully selected; soft values stay as they are.
struct composite_mask {
    f32s selection; // [count]
    f32s distances; // [count]: to the nearest fully selected pixel
    f32s composite; // [count]
    uint count;
    float rim; // pixels
};

// Half the size: a hole where any of four pixels is one. Depths are distances to the hole's outside, in own pixels.
struct fill_halve {
    u32s fine_states; // [fine_height, fine_width]
    f32s fine_depths;
    u32s states; // [height, width]
    f32s depths;
    int fine_width, fine_height, width, height;
};

// Half the size, each pixel by its weight: one level up a pyramid that holes close in. Taps 1 3 3 1.
struct push {
    vec4s fine;        // [fine_height, fine_width]
    f32s fine_weights; // 0..1
    vec4s coarse;      // [height, width]
    f32s weights;
    int fine_width, fine_height, width, height;
};

// One level down: what has no weight is taken from the coarser level, bilinearly.
struct pull {
    vec4s coarse; // [coarse_height, coarse_width]
    vec4s fine;   // [height, width]
    f32s weights; // [height, width]
    vec4s filled; // [height, width]
    int width, height, coarse_width, coarse_height;
};

struct pack_pixels {
    vec4s pixels; // [count]
    u32s packed;  // [count]
    uint count;
};

// Which patches are sources and targets, how far to trust each pixel, what makes a target's mismatch a mean.
struct patch_kinds {
    u32s states; // [height, width]
    f32s depths;
    u32s kinds;
    f32s confidences; // 1 where known, 2^(-falloff * depth) in the hole
    f32s scales;      // 1 / sum of the confidences where a target is compared
    int width, height;
    float falloff, least;
};

// A first match for every target: the best of one candidate in each cell of a grid.
struct match_start {
    u32s packed; // [height, width]
    u32s kinds;
    f32s confidences;
    f32s scales;
    u32s matches;
    f32s costs; // mean squared difference in 8-bit steps, and the remoteness
    int width, height, left, top, right, bottom, cell;
    uint seed;
    float remoteness; // cost of a source's squared distance
};

// The matches of half the size, continued.
struct match_upsample {
    u32s coarse_kinds; // [coarse_height, coarse_width]
    u32s coarse_matches;
    u32s kinds; // [height, width]
    u32s matches;
    f32s costs; // all 0: not known yet
    int coarse_width, coarse_height, width, height, left, top, right, bottom;
};

// One round of PatchMatch: the neighbours' matches, then `trials` random ones around the best, `reach` pixels halving.
struct match_search {
    u32s packed; // [height, width]
    u32s kinds;
    f32s confidences;
    f32s scales;
    u32s matches;
    u32s found; // the better matches; no_match where not a target
    f32s costs;
    int width, height, left, top, right, bottom, stride, trials;
    uint seed;
    float reach, remoteness;
};

// Each pixel of the hole is the mean of what patches over it propose, by confidence * exp(-cost * sharpness).
struct patch_vote {
    vec4s pixels; // [height, width]: the sources
    u32s states;
    f32s confidences;
    u32s matches; // no_match where not a target
    f32s costs;
    vec4s votes;
    u32s packed;
    int width, height, left, top, right, bottom;
    float sharpness;
    uint relative;  // 1: costs count from the pixel's best patch
    uint known_too; // 1: known pixels get their votes too (not packed)
};

// How far the votes are off where the answer is known: on the hole's rim. Weight 1 there, 0 elsewhere.
struct membrane_rim {
    vec4s pixels; // [height, width]
    vec4s votes;
    u32s states;
    vec4s offsets; // [bottom - top, right - left]
    f32s weights;
    int width, height, left, top, right, bottom;
};

// What is missing of the steps from each pixel to its right and its lower neighbour, that patches over both propose:
// seams between patches. Steps far above `largest` are edges, not seams, and stay.
struct patch_steps {
    vec4s pixels; // [height, width]: the sources
    vec4s votes;
    u32s states;
    f32s confidences;
    u32s matches;
    f32s costs;
    vec4s across; // [rows, columns], from pixel first_x, first_y on
    vec4s down;
    int width, height, left, top, right, bottom, first_x, first_y, columns, rows;
    float sharpness; // as in patch_vote, relative
    float largest;
};

// Every second pixel of the hole: its offset becomes what its neighbours' offsets and the missing steps say; 0 outside.
struct membrane_relax {
    u32s states;   // [.., width]
    vec4s across;  // [bottom - top, right - left]
    vec4s down;    // the same
    vec4s offsets; // the same
    int width, left, top, right, bottom, parity;
    float relaxation; // 1: just that; up to 2 is faster
};

// Votes and offsets together, with straight alpha.
struct fill_finish {
    vec4s votes;   // [.., width]
    vec4s offsets; // [bottom - top, right - left]
    vec4s filled;  // [bottom - top, right - left]
    int width, left, top, right, bottom;
    uint opaque; // alpha is 1, whatever the votes have in its place
};

// ---- Networks. `elements` are f32, f16 or bf16; each such field's type is a specialization constant.

// -- Pointwise

// y = op(a, b, t), each at first + Σ index·stride. Dimensions innermost first; the specialization constants hold the
// innermost strides.
struct pointwise {
    elements a, b, t, y;
    uint count;        // invocations
    uint extents[3];   // of all but the outermost dimension
    uint a_strides[3]; // of all but the innermost
    uint b_strides[3];
    uint t_strides[3];
    uint y_strides[3];
    uint a_first, b_first, y_first;
    float factor; // of a; or the slope of leaky_relu
    float offset;
};

// -- Norms and reductions. Kernels that divide rows by shaders/spans.glsl have `access` as their first constant.

// Mean and squares of each column in each slab of rows (with minimum, maximum and count of non-finite values): stage 1.
struct moments {
    elements x;   // [images, rows, columns]
    f32s partial; // [images, slabs, 3 or 6, columns]: shaders/moments.glsl
    uint images, rows, columns;
    uint slabs; // of each image, of slab_rows rows; the last has what remains
    uint slab_rows;
};

// From those, group norm as a factor and an offset for each channel.
struct group_norm_affine {
    f32s partial;    // [images, slabs, 3, columns]
    elements weight; // [columns]
    elements bias;   // [columns]
    f32s affine;     // [images, 2, columns]
    uint images, rows, columns, slabs, slab_rows;
    uint groups;
    float eps;
};

// y = f(x * (factor + factor_added) + offset)
struct apply_affine {
    elements x;       // [images, rows, columns]
    elements factors; // image i: columns elements from i * image_stride on
    elements offsets; // the same, offset_start elements later
    elements y;
    uint images, rows, columns, slabs, slab_rows;
    uint image_stride, offset_start;
    float factor_added;
};

// (x - mean) / sqrt(variance + eps) of each row, then * weight + bias, then * (1 + scale) + shift.
struct layer_norm {
    elements x;      // [rows, columns]
    elements weight; // [columns]
    elements bias;   // [columns]
    elements scale;  // [rows / image_rows, columns]
    elements shift;  // [rows / image_rows, columns]
    elements y;      // [rows, columns]
    uint rows, columns, image_rows;
    float eps;
};

// exp(x * factor), divided by the row's sum of it, * scale.
struct softmax {
    elements x; // [rows, columns]
    elements y; // [rows, columns]
    uint rows, columns;
    float factor; // > 0
    float scale;
};

// From those, the mean of each column.
struct channel_means {
    f32s partial; // [images, slabs, 3, columns]
    f32s means;   // [images, columns]
    uint images, rows, columns, slabs, slab_rows;
};

// All columns and slabs of what moments found, merged.
struct statistics {
    f32s partial; // [images, slabs, 6, columns]
    f32s result;  // [images, 5]: mean, variance, minimum, maximum, count of values that are not finite
    uint images, rows, columns, slabs, slab_rows;
};

// -- Tables

struct embedding {
    u32s ids;       // [tokens]; what is too large counts as the last row
    elements table; // [rows, channels]
    elements y;     // [tokens, channels]
    uint count, rows, channels;
};

// T5's bias of a key on a query, by how far it lies behind or before it.
struct relative_position_bias {
    elements table; // [32, heads]
    f32s y;         // [heads, queries, keys]
    uint heads, queries, keys;
};

struct timestep_embedding {
    f32s t; // [n]
    f32s y; // [n, 2 * half_channels]
    uint count, half_channels;
    uint step_low, step_high; // log2 of what each frequency is less than the one before, in 2^-48
};

// -- Resampling

// [n * h, w, channels * r * r] to [n * h * r, w * r, channels], or back.
struct pixel_shuffle {
    elements x, y;
    elements base;                  // [n * h, w, channels]: added to each of r * r
    uint count, width, channels, r; // width: w
};

// [n, x_height, x_width, (r, r, channels)] to [n, height, width, channels], of which r · x_height rows may be cut, and
// columns likewise;
// + the middle of base.
struct interleave {
    elements x, base, y;
    uint count, height, width, channels, r; // count: invocations
    uint x_height, x_width, base_height, base_width;
};

// [n, x_height, x_width, channels] to [n, height, width, channels], each channel with its own kernel.
struct depthwise_conv2d {
    elements x, residual, y;
    f32s w;                                                      // [kernel², channels]
    f32s bias;                                                   // [channels]
    f32s noise;                                                  // [height, width]
    uint count, height, width, channels, x_height, x_width, pad; // count: invocations
};

// One axis: [outer, from, inner] to [outer, to, inner].
struct resize {
    elements x, y;
    f32s origin; // of a window: where its first pixel begins, in pixels of x; what `axis` says of it
    uint count, inner, from, to;
    int reach;  // taps on each side of the middle one
    float step; // of a window: from one of its pixels to the next, in pixels of x
    uint axis;
};

// -- Weights and matrix products

// Weights into panels (panels.glsl). Element (output, input, tap row, tap column) lies at first + the sum of each times
// its stride; gemm_pack_rows.glsl reads no strides.
struct gemm_pack {
    elements w;
    u32s panels;
    uint outputs, inputs; // inputs: of each tap
    uint k;               // inputs · taps
    uint first, output_stride, input_stride, row_stride, column_stride;
};

// y = f(x · w + bias + channel_add) · gate + residual. [n, h, w, c] here is what x looks like; a linear layer is a 1 ×
// 1 convolution.
struct gemm {
    elements x;           // [n, h, w, c1]
    elements second;      // [n, h, w, c2]: further channels
    u32s panels;          // from gemm_pack
    elements bias;        // [columns]; with GEGLU [2 · columns]
    elements channel_add; // [n, columns]
    elements slopes;      // [columns]
    elements gate;        // [n, columns]
    elements residual;    // as y
    elements y;           // [n, .., .., columns]
    uint h, w, c1, c2;
    uint rows, image_rows, out_w; // of the result: n·image_rows, image_rows = its height · out_w
    uint columns, panel_count;
    uint group_rows; // for one workgroup, at most 255 (software variant)
    float slope;
};

// Adds what gemm with a split inner dimension left, and does its epilogue.
struct gemm_reduce {
    f32s partial;                                          // [splits, rows, 16 · panel_count]
    elements bias, channel_add, slopes, gate, residual, y; // as in gemm
    uint rows, image_rows, columns, panel_count, splits;
    float slope;
};

// Blocks of quantised numbers, or 8-bit floats, one after the other.
struct dequantize {
    u32s raw;   // blocks as in the file
    elements y; // [count]
    uint count;
};

// -- Attention

// y = softmax(scale · q · kᵀ + bias) · v for each head, d channels each.
struct attention {
    elements q;    // [n, queries, heads · d]
    elements k, v; // [n, keys, heads · d]
    elements bias; // [1 or n, 1 or heads, queries, keys]
    elements y;    // as q
    f32s scratch;  // software variant: for each workgroup what attention_software.glsl says
    uint heads, queries, keys;
    uint bias_image, bias_head; // elements from one image's, one head's bias to the next; 0: all have the same
    uint first, end;            // which blocks of queries, of those of all heads and images
    float query_scale;          // the scale: a power of two, with which queries become fp16,
    float score_scale;          // and the rest, in units of log 2
};

// -- Sampling

// What differs between one evaluation of a network and the next (models/sampling/samplers.h); a coefficient of 0 means
// that its tensor is not read.
struct sampler_coefficients {
    float guidance;                       // m = negative + guidance * (positive - negative)
    float x0_x, x0_model;                 // the picture as predicted here: of x, m
    float kept_x, kept_model;             // K_0: of x, m
    float next_x, next_saved, next_noise; // x', after Σ next_kept[i] * K_i
    float next_kept[4];
    float save_x, save_saved; // saved', after Σ save_kept[i] * K_i; all 0: saved stays
    float save_kept[4];
    float known_image, known_noise; // x' outside of the mask
    float input_scale;              // of x', for the network; 0: it is not asked again
    uint places[4];                 // where in `kept` K_0 … K_3 lie
};

struct sampler_step {
    f32s coefficients; // one sampler_coefficients
    elements negative; // [images, pixels, channels] from negative_first on: the network's output without the prompt
    elements positive; // and with it
    f32s x;            // [images, pixels, channels]
    f32s saved;
    f32s kept;                           // [4, images, pixels, channels]
    f32s noise;                          // [images, pixels, channels]
    f32s mask;                           // [1 or images, pixels]: 1 where x' is the sampler's
    f32s image;                          // [1 or images, pixels, channels]: what is known, and
    f32s image_noise;                    // [images, pixels, channels] its noise
    elements network_input;              // [images or 2 * images, pixels, input_channels]
    f32s x0;                             // [images, pixels, channels]
    uint negative_first, positive_first; // elements
    uint count;                          // images * pixels * channels
    uint channels, input_channels;
    uint mask_count, image_count; // elements, after which they repeat
};

// -- Fourier transform

// A step before or after the complex transform: shaders/fft2d.comp. h, w, channels: of the real picture.
struct fft2d {
    elements from;
    f32s to;
    uint h, w, channels;
    float scale; // on the side of the spectrum
};

#ifdef __cplusplus
} // namespace sfumato::kernel
#endif
