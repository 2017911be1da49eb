// Real-ESRGAN's compact network, SRVGGNetCompact: all convolutions at the picture's own size, a pixel shuffle at the
// end, and the picture, enlarged by nearest neighbour, added to it.
#pragma once

#include "models/nets/scope.h"
#include "models/weights/networks.h"

namespace sfumato {

/// w: the checkpoint's root. image [n, h, w, 3] f32 → [n, h·scale, w·scale, 3] f32. Convolutions store what is between
/// as `storage`; what is added to the picture is f32.
tensor srvgg(scope const& w, srvgg_config const&, tensor const& image, dtype storage);

} // namespace sfumato
