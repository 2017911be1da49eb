#pragma once

#include "compute/vulkan.h"

#include <format>
#include <string>

namespace sfumato {

/// "10de-2330-00a1b2c3": vendor, device and driver, for the names of files in the cache.
inline std::string cache_key(VkPhysicalDeviceProperties const& p) {
    return std::format("{:04x}-{:04x}-{:08x}", p.vendorID, p.deviceID, p.driverVersion);
}

} // namespace sfumato
