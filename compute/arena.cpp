#include "compute/arena.h"

#include <algorithm>
#include <numeric>

namespace sfumato {

namespace {

// The first and last node that uses a tensor; inputs and outputs live throughout.
struct lifetime {
    std::uint32_t first = ~0u, last = 0;
    bool meets(lifetime const& o) const { return first <= o.last && o.first <= last; }
};

std::vector<lifetime> lifetimes(graph const& g) {
    std::vector<lifetime> lives(g.tensors().size());
    for (std::uint32_t i = 0; i < g.nodes().size(); ++i)
        for (auto const& use : g.nodes()[i].accesses) {
            auto& life = lives[use.tensor];
            life.first = std::min(life.first, i);
            life.last = i;
        }
    for (std::size_t t = 0; t < lives.size(); ++t) {
        if (g.tensors()[t].input) lives[t] = {0, ~0u};
        if (g.tensors()[t].output) lives[t].last = ~0u;
    }
    return lives;
}

std::uint64_t aligned(std::uint64_t bytes) { return (bytes + arena_alignment - 1) / arena_alignment * arena_alignment; }

// One buffer, while tensors are put into it.
struct block {
    std::vector<std::uint32_t> placed; // sorted by offset
    std::uint64_t bytes = 0;
};

} // namespace

std::uint64_t arena_layout::bytes() const { return std::accumulate(blocks.begin(), blocks.end(), std::uint64_t(0)); }

arena_layout place_tensors(graph const& g, bool shared, std::uint64_t most) {
    auto const lives = lifetimes(g);
    std::uint64_t const gap = shared ? 0 : arena_alignment;
    arena_layout layout;
    layout.places.resize(lives.size());

    std::vector<std::uint32_t> by_size(lives.size());
    std::iota(by_size.begin(), by_size.end(), 0u);
    std::ranges::stable_sort(by_size, std::greater{}, [&](std::uint32_t t) { return g.tensors()[t].bytes; });

    auto const bytes_of = [&](std::uint32_t t) { return aligned(g.tensors()[t].bytes) + gap; };
    auto const offset_of = [&](std::uint32_t t) { return layout.places[t].offset; };
    auto const lowest = [&](block const& b, std::uint32_t t) {
        std::uint64_t offset = 0;
        for (std::uint32_t other : b.placed) {
            if (shared && !lives[t].meets(lives[other])) continue;
            if (offset + bytes_of(t) <= offset_of(other)) break; // fits before it
            offset = std::max(offset, offset_of(other) + bytes_of(other));
        }
        return offset;
    };

    std::vector<block> blocks;
    for (std::uint32_t t : by_size) {
        if (lives[t].first == ~0u || g.tensors()[t].home) continue; // never used, or has its own memory
        std::uint64_t const bytes = bytes_of(t);
        arena_layout::place best{.block = std::uint32_t(blocks.size())};
        std::uint64_t least_growth = ~0ull;
        for (std::uint32_t i = 0; i < blocks.size() && least_growth > 0; ++i) {
            std::uint64_t const offset = lowest(blocks[i], t), end = std::max(offset + bytes, blocks[i].bytes);
            if (end > most || end - blocks[i].bytes >= least_growth) continue;
            least_growth = end - blocks[i].bytes;
            best = {i, offset};
        }
        if (best.block == blocks.size()) blocks.emplace_back();
        block& b = blocks[best.block];
        layout.places[t] = best;
        b.bytes = std::max(b.bytes, best.offset + bytes);
        b.placed.insert(std::ranges::upper_bound(b.placed, best.offset, {}, offset_of), t);
    }
    for (block const& b : blocks) layout.blocks.push_back(b.bytes);
    return layout;
}

} // namespace sfumato
