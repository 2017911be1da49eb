#include "models/pipelines/imaging/grow_to_object.h"

#include "compute/error.h"
#include "models/pipelines/imaging/colour_mixture.h"
#include "models/pipelines/imaging/max_flow.h"
#include "request/context.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <iterator>

namespace sfumato {

namespace {

constexpr int work_side = 512; // of the first cut; the border is cut again at full size
constexpr int rounds = 4;      // the colours are those of the last cut
constexpr float selected = 0.5f;
constexpr double margin = 0.02;         // of the context's longer side: shadows of contact, blurred rims
constexpr double units = 64;            // of prices, in a whole number
constexpr double edge_price = 25;       // of a border between two pixels of one colour
constexpr double far_price = 6;         // of a pixel at the end of the reach
constexpr double usual_share = 0.6;     // of the surroundings' pixels have colours that count as theirs
constexpr double least_own = 0.1;       // of an object's pixels have others
constexpr double largest_price = 1'000; // of a pixel on its wrong side

// Which side a pixel is on: decided, or to be cut.
enum class side : std::uint8_t { surroundings, object, open };
using sides = std::vector<side>;

struct field {
    picture const& p;

    int width() const { return p.width; }
    std::size_t size() const { return std::size_t(p.width) * p.height; }
    lab_colour colour(std::size_t i) const { return lab_of(&p.pixels[4 * i]); }
    bool is_known(std::size_t i) const { return p.pixels[4 * i + 3] > 0; }

