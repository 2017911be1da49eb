// Real-ESRGAN's compact network, SRVGGNetCompact: all convolutions at the picture's own size, a pixel shuffle at the
// end, and the picture, enlarged by nearest neighbour, added to it.
#pragma once

#include "models/nets/upscaler_input.h"
#include "models/networks/srvgg.h"

namespace sfumato {

/// w: the checkpoint's root. image [n, h, w, 3] f32 → [n, h·scale, w·scale, 3] f32; what is added to the image is f32,
/// too.
tensor forward(scope const& w, srvgg_config const&, upscaler_input const&);

} // namespace sfumato
