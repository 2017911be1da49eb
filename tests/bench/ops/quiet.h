// How busy the machine is otherwise: a speed taken on a busy machine says nothing. (tests/bench/measure.py, in C++)
#pragma once

#include <algorithm>
#include <chrono>
#include <fstream>
#include <string>
#include <sys/resource.h>
#include <sys/time.h>
#include <thread>
#include <unistd.h>

namespace sfumato::bench {

/// Share of all processors that other programs used between construction and percent(); the commands that this process
/// waited for count as its own.
class other_work {
  public:
    double percent() const {
        double const wall = std::max(now() - start_, 1e-3), others = busy() - busy_ - (own() - own_);
        return std::max(0., 100 * others / (wall * std::thread::hardware_concurrency()));
    }

  private:
    static double now() {
        return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
    }
    // Seconds that all processors have worked: user, nice, system, (idle, waiting,) interrupts, stolen.
    static double busy() {
        std::ifstream file("/proc/stat");
        std::string name;
        file >> name;
        double sum = 0, ticks = 0;
        for (int i = 0; i < 8 && file >> ticks; ++i)
            if (i != 3 && i != 4) sum += ticks;
        return sum / double(sysconf(_SC_CLK_TCK));
    }
    static double own() {
        double sum = 0;
        for (int who : {RUSAGE_SELF, RUSAGE_CHILDREN}) {
            rusage used{};
            getrusage(who, &used);
            for (timeval const& t : {used.ru_utime, used.ru_stime}) sum += double(t.tv_sec) + 1e-6 * double(t.tv_usec);
        }
        return sum;
    }

    double start_ = now(), busy_ = busy(), own_ = own();
};

/// Per cent in use during one second in which we do nothing.
inline double busy_now() {
    other_work const others;
    std::this_thread::sleep_for(std::chrono::seconds(1));
    return others.percent();
}

} // namespace sfumato::bench
