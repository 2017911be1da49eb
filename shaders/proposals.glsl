// What patches over a pixel propose for it. Include it after `p`, which has matches, costs, confidences, width and the
// area's edges.

// The match of the patch centred at `at`, which has no say where there is none.
uint match_at(ivec2 at) {
    bool inside = at.x >= p.left && at.y >= p.top && at.x < p.right && at.y < p.bottom;
    return inside ? p.matches.at[at.y * p.width + at.x] : no_match;
}

// Of the patches over both `at` and `at + by`.
float least_cost(ivec2 at, ivec2 by) {
    float least = 1e30;
    for (int v = by.y - radius; v <= radius; ++v)
        for (int u = by.x - radius; u <= radius; ++u)
            if (match_at(at + ivec2(u, v)) != no_match) least = min(least, p.costs.at[(at.y + v) * p.width + at.x + u]);
    return least;
}

// The weight of the patch centred at pixel j.
float weight_of(int j, float base) { return p.confidences.at[j] * exp((base - p.costs.at[j]) * p.sharpness) + 1e-20; }
