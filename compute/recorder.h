// Turns placed nodes into command buffers, submits them in short pieces, and waits for them.
#pragma once

#include "compute/graph.h"
#include "compute/vulkan.h"

#include <functional>
#include <memory>
#include <span>

namespace sfumato {

/// A node with its addresses filled in.
struct command {
    struct range {
        std::uint64_t begin = 0, end = 0; // addresses
        bool writes = false, reads = false;
    };
    char const* name = "";
    recording record; // instead of the following three
    sfumato::program program;
    std::array<std::byte, 128> parameters{};
    std::array<std::uint32_t, 3> groups{};
    double work = 0;             // estimated operations
    std::uint32_t stage = 0;     // what the watcher is told
    std::vector<range> accesses; // memory it touches: barriers follow from it
};

/// Command buffers for a list of commands: recorded in pieces of about 100 ms at the first run, submitted again as they
/// are at later runs. A matrix product or an attention that takes longer than that by itself is cut into several,
/// between lines of its workgroups (y). Labels every dispatch; with SFUMATO_KERNEL_TIMES=1 prints the time of each
/// kernel after a run.
class recorder {
  public:
    explicit recorder(device::handles&);
    ~recorder();
    recorder(recorder const&) = delete;
    recorder& operator=(recorder const&) = delete;

    /// `keep_going(stage, fraction of the work done)` is asked between pieces; false stops after what is already
    /// submitted. Returns whether everything ran.
    bool run(std::span<command const>, std::function<bool(std::uint32_t stage, double fraction)> const& keep_going);

  private:
    struct piece;
    struct slice;
    void cut(std::span<command const>);
    piece record(std::span<command const>, std::size_t first);
    void submit(piece const&);
    void forget();

    device::handles& vk_;
    VkCommandPool pool_ = VK_NULL_HANDLE;
    std::vector<slice> slices_; // of the commands
    std::vector<piece> pieces_; // of the last complete recording
    bool too_long_ = false;     // a piece took far longer than wanted: record anew with the better estimate
};

/// Records with `record` into a command buffer of its own, submits it and waits.
void submit_and_wait(device::handles&, std::function<void(VkCommandBuffer)> const& record);

/// Waits until the timeline reaches `value`.
void wait_for(device::handles&, std::uint64_t value);

} // namespace sfumato
