// Which matrix path a device has, and the sizes of its cooperative matrices.
#pragma once

#include "compute/vulkan.h"

namespace sfumato {

/// Asks the device; `cooperative`, `flexible`, `workgroup_scope`: these features are there and will be enabled.
/// $SFUMATO_MATRIX forces a path; throws error when the device lacks it or there is no such path.
target target_of(VkPhysicalDevice, bool cooperative, bool flexible, bool workgroup_scope);

} // namespace sfumato
