// The plug-in's side of the engine process: finds it, starts it when it is not running, and runs one request in it.
// Knows nothing of GIMP.
#pragma once

#include "models/job.h"
#include "models/pipelines/run.h"

#include <optional>

namespace sfumato {

/// Runs a request in the engine (the picture already cropped) and waits for the result. Blocks: call it from a worker
/// thread. `job.report` is called on that same thread. Nothing returned: cancelled. `job.cancelled` is looked at every
/// 50 ms at least, also while the engine starts or a picture is being sent; a cancelled run leaves the engine idle, not
/// dead. Throws error, one sentence for the user: no engine found, it would not start, the request was refused, the job
/// failed, or the engine died (the sentence then names its log file; the next call starts a fresh engine).
///
/// The engine is $SFUMATO_ENGINE, else `sfumato` beside this executable, else `sfumato` on PATH. It is started as
/// `sfumato serve` in a session of its own, its messages go to engine.log beside the socket, and it ends by itself when
/// idle. An idle engine of another build is asked to end and replaced.
std::optional<run_result> engine_run(run_input const&, job const&);

} // namespace sfumato
