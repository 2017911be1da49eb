// What the engine knows of the models on this machine, asked on threads of their own: it may have to be started, and a
// disk may be slow. No model is opened in GIMP's process.
#pragma once

#include "request/model_summary.h"

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

/// Looks for upscalers. Its end stops the search.
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

/// What one model is. Its end stops the question.
class model_question {
  public:
    explicit model_question(std::string model); // as a request names it
    ~model_question();

    /// Once, when it is answered; an error of the model's or the engine's is in model_summary::error.
    std::optional<model_summary> result();

  private:
    std::atomic<bool> stopped = false;
    std::future<model_summary> answer;
};

} // namespace sfumato
