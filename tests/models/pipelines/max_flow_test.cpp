// Cuts of small graphs beside all the cuts that there are, and of larger ones beside the flow that plain augmenting
// paths find.
#include "models/pipelines/imaging/max_flow.h"

#include <algorithm>
#include <array>
#include <bit>
#include <gtest/gtest.h>
#include <limits>
#include <map>
#include <queue>
#include <random>

namespace sfumato {
namespace {

struct made_graph {
    struct link {
        int a, b, forth, back;
    };
    int nodes;
    std::vector<link> links;
    std::vector<std::array<int, 2>> terminals; // paid on the sink's side, on the source's

    max_flow filled() const {
        max_flow f(nodes);
        for (auto const& l : links) f.add_edge(l.a, l.b, l.forth, l.back);
        for (int i = 0; i < nodes; ++i) f.add_terminals(i, terminals[std::size_t(i)][0], terminals[std::size_t(i)][1]);
        return f;
    }
    // Of the cut with these nodes on the source's side.
    std::int64_t price(auto const& is_source) const {
        std::int64_t sum = 0;
        for (int i = 0; i < nodes; ++i) sum += terminals[std::size_t(i)][is_source(i) ? 1 : 0];
        for (auto const& l : links) {
            if (is_source(l.a) && !is_source(l.b)) sum += l.forth;
            if (is_source(l.b) && !is_source(l.a)) sum += l.back;
        }
        return sum;
    }
};

made_graph random_graph(std::mt19937& random, int nodes, int links, int most) {
    auto const below = [&](int n) { return int(random() % unsigned(n)); };
    made_graph g{nodes, {}, std::vector<std::array<int, 2>>(std::size_t(nodes))};
    for (int i = 0; i < links && nodes > 1; ++i) {
        int const a = below(nodes), b = (a + 1 + below(nodes - 1)) % nodes;
        g.links.push_back({a, b, below(most), below(3) ? below(most) : 0});
    }
    for (auto& t : g.terminals) t = {below(2) ? below(most) : 0, below(2) ? below(most) : 0};
    return g;
}

TEST(max_flow, small_graphs_are_cut_as_cheaply_as_can_be) {
    std::mt19937 random(1);
    for (int k = 0; k < 3000; ++k) {
        int const nodes = 1 + k % 10;
        made_graph const g = random_graph(random, nodes, int(random() % 30u), k % 3 ? 20 : 3);
        std::int64_t cheapest = std::numeric_limits<std::int64_t>::max();
        unsigned smallest = 0; // … with the fewest nodes on the source's side
        for (unsigned all = 0; all < 1u << nodes; ++all) {
            std::int64_t const price = g.price([&](int i) { return (all >> i & 1) != 0; });
            if (price < cheapest || (price == cheapest && std::popcount(all) < std::popcount(smallest))) smallest = all;
            cheapest = std::min(cheapest, price);
        }
        max_flow f = g.filled();
        ASSERT_EQ(f.solve(), cheapest) << k;
        for (int i = 0; i < nodes; ++i) ASSERT_EQ(f.is_on_source_side(i), (smallest >> i & 1) != 0) << k << ", " << i;
    }
}

// Shortest augmenting paths, over a matrix.
std::int64_t plain_flow(made_graph const& g) {
    int const source = g.nodes, sink = g.nodes + 1, all = g.nodes + 2;
    std::vector<std::int64_t> rests(std::size_t(all * all), 0);
    auto const rest = [&](int from, int to) -> std::int64_t& { return rests[std::size_t(from * all + to)]; };
    for (auto const& l : g.links) rest(l.a, l.b) += l.forth, rest(l.b, l.a) += l.back;
    for (int i = 0; i < g.nodes; ++i) {
        rest(source, i) = g.terminals[std::size_t(i)][0];
        rest(i, sink) = g.terminals[std::size_t(i)][1];
    }
    for (std::int64_t flow = 0;;) {
        std::map<int, int> from{{source, source}};
        std::queue<int> next({source});
        for (; !next.empty() && !from.contains(sink); next.pop())
            for (int j = 0; j < all; ++j)
                if (rest(next.front(), j) > 0 && from.try_emplace(j, next.front()).second) next.push(j);
        if (!from.contains(sink)) return flow;
        std::int64_t least = std::numeric_limits<std::int64_t>::max();
        for (int j = sink; j != source; j = from[j]) least = std::min(least, rest(from[j], j));
        for (int j = sink; j != source; j = from[j]) rest(from[j], j) -= least, rest(j, from[j]) += least;
        flow += least;
    }
}

TEST(max_flow, larger_graphs_take_the_same_flow) {
    std::mt19937 random(2);
    for (int k = 0; k < 40; ++k) {
        made_graph g = random_graph(random, 60, 400, 1000);
        if (k % 2) { // a grid, as pictures are
            g = random_graph(random, 81, 0, 300);
            for (int i = 0; i < 81; ++i)
                for (int step : {1, 9})
                    if (i % 9 + (step == 1) < 9 && i + step < 81) g.links.push_back({i, i + step, 40, 40});
        }
        max_flow f = g.filled();
        std::int64_t const flow = f.solve();
        EXPECT_EQ(flow, plain_flow(g)) << k;
        EXPECT_EQ(g.price([&](int i) { return f.is_on_source_side(i); }), flow) << k;
    }
}

TEST(max_flow, what_must_not_be_cut_is_not) {
    max_flow f(3);
    f.add_terminals(0, max_flow::never, 0);
    f.add_terminals(0, 0, 100); // beside that
    f.add_terminals(2, 0, max_flow::never);
    f.add_edge(0, 1, 5, 5);
    f.add_edge(1, 2, 7, 7);
    EXPECT_EQ(f.solve(), 105);
    EXPECT_TRUE(f.is_on_source_side(0));
    EXPECT_FALSE(f.is_on_source_side(1));
    EXPECT_FALSE(f.is_on_source_side(2));
}

} // namespace
} // namespace sfumato
