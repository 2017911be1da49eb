#include "tests/bench/ops/report.h"

#include <algorithm>
#include <cstdio>
#include <format>
#include <nlohmann/json.hpp>

namespace sfumato::bench {

namespace {

// Work and time of many operations, each as often as its network has it. With a peer: of those that both ran.
struct total {
    double work = 0, ours = 0, peer = 0; // GFLOP or GB, seconds
    double computed = 0;                 // products in blocks, GFLOP

    void add(report const& r, op_case const& op, int count) {
        auto const mine = r.ours.find(op);
        auto const other = r.peers.find(op);
        if (mine == r.ours.end() || !mine->second.runs) return;
        if (!r.peer.empty() && (other == r.peers.end() || other->second.seconds == 0)) return;
        work += count * op.work();
        ours += count * mine->second.seconds;
        computed += count * op.work() * mine->second.computed;
        if (!r.peer.empty()) peer += count * other->second.seconds;
    }
};

struct totals {
    std::map<family, total> by_family;
    total matrices; // all that counts GFLOP

    totals(report const& r, network const& n) {
        for (auto const& [op, count] : n.ops) {
            by_family[op.of].add(r, op, count);
            if (!op.counts_bytes()) matrices.add(r, op, count);
        }
    }
};

bool counts_bytes(family f) { return op_case{.of = f}.counts_bytes(); }
double peak_of(report const& r, family f) { return counts_bytes(f) ? r.peak.gbs : r.peak.gflops; }

std::string line(report const& r, std::string const& what, int count, char const* unit, double work, double ours,
                 double computed, double peer, double peak) {
    std::string const times = count ? std::format("{}×", count) : "";
    std::string text = std::format("{:<40}{:>6} {:>11.3f} {:>9.2f} {:<8} {:>4.0f} %", what, times, ours * 1e3,
                                   work / ours, unit, 100 * work / ours / peak);
    text += computed > 0 ? std::format(" {:>8.2f}", computed) : std::format(" {:>8}", "");
    if (!r.peer.empty())
        text += peer > 0 ? std::format(" {:>11.3f} {:>9.2f} {:>7.1f}", peer * 1e3, work / peer, peer / ours)
                         : std::format(" {:>11} {:>9} {:>7}", "–", "–", "–");
    return text;
}

void print(report const& r, network const& n) {
    std::printf("\n%s\n%s\n", n.title.c_str(),
                (std::format("{:<40}{:>6} {:>11} {:>18} {:>6} {:>8}", "", "count", "ms", "rate", "peak", "computed") +
                 (r.peer.empty() ? "" : std::format(" {:>11} {:>9} {:>7}", "peer ms", "rate", "ratio")))
                    .c_str());
    totals const sums(r, n);
    for (auto const& [op, count] : n.ops) {
        auto const found = r.ours.find(op);
        if (found == r.ours.end()) continue;
        our_time const& mine = found->second;
        if (!mine.runs) {
            std::printf("%s\n", std::format("{:<40}{:>5}× {}", op.name(), count, mine.error).c_str());
            continue;
        }
        auto const other = r.peers.find(op);
        std::printf("%s\n", line(r, op.name(), count, counts_bytes(op.of) ? "GB/s" : "GFLOP/s", op.work(), mine.seconds,
                                 mine.computed, other == r.peers.end() ? 0 : other->second.seconds, peak_of(r, op.of))
                                .c_str());
    }
    std::printf("once through the network:\n");
    for (auto const& [f, t] : sums.by_family)
        if (t.ours > 0)
            std::printf("%s\n", line(r, "  " + name_of(f), 0, counts_bytes(f) ? "GB/s" : "GFLOP/s", t.work, t.ours,
                                     t.computed / t.work, t.peer, peak_of(r, f))
                                    .c_str());
    auto const& m = sums.matrices;
    if (m.ours > 0)
        std::printf(
            "%s\n",
            line(r, "  gemm, conv3x3, attention", 0, "GFLOP/s", m.work, m.ours, 0, m.peer, r.peak.gflops).c_str());
}

void print_compile_times(report const& r) {
    std::vector<our_time const*> slow;
    double sum = 0;
    for (auto const& [op, t] : r.ours) {
        slow.push_back(&t);
        sum += t.compile_seconds;
    }
    std::ranges::sort(slow, std::greater{}, &our_time::compile_seconds);
    std::printf("\npipelines: %.1f s in all; the slowest:\n", sum);
    for (std::size_t i = 0; i < std::min<std::size_t>(slow.size(), 5); ++i)
        std::printf("  %6.3f s  %s\n", slow[i]->compile_seconds, slow[i]->compiled.c_str());
}

using nlohmann::json;

json rates(total const& t, bool bytes, double peak) {
    json j{
        {"ours_gflops", nullptr}, {"peer_gflops", nullptr}, {"ratio", nullptr}, {"unit", bytes ? "GB/s" : "GFLOP/s"}};
    if (t.ours > 0) {
        j["ours_gflops"] = t.work / t.ours;
        j["ours_seconds"] = t.ours;
        j["of_peak"] = t.work / t.ours / peak;
    }
    if (t.peer > 0) {
        j["peer_gflops"] = t.work / t.peer;
        j["ratio"] = t.peer / t.ours;
    }
    return j;
}

json rates(report const& r, network const& n) {
    totals const sums(r, n);
    json j = rates(sums.matrices, false, r.peak.gflops);
    for (auto const& [f, t] : sums.by_family) j[name_of(f)] = rates(t, counts_bytes(f), peak_of(r, f));
    return j;
}

json case_of(report const& r, op_case const& op, our_time const& t) {
    json j{
        {"name", op.name()}, {"family", name_of(op.of)}, {"work", op.work()}, {"compile_seconds", t.compile_seconds}};
    if (t.runs) j["ours_seconds"] = t.seconds;
    if (!t.error.empty()) j["error"] = t.error;
    if (auto const p = r.peers.find(op); p != r.peers.end()) {
        if (p->second.seconds > 0) j["peer_seconds"] = p->second.seconds;
        j["peer_variant"] = p->second.variant;
        j["peer_date"] = p->second.date;
    }
    return j;
}

} // namespace

double report::busy_peer() const {
    double most = 0;
    for (auto const& [op, t] : peers) most = std::max(most, t.busy);
    return most;
}

void print(report const& r) {
    std::printf("\n%s, %s; %s path\n", r.device.name.c_str(), r.device.driver.c_str(), r.matrix_path.c_str());
    std::printf("peak: %.0f GFLOP/s, %.1f GB/s (%s)\n", r.peak.gflops, r.peak.gbs, r.peak.how.c_str());
    if (!r.peer.empty()) std::printf("peer: %s\n", r.peer.c_str());
    std::printf("other programs used %.0f %% of the machine before, %.0f %% while ours ran", r.busy_before,
                r.busy_ours);
    if (!r.peer.empty()) std::printf(", %.0f %% while the peer ran (at most)", r.busy_peer());
    std::printf("%s\n", std::max({r.busy_before, r.busy_ours, r.busy_peer()}) > 5 ? ": NOT QUIET" : ": quiet");
    for (auto const& n : r.networks) print(r, n);
    print_compile_times(r);
    if (r.peer.empty()) return;
    std::printf("\nratio = the peer's time / ours. The peer's variants and dates:\n");
    std::map<std::string, int> variants;
    for (auto const& [op, t] : r.peers)
        ++variants[t.error.empty() ? std::format("{}: {}, {}", name_of(op.of), t.variant, t.date)
                                   : std::format("{}: {}", name_of(op.of), t.error)];
    for (auto const& [variant, count] : variants) std::printf("  %3d× %s\n", count, variant.c_str());
}

std::string as_json(report const& r) {
    nlohmann::json all{
        {"device", r.device.name},
        {"driver", r.device.driver},
        {"matrix", r.matrix_path},
        {"peak", {{"gflops", r.peak.gflops}, {"gbs", r.peak.gbs}, {"how", r.peak.how}}},
        {"peer", r.peer.empty() ? nlohmann::json() : nlohmann::json(r.peer)},
        {"busy_percent", {{"before", r.busy_before}, {"ours", r.busy_ours}, {"peer", r.busy_peer()}}},
        {"networks", nlohmann::json::object()},
        {"cases", nlohmann::json::array()},
    };
    for (auto const& n : r.networks) {
        all["networks"][n.key] = rates(r, n);
        if (n.key == "sd15") all["weighted"] = all["networks"][n.key];
    }
    for (auto const& [op, t] : r.ours) all["cases"].push_back(case_of(r, op, t));
    return all.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

} // namespace sfumato::bench
