#include "models/nets/upscaler.h"

#include "models/nets/cunet.h"
#include "models/nets/rrdbnet.h"
#include "models/nets/srvgg.h"
#include "models/nets/upconv7.h"

namespace sfumato {

namespace {

tensor run(scope const& w, rrdbnet_config const& c, tensor const& image, dtype storage, whole_means&) {
    return rrdbnet(w, c, image, storage);
}
tensor run(scope const& w, srvgg_config const& c, tensor const& image, dtype storage, whole_means&) {
    return srvgg(w, c, image, storage);
}
tensor run(scope const& w, upconv7_config const& c, tensor const& image, dtype storage, whole_means&) {
    return upconv7(w, c, image, storage);
}
tensor run(scope const& w, cunet_config const& c, tensor const& image, dtype storage, whole_means& means) {
    return cunet(w, c, image, storage, means);
}
tensor run(scope const& w, cugan_config const& c, tensor const& image, dtype storage, whole_means& means) {
    return cugan(w, c, image, storage, means);
}

} // namespace

tensor upscaler(scope const& w, upscaler_config const& c, tensor const& image, std::optional<dtype> storage,
                whole_means* means) {
    whole_means own;
    return std::visit(
        [&](auto const& of) { return run(w, of, image, storage.value_or(image.type), means ? *means : own); }, c);
}

} // namespace sfumato
