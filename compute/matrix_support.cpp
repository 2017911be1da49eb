#include "compute/matrix_support.h"

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <string_view>
#include <vector>

namespace sfumato {

namespace {

// fp16 in, fp32 sums: all that our kernels use.
template <class Properties> bool fits(Properties const& p) {
    return p.AType == VK_COMPONENT_TYPE_FLOAT16_KHR && p.BType == VK_COMPONENT_TYPE_FLOAT16_KHR &&
           p.CType == VK_COMPONENT_TYPE_FLOAT32_KHR && p.ResultType == VK_COMPONENT_TYPE_FLOAT32_KHR &&
           !p.saturatingAccumulation;
}

using fragment = decltype(target::fragment);

// 16 × 16 × 16 where the device has it, else its largest size up to that.
std::optional<fragment> khr_fragment(VkPhysicalDevice physical) {
    std::uint32_t count = 0;
    vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR(physical, &count, nullptr);
    std::vector<VkCooperativeMatrixPropertiesKHR> all(count,
                                                      {.sType = VK_STRUCTURE_TYPE_COOPERATIVE_MATRIX_PROPERTIES_KHR});
    vk_check(vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR(physical, &count, all.data()),
             "vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR");
    std::optional<fragment> best;
    for (auto const& p : all)
        if (fits(p) && p.scope == VK_SCOPE_SUBGROUP_KHR && std::max({p.MSize, p.NSize, p.KSize}) <= 16 &&
            (!best || p.MSize * p.NSize * p.KSize > best->m * best->n * best->k))
            best = fragment{p.MSize, p.NSize, p.KSize, false};
    return best;
}

// Any multiple of the device's granularity is allowed: we take 16 × 16 × 16 for a subgroup, 64 × 64 × 32 for a
// workgroup; of a software device 16 × 8 × 8, which takes it half the time to compile.
std::optional<fragment> nv2_fragment(VkPhysicalDevice physical, bool software, bool workgroup_scope,
                                     std::uint32_t workgroup) {
    std::uint32_t count = 0;
    vkGetPhysicalDeviceCooperativeMatrixFlexibleDimensionsPropertiesNV(physical, &count, nullptr);
    std::vector<VkCooperativeMatrixFlexibleDimensionsPropertiesNV> all(
        count, {.sType = VK_STRUCTURE_TYPE_COOPERATIVE_MATRIX_FLEXIBLE_DIMENSIONS_PROPERTIES_NV});
    vk_check(vkGetPhysicalDeviceCooperativeMatrixFlexibleDimensionsPropertiesNV(physical, &count, all.data()),
             "vkGetPhysicalDeviceCooperativeMatrixFlexibleDimensionsPropertiesNV");
    std::optional<fragment> best;
    for (auto const& p : all) {
        bool const whole = p.scope == VK_SCOPE_WORKGROUP_KHR;
        if (!fits(p) ||
            (whole ? !workgroup_scope || p.workgroupInvocations != workgroup : p.scope != VK_SCOPE_SUBGROUP_KHR))
            continue;
        fragment const wanted = whole      ? fragment{64, 64, 32, true}
                                : software ? fragment{16, 8, 8, false}
                                           : fragment{16, 16, 16, false};
        if (wanted.m % p.MGranularity || wanted.n % p.NGranularity || wanted.k % p.KGranularity) continue;
        if (!best || whole) best = wanted;
    }
    return best;
}

std::optional<matrix_path> wished_path() {
    char const* const wish = std::getenv("SFUMATO_MATRIX");
    if (!wish || !*wish) return {};
    for (int i = 0; i < 4; ++i)
        if (std::string_view(wish) == matrix_path_names[i]) return matrix_path(i);
    fail("SFUMATO_MATRIX is \"{}\": it can be software, scalar, khr or nv2", wish);
}

} // namespace

target target_of(VkPhysicalDevice physical, bool cooperative, bool flexible, bool workgroup_scope) {
    VkPhysicalDeviceSubgroupSizeControlProperties sizes{
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_PROPERTIES};
    VkPhysicalDeviceSubgroupProperties subgroups{.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_PROPERTIES,
                                                 .pNext = &sizes};
    VkPhysicalDeviceProperties2 properties{.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2,
                                           .pNext = &subgroups};
    vkGetPhysicalDeviceProperties2(physical, &properties);
    auto const& p = properties.properties;
    VkPhysicalDeviceVulkan12Features halves{.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES};
    VkPhysicalDeviceFeatures2 features{.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, .pNext = &halves};
    vkGetPhysicalDeviceFeatures2(physical, &features);

    target t;
    t.software = p.deviceType == VK_PHYSICAL_DEVICE_TYPE_CPU;
    t.subgroup = subgroups.subgroupSize;
    t.shared_bytes = p.limits.maxComputeSharedMemorySize;

    auto const khr = cooperative ? khr_fragment(physical) : std::nullopt;
    auto const nv2 = cooperative && flexible ? nv2_fragment(physical, t.software, workgroup_scope, 128) : std::nullopt;
    // Intel's GPUs before Xe2 (which have subgroups of 8) emulate cooperative matrices, slowly.
    bool const slow_khr = t.software || (p.vendorID == 0x8086 && sizes.minSubgroupSize < 16);
    bool const eight = t.subgroup == 8 && halves.shaderFloat16; // what the software variants are written for

    // nv2 only on request as long as it has not been measured on a GPU that has it.
    t.matrix = t.software && eight ? matrix_path::software : khr && !slow_khr ? matrix_path::khr : matrix_path::scalar;
    if (auto const wish = wished_path()) {
        t.matrix = *wish;
        if ((*wish == matrix_path::khr && !khr) || (*wish == matrix_path::nv2 && !nv2) ||
            (*wish == matrix_path::software && !eight))
            fail("SFUMATO_MATRIX is {}, which {} does not have: leave it out, or choose scalar",
                 matrix_path_names[int(*wish)], p.deviceName);
    }
    if (t.matrix == matrix_path::khr) t.fragment = *khr;
    if (t.matrix == matrix_path::nv2) t.fragment = *nv2;
    return t;
}

} // namespace sfumato
