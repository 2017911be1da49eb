#include "models/pipelines/upscale_model.h"

#include "models/weights/family.h"

#include <utility>

namespace sfumato {

upscale_model::upscale_model(choice c)
    : choice_(std::move(c)), file_(std::make_shared<checkpoint const>(open_checkpoint(choice_.source))),
      network_(require_upscaler(*file_)), weights_(file_, options()) {}

weight_options upscale_model::options() const { return {.format = format_of(choice_.precision)}; }

} // namespace sfumato
