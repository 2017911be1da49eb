#include "models/pipelines/upscale/upscale_model.h"

#include "models/library/family.h"
#include "models/library/open_checkpoint.h"

#include <utility>

namespace sfumato {

upscale_model::upscale_model(choice c, std::shared_ptr<checkpoint const> file)
    : choice_(std::move(c)),
      file_(file ? std::move(file) : std::make_shared<checkpoint const>(open_checkpoint(choice_.source))),
      network_(require_upscaler(*file_)) {}

weight_options upscale_model::options() const { return {.format = format_of(choice_.precision)}; }

} // namespace sfumato
