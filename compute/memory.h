// Device memory, through VulkanMemoryAllocator.
#pragma once

#include "compute/vulkan.h"

#include <cstddef>
#include <optional>
#include <span>

VK_DEFINE_HANDLE(VmaAllocation)

namespace sfumato {

/// Bytes that stay readable behind every buffer: software drivers load whole vectors past the last element.
inline constexpr std::uint64_t tail_bytes = 4096;

enum class placement {
    device,   // fast for kernels; mapped where the host sees device memory anyway (integrated, software)
    upload,   // host writes, device copies from it
    readback, // device copies to it, host reads
    host,     // the computer's memory, for what waits there
};

/// A buffer that owns its memory.
struct buffer {
    buffer(device::handles&, std::uint64_t bytes, placement);
    /// Memory that the process has already, whole pages of it; the memory outlives the buffer. `tail_bytes` of it count
    /// as the tail. Throws error when the driver refuses.
    buffer(device::handles&, std::span<std::byte const>);
    ~buffer();
    buffer(buffer const&) = delete;
    buffer& operator=(buffer const&) = delete;

    device::handles& vk;
    VkBuffer handle = VK_NULL_HANDLE;
    VmaAllocation allocation = nullptr;
    VkDeviceMemory imported = VK_NULL_HANDLE; // instead of the allocation
    std::uint64_t address = 0;                // for kernels
    std::uint64_t bytes = 0;                  // without the tail
    std::uint64_t counted = 0;                // in device::memory_used()
    std::byte* mapped = nullptr;              // null when the host cannot see it
    bool cached = false;                      // mapped, and not slow for the host to read
};

/// Another handle for a part of a buffer, for foreign code that binds buffers whole. The buffer outlives it.
struct buffer_part {
    buffer_part(buffer const&, std::uint64_t offset, std::uint64_t bytes);
    ~buffer_part();
    buffer_part(buffer_part const&) = delete;
    buffer_part& operator=(buffer_part const&) = delete;

    device::handles& vk;
    VkBuffer handle = VK_NULL_HANDLE;
};

/// What an environment variable that holds a number of bytes says; none: not set. Throws error: no number.
std::optional<std::uint64_t> wished_bytes(char const* variable);

void allocator_open(device::handles&, bool has_memory_budget);
void allocator_close(device::handles&);

} // namespace sfumato
