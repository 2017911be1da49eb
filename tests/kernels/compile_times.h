// How long drivers take to make our pipelines: with SFUMATO_COMPILE_TIMES=1, kernel tests make those of each graph
// first, in a dry run, and print the slowest at the end, by processor seconds, which a busy machine does not change
// much. Only with an empty shader cache does that say anything: ./run bench pipelines.
#pragma once

#include "compute/graph.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <format>
#include <gtest/gtest.h>
#include <map>
#include <set>
#include <string>

namespace sfumato {

class compile_times {
  public:
    static void note(device& d, graph const& g) {
        if (!std::getenv("SFUMATO_COMPILE_TIMES")) return;
        static compile_times all;
        all.measure(d, g);
    }
    ~compile_times() {
        double sum = 0;
        for (auto const& [seconds, what] : slowest_) sum += seconds;
        std::printf(
            "pipelines: %zu programs in %.1f s of processor; the slowest graphs, by the pipelines that each was the "
            "first to need:\n",
            seen_.size(), sum);
        int lines = 0;
        for (auto const& [seconds, what] : slowest_)
            if (++lines <= 10) std::printf("  %6.2f s  %s\n", seconds, what.c_str());
    }

  private:
    void measure(device& d, graph const& g) {
        std::map<std::string, int> fresh;
        for (auto const& node : g.nodes())
            if (node.recorded || seen_.insert(node.program).second) ++fresh[node.name];
        if (fresh.empty()) return;
        auto const start = std::chrono::steady_clock::now();
        std::clock_t const start_processor = std::clock();
        plan dry(d, g, {.dry = true});
        dry.run();
        std::chrono::duration<double> const took = std::chrono::steady_clock::now() - start;
        double const processor = double(std::clock() - start_processor) / CLOCKS_PER_SEC;
        std::string names;
        for (auto const& [name, count] : fresh)
            names += (names.empty() ? "" : ", ") + name + (count > 1 ? " ×" + std::to_string(count) : "");
        auto const& test = *testing::UnitTest::GetInstance()->current_test_info();
        slowest_.emplace(processor, std::format("({:.2f} s by the clock)  {}, in {}.{}", took.count(), names,
                                                test.test_suite_name(), test.name()));
    }

    std::set<program> seen_;
    std::multimap<double, std::string, std::greater<>> slowest_;
};

} // namespace sfumato
