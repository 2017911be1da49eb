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

} // namespace

arena_layout place_tensors(graph const& g, bool shared) {
    auto const lives = lifetimes(g);
    arena_layout layout;
    layout.offsets.assign(lives.size(), 0);

    std::vector<std::uint32_t> by_size(lives.size());
    std::iota(by_size.begin(), by_size.end(), 0u);
    std::ranges::stable_sort(by_size, std::greater{}, [&](std::uint32_t t) { return g.tensors()[t].bytes; });

    std::vector<std::uint32_t> placed; // sorted by offset
    for (std::uint32_t t : by_size) {
        if (lives[t].first == ~0u || g.tensors()[t].home) continue; // never used, or has its own memory
        std::uint64_t const bytes = aligned(g.tensors()[t].bytes) + (shared ? 0 : arena_alignment);
        std::uint64_t offset = 0;
        for (std::uint32_t other : placed) {
            if (shared && !lives[t].meets(lives[other])) continue;
            if (offset + bytes <= layout.offsets[other]) break; // fits before it
            std::uint64_t const other_end =
                layout.offsets[other] + aligned(g.tensors()[other].bytes) + (shared ? 0 : arena_alignment);
            offset = std::max(offset, other_end);
        }
        layout.offsets[t] = offset;
        layout.bytes = std::max(layout.bytes, offset + bytes);
        auto const at =
            std::ranges::upper_bound(placed, offset, {}, [&](std::uint32_t p) { return layout.offsets[p]; });
        placed.insert(at, t);
    }
    return layout;
}

} // namespace sfumato
