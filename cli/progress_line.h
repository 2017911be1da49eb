// How a command shows what it is doing: a line that is written over on a terminal, JSON lines for programs, else
// nothing.
#pragma once

#include "request/job.h"
#include "request/run.h"

#include <mutex>
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace sfumato {

class progress_line {
  public:
    explicit progress_line(bool as_json);
    ~progress_line(); // clears the line, so that an error message stands alone

    void show(progress const&); // from any thread
    void warn(std::string const&);
    /// Something worth knowing, said once: `text` for people, `object` for programs.
    void note(std::string const& text, nlohmann::json const& object);

    /// What a run takes.
    void plan(run_plan const&);

    /// The last word: `text` for people, `object` for programs.
    void finish(std::string const& text, nlohmann::json const& object);

  private:
    void clear();

    bool const as_json, on_terminal;
    std::mutex mutex;
    bool shown = false;
};

} // namespace sfumato
