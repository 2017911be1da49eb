// The operations of the model-free fill, on whole pictures: [h, w, 4] with premultiplied alpha unless said otherwise.
// Coarse levels of a pyramid have half the width and height, rounded up.
#pragma once

#include "compute/graph.h"

#include <vector>

namespace sfumato {

/// The part of a level that is worked on: around the hole, inside the picture. right and bottom are exclusive.
struct window {
    int left = 0, top = 0, right = 0, bottom = 0;

    int width() const { return right - left; }
    int height() const { return bottom - top; }
};

/// Exact Euclidean distance from each of `values` [h, w] to the nearest that lies in low … high; at most `reach`.
tensor distance_to(graph&, tensor const& values, float low, float high, int reach);

/// The selection [h, w] with a soft rim, `rim` pixels wide, around what is fully selected; soft values stay as they
/// are.
tensor composite_mask(graph&, tensor const& selection, int rim);

/// One level of the picture that is to be filled.
struct fill_level {
    tensor pixels;  // [h, w, 4]
    tensor weights; // [h, w]: how much of a pixel is known
    tensor states;  // u32 [h, w]: known, hole or blank (shaders/patch.glsl)
    tensor depths;  // [h, w]: distance to the nearest pixel outside the hole, 0 there
    int width() const { return pixels.shape.w; }
    int height() const { return pixels.shape.h; }
};

/// The finest level, from a picture with straight alpha and its selection (> 0 is the hole). Transparent pixels and
/// those that are not finite are no sources.
fill_level fill_prepare(graph&, tensor const& picture, tensor const& selection);

/// Where every known pixel is opaque: gives alpha's place to texture, `scale` times the mean difference in brightness
/// to the neighbours. A mean of patches is flatter than any of them; by this channel, which means do not flatten,
/// patches as rough as the surroundings are found all the same (A. Newson et al., "Video Inpainting of Complex Scenes",
/// SIAM J. Imaging Sciences 2014, section 3.2).
tensor patch_texture(graph&, fill_level const&, float scale);

/// The next coarser level.
fill_level fill_halve(graph&, fill_level const&);

/// Fills what has no weight from coarser levels: smooth, without any texture (push–pull).
tensor smooth_fill(graph&, tensor const& pixels, tensor const& weights);

/// One step of that: where `fine` has no weight it gets `coarse`, enlarged.
tensor pull(graph&, tensor const& coarse, tensor const& fine, tensor const& weights);

/// How patches are compared and what they count.
struct patch_options {
    float falloff = 1;    // confidence in a pixel of the hole is 2^(−falloff · depth) …
    float least = 0.01f;  // … and not less than this
    float remoteness = 0; // added cost per squared pixel between a target and its source
};

/// What a level's patches are matched with; made once a level. `area` holds every patch that touches the hole.
struct patch_field {
    fill_level level;
    window area;
    patch_options options;
    tensor kinds, confidences, scales;
    tensor votes;  // [h, w, 4]: the picture as filled so far
    tensor packed; // the same in 8 bits a channel, for comparing
    tensor matches, costs;
};

/// `start`: the level's picture, filled somehow.
patch_field patches_of(graph&, fill_level const&, tensor const& start, window const& area, patch_options const&);

/// First matches at the coarsest level: the best of one random candidate in every `cell` × `cell` pixels.
void match_start(graph&, patch_field&, int cell, std::uint32_t seed);

/// First matches from those of half the size.
void match_upsample(graph&, patch_field&, patch_field const& coarse);

/// One round of PatchMatch: neighbours `stride` and one pixel away, then `trials` random candidates, the first at most
/// `reach` pixels from the best one, each next in half the distance.
void match_search(graph&, patch_field&, int stride, int trials, float reach, std::uint32_t seed);

struct vote_options {
    float sharpness =
        1 / 450.0f; // a patch's weight is its confidence · exp(−sharpness · mean squared difference in 8-bit steps)
    bool relative = false;  // the difference counts from that of a pixel's best patch: copies rather than blends
    bool known_too = false; // votes for known pixels as well: membrane() compares them with what is there
};

/// Each pixel of the hole becomes the weighted mean of what the patches over it propose.
void patch_vote(graph&, patch_field&, vote_options const& = {});

/// Carries the votes' error on the hole's rim smoothly into the hole, as a membrane would (push–pull). Returns area's
/// pixels [h, w, 4] with straight alpha; they mean something in the hole only. `opaque`: alpha is 1, and the votes have
/// something else in its place. `patches`, if there are any, and the last vote, which was known_too: takes the seams
/// between patches out as well: pixels' differences become those that patches over both propose, where a seam is no
/// edge (after S. Darabi et al., "Image Melding", SIGGRAPH 2012, which votes for gradients, too). `votes` may differ
/// from the patches' own: what was added to these is carried away from the rim, too.
tensor membrane_finish(graph&, fill_level const&, tensor const& votes, window const& area, bool opaque,
                       patch_field const* patches = nullptr, vote_options const& voted = {});

} // namespace sfumato
