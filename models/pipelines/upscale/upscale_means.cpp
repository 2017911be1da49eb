#include "models/pipelines/upscale/upscale_means.h"

#include "compute/device.h"
#include "compute/error.h"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace sfumato {

namespace {

// Where an ordered dither (Bayer's matrix) sets its point of (row, column): however many are set, they lie spread.
std::uint32_t turn_of(std::uint32_t row, std::uint32_t column) {
    std::uint32_t turn = 0;
    for (int bit = 0; bit < 15; ++bit, row >>= 1, column >>= 1) turn = 4 * turn + 2 * ((row ^ column) & 1) + (row & 1);
    return turn;
}

std::vector<upscale_tile> spread(upscale_tiles const& cut) {
    std::size_t const columns = std::size_t(std::ranges::count(cut.tiles, cut.tiles.front().y, &upscale_tile::y));
    std::vector<std::pair<std::uint32_t, std::size_t>> turns;
    for (std::size_t i = 0; i < cut.tiles.size(); ++i)
        turns.emplace_back(turn_of(std::uint32_t(i / columns), std::uint32_t(i % columns)), i);
    std::ranges::sort(turns);
    std::vector<upscale_tile> tiles;
    for (auto const& [turn, i] : turns) tiles.push_back(cut.tiles[i]);
    return tiles;
}

bool is_found(std::vector<std::vector<float>> const& means) { return !means.empty(); }

} // namespace

bool needs_means(upscaler_shape const& s, upscale_tiles const& cut, bool shares_means) {
    return s.has_means && (shares_means || cut.tiles.size() > 1);
}

std::vector<upscale_tile> tiles_to_look_at(upscale_tiles const& cut, tile_reader const& reader) {
    constexpr std::size_t least = 9, pixels = least * 256 * 256;
    std::size_t const most = std::max(least, pixels / (std::size_t(cut.height) * std::size_t(cut.width)));
    std::vector<upscale_tile> tiles;
    for (upscale_tile const& t : spread(cut))
        if (tiles.size() < most && !reader.alpha_of(t).is_clear()) tiles.push_back(t);
    return tiles;
}

search_for_means::search_for_means(device& d, upscale_model& m, upscale_tiles const& cut, dtype storage,
                                   tile_reader& reader, network_means& means)
    : device_(d), reader_(reader) {
    auto const is_uneven = [&](upscale_tile const& t) { return reader.alpha_of(t).is_uneven(); };
    if (!is_found(means.colours)) subjects_.push_back({colours_of, means.colours});
    if (!is_found(means.alpha) && std::ranges::any_of(cut.tiles, is_uneven))
        subjects_.push_back({alpha_of, means.alpha});
    if (!subjects_.empty()) tiles_ = tiles_to_look_at(cut, reader);
    if (!tiles_.empty()) graphs_ = record_means(d.target(), m.weights(), m, cut, storage);
}

double search_for_means::work() const {
    double all = 0;
    for (tile_graph const& graph : graphs_) all += graph.g.work();
    return all * double(tiles_.size() * subjects_.size());
}

bool search_for_means::run(job const& j) {
    double const all = work();
    double done = 0;
    for (tile_graph& graph : graphs_) {
        double const from = done;
        done += graph.g.work() * double(tiles_.size() * subjects_.size());
        if (!find_next(std::move(graph), part_of(j, from / all, done / all))) return false;
    }
    return true;
}

bool search_for_means::find_next(tile_graph graph, job const& j) {
    plan p(device_, std::move(graph.g));
    for (subject& s : subjects_) s.means.emplace_back(graph.out.shape.c);
    double const runs = double(tiles_.size() * subjects_.size());
    int run = 0;
    for (upscale_tile const& t : tiles_) {
        auto const seen = reader_.see(t, j);
        if (!seen) return false;
        for (subject& s : subjects_) {
            p.upload<float>(graph.in, s.values_of(seen->pixels));
            for (std::size_t k = 0; k < graph.means.size(); ++k) p.upload<float>(graph.means[k], s.means[k]);
            if (!run_graph(p, part_of(j, run / runs, (run + 1) / runs))) return false;
            ++run;
            auto const mean = p.download<float>(graph.out);
            check_numbers(mean);
            for (std::size_t c = 0; c < mean.size(); ++c) s.means.back()[c] += mean[c] / float(tiles_.size());
        }
    }
    return true;
}

} // namespace sfumato
