#include "compute/ops_fill.h"

#include "compute/ops.h"
#include "kernel_binaries.h"

#include <cassert>

namespace sfumato {

namespace {

using kernel::uint;

launch over(int width, int height) { return {uint(width), uint(height)}; }
launch over(window const& w) { return over(w.width(), w.height()); }

tensor plane(graph& g, int width, int height, dtype type = dtype::f32) {
    return g.temporary({.h = height, .w = width}, type);
}
tensor colours(graph& g, int width, int height) { return g.temporary({.h = height, .w = width, .c = 4}); }

bool same_size(tensor const& a, tensor const& b) { return a.shape.w == b.shape.w && a.shape.h == b.shape.h; }

bool inside(window const& w, fill_level const& level) {
    return w.left >= 0 && w.top >= 0 && w.right <= level.width() && w.bottom <= level.height() && w.width() > 0 &&
           w.height() > 0;
}

constexpr double patch_work = 25 * 12; // of comparing two patches
constexpr float largest_seam = 0.6f;   // a step above this is an edge; below 0.2, part of a seam stays and is harder
constexpr int relaxations = 40;        // of either half of the pixels in turn; seams are steep, so few go far

struct weighted {
    tensor pixels, weights;
};

weighted push(graph& g, tensor const& pixels, tensor const& weights) {
    assert(same_size(pixels, weights) && pixels.shape.c == 4 && weights.shape.c == 1);
    int const width = (pixels.shape.w + 1) / 2, height = (pixels.shape.h + 1) / 2;
    weighted const half{colours(g, width, height), plane(g, width, height)};
    g.dispatch(kernel::push{.fine = g.in(pixels),
                            .fine_weights = g.in(weights),
                            .coarse = g.out(half.pixels),
                            .weights = g.out(half.weights),
                            .fine_width = pixels.shape.w,
                            .fine_height = pixels.shape.h,
                            .width = width,
                            .height = height},
               over(width, height), 100);
    return half;
}

} // namespace

tensor distance_to(graph& g, tensor const& values, float low, float high, int reach) {
    int const width = values.shape.w, height = values.shape.h;
    assert(values.shape.c == 1 && reach > 0);
    tensor const columns = plane(g, width, height), distances = plane(g, width, height);
    g.dispatch(kernel::distance_columns{.values = g.in(values),
                                        .columns = g.out(columns),
                                        .width = width,
                                        .height = height,
                                        .reach = reach,
                                        .low = low,
                                        .high = high},
               launch::items(width), 12.0 * height);
    g.dispatch(kernel::distance_rows{.columns = g.in(columns),
                                     .nearest = g.out(plane(g, width, height, dtype::u32)),
                                     .distances = g.out(distances),
                                     .width = width,
                                     .height = height},
               launch::items(height), 40.0 * width);
    return distances;
}

tensor composite_mask(graph& g, tensor const& selection, int rim) {
    tensor const distances = distance_to(g, selection, 1, 1e9f, rim + 1);
    tensor const composite = plane(g, selection.shape.w, selection.shape.h);
    uint const count = uint(composite.shape.count());
    g.dispatch(kernel::composite_mask{.selection = g.in(selection),
                                      .distances = g.in(distances),
                                      .composite = g.out(composite),
                                      .count = count,
                                      .rim = float(rim)},
               launch::items(count));
    return composite;
}

fill_level fill_prepare(graph& g, tensor const& picture, tensor const& selection) {
    int const width = picture.shape.w, height = picture.shape.h;
    assert(picture.shape.c == 4 && same_size(picture, selection) && selection.shape.c == 1);
    fill_level const level{colours(g, width, height), plane(g, width, height), plane(g, width, height, dtype::u32),
                           distance_to(g, selection, -1e9f, 0, std::max(width, height))};
    uint const count = uint(selection.shape.count());
    g.dispatch(kernel::fill_prepare{.picture = g.in(picture),
                                    .selection = g.in(selection),
                                    .pixels = g.out(level.pixels),
                                    .states = g.out(level.states),
                                    .weights = g.out(level.weights),
                                    .count = count},
               launch::items(count));
    return level;
}

tensor patch_texture(graph& g, fill_level const& level, float scale) {
    tensor const textured = colours(g, level.width(), level.height());
    g.dispatch(kernel::patch_texture{.pixels = g.in(level.pixels),
                                     .states = g.in(level.states),
                                     .textured = g.out(textured),
                                     .width = level.width(),
                                     .height = level.height(),
                                     .scale = scale},
               over(level.width(), level.height()), 60);
    return textured;
}

fill_level fill_halve(graph& g, fill_level const& fine) {
    auto const [pixels, weights] = push(g, fine.pixels, fine.weights);
    int const width = pixels.shape.w, height = pixels.shape.h;
    fill_level const half{pixels, weights, plane(g, width, height, dtype::u32), plane(g, width, height)};
    g.dispatch(kernel::fill_halve{.fine_states = g.in(fine.states),
                                  .fine_depths = g.in(fine.depths),
                                  .states = g.out(half.states),
                                  .depths = g.out(half.depths),
                                  .fine_width = fine.width(),
                                  .fine_height = fine.height(),
                                  .width = width,
                                  .height = height},
               over(width, height));
    return half;
}

tensor pull(graph& g, tensor const& coarse, tensor const& fine, tensor const& weights) {
    int const width = fine.shape.w, height = fine.shape.h;
    assert(same_size(fine, weights) && coarse.shape.w == (width + 1) / 2 && coarse.shape.h == (height + 1) / 2);
    tensor const filled = colours(g, width, height);
    g.dispatch(kernel::pull{.coarse = g.in(coarse),
                            .fine = g.in(fine),
                            .weights = g.in(weights),
                            .filled = g.out(filled),
                            .width = width,
                            .height = height,
                            .coarse_width = coarse.shape.w,
                            .coarse_height = coarse.shape.h},
               over(width, height), 40);
    return filled;
}

tensor smooth_fill(graph& g, tensor const& pixels, tensor const& weights) {
    std::vector<weighted> levels{{pixels, weights}};
    while (levels.back().pixels.shape.w > 1 || levels.back().pixels.shape.h > 1)
        levels.push_back(push(g, levels.back().pixels, levels.back().weights));
    tensor filled = levels.back().pixels;
    for (std::size_t i = levels.size() - 1; i-- > 0;) filled = pull(g, filled, levels[i].pixels, levels[i].weights);
    return filled;
}

patch_field patches_of(graph& g, fill_level const& level, tensor const& start, window const& area,
                       patch_options const& options) {
    int const width = level.width(), height = level.height();
    assert(same_size(level.pixels, start) && inside(area, level) && width < 65535 && height < 65535);
    auto const integers = [&] { return plane(g, width, height, dtype::u32); };
    auto const floats = [&] { return plane(g, width, height); };
    patch_field const f{level, area, options, integers(), floats(), floats(), start, integers(), integers(), floats()};
    g.dispatch(kernel::patch_kinds{.states = g.in(level.states),
                                   .depths = g.in(level.depths),
                                   .kinds = g.out(f.kinds),
                                   .confidences = g.out(f.confidences),
                                   .scales = g.out(f.scales),
                                   .width = width,
                                   .height = height,
                                   .falloff = options.falloff,
                                   .least = options.least},
               over(width, height), 49 * 8);
    uint const count = uint(f.packed.shape.count());
    g.dispatch(kernel::pack_pixels{.pixels = g.in(start), .packed = g.out(f.packed), .count = count},
               launch::items(count));
    return f;
}

void match_start(graph& g, patch_field& f, int cell, std::uint32_t seed) {
    int const width = f.level.width(), height = f.level.height();
    double const cells = double((width + cell - 1) / cell) * ((height + cell - 1) / cell);
    g.dispatch(kernel::match_start{.packed = g.in(f.packed),
                                   .kinds = g.in(f.kinds),
                                   .confidences = g.in(f.confidences),
                                   .scales = g.in(f.scales),
                                   .matches = g.out(f.matches),
                                   .costs = g.out(f.costs),
                                   .width = width,
                                   .height = height,
                                   .left = f.area.left,
                                   .top = f.area.top,
                                   .right = f.area.right,
                                   .bottom = f.area.bottom,
                                   .cell = cell,
                                   .seed = seed,
                                   .remoteness = f.options.remoteness},
               over(f.area), patch_work * cells);
}

void match_upsample(graph& g, patch_field& f, patch_field const& coarse) {
    int const width = f.level.width(), height = f.level.height();
    assert(coarse.level.width() == (width + 1) / 2 && coarse.level.height() == (height + 1) / 2);
    g.dispatch(kernel::match_upsample{.coarse_kinds = g.in(coarse.kinds),
                                      .coarse_matches = g.in(coarse.matches),
                                      .kinds = g.in(f.kinds),
                                      .matches = g.out(f.matches),
                                      .costs = g.out(f.costs),
                                      .coarse_width = coarse.level.width(),
                                      .coarse_height = coarse.level.height(),
                                      .width = width,
                                      .height = height,
                                      .left = f.area.left,
                                      .top = f.area.top,
                                      .right = f.area.right,
                                      .bottom = f.area.bottom},
               over(f.area), 106 * 6);
}

void match_search(graph& g, patch_field& f, int stride, int trials, float reach, std::uint32_t seed) {
    assert(stride > 0 && trials >= 0);
    tensor const found = plane(g, f.level.width(), f.level.height(), dtype::u32);
    g.dispatch(kernel::match_search{.packed = g.in(f.packed),
                                    .kinds = g.in(f.kinds),
                                    .confidences = g.in(f.confidences),
                                    .scales = g.in(f.scales),
                                    .matches = g.in(f.matches),
                                    .found = g.out(found),
                                    .costs = g.out(f.costs),
                                    .width = f.level.width(),
                                    .height = f.level.height(),
                                    .left = f.area.left,
                                    .top = f.area.top,
                                    .right = f.area.right,
                                    .bottom = f.area.bottom,
                                    .stride = stride,
                                    .trials = trials,
                                    .seed = seed,
                                    .reach = reach,
                                    .remoteness = f.options.remoteness},
               over(f.area), patch_work * (9 + trials));
    f.matches = found;
}

void patch_vote(graph& g, patch_field& f, vote_options const& options) {
    g.dispatch(kernel::patch_vote{.pixels = g.in(f.level.pixels),
                                  .states = g.in(f.level.states),
                                  .confidences = g.in(f.confidences),
                                  .matches = g.in(f.matches),
                                  .costs = g.in(f.costs),
                                  .votes = g.inout(f.votes),
                                  .packed = g.inout(f.packed),
                                  .width = f.level.width(),
                                  .height = f.level.height(),
                                  .left = f.area.left,
                                  .top = f.area.top,
                                  .right = f.area.right,
                                  .bottom = f.area.bottom,
                                  .sharpness = options.sharpness,
                                  .relative = options.relative,
                                  .known_too = options.known_too},
               over(f.area), 49 * 30);
}

namespace {

void take_seams_out(graph& g, patch_field const& f, vote_options const& voted, window const& area,
                    tensor const& offsets) {
    tensor const across = colours(g, area.width(), area.height()), down = colours(g, area.width(), area.height());
    g.dispatch(kernel::patch_steps{.pixels = g.in(f.level.pixels),
                                   .votes = g.in(f.votes),
                                   .states = g.in(f.level.states),
                                   .confidences = g.in(f.confidences),
                                   .matches = g.in(f.matches),
                                   .costs = g.in(f.costs),
                                   .across = g.out(across),
                                   .down = g.out(down),
                                   .width = f.level.width(),
                                   .height = f.level.height(),
                                   .left = f.area.left,
                                   .top = f.area.top,
                                   .right = f.area.right,
                                   .bottom = f.area.bottom,
                                   .first_x = area.left,
                                   .first_y = area.top,
                                   .columns = area.width(),
                                   .rows = area.height(),
                                   .sharpness = voted.sharpness,
                                   .largest = largest_seam},
               over(area), 2 * 49 * 40);
    for (int i = 0; i < relaxations; ++i)
        g.dispatch(kernel::membrane_relax{.states = g.in(f.level.states),
                                          .across = g.in(across),
                                          .down = g.in(down),
                                          .offsets = g.inout(offsets),
                                          .width = f.level.width(),
                                          .left = area.left,
                                          .top = area.top,
                                          .right = area.right,
                                          .bottom = area.bottom,
                                          .parity = i % 2,
                                          .relaxation = 1.7f},
                   over(area), 60);
}

// What `from` lacks of `to` on the hole's rim, carried smoothly into the hole: area's pixels.
tensor carried_in(graph& g, fill_level const& level, tensor const& to, tensor const& from, window const& area) {
    tensor const offsets = colours(g, area.width(), area.height()), weights = plane(g, area.width(), area.height());
    g.dispatch(kernel::membrane_rim{.pixels = g.in(to),
                                    .votes = g.in(from),
                                    .states = g.in(level.states),
                                    .offsets = g.out(offsets),
                                    .weights = g.out(weights),
                                    .width = level.width(),
                                    .height = level.height(),
                                    .left = area.left,
                                    .top = area.top,
                                    .right = area.right,
                                    .bottom = area.bottom},
               over(area));
    return smooth_fill(g, offsets, weights);
}

} // namespace

tensor membrane_finish(graph& g, fill_level const& level, tensor const& votes, window const& area, bool opaque,
                       patch_field const* f, vote_options const& voted) {
    assert(inside(area, level) && same_size(level.pixels, votes));
    tensor const& proposed = f ? f->votes : votes;
    tensor offsets = carried_in(g, level, level.pixels, proposed, area);
    if (f) take_seams_out(g, *f, voted, area, offsets);
    if (proposed.id != votes.id) offsets = add_scaled(g, carried_in(g, level, proposed, votes, area), 1, offsets);
    tensor const filled = colours(g, area.width(), area.height());
    g.dispatch(kernel::fill_finish{.votes = g.in(votes),
                                   .offsets = g.in(offsets),
                                   .filled = g.out(filled),
                                   .width = level.width(),
                                   .left = area.left,
                                   .top = area.top,
                                   .right = area.right,
                                   .bottom = area.bottom,
                                   .opaque = opaque},
               over(area));
    return filled;
}

} // namespace sfumato
