// Tensors that outlive plans: weights, a prompt's keys and values. A graph may use one that has no place yet: what a
// network needs is known by recording it, before anything is allocated.
#pragma once

#include "compute/tensor.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace sfumato {

class device;
struct buffer; // compute/memory.h

struct resident_tensor {
    sfumato::shape shape;
    dtype type = dtype::f32;
    std::shared_ptr<buffer const> home{}; // null: no place yet
    std::uint64_t offset = 0;             // in it

    std::size_t bytes() const { return shape.count() * bytes_of(type); }
};
using resident = std::shared_ptr<resident_tensor>;

/// device: where kernels are fast. host: the computer's memory, from which stream() fetches when it is needed.
enum class residence : std::uint8_t { device, host };

/// What place() takes for them, to the byte.
std::uint64_t resident_bytes(device&, std::span<resident const>);

/// Gives each a place, in as few buffers as the device allows; they live as long as one of their residents. Throws
/// error: not enough memory; then none has a place.
void place(device&, std::span<resident const>, residence = residence::device);

/// Bytes of the host (a mapped file, at least as long-lived) as residents without a copy.
class host_import {
  public:
    /// Null when the device cannot.
    static std::unique_ptr<host_import> make(device&, std::span<std::byte const>);
    /// `bytes` lies inside what was imported, with 4096 bytes behind it; null when not, or not aligned to its type.
    resident at(std::span<std::byte const> bytes, shape, dtype) const;

  private:
    std::span<std::byte const> all_;
    std::shared_ptr<buffer const> buffer_;
};

} // namespace sfumato
