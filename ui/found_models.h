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

/// One that can be used.
struct listed_model {
    std::string path;
    std::string label; // "4x-UltraSharp (×4)", and its folder where another has the same name
};
using listed_models = std::vector<listed_model>;

/// Looks for models, of those of all kinds for the ones that make pictures. Its end stops the search.
class model_search {
  public:
    explicit model_search(model_kind);
    ~model_search();

    /// Once, when the search has ended: in the order of their labels.
    std::optional<listed_models> result();

  private:
    std::atomic<bool> stopped = false;
    std::future<listed_models> found;
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

/// Which LaMa or MI-GAN fills where nobody says otherwise: its file; empty, where there is none. Asked when it is first
/// needed. Its end stops the question.
class lama_question {
  public:
    ~lama_question();

    /// As far as it is known: empty also before it is answered.
    std::string known();
    /// Waits for the answer.
    std::string wait();
    /// Where there was none: files may have been put there.
    void ask_again();

  private:
    void ask();

    std::atomic<bool> stopped = false;
    std::optional<std::string> found;
    std::future<std::string> answer;
};

} // namespace sfumato
