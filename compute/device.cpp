#include "compute/vulkan.h"

#include "compute/matrix_support.h"
#include "compute/memory.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdlib>
#include <cstring>

namespace sfumato {

namespace {

// The features we cannot work without, as one chain for both the question and the answer.
struct feature_chain {
    VkPhysicalDeviceVulkan11Features v11{.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES};
    VkPhysicalDeviceVulkan12Features v12{.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES, .pNext = &v11};
    VkPhysicalDeviceFeatures2 all{.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, .pNext = &v12};

    feature_chain() = default;
    feature_chain(feature_chain const&) = delete;
};

// Calls f(name, flag) for each required feature of the chain.
template <class F> void for_each_required(feature_chain& chain, F f) {
    f("bufferDeviceAddress", chain.v12.bufferDeviceAddress);
    f("scalarBlockLayout", chain.v12.scalarBlockLayout);
    f("timelineSemaphore", chain.v12.timelineSemaphore);
    f("storageBuffer16BitAccess", chain.v11.storageBuffer16BitAccess);
    f("shaderInt64", chain.all.features.shaderInt64);
}

std::string kind_of(VkPhysicalDeviceType type) {
    switch (type) {
    case VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU: return "discrete";
    case VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU: return "integrated";
    case VK_PHYSICAL_DEVICE_TYPE_CPU: return "software";
    default: return "virtual";
    }
}

int rank_of(device_info const& d) {
    if (!d.missing.empty()) return 4;
    return d.kind == "discrete" ? 0 : d.kind == "integrated" ? 1 : d.kind == "virtual" ? 2 : 3;
}

device_info describe(VkPhysicalDevice physical) {
    VkPhysicalDeviceDriverProperties driver{.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES};
    VkPhysicalDeviceProperties2 properties{.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, .pNext = &driver};
    vkGetPhysicalDeviceProperties2(physical, &properties);
    auto const& p = properties.properties;

    device_info info;
    info.name = p.deviceName;
    info.kind = kind_of(p.deviceType);
    info.api = std::format("{}.{}.{}", VK_API_VERSION_MAJOR(p.apiVersion), VK_API_VERSION_MINOR(p.apiVersion),
                           VK_API_VERSION_PATCH(p.apiVersion));
    if (p.apiVersion < VK_API_VERSION_1_2) {
        info.missing.push_back("Vulkan 1.2");
        return info;
    }
    info.driver = std::format("{} {}", driver.driverName, driver.driverInfo);

    VkPhysicalDeviceMemoryProperties memory;
    vkGetPhysicalDeviceMemoryProperties(physical, &memory);
    for (std::uint32_t i = 0; i < memory.memoryHeapCount; ++i)
        if (memory.memoryHeaps[i].flags & VK_MEMORY_HEAP_DEVICE_LOCAL_BIT)
            info.memory_bytes = std::max<std::uint64_t>(info.memory_bytes, memory.memoryHeaps[i].size);

    feature_chain has;
    vkGetPhysicalDeviceFeatures2(physical, &has.all);
    for_each_required(has, [&](char const* name, VkBool32 flag) {
        if (!flag) info.missing.push_back(name);
    });
    return info;
}

struct candidate {
    VkPhysicalDevice physical;
    device_info info;
};

std::vector<candidate> find_candidates() {
    std::uint32_t count = 0;
    VkInstance const instance = vulkan_instance().handle;
    if (VkResult const r = vkEnumeratePhysicalDevices(instance, &count, nullptr); r != VK_SUCCESS)
        fail(
            "No Vulkan driver can use the GPU here (vkEnumeratePhysicalDevices: {}): update the driver and the kernel, "
            "or install mesa-vulkan-drivers for a software device.",
            int(r));
    std::vector<VkPhysicalDevice> physical(count);
    vk_check(vkEnumeratePhysicalDevices(instance, &count, physical.data()), "vkEnumeratePhysicalDevices");
    std::vector<candidate> all;
    for (VkPhysicalDevice p : physical) all.push_back({p, describe(p)});
    std::ranges::stable_sort(all, {}, [](candidate const& c) { return rank_of(c.info); });
    return all;
}

std::string lower(std::string_view text) {
    std::string out(text);
    std::ranges::transform(out, out.begin(), [](unsigned char c) { return char(std::tolower(c)); });
    return out;
}

candidate choose(std::string_view choice) {
    auto all = find_candidates();
    if (all.empty())
        fail("No Vulkan device is found: install the Vulkan driver of your GPU, or mesa-vulkan-drivers for a software "
             "device.");

    std::string names;
    for (std::size_t i = 0; i < all.size(); ++i) names += std::format("{}{}: {}", i ? "; " : "", i, all[i].info.name);

    std::size_t index = 0;
    if (!choice.empty()) {
        auto const [end, status] = std::from_chars(choice.data(), choice.data() + choice.size(), index);
        bool const is_number = status == std::errc{} && end == choice.data() + choice.size();
        if (!is_number)
            index = std::ranges::find_if(all,
                                         [&](candidate const& c) {
                                             return lower(c.info.name).find(lower(choice)) != std::string::npos;
                                         }) -
                    all.begin();
        if (index >= all.size()) fail("No Vulkan device is called \"{}\": choose one of these ({}).", choice, names);
    }
    auto const& info = all[index].info;
    if (!info.missing.empty()) {
        std::string missing;
        for (auto const& m : info.missing) missing += (missing.empty() ? "" : ", ") + m;
        fail("The Vulkan device {} lacks {}: update its driver or choose another device ({}).", info.name, missing,
             names);
    }
    return all[index];
}

bool device_has_extension(VkPhysicalDevice physical, char const* name) {
    std::uint32_t count = 0;
    vkEnumerateDeviceExtensionProperties(physical, nullptr, &count, nullptr);
    std::vector<VkExtensionProperties> all(count);
    vkEnumerateDeviceExtensionProperties(physical, nullptr, &count, all.data());
    return std::ranges::any_of(all, [&](auto const& e) { return !std::strcmp(e.extensionName, name); });
}

// What the device offers beyond the required features, all of it asked for when it is opened.
struct optional_features {
    VkPhysicalDeviceCooperativeMatrix2FeaturesNV flexible{
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_2_FEATURES_NV};
    VkPhysicalDeviceCooperativeMatrixFeaturesKHR cooperative{
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_FEATURES_KHR};
    VkPhysicalDeviceSubgroupSizeControlFeatures subgroups{
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES};
    VkPhysicalDevicePipelineExecutablePropertiesFeaturesKHR compiled_code{
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PIPELINE_EXECUTABLE_PROPERTIES_FEATURES_KHR};
    std::vector<char const*> extensions;

