#include "compute/memory.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <utility>
#include <vk_mem_alloc.h>

namespace sfumato {

namespace {

VmaAllocationCreateInfo how(placement where, bool host_sees_device) {
    switch (where) {
    case placement::upload:
        return {.flags = VMA_ALLOCATION_CREATE_MAPPED_BIT | VMA_ALLOCATION_CREATE_HOST_ACCESS_SEQUENTIAL_WRITE_BIT,
                .usage = VMA_MEMORY_USAGE_AUTO_PREFER_HOST,
                .requiredFlags = VK_MEMORY_PROPERTY_HOST_COHERENT_BIT};
    case placement::host: return {.flags = 0, .usage = VMA_MEMORY_USAGE_AUTO_PREFER_HOST};
    case placement::readback:
        return {.flags = VMA_ALLOCATION_CREATE_MAPPED_BIT | VMA_ALLOCATION_CREATE_HOST_ACCESS_RANDOM_BIT,
                .usage = VMA_MEMORY_USAGE_AUTO_PREFER_HOST,
                .requiredFlags = VK_MEMORY_PROPERTY_HOST_COHERENT_BIT};
    default: break;
    }
    if (!host_sees_device) return {.usage = VMA_MEMORY_USAGE_AUTO_PREFER_DEVICE};
    // By properties, since the allocator's own choice for the host's access would be cached before it is the device's.
    return {.flags = VMA_ALLOCATION_CREATE_MAPPED_BIT,
            .requiredFlags = VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT,
            .preferredFlags = VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT};
}

} // namespace

buffer::buffer(device::handles& h, std::uint64_t size, placement where) : vk(h), bytes(size) {
    assert(size + tail_bytes <= h.target.largest_buffer && "who needs more divides it");
    bool const host_sees_device = h.info.is_software() || h.info.kind == "integrated";
    VkBufferCreateInfo const info{
        .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
        .size = size + tail_bytes,
        .usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT |
                 VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT,
    };
    VmaAllocationCreateInfo const allocate = how(where, host_sees_device);
    VmaAllocationInfo got;
    VkResult const r = vmaCreateBuffer(h.allocator, &info, &allocate, &handle, &allocation, &got);
    if (r == VK_ERROR_OUT_OF_DEVICE_MEMORY || r == VK_ERROR_OUT_OF_HOST_MEMORY)
        fail("{} MiB of GPU memory are needed, but {} could not give them: close other programs that use the GPU, or "
             "work on a smaller selection.",
             (size >> 20) + 1, h.info.name);
    vk_check(r, "vmaCreateBuffer");
    mapped = static_cast<std::byte*>(got.pMappedData);
    VkMemoryPropertyFlags properties = 0;
    vmaGetMemoryTypeProperties(h.allocator, got.memoryType, &properties);
    cached = properties & VK_MEMORY_PROPERTY_HOST_CACHED_BIT;
    if (where == placement::device) counted = bytes + tail_bytes;
    h.used += counted;
    h.peak = std::max(h.peak, h.used);
    VkBufferDeviceAddressInfo const where_is{.sType = VK_STRUCTURE_TYPE_BUFFER_DEVICE_ADDRESS_INFO, .buffer = handle};
    address = vkGetBufferDeviceAddress(h.device, &where_is);
}

buffer::buffer(device::handles& h, std::span<std::byte const> memory) : vk(h), bytes(memory.size() - tail_bytes) {
    constexpr auto type = VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT;
    auto* const start = const_cast<std::byte*>(memory.data()); // kernels only read it
    VkMemoryHostPointerPropertiesEXT where{.sType = VK_STRUCTURE_TYPE_MEMORY_HOST_POINTER_PROPERTIES_EXT};
    vk_check(vkGetMemoryHostPointerPropertiesEXT(h.device, type, start, &where), "vkGetMemoryHostPointerPropertiesEXT");
    if (!where.memoryTypeBits) fail("{} cannot read the computer's memory itself.", h.info.name);

    VkExternalMemoryBufferCreateInfo const external{.sType = VK_STRUCTURE_TYPE_EXTERNAL_MEMORY_BUFFER_CREATE_INFO,
                                                    .handleTypes = type};
    VkBufferCreateInfo const info{
        .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
        .pNext = &external,
        .size = memory.size(),
        .usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT,
    };
    VkImportMemoryHostPointerInfoEXT const source{
        .sType = VK_STRUCTURE_TYPE_IMPORT_MEMORY_HOST_POINTER_INFO_EXT, .handleType = type, .pHostPointer = start};
    VkMemoryAllocateFlagsInfo const flags{.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_FLAGS_INFO,
                                          .pNext = &source,
                                          .flags = VK_MEMORY_ALLOCATE_DEVICE_ADDRESS_BIT};
    VkMemoryAllocateInfo const allocate{.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
                                        .pNext = &flags,
                                        .allocationSize = memory.size(),
                                        .memoryTypeIndex = std::uint32_t(std::countr_zero(where.memoryTypeBits))};
    vk_check(vkCreateBuffer(h.device, &info, nullptr, &handle), "vkCreateBuffer");
    VkResult r = vkAllocateMemory(h.device, &allocate, nullptr, &imported);
    if (r == VK_SUCCESS) r = vkBindBufferMemory(h.device, handle, imported, 0);
    if (r != VK_SUCCESS) {
        vkDestroyBuffer(h.device, handle, nullptr);
        vkFreeMemory(h.device, imported, nullptr);
        vk_check(r, "vkAllocateMemory");
    }
    VkBufferDeviceAddressInfo const where_is{.sType = VK_STRUCTURE_TYPE_BUFFER_DEVICE_ADDRESS_INFO, .buffer = handle};
    address = vkGetBufferDeviceAddress(h.device, &where_is);
}

buffer::~buffer() {
    vk.used -= counted;
    if (allocation) {
        vmaDestroyBuffer(vk.allocator, handle, allocation);
        return;
    }
    vkDestroyBuffer(vk.device, handle, nullptr);
    vkFreeMemory(vk.device, imported, nullptr);
}

buffer_part::buffer_part(buffer const& of, std::uint64_t offset, std::uint64_t bytes) : vk(of.vk) {
    VkBufferCreateInfo const info{
        .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
        .size = bytes,
        .usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT,
    };
    vk_check(vmaCreateAliasingBuffer2(vk.allocator, of.allocation, offset, &info, &handle), "vmaCreateAliasingBuffer2");
}

buffer_part::~buffer_part() { vkDestroyBuffer(vk.device, handle, nullptr); }

std::optional<std::uint64_t> wished_bytes(char const* variable) {
    char const* const wish = std::getenv(variable);
    if (!wish) return {};
    std::uint64_t bytes = 0;
    auto const [end, status] = std::from_chars(wish, wish + std::strlen(wish), bytes);
    if (status != std::errc{} || *end) fail("{} is \"{}\": it must be a number of bytes.", variable, wish);
    return bytes;
}

namespace {

// Of the device's own memory. A tenth of each heap, but no more bytes than that, is left alone.
std::uint64_t memory_of(device::handles& h, std::uint64_t most_left_alone) {
    if (auto const bytes = wished_bytes("SFUMATO_BUDGET")) return *bytes > h.used ? *bytes - h.used : 0;
    // The allocator asks the driver anew only for a new frame, or after some operations: an engine that stays warm
    // would not see what others took meanwhile.
    vmaSetCurrentFrameIndex(h.allocator, ++h.budget_questions);
    VkPhysicalDeviceMemoryProperties const* memory = nullptr;
    vmaGetMemoryProperties(h.allocator, &memory);
    VmaBudget budgets[VK_MAX_MEMORY_HEAPS];
    vmaGetHeapBudgets(h.allocator, budgets); // without VK_EXT_memory_budget: 0.8 of the heap, our own use
    std::uint64_t available = 0;
    for (std::uint32_t i = 0; i < memory->memoryHeapCount; ++i) {
        if (!(memory->memoryHeaps[i].flags & VK_MEMORY_HEAP_DEVICE_LOCAL_BIT)) continue;
        std::uint64_t const reserve = std::min<std::uint64_t>(memory->memoryHeaps[i].size / 10, most_left_alone);
        std::uint64_t const used = budgets[i].usage + reserve;
        available = std::max<std::uint64_t>(available, budgets[i].budget > used ? budgets[i].budget - used : 0);
    }
    return available;
}

} // namespace

// The desktop and GIMP draw with the same card, and the driver takes memory for its own when kernels are compiled.
std::uint64_t device::memory_available() const { return memory_of(*vk, 512u << 20); }
std::uint64_t device::memory_left() const { return memory_of(*vk, 0); }

std::uint64_t device::memory_used() const { return vk->used; }
std::uint64_t device::memory_peak(bool begin_anew) { return begin_anew ? std::exchange(vk->peak, vk->used) : vk->peak; }

void allocator_open(device::handles& h, bool has_memory_budget) {
    VmaVulkanFunctions const functions{.vkGetInstanceProcAddr = vkGetInstanceProcAddr,
                                       .vkGetDeviceProcAddr = vkGetDeviceProcAddr};
    VmaAllocatorCreateInfo info{};
    info.flags = VMA_ALLOCATOR_CREATE_BUFFER_DEVICE_ADDRESS_BIT;
    if (has_memory_budget) info.flags |= VMA_ALLOCATOR_CREATE_EXT_MEMORY_BUDGET_BIT;
    info.physicalDevice = h.physical;
    info.device = h.device;
    info.pVulkanFunctions = &functions;
    info.instance = vulkan_instance().handle;
    info.vulkanApiVersion = VK_API_VERSION_1_2;
    vk_check(vmaCreateAllocator(&info, &h.allocator), "vmaCreateAllocator");
}

void allocator_close(device::handles& h) {
    if (h.allocator) vmaDestroyAllocator(h.allocator);
}

} // namespace sfumato
