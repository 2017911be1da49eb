#include "tests/bench/ops/peak.h"

#include "compute/graph.h"
#include "peak_cooperative.h"
#include "peak_plain.h"

#include <algorithm>
#include <chrono>
#include <format>
#include <thread>

namespace sfumato {

namespace kernel {

struct peak {
    vec4s from, to;
    uint count, rounds;
};

} // namespace kernel

template <> struct kernel_of<kernel::peak> {
    static kernel_binary const& binary(kernel_variant variant) {
        static kernel_binary const plain{"peak", kernel_variant::plain, peak_plain, sizeof(kernel::peak)},
            cooperative{"peak.cooperative", kernel_variant::cooperative, peak_cooperative, sizeof(kernel::peak)};
        return variant == kernel_variant::cooperative ? cooperative : plain;
    }
};

namespace bench {

namespace {

using kernel::uint;

double seconds(auto&& work) {
    auto const start = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double best_of(int times, auto&& work) {
    double best = 1e9;
    for (int i = 0; i < times; ++i) best = std::min(best, seconds(work));
    return best;
}

constexpr uint local_size = 128;

// Grows the work until it takes long enough to be measured.
double arithmetic_gflops(device& d) {
    target const& t = d.target();
    auto const& f = t.fragment;
    bool const cooperative = t.matrix == matrix_path::khr || t.matrix == matrix_path::nv2;
    uint const groups = t.software ? 64 : 8192;
    double const round =
        !cooperative ? groups * double(local_size) * 192
                     : groups * (f.workgroup_scope ? 1. : double(local_size) / t.subgroup) * 4 * 2 * f.m * f.n * f.k;
    double rate = 0;
    for (uint rounds = 64; rounds <= 1 << 20; rounds *= 4) {
        graph g(t);
        tensor const from = g.input({.c = 16}), to = g.temporary({.c = 16});
        g.dispatch(kernel::peak{.from = g.in(from), .to = g.out(to), .count = 0, .rounds = rounds},
                   launch::groups(groups), 2. * rounds, {0u, f.m, f.n, f.k, f.workgroup_scope ? 2u : 3u},
                   cooperative ? kernel_variant::cooperative : kernel_variant::plain);
        plan p(d, std::move(g));
        p.upload(from, std::span<float const>(std::vector<float>(16, 0.5f)));
        p.run();
        double const took = best_of(3, [&] { p.run(); });
        rate = std::max(rate, round * rounds / took * 1e-9);
        if (took > 0.05) break;
    }
    return rate;
}

constexpr std::size_t copied = 256 << 20; // bytes

double memcpy_gbs() {
    std::vector<char> from(copied, 1), to(copied, 2);
    unsigned const cores = std::max(1u, std::thread::hardware_concurrency());
    double const took = best_of(5, [&] {
        std::vector<std::jthread> threads;
        for (unsigned i = 0; i < cores; ++i)
            threads.emplace_back([&, i] {
                std::size_t const part = copied / cores;
                std::copy_n(from.data() + i * part, part, to.data() + i * part);
            });
    });
    return 2 * copied / took * 1e-9;
}

double copy_gbs(device& d) {
    constexpr int times = 10;
    graph g(d.target());
    tensor const from = g.input({.h = int(copied >> 20), .c = 1 << 18}), to = g.temporary(from.shape);
    for (int i = 0; i < times; ++i)
        g.dispatch(kernel::peak{.from = g.in(from), .to = g.out(to), .count = copied / 16, .rounds = 0},
                   launch::items(copied / 16), 2, {1});
    plan p(d, std::move(g));
    p.run();
    return 2 * copied * times / best_of(3, [&] { p.run(); }) * 1e-9;
}

} // namespace

peak measure_peak(device& d) {
    bool const software = d.info().is_software();
    return {.gflops = arithmetic_gflops(d),
            .gbs = software ? memcpy_gbs() : copy_gbs(d),
            .how =
                std::format("multiply-adds in registers on the {} path; {}", matrix_path_names[int(d.target().matrix)],
                            software ? "memcpy on all cores" : "a copy of 256 MiB")};
}

} // namespace bench
} // namespace sfumato
