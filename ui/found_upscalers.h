// The upscalers that are on this machine, for a list to choose from.
#pragma once

#include <atomic>
#include <future>
#include <optional>
#include <string>
#include <vector>

namespace sfumato {

struct found_upscaler {
    std::string path;
    std::string label; // "4x-UltraSharp (×4)", and its folder where another has the same name
};

using found_upscalers = std::vector<found_upscaler>;

/// Looks into upscaler_folders(), on a thread of its own, since a disk may be slow. Its end stops the search.
class upscaler_search {
  public:
    upscaler_search();
    ~upscaler_search();

    /// Once, when the search has ended: those that can be used, in the order of their labels.
    std::optional<found_upscalers> result();

  private:
    std::atomic<bool> stopped = false;
    std::future<found_upscalers> found;
};

} // namespace sfumato
