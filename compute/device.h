// The GPU: which there are, which one is used, and what it has. No Vulkan types here; compute/vulkan.h has them.
#pragma once

#include "compute/error.h"
#include "compute/target.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sfumato {

struct device_info {
    std::string name;                 // "NVIDIA H100", "llvmpipe (LLVM 19.1.7, 256 bits)"
    std::string driver;               // "NVIDIA 550.54", "llvmpipe Mesa 26.1.6"
    std::string kind;                 // "discrete", "integrated", "virtual", "software"
    std::string api;                  // "1.3.280"
    std::uint64_t memory_bytes = 0;   // the largest device-local heap
    std::vector<std::string> missing; // required features it lacks, by their Vulkan names; empty = usable

    bool is_software() const { return kind == "software"; }
};

/// Every Vulkan device, best first (discrete, integrated, virtual, software; unusable ones last).
/// Throws error when there is no Vulkan loader.
std::vector<device_info> list_devices();

/// The driver gave up on the device. Nothing on it can be used any more; a new process can start afresh.
struct device_lost : error {
    using error::error;
};

/// One opened device. Not thread-safe: one thread uses it at a time.
class device {
  public:
    /// `choice`: a number in list_devices() or part of a name; empty = $SFUMATO_DEVICE, else the best usable one.
    /// Throws error naming what is missing.
    explicit device(std::string_view choice = {});
    ~device();
    device(device const&) = delete;
    device& operator=(device const&) = delete;

    device_info const& info() const;
    /// For graphs that run here. $SFUMATO_MATRIX=software|scalar|khr|nv2 forces the matrix path;
    /// $SFUMATO_LARGEST_BUFFER=bytes (1 MiB or more) takes the place of what one allocation may have, for tests.
    sfumato::target const& target() const;

    /// Bytes that may be planned with now: the driver's budget (or 0.8 of the heap) less what is in use and a reserve
    /// for the desktop and for what the driver takes for itself; $SFUMATO_BUDGET=bytes instead: of all that we use.
    std::uint64_t memory_available() const;
    /// The same without the reserve: what can be allocated of what was planned.
    std::uint64_t memory_left() const;
    /// Bytes that plans and residents hold on the device now, and the most there have been so far.
    std::uint64_t memory_used() const;
    std::uint64_t memory_peak(bool begin_anew = false);

    struct handles; // compute/vulkan.h
    std::unique_ptr<handles> const vk;
};

} // namespace sfumato
