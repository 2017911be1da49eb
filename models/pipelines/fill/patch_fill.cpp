#include "models/pipelines/fill/patch_fill.h"

#include "compute/error.h"
#include "compute/ops.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace sfumato {

namespace {

constexpr int patch_side = 7;       // shaders/patch.glsl
constexpr int largest_side = 65534; // a match is two 16-bit numbers
constexpr int thickest = 14;        // the coarsest level is the first where the hole is no thicker than two patches
constexpr int first_candidates = 1200;
constexpr int most_candidates = 20000;
constexpr int rounds_at_coarsest = 12;
constexpr int rounds_below = 8;            // at the next level, and two less at each finer one …
constexpr int fewest_rounds = 2;           // … but not less than this
constexpr int sharp_rounds = 2;            // the last ones at full size, which copy more than they blend
constexpr float trust_at_coarsest = 1e-5f; // so little that the hole's middle follows its rim, not its flat start
constexpr int trials = 6;                  // random candidates of a search
constexpr int many = 50'000;               // pixels of the hole at a level, above which that is one round with …
constexpr int few_trials = 2;
constexpr float near = 8;
constexpr float texture_scale = 4;
constexpr int rounds_after_guide = 4;
constexpr double least_blur = 2; // of a guide: sharpness and grain are the picture's own
// Means of unlike patches are flat, and flat patches fit them best: where fits differ much, coarse levels copy, too.
constexpr vote_options blending{.sharpness = 1 / 280.0f};
constexpr vote_options copying{.sharpness = 1 / 8.0f, .relative = true};

enum class state : std::uint8_t { known, hole, blank };

struct state_map {
    int width, height;
    std::vector<state> at;
};

bool is_known(float const* pixel) {
    return pixel[3] > 0 && std::all_of(pixel, pixel + 4, [](float v) { return std::isfinite(v); });
}

state_map states_of(picture const& p, mask const& selection) {
    state_map m{p.width, p.height, std::vector<state>(selection.values.size())};
    for (std::size_t i = 0; i < m.at.size(); ++i)
        m.at[i] = selection.values[i] > 0 ? state::hole : is_known(&p.pixels[4 * i]) ? state::known : state::blank;
    return m;
}

// As the kernel fill_halve does it.
state_map halve(state_map const& fine) {
    state_map m{(fine.width + 1) / 2, (fine.height + 1) / 2, {}};
    m.at.assign(std::size_t(m.width) * m.height, state::known);
    for (int y = 0; y < fine.height; ++y)
        for (int x = 0; x < fine.width; ++x) {
            state const s = fine.at[std::size_t(y) * fine.width + x];
            state& half = m.at[std::size_t(y / 2) * m.width + x / 2];
            if (s == state::hole || (s == state::blank && half == state::known)) half = s;
        }
    return m;
}

// The side of the largest square that lies in `wanted` alone.
int largest_square(state_map const& m, state wanted) {
    std::vector<int> above(m.width + 1), row(m.width + 1); // sides of the squares that end at x - 1
    int largest = 0;
    for (int y = 0; y < m.height; ++y) {
        for (int x = 0; x < m.width; ++x) {
            bool const fits = m.at[std::size_t(y) * m.width + x] == wanted;
            row[x + 1] = fits ? 1 + std::min({row[x], above[x + 1], above[x]}) : 0;
            largest = std::max(largest, row[x + 1]);
        }
        std::swap(above, row);
    }
    return largest;
}

// Cells small enough that the largest square of sources holds a whole one, unless there would be too many.
int cell_of(state_map const& m, int largest_known) {
    double const pixels = double(m.width) * m.height;
    int const usual = int(std::ceil(std::sqrt(pixels / first_candidates)));
    int const least = int(std::ceil(std::sqrt(pixels / most_candidates)));
    return std::max({1, least, std::min(usual, (largest_known - patch_side + 2) / 2)});
}

// Where patches touch the hole at a level.
window area_at(rect const& hole, int level, int width, int height) {
    int const reach = patch_side / 2;
    return {std::max((hole.x >> level) - reach, 0), std::max((hole.y >> level) - reach, 0),
            std::min(((hole.right() - 1) >> level) + 1 + reach, width),
            std::min(((hole.bottom() - 1) >> level) + 1 + reach, height)};
}

// The vote that ends a round.
void vote(graph& g, patch_field& f, bool sharp, bool last) {
    vote_options options = sharp ? copying : blending;
    options.known_too = last;
    patch_vote(g, f, options);
}

// Expectation and maximisation in turn: where each patch fits best, then what the patches say together.
void refine(graph& g, patch_field& f, int rounds, bool coarsest, bool finest, std::uint32_t seed) {
    float const reach = float(std::max(f.level.width(), f.level.height())) / (coarsest ? 2 : 4);
    for (int round = 0; round < rounds; ++round) {
        match_search(g, f, coarsest ? 4 : 2, trials, reach, seed + 2 * round);
        match_search(g, f, coarsest ? 2 : 1, trials, reach, seed + 2 * round + 1);
        vote(g, f, finest && round >= rounds - sharp_rounds, finest && round == rounds - 1);
    }
}

// The same where there are many patches: coarser levels have found what there is to find, and better ones are near.
void refine_quickly(graph& g, patch_field& f, bool finest, std::uint32_t seed) {
    match_search(g, f, 1, few_trials, near, seed);
    vote(g, f, finest, finest);
}

// The level's picture with the guide in its hole; where alpha's place is texture's, the surroundings' is carried on.
tensor after(graph& g, fill_guide const& guide, fill_level const& level, bool opaque) {
    tensor const small = resize(g, guide.pixels, level.height(), level.width(), filter::bilinear);
    tensor const around = opaque ? smooth_fill(g, level.pixels, level.weights) : small;
    return lerp(g, concat(g, slice(g, small, 0, 3), slice(g, around, 3, 1)), level.pixels, level.weights);
}

// Patches that look like the guide, which stays as it is.
void follow(graph& g, patch_field& f, std::uint32_t seed) {
    float const reach = float(std::max(f.level.width(), f.level.height())) / 4;
    for (int round = 0; round < rounds_after_guide; ++round) {
        match_search(g, f, 2, few_trials, reach, seed + 2 * round);
        match_search(g, f, 1, few_trials, reach, seed + 2 * round + 1);
    }
}

// The guide with the details of `votes`, which are blurred as much as it is to find what to change. Small ones are
// subtracted: at full size they would take as much memory as all else.
tensor with_details(graph& g, fill_guide const& guide, tensor const& votes) {
    double const blur = std::max(guide.blur, least_blur);
    auto const small = [&](int side) { return std::max(1, int(std::lround(side / blur))); };
    auto const blurred = [&](tensor const& x) {
        return resize(g, x, small(votes.shape.h), small(votes.shape.w), filter::bilinear);
    };
    tensor const small_change = add_scaled(g, blurred(votes), -1, blurred(guide.pixels)),
                 change = resize(g, small_change, votes.shape.h, votes.shape.w, filter::bicubic);
    return add_scaled(g, votes, 1, change, channels_from{change}); // in its place
}

} // namespace

