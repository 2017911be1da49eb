// A program: a kernel's SPIR-V made into a pipeline.
#pragma once

#include <compare>
#include <cstdint>
#include <span>
#include <vector>

namespace sfumato {

/// A kernel's source compiled in different ways: plain, the only one of most kernels; and of those that multiply
/// matrices one for each kind of device (compute/target.h; cooperative serves khr and nv2, flexible nv2 alone).
enum class kernel_variant : std::uint8_t { plain, software, scalar, cooperative, flexible };

/// A kernel as the build embeds it.
struct kernel_binary {
    char const* name; // "gemm.scalar", "softmax"
    kernel_variant variant;
    std::span<std::uint32_t const> spirv;
    std::uint32_t parameter_bytes; // size of its struct in shaders/kernels.h
};

/// What a pipeline is made from: a kernel and the values of its specialization constants 0, 1, 2 …
struct program {
    kernel_binary const* kernel = nullptr;
    std::vector<std::uint32_t> constants;
    std::uint32_t subgroup = 0; // invocations a subgroup must have; 0 = whatever the device likes
    auto operator<=>(program const&) const = default;
};

/// Whether a dispatch of it may be several, each of some lines (y) of its workgroups: matrix kernels, which are written
/// for that (no gl_NumWorkGroups.y) and can take long.
inline bool can_be_cut(program const& p) { return p.kernel->variant != kernel_variant::plain; }

/// kernel_of<kernel::NAME>::binary(variant) is the SPIR-V of shaders/NAME.comp; specialised by the build
/// (kernel_binaries.h).
template <class Parameters> struct kernel_of;

/// The workgroup size a kernel declares (local_size_x, _y, _z), read from its SPIR-V.
struct workgroup {
    std::uint32_t x = 1, y = 1, z = 1;
};
workgroup workgroup_of(kernel_binary const&);

} // namespace sfumato
