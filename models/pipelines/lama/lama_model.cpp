#include "models/pipelines/lama/lama_model.h"

#include "models/library/family.h"
#include "models/library/open_checkpoint.h"

namespace sfumato {

lama_model::lama_model(choice c) : choice_(std::move(c)) {
    auto const file = std::make_shared<checkpoint const>(open_checkpoint(choice_));
    network_ = require_filler(*file);
    folded_ = folded_filler(file, network_);
}

} // namespace sfumato