patch_fill_shape plan_patch_fill(picture const& p, mask const& selection) {
    patch_fill_shape shape{.hole = bounds(selection), .opaque = true};
    if (std::max(p.width, p.height) > largest_side)
        fail("The selection and its surroundings are {} × {} pixels, more than {} on a side: select less.", p.width,
             p.height, largest_side);
    if (shape.hole.empty()) fail("Nothing is selected: select the part of the picture to fill.");
    state_map map = states_of(p, selection);
    for (std::size_t i = 0; i < map.at.size(); ++i)
        shape.opaque = shape.opaque && (map.at[i] != state::known || p.pixels[4 * i + 3] >= 1);
    shape.pixels = std::ranges::count(map.at, state::hole);
    if (std::ranges::find(map.at, state::known) == map.at.end())
        fail("Nothing is left to fill from: everything in reach is selected or transparent; select less.");
    int known = largest_square(map, state::known);
    if (known < patch_side) return shape;
    shape.levels = 1;
    for (int thickness = largest_square(map, state::hole); thickness > thickest; thickness /= 2) {
        state_map const half = halve(map);
        int const known_in_half = largest_square(half, state::known);
        if (known_in_half < 2 * patch_side) break;
        map = half;
        known = known_in_half;
        ++shape.levels;
    }
    shape.cell = cell_of(map, known);
    return shape;
}

tensor patch_fill(graph& g, tensor const& picture, tensor const& selection, patch_fill_shape const& shape,
                  window const& area, std::uint32_t seed, fill_guide const* guide) {
    g.stage(say("look at the surroundings"));
    std::vector<fill_level> levels{fill_prepare(g, picture, selection)};
    if (shape.opaque) levels[0].pixels = patch_texture(g, levels[0], texture_scale);
    while (int(levels.size()) < shape.levels) levels.push_back(fill_halve(g, levels.back()));
    tensor filled = guide ? after(g, *guide, levels.back(), shape.opaque)
                          : smooth_fill(g, levels.back().pixels, levels.back().weights);
    // The coarsest level that is changed: where the guide has all details that fit in.
    int const guided = guide ? std::min(int(std::lround(std::log2(guide->blur))), shape.levels - 1) : shape.levels;

    patch_field coarser;
    for (int i = shape.levels - 1; i >= 0; --i) {
        fill_level const& level = levels[i];
        bool const coarsest = i == shape.levels - 1;
        g.stage(say("fill from coarse to fine, {} of {}", shape.levels - i, shape.levels));
        bool const follows = i >= guided;
        if (!coarsest)
            filled = follows ? after(g, *guide, level, shape.opaque) : pull(g, filled, level.pixels, level.weights);
        float const size = float(std::max(level.width(), level.height()));
        patch_field field = patches_of(g, level, filled, area_at(shape.hole, i, level.width(), level.height()),
                                       {.falloff = follows ? 0.0f : patch_options().falloff,
                                        .least = coarsest ? trust_at_coarsest : patch_options().least,
                                        .remoteness = 800 / (size * size)});
        std::uint32_t const level_seed = seed + 1000 * std::uint32_t(i);
        if (coarsest) {
            match_start(g, field, shape.cell, level_seed + 999);
        } else {
            match_upsample(g, field, coarser);
            if (!follows) patch_vote(g, field, blending);
        }
        int const rounds =
            coarsest ? rounds_at_coarsest : std::max(fewest_rounds, rounds_below - 2 * (shape.levels - 2 - i));
        if (follows) {
            follow(g, field, level_seed);
            if (i == guided) vote(g, field, true, i == 0);
        } else if (!coarsest && shape.pixels >> 2 * i > many)
            refine_quickly(g, field, i == 0, level_seed);
        else
            refine(g, field, rounds, coarsest, i == 0, level_seed);
        filled = field.votes;
        coarser = field;
    }
    g.stage(say("blend into the surroundings"));
    tensor const finished = guide ? with_details(g, *guide, filled) : filled;
    return membrane_finish(g, levels[0], finished, area, shape.opaque || guide, shape.levels > 0 ? &coarser : nullptr,
                           copying);
}

} // namespace sfumato
