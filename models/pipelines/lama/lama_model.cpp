#include "models/pipelines/lama/lama_model.h"

#include "models/library/family.h"
#include "models/library/open_checkpoint.h"
#include "models/nets/lama_folded.h"

namespace sfumato {

lama_model::lama_model(choice c) : choice_(std::move(c)) {
    auto const file = std::make_shared<checkpoint const>(open_checkpoint(choice_));
    network_ = require_lama(*file);
    folded_ = folded_lama(file, network_);
}

} // namespace sfumato
