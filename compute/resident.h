// Tensors that outlive plans: weights, a prompt's keys and values. A graph may use one that has no place yet: what a
// network needs is known by recording it, before anything is allocated.
//
// Each has a residence of its own. Kernels read what lies on the device; graph::fetch() copies what waits on the host,
// each time that its turn comes. A planner chooses them like this: record the graph with all residents on the device
// and add up resident_bytes() and plan::peak_bytes(). Where that is too much, move_to_host() by how much it is, and
// record again, since what is fetched has a slot in the arena for as long as it is used; until it fits, or nothing is
// left to move. graph::fetched_bytes() says what that costs each run.
#pragma once

#include "compute/tensor.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace sfumato {

class device;
struct buffer; // compute/memory.h

/// device: where kernels are fast. host: the computer's memory.
enum class residence : std::uint8_t { device, host };

struct resident_tensor {
    sfumato::shape shape;
    dtype type = dtype::f32;
    residence where = residence::device;  // changed only while it has no place, and before graphs use it
    std::shared_ptr<buffer const> home{}; // null: no place yet
    std::uint64_t offset = 0;             // in it

    std::size_t bytes() const { return shape.count() * bytes_of(type); }
};
using resident = std::shared_ptr<resident_tensor>;

/// What place() takes there for those of them that belong there, to the byte. Throws error: one of them is larger than
/// the device allows.
std::uint64_t resident_bytes(device&, std::span<resident const>, residence = residence::device);

/// Lets the largest of those that belong on the device belong on the host, one after the other, until at least `bytes`
/// are saved or none is left. Returns how many are. None of them has a place yet.
std::uint64_t move_to_host(std::span<resident const>, std::uint64_t bytes);

/// Gives each a place, in as few buffers as the device allows; they live as long as one of their residents. Throws
/// error: not enough memory; then none has a place.
void place(device&, std::span<resident const>);

/// Bytes of the host (a mapped file, at least as long-lived) as residents without a copy.
class host_import {
  public:
    /// Null when the device cannot; only software devices can.
    static std::unique_ptr<host_import> make(device&, std::span<std::byte const>);
    /// `bytes` lies inside what was imported, with 4096 bytes behind it; null when not, or not aligned to its type.
    resident at(std::span<std::byte const> bytes, shape, dtype) const;

  private:
    std::span<std::byte const> all_;
    std::shared_ptr<buffer const> buffer_;
};

} // namespace sfumato
