// What was captured becomes a result, in the engine.
#pragma once

#include "plugin/capture.h"
#include "request/job.h"

#include <functional>
#include <optional>

namespace sfumato {

/// The size in which a model whose pictures have `native` pixels a side makes a picture for a place: the place's own
/// where the model is at home there, else its shape in the model's size; whole cells. 0: not known, the place's own.
rect size_for(rect const& place, int native);

/// What the engine is told of a run in `area`: the request, with a size where it leaves that open, the pictures, and
/// the device.
run_input input_of(request const& asked, rect const& area, std::optional<std::string> device, job const&);

/// Called on a thread of its own. `asked`: captured::request, perhaps with another seed, or for a batch. `take` gets
/// each result as soon as it is there: in the size in which it will be seen, at its place in captured::area
/// (run_result::x, y). `preview` gets what is in the making, of any size, for all of the area. False: cancelled. Throws
/// error.
bool run_captured(captured const&, request const& asked, job const&, std::function<void(run_result)> const& take,
                  std::function<void(picture const&)> const& preview = {});

/// One result. Nothing: cancelled.
std::optional<run_result> run_captured(captured const&, job const&);

} // namespace sfumato
