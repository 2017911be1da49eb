// The names that files of upscalers have → those of models/networks/.
//   ESRGAN    model.0, model.1.sub.N.RDB1.conv1.0 …, model.1.sub.N, model.3, model.6 …   (the first code of ESRGAN)
//   BSRGAN    RRDB_trunk.N.RDB1.conv1 …, trunk_conv, upconv1 …, HRconv
//   Real-ESRGAN, SRVGG, waifu2x (nunif), Real-CUGAN: as in models/networks/
#pragma once

#include "models/files/checkpoint.h"

namespace sfumato {

struct upscaler_names {
    std::string_view prefix; // before every name: a wrapper's that training left
    int esrgan_last = 0;     // the number of ESRGAN's last layer, model.N; 0: not its names

    /// The name itself where it is none that is known.
    std::string canonical(std::string_view name) const;
};

/// Nothing where no tensor is of an upscaler.
std::optional<upscaler_names> upscaler_names_of(checkpoint const&);

} // namespace sfumato
