#include "models/nets/upscaler.h"

#include "models/nets/cunet.h"
#include "models/nets/rrdbnet.h"
#include "models/nets/srvgg.h"
#include "models/nets/upconv7.h"

namespace sfumato {

tensor upscaler(scope const& w, upscaler_config const& c, tensor const& image, std::optional<dtype> storage,
                whole_means* means) {
    whole_means own;
    upscaler_input const in{image, storage.value_or(image.type), means ? *means : own};
    return std::visit([&](auto const& network) { return forward(w, network, in); }, c);
}

} // namespace sfumato