    optional_features() = default;
    optional_features(optional_features const&) = delete;

    // Asks, and hangs what is there into `wanted`, which vkCreateDevice gets.
    void enable(VkPhysicalDevice physical, feature_chain& wanted) {
        feature_chain has;
        auto const ask = [&](char const* extension, auto& features) {
            if (!device_has_extension(physical, extension)) return;
            extensions.push_back(extension);
            features.pNext = has.v11.pNext;
            has.v11.pNext = &features;
        };
        ask(VK_EXT_SUBGROUP_SIZE_CONTROL_EXTENSION_NAME, subgroups);
        ask(VK_KHR_COOPERATIVE_MATRIX_EXTENSION_NAME, cooperative);
        ask(VK_NV_COOPERATIVE_MATRIX_2_EXTENSION_NAME, flexible);
        if (std::getenv("SFUMATO_COMPILED_CODE")) // for ./run bench isa
            ask(VK_KHR_PIPELINE_EXECUTABLE_PROPERTIES_EXTENSION_NAME, compiled_code);
        vkGetPhysicalDeviceFeatures2(physical, &has.all);
        cooperative.cooperativeMatrixRobustBufferAccess = false;
        wanted.v11.pNext = has.v11.pNext;
        wanted.v12.shaderFloat16 = has.v12.shaderFloat16;
        wanted.v12.vulkanMemoryModel = has.v12.vulkanMemoryModel && has.v12.vulkanMemoryModelDeviceScope;
        wanted.v12.vulkanMemoryModelDeviceScope = wanted.v12.vulkanMemoryModel;
        if (!wanted.v12.shaderFloat16 || !wanted.v12.vulkanMemoryModel)
            cooperative.cooperativeMatrix = flexible.cooperativeMatrixFlexibleDimensions = false;
        if (device_has_extension(physical, VK_EXT_MEMORY_BUDGET_EXTENSION_NAME))
            extensions.push_back(VK_EXT_MEMORY_BUDGET_EXTENSION_NAME);
        if (device_has_extension(physical, VK_EXT_EXTERNAL_MEMORY_HOST_EXTENSION_NAME))
            extensions.push_back(VK_EXT_EXTERNAL_MEMORY_HOST_EXTENSION_NAME);
    }
};

// Of a VkBuffer; what an allocation may have is another limit.
std::uint64_t largest_buffer(VkPhysicalDevice physical) {
    VkPhysicalDeviceProperties version;
    vkGetPhysicalDeviceProperties(physical, &version);
    if (version.apiVersion < VK_API_VERSION_1_3 && !device_has_extension(physical, VK_KHR_MAINTENANCE_4_EXTENSION_NAME))
        return ~0ull;
    VkPhysicalDeviceMaintenance4Properties most{.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_4_PROPERTIES};
    VkPhysicalDeviceProperties2 all{.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, .pNext = &most};
    vkGetPhysicalDeviceProperties2(physical, &all);
    return most.maxBufferSize;
}

std::uint32_t compute_queue_family(VkPhysicalDevice physical) {
    std::uint32_t count = 0;
    vkGetPhysicalDeviceQueueFamilyProperties(physical, &count, nullptr);
    std::vector<VkQueueFamilyProperties> families(count);
    vkGetPhysicalDeviceQueueFamilyProperties(physical, &count, families.data());
    // A family without graphics leaves the desktop's queue alone.
    for (bool avoid_graphics : {true, false})
        for (std::uint32_t i = 0; i < count; ++i)
            if ((families[i].queueFlags & VK_QUEUE_COMPUTE_BIT) && families[i].timestampValidBits &&
                !(avoid_graphics && (families[i].queueFlags & VK_QUEUE_GRAPHICS_BIT)))
                return i;
    fail("The Vulkan device has no queue for compute work: choose another device (sfumato devices lists them).");
}

} // namespace

std::vector<device_info> list_devices() {
    std::vector<device_info> infos;
    for (auto& c : find_candidates()) infos.push_back(std::move(c.info));
    return infos;
}

device::device(std::string_view choice) : vk(std::make_unique<handles>()) {
    if (choice.empty())
        if (char const* wish = std::getenv("SFUMATO_DEVICE")) choice = wish;
    candidate const chosen = choose(choice);
    auto& h = *vk;
    h.info = chosen.info;
    h.physical = chosen.physical;
    h.queue_family = compute_queue_family(h.physical);
    if (char const* width = std::getenv("LP_NATIVE_VECTOR_WIDTH"); h.info.is_software() && std::atoi(width) > 256)
        fail("LP_NATIVE_VECTOR_WIDTH is {} in the environment, and {} computes wrongly or ends the program with more "
             "than 256: unset it.",
             width, h.info.name);

    bool const has_host = device_has_extension(h.physical, VK_EXT_EXTERNAL_MEMORY_HOST_EXTENSION_NAME);
    VkPhysicalDeviceExternalMemoryHostPropertiesEXT host{
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_MEMORY_HOST_PROPERTIES_EXT};
    VkPhysicalDeviceMaintenance3Properties sizes{.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_3_PROPERTIES,
                                                 .pNext = has_host ? &host : nullptr};
    VkPhysicalDeviceProperties2 properties{.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, .pNext = &sizes};
    vkGetPhysicalDeviceProperties2(h.physical, &properties);
    h.limits = properties.properties.limits;

    feature_chain wanted;
    for_each_required(wanted, [](char const*, VkBool32& flag) { flag = VK_TRUE; });
    optional_features offered;
    offered.enable(h.physical, wanted);
    if (has_host) h.import_alignment = host.minImportedHostPointerAlignment;
    h.subgroup_control = offered.subgroups.subgroupSizeControl && offered.subgroups.computeFullSubgroups;
    h.plainer = targets_of(
        h.physical, {.cooperative = bool(offered.cooperative.cooperativeMatrix),
                     .flexible = offered.flexible.cooperativeMatrixFlexibleDimensions &&
                                 offered.flexible.cooperativeMatrixPerElementOperations,
                     .workgroup_scope = bool(offered.flexible.cooperativeMatrixWorkgroupScope),
                     .nvidia_core_count = device_has_extension(h.physical, VK_NV_SHADER_SM_BUILTINS_EXTENSION_NAME),
                     .amd_core_count = device_has_extension(h.physical, VK_AMD_SHADER_CORE_PROPERTIES_EXTENSION_NAME)});
    std::uint64_t most = std::min(sizes.maxMemoryAllocationSize, largest_buffer(h.physical));
    if (auto const wish = wished_bytes("SFUMATO_LARGEST_BUFFER")) {
        if (*wish < 1 << 20) fail("SFUMATO_LARGEST_BUFFER is {}: it must be 1048576 bytes or more.", *wish);
        most = *wish;
    }
    for (sfumato::target& t : h.plainer) t.largest_buffer = most;
    h.target = h.plainer.front();
    h.plainer.erase(h.plainer.begin());
    bool const has_budget = device_has_extension(h.physical, VK_EXT_MEMORY_BUDGET_EXTENSION_NAME);
    float const priority = 0.5f;
    VkDeviceQueueCreateInfo const queue{.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
                                        .queueFamilyIndex = h.queue_family,
                                        .queueCount = 1,
                                        .pQueuePriorities = &priority};
    VkDeviceCreateInfo const info{
        .sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
        .pNext = &wanted.all,
        .queueCreateInfoCount = 1,
        .pQueueCreateInfos = &queue,
        .enabledExtensionCount = std::uint32_t(offered.extensions.size()),
        .ppEnabledExtensionNames = offered.extensions.data(),
    };
    vk_check(vkCreateDevice(h.physical, &info, nullptr, &h.device), "vkCreateDevice");
    vkGetDeviceQueue(h.device, h.queue_family, 0, &h.queue);
    allocator_open(h, has_budget);

    VkPushConstantRange const push{.stageFlags = VK_SHADER_STAGE_COMPUTE_BIT, .size = 128};
    VkPipelineLayoutCreateInfo const layout{.sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
                                            .pushConstantRangeCount = 1,
                                            .pPushConstantRanges = &push};
    vk_check(vkCreatePipelineLayout(h.device, &layout, nullptr, &h.layout), "vkCreatePipelineLayout");
    pipeline_cache_open(h);

    VkSemaphoreTypeCreateInfo const timeline{.sType = VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO,
                                             .semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE};
    VkSemaphoreCreateInfo const semaphore{.sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO, .pNext = &timeline};
    vk_check(vkCreateSemaphore(h.device, &semaphore, nullptr, &h.timeline), "vkCreateSemaphore");
    h.work_per_second = h.info.kind == "discrete" ? 1e12 : h.info.is_software() ? 2e9 : 1e11;
}

device::~device() = default;

device::handles::~handles() {
    if (!device) return;
    pipeline_cache_save(*this);
    for (auto const& [kernel, pipeline] : pipelines) vkDestroyPipeline(device, pipeline, nullptr);
    if (timeline) vkDestroySemaphore(device, timeline, nullptr);
    if (cache) vkDestroyPipelineCache(device, cache, nullptr);
    if (layout) vkDestroyPipelineLayout(device, layout, nullptr);
    allocator_close(*this);
    vkDestroyDevice(device, nullptr);
}

device_info const& device::info() const { return vk->info; }
sfumato::target const& device::target() const { return vk->target; }

} // namespace sfumato
