#include "compute/matrix_support.h"

#include "compute/gemm_block.h"

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

// What NV2 matrices can be multiples of.
struct flexible_sizes {
    std::uint32_t reserved_bytes = 0;   // of shared memory, where a workgroup holds a matrix
    decltype(target::flexible) product; // of gemm
    std::optional<fragment>
        attention{}; // 64 × 64 × 32 of a workgroup of 128 invocations, else 16 × 16 × 16 of a subgroup;
                     // of a software device 16 × 8 × 8, which takes it half the time to compile
};

flexible_sizes nv2_sizes(VkPhysicalDevice physical, bool software, bool workgroup_scope) {
    std::uint32_t count = 0;
    vkGetPhysicalDeviceCooperativeMatrixFlexibleDimensionsPropertiesNV(physical, &count, nullptr);
    std::vector<VkCooperativeMatrixFlexibleDimensionsPropertiesNV> all(
        count, {.sType = VK_STRUCTURE_TYPE_COOPERATIVE_MATRIX_FLEXIBLE_DIMENSIONS_PROPERTIES_NV});
    vk_check(vkGetPhysicalDeviceCooperativeMatrixFlexibleDimensionsPropertiesNV(physical, &count, all.data()),
             "vkGetPhysicalDeviceCooperativeMatrixFlexibleDimensionsPropertiesNV");
    VkPhysicalDeviceCooperativeMatrix2PropertiesNV most{
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_2_PROPERTIES_NV};
    VkPhysicalDeviceProperties2 properties{.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, .pNext = &most};
    vkGetPhysicalDeviceProperties2(physical, &properties);
    constexpr std::uint32_t largest_block = 256; // of gemm_block.cpp
    bool const large =
        most.cooperativeMatrixFlexibleDimensionsMaxDimension >= largest_block &&
        most.cooperativeMatrixWorkgroupScopeMaxWorkgroupSize >= gemm_invocations(kernel_variant::flexible);
    flexible_sizes sizes{.reserved_bytes = most.cooperativeMatrixWorkgroupScopeReservedSharedMemory};
    for (auto const& p : all) {
        bool const whole = p.scope == VK_SCOPE_WORKGROUP_KHR;
        if (!fits(p) || (whole ? !workgroup_scope || !large : p.scope != VK_SCOPE_SUBGROUP_KHR)) continue;
        if (whole ? p.workgroupInvocations == gemm_invocations(kernel_variant::flexible)
                  : !sizes.product.workgroup_scope)
            sizes.product = {p.MGranularity, p.NGranularity, p.KGranularity, whole};
        fragment const wanted = whole      ? fragment{64, 64, 32, true}
                                : software ? fragment{16, 8, 8, false}
                                           : fragment{16, 16, 16, false};
        bool const possible = (!whole || p.workgroupInvocations == 128) && wanted.m % p.MGranularity == 0 &&
                              wanted.n % p.NGranularity == 0 && wanted.k % p.KGranularity == 0;
        if (possible && (!sizes.attention || whole)) sizes.attention = wanted;
    }
    return sizes;
}

// How many processors take workgroups: what the vendor's extension says, else a guess.
std::uint32_t cores_of(VkPhysicalDevice physical, VkPhysicalDeviceType type, bool nvidia, bool amd) {
    VkPhysicalDeviceShaderSMBuiltinsPropertiesNV sm{
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_SM_BUILTINS_PROPERTIES_NV};
    VkPhysicalDeviceShaderCorePropertiesAMD cu{.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_CORE_PROPERTIES_AMD};
    VkPhysicalDeviceProperties2 all{.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2};
    if (nvidia) all.pNext = &sm;
    if (amd) all.pNext = &cu;
    vkGetPhysicalDeviceProperties2(physical, &all);
    std::uint32_t const known =
        sm.shaderSMCount + cu.shaderEngineCount * cu.shaderArraysPerEngineCount * cu.computeUnitsPerShaderArray;
    return known ? known : type == VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU ? 32 : 8;
}

std::optional<matrix_path> wished_path() {
    char const* const wish = std::getenv("SFUMATO_MATRIX");
    if (!wish || !*wish) return {};
    for (int i = 0; i < 4; ++i)
        if (std::string_view(wish) == matrix_path_names[i]) return matrix_path(i);
    fail("SFUMATO_MATRIX is \"{}\": it can be software, scalar, khr or nv2.", wish);
}

} // namespace

std::vector<target> targets_of(VkPhysicalDevice physical, matrix_features const& has) {
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
    t.software = t.rolled = p.deviceType == VK_PHYSICAL_DEVICE_TYPE_CPU;
    t.subgroup = subgroups.subgroupSize;
    t.shared_bytes = p.limits.maxComputeSharedMemorySize;
    t.cores = cores_of(physical, p.deviceType, has.nvidia_core_count, has.amd_core_count);

    auto const khr = has.cooperative ? khr_fragment(physical) : std::nullopt;
    flexible_sizes flexible;
    if (has.cooperative && has.flexible) flexible = nv2_sizes(physical, t.software, has.workgroup_scope);
    bool const nv2 = flexible.product.m && flexible.attention;
    // Intel's GPUs before Xe2 (which have subgroups of 8) emulate cooperative matrices, slowly.
    bool const slow_khr = t.software || (p.vendorID == 0x8086 && sizes.minSubgroupSize < 16);
    bool const eight = t.subgroup == 8 && halves.shaderFloat16; // what the software variants are written for

    t.matrix = t.software && eight                       ? matrix_path::software
               : nv2 && flexible.product.workgroup_scope ? matrix_path::nv2
               : khr && !slow_khr                        ? matrix_path::khr
                                                         : matrix_path::scalar;
    auto const has_path = [&](matrix_path path) {
        return path == matrix_path::scalar || (path == matrix_path::khr && khr) || (path == matrix_path::nv2 && nv2) ||
               (path == matrix_path::software && eight);
    };
    if (auto const wish = wished_path()) {
        t.matrix = *wish;
        if (!has_path(*wish))
            fail("SFUMATO_MATRIX is {}, which {} does not have: leave it out, or choose scalar.",
                 matrix_path_names[int(*wish)], p.deviceName);
    }
    bool const intel = p.vendorID == 0x8086, amd = p.vendorID == 0x1002;
    std::vector<target> all;
    for (matrix_path path : {t.matrix, matrix_path::khr, matrix_path::scalar}) {
        bool const plainer = path < t.matrix || t.matrix == matrix_path::software;
        if (path != t.matrix && (!plainer || !has_path(path) || (path == matrix_path::khr && slow_khr))) continue;
        if (!all.empty() && all.back().matrix == path) continue;
        all.push_back(t);
        all.back().matrix = path;
        if (path == matrix_path::khr) all.back().fragment = *khr;
        // By what Mesa 26.1's compilers make of each: spills, and the instructions of the loop.
        if (intel)
            all.back().subgroup = std::max(16u, sizes.minSubgroupSize), all.back().most_sums = 32,
            all.back().most_rows = 128, all.back().most_inputs = 16;
        all.back().turned_weights = (amd || intel) && path > matrix_path::scalar;
        if (path != matrix_path::nv2) continue;
        all.back().fragment = *flexible.attention;
        all.back().flexible = flexible.product;
        if (khr) all.back().khr_fragment = {khr->m, khr->n, khr->k};
        if (flexible.product.workgroup_scope) all.back().shared_bytes -= flexible.reserved_bytes;
    }
    return all;
}

} // namespace sfumato
