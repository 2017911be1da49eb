// A client of the engine process: finds it, starts it when it is not running, and asks it for one thing. Knows nothing
// of GIMP, and opens no model.
//
// Everything here blocks: call it from a worker thread. `job.report` and the run_client are called on that same thread.
// `job.cancelled` is looked at every 50 ms at least, also while the engine starts or pixels are being sent; what is
// cancelled leaves the engine idle, not dead. Throws error, one sentence for the user: no engine found, it would not
// start, the request was refused, the run failed, or the engine died (the sentence then names its log file; the next
// call starts a fresh engine).
//
// The engine is $SFUMATO_ENGINE, else `sfumato` beside this executable, else `sfumato` on PATH. It is started as
// `sfumato serve` in a session of its own, its messages go to engine.log beside the socket, and it ends by itself when
// idle. An idle engine of another build is asked to end and replaced.
#pragma once

#include "request/job.h"
#include "request/model_summary.h"
#include "request/run.h"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace sfumato {

/// Runs a request in the engine. False: cancelled. Whatever run_client throws ends the run, and comes out here.
bool engine_run(run_input const&, run_client&, job const&);

/// What a run would take. The client may be asked for pixels. Nothing: cancelled.
std::optional<run_plan> engine_estimate(run_input const&, run_client&, job const&);

/// Calls `found` for each model of this machine, those that cannot be used included. False: cancelled.
bool engine_models(model_kind, std::function<void(model_summary const&)> const& found, job const&);

/// What one model is; its `error` says what is wrong with it. Nothing: cancelled.
std::optional<model_summary> engine_describe(std::string const& model, job const&);

/// The devices that can be chosen, the best first. Nothing: cancelled.
std::optional<std::vector<device_choice>> engine_devices(job const&);

/// Asks the engine to end, which takes its models out of the device's memory; one that is at work ends after it. The
/// next call here starts a fresh one. Nothing happens where none runs. Throws error: it does not answer.
void engine_end();

} // namespace sfumato
