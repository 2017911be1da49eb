// Which matrix path a device has, and the sizes of its cooperative matrices.
#pragma once

#include "compute/vulkan.h"

namespace sfumato {

/// What is there and will be enabled.
struct matrix_features {
    bool cooperative = false;                               // VK_KHR_cooperative_matrix
    bool flexible = false, workgroup_scope = false;         // VK_NV_cooperative_matrix2, with per-element operations
    bool nvidia_core_count = false, amd_core_count = false; // the extensions that tell it
};

/// Asks the device: what it would use, then what is plainer. $SFUMATO_MATRIX forces a path; throws error when the
/// device lacks it or there is no such path.
std::vector<target> targets_of(VkPhysicalDevice, matrix_features const&);

} // namespace sfumato
