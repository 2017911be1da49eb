// Vulkan inside compute/: its functions, found at run time so that a machine without a loader gets a sentence instead
// of a linker error, and the handles of an open device. Nothing outside compute/ includes this.
#pragma once

#include "compute/device.h"
#include "compute/program.h"

#define VK_NO_PROTOTYPES
#include <vulkan/vulkan.h>

#include <functional>
#include <map>
#include <set>
#include <utility>

VK_DEFINE_HANDLE(VmaAllocator)

// Every Vulkan function we call, once.
#define SFUMATO_VULKAN_FUNCTIONS(X) \
    X(AllocateCommandBuffers) X(AllocateDescriptorSets) X(AllocateMemory) X(BeginCommandBuffer) X(BindBufferMemory) \
    X(CmdBeginDebugUtilsLabelEXT) X(CmdBindDescriptorSets) X(CmdBindPipeline) X(CmdCopyBuffer) \
    X(CmdDispatch) X(CmdDispatchBase) X(CmdEndDebugUtilsLabelEXT) X(CmdFillBuffer) X(CmdPipelineBarrier) X(CmdPushConstants) \
    X(CmdResetQueryPool) X(CmdWriteTimestamp) X(CreateBuffer) X(CreateCommandPool) X(CreateComputePipelines) \
    X(CreateDebugUtilsMessengerEXT) X(CreateDescriptorPool) X(CreateDescriptorSetLayout) X(CreateDevice) \
    X(CreateFence) X(CreatePipelineCache) X(CreatePipelineLayout) X(CreateQueryPool) \
    X(CreateSemaphore) X(CreateShaderModule) X(DestroyBuffer) X(DestroyCommandPool) X(DestroyDebugUtilsMessengerEXT) \
    X(DestroyDescriptorPool) X(DestroyDescriptorSetLayout) X(DestroyDevice) X(DestroyFence) \
    X(DestroyInstance) X(DestroyPipeline) X(DestroyPipelineCache) X(DestroyPipelineLayout) X(DestroyQueryPool) \
    X(DestroySemaphore) X(DestroyShaderModule) X(EndCommandBuffer) X(EnumerateDeviceExtensionProperties) \
    X(EnumeratePhysicalDevices) X(FreeCommandBuffers) X(FreeMemory) X(GetBufferDeviceAddress) \
    X(GetBufferMemoryRequirements) X(GetDeviceProcAddr) X(GetDeviceQueue) X(GetMemoryHostPointerPropertiesEXT) \
    X(GetPhysicalDeviceCooperativeMatrixFlexibleDimensionsPropertiesNV) \
    X(GetPhysicalDeviceCooperativeMatrixPropertiesKHR) X(GetPhysicalDeviceFeatures2) X(GetPhysicalDeviceMemoryProperties) \
    X(GetPhysicalDeviceProperties) X(GetPhysicalDeviceProperties2) \
    X(GetPhysicalDeviceQueueFamilyProperties) X(GetPipelineCacheData) X(GetQueryPoolResults) X(MapMemory) \
    X(QueueSubmit) X(ResetFences) X(UnmapMemory) X(UpdateDescriptorSets) X(WaitForFences) X(WaitSemaphores)

namespace sfumato {

// In our namespace: as global symbols they would take the place of the loader's own functions.
#define X(name) inline PFN_vk##name vk##name = nullptr;
X(GetInstanceProcAddr)
X(CreateInstance)
X(EnumerateInstanceVersion)
X(EnumerateInstanceLayerProperties)
X(EnumerateInstanceExtensionProperties)
SFUMATO_VULKAN_FUNCTIONS(X)
#undef X

/// The process's one VkInstance, made at first use. Throws error when there is no loader or no instance.
struct instance {
    VkInstance handle = VK_NULL_HANDLE;
    VkDebugUtilsMessengerEXT messenger = VK_NULL_HANDLE;
    bool labels = false; // VK_EXT_debug_utils is there
    ~instance();
};
instance& vulkan_instance();

/// How many messages the validation layers have given so far (SFUMATO_VALIDATE=1); each is printed to stderr as it
/// comes.
int validation_messages();

struct fft_cache;     // compute/fft.cpp
struct known_kernels; // compute/self_check.cpp

struct device::handles {
    device_info info;
    VkPhysicalDevice physical = VK_NULL_HANDLE;
    VkDevice device = VK_NULL_HANDLE;
    VkQueue queue = VK_NULL_HANDLE;
    std::uint32_t queue_family = 0;
    VmaAllocator allocator = nullptr;
    VkPhysicalDeviceLimits limits{};
    std::uint64_t used = 0, peak = 0;         // bytes of buffers that lie on the device
    std::uint32_t budget_questions = 0;       // how often the driver was asked for it
    sfumato::target target;                   // what kernels are shaped for
    std::vector<sfumato::target> plainer;     // what to use where that is wrong, best first
    std::shared_ptr<known_kernels> kernels;   // null: self_check() was not called
    sentence unusable;                        // why no plan may run; empty: it may
    bool subgroup_control = false;            // a pipeline may ask for its subgroup size
    std::uint64_t import_alignment = 0;       // of the host's memory that the device reads itself; 0: it cannot
    VkPipelineLayout layout = VK_NULL_HANDLE; // one for all kernels: 128 bytes of push constants
    VkPipelineCache cache = VK_NULL_HANDLE;
    std::string cache_file;
    std::size_t cache_bytes = 0;             // as loaded or last saved
    std::map<program, VkPipeline> pipelines; // compiled at a plan's first run, kept
    std::shared_ptr<fft_cache> ffts;         // null until a plan transforms
    VkSemaphore timeline = VK_NULL_HANDLE;
    std::uint64_t submitted = 0; // the timeline's value when all submissions are done
    double work_per_second = 0;  // measured, in the units of graph::dispatch's `work`

    ~handles();
};

/// Throws device_lost or error naming `what` unless `result` is VK_SUCCESS.
void vk_check(VkResult result, char const* what);

/// Compiles one. The caller owns it.
VkPipeline make_pipeline(device::handles const&, program const&, VkPipelineCache, VkPipelineCreateFlags = 0);

/// Compiles the programs that have no pipeline yet, on all processors at once. `keep_going` is asked meanwhile; false
/// stops after those that are begun. Returns whether all are there.
bool compile_pipelines(device::handles&, std::set<program> const&, std::function<bool()> const& keep_going);

/// Loads the device's pipeline cache from disk (damaged or foreign files are ignored) / writes it back when it grew.
void pipeline_cache_open(device::handles&);
void pipeline_cache_save(device::handles&);

} // namespace sfumato
