// What an inpaint computes of whole pictures beside the networks, on the device: a small graph each.
#pragma once

#include "compute/ops.h"
#include "models/pipelines/diffusion/latent_codec.h"
#include "models/pipelines/shelf.h"
#include "request/job.h"

#include <optional>
#include <span>
#include <vector>

namespace sfumato {

struct picture_pass {
    graph g;
    std::vector<tensor> in; // f32
    tensor out;
};

/// [h, w] → [h, w]: the distance to the nearest value in low … high; at most `reach`.
picture_pass record_distances(target const&, pixel_size, float low, float high, int reach);
/// [h, w, 4] → [h, w, 4] of another size.
picture_pass record_resize(target const&, pixel_size from, pixel_size to, filter = filter::lanczos);
/// [h, w, 4] and weights [h, w] → [h, w, 4]: smooth where there is no weight (push–pull).
picture_pass record_smooth_fill(target const&, pixel_size);

/// Models on the shelf make room. Nothing: cancelled.
std::optional<std::vector<float>> run(device&, shelf const&, picture_pass,
                                      std::initializer_list<std::span<float const>> inputs, job const&);

/// The picture itself where it has that size. Nothing: cancelled.
std::optional<picture> resized(device&, shelf const&, picture const&, pixel_size to, filter, job const&);

} // namespace sfumato
