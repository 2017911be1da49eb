// How fast this machine was. It is remembered from engine to engine, in the cache directory, so that people learn how
// long a run takes before it begins.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

namespace sfumato {

class pace {
  public:
    /// Of a device, by its name. A file that is not there, or damaged, tells nothing.
    explicit pace(std::string device);

    /// Seconds for a unit of work of this kind, as it was the last time; negative: not known.
    double of(std::string const& kind) const;

    /// A process's first run of a kind may have had kernels to compile: it counts where it was faster than what is
    /// known.
    void learn(std::string const& kind, double seconds) { learn_all({kind}, seconds); }
    /// The same of several kinds.
    void learn_all(std::vector<std::string> const& kinds, double seconds);

  private:
    void learn_one(std::string const& kind, double seconds);

    std::string device;
    std::map<std::string, std::map<std::string, double>> known; // by device, then by kind
    std::set<std::string> learnt;                               // kinds, by this process
};

} // namespace sfumato
