// The cheapest cut of a graph in two: Y. Boykov, V. Kolmogorov, "An Experimental Comparison of Min-Cut/Max-Flow
// Algorithms for Energy Minimization in Vision", PAMI 2004. Whole numbers, so that a cut is the same on every machine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

namespace sfumato {

class max_flow {
  public:
    using capacity = std::int32_t;
    static constexpr capacity never = 1 << 28; // what must not be cut; sums of others stay below it

    explicit max_flow(int nodes) : nodes_(std::size_t(nodes)) {}

    /// What is paid where the node comes to lie on the sink's side, and where on the source's. Adds up.
    void add_terminals(int node, capacity on_sink_side, capacity on_source_side);
    /// What is paid where `a` lies on the source's side and `b` on the sink's; and the other way round.
    void add_edge(int a, int b, capacity forth, capacity back);

    /// The cut's price: the largest flow from source to sink. Once.
    std::int64_t solve();
    /// Of the cheapest cuts the one with the fewest nodes here.
    bool is_on_source_side(int node) const;

  private:
    // Two trees grow towards each other, from the source and from the sink, over edges that can take more flow. A
    // node's parent is the edge that leads there.
    enum class tree : std::uint8_t { none, source, sink };
    static constexpr int no_edge = -1, terminal = -2, orphaned = -3;

    struct node {
        int first = no_edge;  // of its edges
        int parent = no_edge; // or terminal, or orphaned
        int distance = 0;     // to the terminal, as it was at `time`
        std::int64_t time = 0;
        capacity terminal_rest = 0; // above 0: from the source; below: to the sink
        tree in = tree::none;
        bool is_active = false;
    };
    struct edge { // the one at number ^ 1 leads back
        int to, next;
        capacity rest;
    };

    capacity rest_towards(tree t, int edge) const; // what an edge from a node of the tree can take away from its root
    void activate(int node);
    int grow(); // the edge from the source's tree to the sink's that they meet at
    int grow_from(int node);
    capacity bottleneck(int middle) const;
    void push(int middle);
    void push_to_root(int node, tree, capacity);
    void orphan(int node);
    void adopt_orphans();
    void adopt(int node);
    int distance_to_root(int node) const;
    void mark_path(int node, int distance);

    std::vector<node> nodes_;
    std::vector<edge> edges_;
    std::deque<int> active_, orphans_;
    std::int64_t time_ = 0, flow_ = 0;
};

} // namespace sfumato
