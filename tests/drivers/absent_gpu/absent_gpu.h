// A GPU that is not there. This library is preloaded into a program; Mesa's own Vulkan drivers for AMD (RADV), Intel
// (ANV) and NVIDIA (NVK) then find one of the chips of chips.cpp, and their compilers, memory and queues work as they
// do on a machine that has it. It stands where the kernel stands: libdrm's list of devices (libdrm.cpp) and the calls
// of the three kernel drivers (ioctl.cpp, amdgpu.cpp, xe.cpp, nouveau.cpp), whose numbers and structures are those of
// <drm/*.h>. Nothing is computed: what is submitted has ended at once. A buffer is a window of one sparse file in
// memory, so that the drivers' own mmap() works.
//
// Environment:
//   ABSENT_GPU            the chip, by the name in chips.cpp
//   ABSENT_GPU_MEMORY     MiB of its own memory, instead of the table's
//   ABSENT_GPU_FAULT      KIND@N, what goes wrong the Nth time (from 1 on), and ever after:
//                           lost@N    the Nth submission is refused, as of a GPU that was reset
//                           hang@N    waits for the Nth submission and later ones do not end
//                           crash@N   the driver ends the process in the Nth submission
//                           memory@N  the Nth allocation of a MiB or more fails (a driver may not survive
//                           the lack of a smaller one)
//                           kernel@1  the kernel is older than the driver wants
//   ABSENT_GPU_LOG        1: every call on stderr
#pragma once

#include <cstdint>

namespace absent_gpu {

enum class vendor : std::uint16_t { amd = 0x1002, nvidia = 0x10de, intel = 0x8086 };

struct chip {
    char const* name; // in ABSENT_GPU
    char const* what; // it is sold as
    vendor maker;
    std::uint16_t device; // PCI
    std::uint8_t revision;
    // Intel: Xe cores, execution units of each, version of the graphics IP (1255: 12.55). NVIDIA: GPCs, TPCs, number of
    // the chipset. AMD: shader engines (of two arrays each), compute units of an array, version of the graphics IP
    // (0x0b00: 11.0).
    std::uint16_t units, inner, version;
    std::uint32_t memory_mib; // 0: it shares the computer's
    // NVIDIA: classes of its copy, 2D, 3D, inline-to-memory and compute engines. AMD: family, revision of the ASIC, and
    // vector registers of a SIMD lane.
    std::uint16_t numbers[5];
};

/// The chip of the environment; ends the process where it names none.
chip const& the_chip();

/// What the kernel is asked. Each returns 0, or −1 with errno, or `unknown`.
constexpr int unknown = -2;
int amdgpu(unsigned number, void* argument);
int xe(unsigned number, void* argument);
int nouveau(unsigned number, void* argument);

/// For the three: −1 with errno; a new handle; where in the file a buffer's window begins.
int refuse(int error);
std::uint32_t new_handle();
std::uint64_t window_of(std::uint32_t handle);

/// A submission or an allocation: 0, or −1 with errno where the environment wants the fault now.
int submit();
int allocate(std::uint64_t bytes);

/// Whether the environment wants a kernel of long ago.
bool old_kernel();

/// Whether calls are told on stderr.
bool chatty();

} // namespace absent_gpu
