// Samplers that use the pictures of earlier steps: DPM-Solver++ (2M, 3M), deterministic and as SDE, and UniPC.
#pragma once

#include "models/sampling/path.h"

namespace sfumato {

std::vector<evaluation> follow_dpm_multistep(sampling_path const&, path_options const&);
std::vector<evaluation> follow_unipc(sampling_path const&, path_options const&);

} // namespace sfumato
