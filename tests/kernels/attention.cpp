#include "compute/ops.h"
#include "tests/kernels/kernel_test.h"
#include <chrono>
#include <ctime>
#include <cstdio>
#include <cstdlib>

namespace sfumato {
namespace {

TEST(attention, timing) {
    struct { int q, k, d, h; } cases[] = {{4096, 4096, 40, 8}, {1024, 1024, 80, 8}, {4096, 77, 40, 8}, {1024, 1024, 64, 8}, {256,256,160,8},{1024,1024,512,1}};
    for (auto c : cases) {
        graph g{test_device().target()};
        tensor q = g.input({.w = c.q, .c = c.d * c.h}), k = g.input({.w = c.k, .c = c.d * c.h}), v = g.input({.w = c.k, .c = c.d * c.h});
        tensor y = attention(g, q, k, v, {.heads = c.h});
        g.output(y);
        plan p(test_device(), g);
        auto qs = random_values(q.shape.count(), -1, 1, 1), ks = random_values(k.shape.count(), -1, 1, 2), vs = random_values(k.shape.count(), -1, 1, 3);
        p.upload<float>(q, qs); p.upload<float>(k, ks); p.upload<float>(v, vs);
        auto now = [] { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); };
        double best = 1e9, cpu = 1e9;
        for (int i = 0; i < 5; ++i) {
            double t = now(); clock_t c0 = clock();
            p.run();
            best = std::min(best, now() - t);
            cpu = std::min(cpu, double(clock() - c0) / CLOCKS_PER_SEC);
        }
        auto ys = p.download<float>(y);
        double worst = 0;
        for (int i : {0, 7, 15, c.q - 1}) {
            int hh = c.h - 1;
            std::vector<double> s(c.k); double m = -1e300, sum = 0;
            for (int j = 0; j < c.k; ++j) { double a = 0; for (int x = 0; x < c.d; ++x) a += double(qs[size_t(i)*c.d*c.h + hh*c.d + x]) * ks[size_t(j)*c.d*c.h+hh*c.d+x]; s[j] = a / std::sqrt(c.d); m = std::max(m, s[j]); }
            for (auto& a : s) sum += a = std::exp(a - m);
            for (int x = 0; x < c.d; ++x) { double a = 0; for (int j = 0; j < c.k; ++j) a += s[j] * vs[size_t(j)*c.d*c.h+hh*c.d+x]; worst = std::max(worst, std::abs(a / sum - ys[size_t(i)*c.d*c.h+hh*c.d+x])); }
        }
        double flop = 4.0 * c.q * c.k * c.d * c.h;
        std::printf("q%d k%d d%d h%d: %.1f ms wall, %.1f GFLOP/s; cpu %.1f ms, %.1f per cpu second; error %g\n", c.q, c.k, c.d, c.h, best * 1e3, flop / best / 1e9, cpu * 1e3, flop / cpu / 1e9, worst);
    }
}

} // namespace
} // namespace sfumato
