#include "models/pipelines/imaging/max_flow.h"

#include <algorithm>
#include <cassert>
#include <cstdlib>
#include <limits>
#include <utility>

namespace sfumato {

void max_flow::add_terminals(int node, capacity on_sink_side, capacity on_source_side) {
    // What is paid on both sides is paid anyway.
    capacity& rest = nodes_[std::size_t(node)].terminal_rest;
    (rest > 0 ? on_sink_side : on_source_side) += std::abs(rest);
    flow_ += std::min(on_sink_side, on_source_side);
    rest = on_sink_side - on_source_side;
}

void max_flow::add_edge(int a, int b, capacity forth, capacity back) {
    assert(a != b && forth >= 0 && back >= 0);
    int const number = int(edges_.size());
    edges_.push_back({b, nodes_[std::size_t(a)].first, forth});
    edges_.push_back({a, nodes_[std::size_t(b)].first, back});
    nodes_[std::size_t(a)].first = number;
    nodes_[std::size_t(b)].first = number + 1;
}

std::int64_t max_flow::solve() {
    for (int i = 0; i < int(nodes_.size()); ++i) {
        node& n = nodes_[std::size_t(i)];
        if (n.terminal_rest == 0) continue;
        n.in = n.terminal_rest > 0 ? tree::source : tree::sink;
        n.parent = terminal;
        n.distance = 1;
        activate(i);
    }
    for (int middle = grow(); middle != no_edge; middle = grow()) {
        ++time_;
        push(middle);
        adopt_orphans();
    }
    return flow_;
}

bool max_flow::is_on_source_side(int node) const { return nodes_[std::size_t(node)].in == tree::source; }

max_flow::capacity max_flow::rest_towards(tree t, int edge) const {
    return edges_[std::size_t(t == tree::source ? edge : edge ^ 1)].rest;
}

void max_flow::activate(int i) {
    if (std::exchange(nodes_[std::size_t(i)].is_active, true)) return;
    active_.push_back(i);
}

// ---- The trees grow until they meet

int max_flow::grow() {
    while (!active_.empty()) {
        int const i = active_.front();
        if (nodes_[std::size_t(i)].in != tree::none)
            if (int const middle = grow_from(i); middle != no_edge) return middle; // it stays active
        nodes_[std::size_t(i)].is_active = false;
        active_.pop_front();
    }
    return no_edge;
}

int max_flow::grow_from(int i) {
    node const& from = nodes_[std::size_t(i)];
    for (int e = from.first; e != no_edge; e = edges_[std::size_t(e)].next) {
        if (rest_towards(from.in, e) == 0) continue;
        int const j = edges_[std::size_t(e)].to;
        node& to = nodes_[std::size_t(j)];
        if (to.in == tree::none) {
            to.in = from.in, to.parent = e ^ 1;
            to.time = from.time, to.distance = from.distance + 1;
            activate(j);
        } else if (to.in != from.in) {
            return from.in == tree::source ? e : e ^ 1;
        } else if (to.time <= from.time && to.distance > from.distance + 1) { // a shorter way
            to.parent = e ^ 1;
            to.time = from.time, to.distance = from.distance + 1;
        }
    }
    return no_edge;
}

// ---- Flow goes along the path between the roots

max_flow::capacity max_flow::bottleneck(int middle) const {
    capacity least = edges_[std::size_t(middle)].rest;
    auto const look = [&](int i, tree t) {
        for (; nodes_[std::size_t(i)].parent != terminal; i = edges_[std::size_t(nodes_[std::size_t(i)].parent)].to)
            least = std::min(least, rest_towards(t, nodes_[std::size_t(i)].parent ^ 1));
        least = std::min(least, std::abs(nodes_[std::size_t(i)].terminal_rest));
    };
    look(edges_[std::size_t(middle ^ 1)].to, tree::source);
    look(edges_[std::size_t(middle)].to, tree::sink);
    return least;
}

void max_flow::push(int middle) {
    capacity const amount = bottleneck(middle);
    edges_[std::size_t(middle)].rest -= amount;
    edges_[std::size_t(middle ^ 1)].rest += amount;
    push_to_root(edges_[std::size_t(middle ^ 1)].to, tree::source, amount);
    push_to_root(edges_[std::size_t(middle)].to, tree::sink, amount);
    flow_ += amount;
}

void max_flow::push_to_root(int i, tree t, capacity amount) {
    while (nodes_[std::size_t(i)].parent != terminal) {
        int const up = nodes_[std::size_t(i)].parent, used = t == tree::source ? up ^ 1 : up;
        edges_[std::size_t(used)].rest -= amount;
        edges_[std::size_t(used ^ 1)].rest += amount;
        int const next = edges_[std::size_t(up)].to;
        if (edges_[std::size_t(used)].rest == 0) orphan(i);
        i = next;
    }
    capacity& rest = nodes_[std::size_t(i)].terminal_rest;
    rest += t == tree::source ? -amount : amount;
    if (rest == 0) orphan(i);
}

// ---- Nodes that lost their parents find others, or leave the tree

void max_flow::orphan(int i) {
    nodes_[std::size_t(i)].parent = orphaned;
    orphans_.push_back(i);
}

void max_flow::adopt_orphans() {
    while (!orphans_.empty()) {
        int const i = orphans_.front();
        orphans_.pop_front();
        adopt(i);
    }
}

// The one that is nearest to the root.
void max_flow::adopt(int i) {
    node& child = nodes_[std::size_t(i)];
    int nearest = std::numeric_limits<int>::max(), parent = no_edge;
    for (int e = child.first; e != no_edge; e = edges_[std::size_t(e)].next) {
        int const j = edges_[std::size_t(e)].to;
        if (nodes_[std::size_t(j)].in != child.in || rest_towards(child.in, e ^ 1) == 0) continue;
        int const distance = distance_to_root(j);
        if (distance < 0) continue;
        mark_path(j, distance);
        if (distance < nearest) nearest = distance, parent = e;
    }
    child.parent = parent;
    if (parent != no_edge) {
        child.time = time_, child.distance = nearest + 1;
        return;
    }
    for (int e = child.first; e != no_edge; e = edges_[std::size_t(e)].next) {
        int const j = edges_[std::size_t(e)].to;
        node const& other = nodes_[std::size_t(j)];
        if (other.in != child.in) continue;
        if (rest_towards(child.in, e ^ 1) > 0) activate(j);
        if (other.parent >= 0 && edges_[std::size_t(other.parent)].to == i) orphan(j);
    }
    child.in = tree::none;
}

// Below 0: its way does not lead there.
int max_flow::distance_to_root(int i) const {
    for (int steps = 0;; ++steps) {
        node const& n = nodes_[std::size_t(i)];
        if (n.parent == orphaned || n.parent == no_edge) return -1;
        if (n.time == time_) return steps + n.distance;
        if (n.parent == terminal) return steps + 1;
        i = edges_[std::size_t(n.parent)].to;
    }
}

// What was found is not looked for again as long as orphans are there.
void max_flow::mark_path(int i, int distance) {
    for (;;) {
        node& n = nodes_[std::size_t(i)];
        if (n.time == time_) return;
        n.time = time_, n.distance = distance--;
        if (n.parent == terminal) return;
        i = edges_[std::size_t(n.parent)].to;
    }
}

} // namespace sfumato
