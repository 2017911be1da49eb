// waifu2x's upconv_7 (nagadomi; in nunif's names): six convolutions and a transposed one, none of them padded. ×2
#pragma once

#include "models/nets/upscaler_input.h"
#include "models/networks/upconv7.h"

namespace sfumato {

/// w: the checkpoint's root. image [n, h, w, 3] → [n, 2·(h − 14), 2·(w − 14), 3] f32.
tensor forward(scope const& w, upconv7_config const&, upscaler_input const&);

} // namespace sfumato