    // Calls visit(neighbour, distance) for the eight around.
    template <class Visit> void around(std::size_t i, Visit const& visit) const {
        int const x = int(i % std::size_t(p.width)), y = int(i / std::size_t(p.width));
        for (int dy = -1; dy <= 1; ++dy)
            for (int dx = -1; dx <= 1; ++dx) {
                bool const is_itself = dx == 0 && dy == 0;
                if (is_itself || x + dx < 0 || y + dy < 0 || x + dx >= p.width || y + dy >= p.height) continue;
                visit(i + std::size_t(dy * p.width + dx), dx && dy ? std::sqrt(2.0) : 1.0);
            }
    }
};

struct colour_models {
    colour_mixture object, surroundings;
};

max_flow::capacity price(double p) { return max_flow::capacity(std::lround(units * std::min(p, largest_price))); }

// Of the pixels that are open in `known`, which are the object's. `far`: what a pixel there costs more.
sides cut(field const& f, sides const& known, colour_models const& models, std::vector<float> const* far) {
    std::vector<std::size_t> open;
    std::vector<int> number(known.size(), -1);
    for (std::size_t i = 0; i < known.size(); ++i)
        if (known[i] == side::open) number[i] = int(open.size()), open.push_back(i);
    std::vector<lab_colour> colours;
    for (std::size_t i : open) colours.push_back(f.colour(i));
    auto const colour = [&](std::size_t i) { return number[i] < 0 ? f.colour(i) : colours[std::size_t(number[i])]; };
    auto const difference = [&](std::size_t a, std::size_t b) {
        lab_colour const u = colour(a), v = colour(b);
        return (u[0] - v[0]) * (u[0] - v[0]) + (u[1] - v[1]) * (u[1] - v[1]) + (u[2] - v[2]) * (u[2] - v[2]);
    };
    double sum = 1e-9, count = 1e-3; // differences that are usual here make no edge
    for (std::size_t i : open) f.around(i, [&](std::size_t j, double) { sum += difference(i, j), ++count; });
    double const usual = sum / count;

    max_flow graph(int(open.size()));
    for (std::size_t i : open) {
        int const n = number[i];
        double const colours_say =
            models.surroundings.cost(colour(i)) - models.object.cost(colour(i)) - (far ? double((*far)[i]) : 0);
        graph.add_terminals(n, price(std::max(colours_say, 0.0)), price(std::max(-colours_say, 0.0)));
        f.around(i, [&](std::size_t j, double distance) {
            if (number[j] >= 0 && j < i) return; // once
            auto const across = price(edge_price * std::exp(-difference(i, j) / (2 * usual)) / distance);
            if (number[j] >= 0)
                graph.add_edge(n, number[j], across, across);
            else if (known[j] == side::object)
                graph.add_terminals(n, across, 0);
            else
                graph.add_terminals(n, 0, across);
        });
    }
    graph.solve();
    sides found = known;
    for (std::size_t i : open) found[i] = graph.is_on_source_side(number[i]) ? side::object : side::surroundings;
    return found;
}

// ---- Before and after a cut

std::vector<lab_colour> colours_where(field const& f, auto const& is_wanted) {
    std::vector<lab_colour> colours;
    for (std::size_t i = 0; i < f.size(); ++i)
        if (f.is_known(i) && is_wanted(i)) colours.push_back(f.colour(i));
    return colours;
}

// Without those that the surroundings have, too: a selection around an object holds some of them. All, where hardly any
// are left.
std::vector<lab_colour> own_of(std::vector<lab_colour> const& object, std::vector<lab_colour> const& around,
                               colour_mixture const& surroundings) {
    std::vector<double> costs;
    for (lab_colour const& c : around) costs.push_back(surroundings.cost(c));
    auto const usual = costs.begin() + std::ptrdiff_t(usual_share * double(costs.size() - 1));
    std::ranges::nth_element(costs, usual);
    std::vector<lab_colour> own;
    std::ranges::copy_if(object, std::back_inserter(own),
                         [&](lab_colour const& c) { return surroundings.cost(c) > *usual; });
    return double(own.size()) < least_own * double(object.size()) ? object : own;
}

// All that can be reached from `from` over pixels where `is_way` holds.
std::vector<bool> reached(field const& f, std::vector<std::size_t> from, auto const& is_way) {
    std::vector<bool> seen(f.size());
    for (std::size_t i : from) seen[i] = true;
    while (!from.empty()) {
        std::size_t const i = from.back();
        from.pop_back();
        f.around(i, [&](std::size_t j, double distance) {
            if (seen[j] || distance > 1 || !is_way(j)) return;
            seen[j] = true;
            from.push_back(j);
        });
    }
    return seen;
}

std::vector<std::size_t> where(std::size_t size, auto const& holds) {
    std::vector<std::size_t> all;
    for (std::size_t i = 0; i < size; ++i)
        if (holds(i)) all.push_back(i);
    return all;
}

// What hangs together with the selection, and what that encloses.
sides tidied(field const& f, sides const& cut, std::vector<bool> const& chosen) {
    auto const object = reached(f, where(f.size(), [&](std::size_t i) { return chosen[i]; }),
                                [&](std::size_t i) { return cut[i] == side::object; });
    int const w = f.p.width, h = f.p.height;
    auto const is_at_frame = [&](std::size_t i) {
        int const x = int(i % std::size_t(w)), y = int(i / std::size_t(w));
        return !object[i] && (x == 0 || y == 0 || x == w - 1 || y == h - 1);
    };
    auto const outside = reached(f, where(f.size(), is_at_frame), [&](std::size_t i) { return !object[i]; });
    sides whole(f.size());
    for (std::size_t i = 0; i < whole.size(); ++i) whole[i] = outside[i] ? side::surroundings : side::object;
    return whole;
}

// A pixel is chosen where the selection holds anything of it.
std::vector<bool> scaled_down(mask const& selection, pixel_size to) {
    std::vector<bool> chosen(std::size_t(to.width) * to.height);
    for (int y = 0; y < selection.height; ++y)
        for (int x = 0; x < selection.width; ++x)
            if (selection.values[std::size_t(y) * selection.width + x] >= selected) {
                auto const u = std::int64_t(x) * to.width / selection.width,
                           v = std::int64_t(y) * to.height / selection.height;
                chosen[std::size_t(v) * to.width + u] = true;
            }
    return chosen;
}

// To where there is a 1, in pixels.
std::optional<std::vector<float>> distances(device& d, shelf const& models, std::vector<float> const& values,
                                            pixel_size size, int reach, job const& j) {
    return run(d, models, record_distances(d.target(), size, selected, 2, reach), {values}, j);
}

// The cut at work size, and which colours it went by; none where there is nothing to compare. `reach`: in its pixels.
struct first_cut {
    sides found;
    std::optional<colour_models> models{};
};
std::optional<first_cut> cut_small(field const& f, std::vector<bool> const& chosen, std::vector<float> const& away,
                                   float reach, job const& j) {
    sides known(f.size());
    std::vector<float> far(f.size());
    for (std::size_t i = 0; i < f.size(); ++i) {
        bool const may_be = away[i] < reach && f.is_known(i);
        known[i] = chosen[i] ? side::object : may_be ? side::open : side::surroundings;
        far[i] = float(far_price) * away[i] * away[i] / (reach * reach);
    }
    auto object = colours_where(f, [&](std::size_t i) { return chosen[i]; });
    auto around = colours_where(f, [&](std::size_t i) { return away[i] > reach / 2; });
    if (around.empty()) around = colours_where(f, [&](std::size_t i) { return !chosen[i]; });
    first_cut c{known};
    for (int round = 0; round < rounds && !object.empty() && !around.empty(); ++round) {
        if (j.is_cancelled()) return std::nullopt;
        colour_mixture const surroundings(around);
        c.models.emplace(colour_models{colour_mixture(own_of(object, around, surroundings)), surroundings});
        sides const next = tidied(f, cut(f, known, *c.models, &far), chosen);
        if (next == c.found) break;
        c.found = next;
        object = colours_where(f, [&](std::size_t i) { return next[i] == side::object; });
        around = colours_where(f, [&](std::size_t i) { return next[i] != side::object; });
    }
    return c;
}

// At full size, what lies near the border of the cut at work size is open again.
sides near_border(sides const& small, pixel_size small_size, mask const& selection) {
    auto const small_side = [&](int x, int y) { return small[std::size_t(y) * small_size.width + x]; };
    sides known(selection.values.size());
    for (int y = 0; y < selection.height; ++y)
        for (int x = 0; x < selection.width; ++x) {
            int const u = int(std::int64_t(x) * small_size.width / selection.width),
                      v = int(std::int64_t(y) * small_size.height / selection.height);
            std::size_t const i = std::size_t(y) * selection.width + x;
            bool is_object = true, is_around = true;
            for (int s = std::max(v - 1, 0); s <= std::min(v + 1, small_size.height - 1); ++s)
                for (int t = std::max(u - 1, 0); t <= std::min(u + 1, small_size.width - 1); ++t)
                    (small_side(t, s) == side::object ? is_around : is_object) = false;
            known[i] = selection.values[i] >= selected || is_object ? side::object
                       : is_around                                  ? side::surroundings
                                                                    : side::open;
        }
    return known;
}

} // namespace

std::optional<mask> grow_to_object(device& d, shelf const& models, picture const& context, mask const& selection,
                                   job const& j) {
    rect const box = bounds(selection);
    if (box.empty()) fail("Nothing is selected: select the part of the picture to fill.");
    int const longer = std::max(context.width, context.height);
    double const scale = std::min(1.0, double(work_side) / longer);
    pixel_size const full{context.width, context.height}, small{std::max(1, int(std::lround(scale * context.width))),
                                                                std::max(1, int(std::lround(scale * context.height)))};
    j.report({say("find the object")});
    auto const seen = resized(d, models, context, small, filter::bilinear, part_of(j, 0, 0.1));
    if (!seen) return std::nullopt;
    auto const chosen = scaled_down(selection, small);
    float const reach = float(std::max(1.0, scale * reach_of_object(box)));
    auto const away =
        distances(d, models, {chosen.begin(), chosen.end()}, small, int(std::ceil(reach)) + 1, part_of(j, 0.1, 0.2));
    if (!away) return std::nullopt;
    auto const first = cut_small({*seen}, chosen, *away, reach, j);
    if (!first) return std::nullopt;
    sides found = first->found;
    if (small != full) found = near_border(found, small, selection);
    if (small != full && first->models) found = cut({context}, found, *first->models, nullptr);

    std::vector<float> object(found.size());
    for (std::size_t i = 0; i < object.size(); ++i) object[i] = found[i] == side::object;
    float const wider = float(margin * longer);
    auto const beyond = distances(d, models, object, full, int(std::ceil(wider)) + 1, part_of(j, 0.8, 1));
    if (!beyond) return std::nullopt;
    mask whole = selection;
    for (std::size_t i = 0; i < whole.values.size(); ++i)
        whole.values[i] = std::max(whole.values[i], std::clamp(wider + 0.5f - (*beyond)[i], 0.0f, 1.0f));
    return whole;
}

} // namespace sfumato
