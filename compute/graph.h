// A graph is recorded once by calling ops on it; a plan is that graph placed in memory and ready to run, any number of
// times. Between the two, all is known: which tensors live when, and how many bytes the run needs at its peak.
#pragma once

#include "compute/device.h"
#include "compute/kernel_types.h"
#include "compute/program.h"
#include "compute/resident.h"
#include "compute/sentence.h"
#include "compute/target.h"

#include <array>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

struct VkCommandBuffer_T;

namespace sfumato {

struct buffer; // compute/memory.h

/// How many invocations a kernel needs; rounded up to whole workgroups, so kernels check their bounds.
struct launch {
    std::uint32_t x = 1, y = 1, z = 1;
    enum class unit { threads, groups } of = unit::threads;

    /// So many workgroups, whatever size the kernel has.
    static launch groups(std::uint32_t x, std::uint32_t y = 1, std::uint32_t z = 1) { return {x, y, z, unit::groups}; }
    /// One invocation for each of `count` items, which flat_id() of shaders/common.glsl numbers; any count.
    static launch items(std::size_t count);
};

/// Writes work that is no dispatch of ours into a command buffer, each time that one is recorded.
using recording = std::function<void(VkCommandBuffer_T*)>;
/// Where a tensor lies.
struct place_of_tensor {
    buffer const* home = nullptr;
    std::uint64_t offset = 0, bytes = 0;
};
/// Makes it, when a plan places its node; in the order of the uses.
using recordable = std::function<recording(std::span<place_of_tensor const>)>;

class graph {
  public:
    /// Recorded for a device like this; device::target() says which.
    explicit graph(sfumato::target const& target = {}) : target_(target) {}
    sfumato::target const& target() const { return target_; }

    /// A tensor that the host fills before each run (plan::upload).
    tensor input(shape, dtype = dtype::f32);
    /// A tensor that only kernels write. Its contents are undefined until one has.
    tensor temporary(shape, dtype = dtype::f32);
    /// A tensor with memory of its own; the same name each time. It has a place before a plan is made.
    tensor resident(sfumato::resident const&);
    /// A resident for kernels to read, wherever it lies: itself on the device; from the host a copy, made where this is
    /// recorded. Twice in a row it is one copy.
    tensor fetch(sfumato::resident const&);
    /// Keeps `t` until the end of the run, so that plan::download can read it.
    void output(tensor const& t);
    /// Forgets what was recorded after `t` had been written: nothing else is wanted of the graph.
    void end_at(tensor const& t);
    /// `t`, a temporary, will lie in `to` (same type and bytes), and stay there after the run.
    void keep(tensor const& t, sfumato::resident const& to);

    /// How the next dispatch uses a tensor: the value for an address field of its parameters.
    class use;
    use in(tensor const&); // read
    /// Written, whole or in part; the address is that of element `first`.
    use out(tensor const&, std::size_t first = 0);
    use inout(tensor const&); // both

    /// Names what follows for progress, profile and debuggers: "fill 256 × 192".
    void stage(sentence name);

    /// Records one dispatch of the kernel named like `Parameters`. `work`: about how many arithmetic operations and
    /// loads one invocation makes; submissions are cut and progress is estimated by it. `constants`: the kernel's
    /// specialization constants 0, 1, 2 … `variant`: which of the kernel's variants.
    template <class Parameters>
    void dispatch(Parameters const& parameters, launch count, double work = 16,
                  std::vector<std::uint32_t> constants = {}, kernel_variant variant = kernel_variant::plain) {
        static_assert(std::is_trivially_copyable_v<Parameters> && sizeof(Parameters) <= 128);
        add({&kernel_of<Parameters>::binary(variant), std::move(constants)}, &parameters, count, work);
    }

    /// Records a node that is no dispatch. `work`: of all of it, in the same units. `name`: a literal.
    void record(char const* name, std::initializer_list<use> uses, double work, recordable);

    struct tensor_record {
        std::size_t bytes = 0, count = 0;
        bool input = false, output = false;
        sfumato::resident home; // null: in the arena
    };
    struct access {
        std::uint32_t tensor = 0;
        std::uint32_t field = 0;  // byte offset of the address in the parameters
        std::uint64_t offset = 0; // of the address in the tensor, bytes
        bool reads = false, writes = false;
    };
    struct node {
        char const* name = ""; // of the kernel, or as given to record()
        recordable recorded;   // instead of the following three
        sfumato::program program;
        std::array<std::byte, 128> parameters{};
        std::array<std::uint32_t, 3> groups{};
        double work = 0;           // of the whole dispatch
        std::uint64_t fetched = 0; // bytes that come from the host
        std::uint32_t stage = 0;
        std::vector<access> accesses;
    };

    /// Of all nodes.
    double work() const;
    /// Bytes that each run copies from the host: what fetch() recorded.
    std::uint64_t fetched_bytes() const;
    /// Additions and multiplications of all matrix products, as ops count them: those that the results need, and those
    /// that are computed, beyond the results' edges too.
    double products() const { return products_; }
    double computed_products() const { return computed_products_; }
    void count_product(double needed, double computed) { products_ += needed, computed_products_ += computed; }

    std::vector<tensor_record> const& tensors() const { return tensors_; }
    std::vector<node> const& nodes() const { return nodes_; }
    std::vector<sentence> const& stages() const { return stages_; }

  private:
    tensor make(shape, dtype, bool input);
    use refer(tensor const&, bool reads, bool writes, std::uint64_t offset = 0);
    void add(program, void const* parameters, launch count, double work);

    sfumato::target target_;
    std::vector<tensor_record> tensors_;
    std::vector<node> nodes_;
    std::vector<sentence> stages_{sentence()};
    std::map<resident_tensor const*, tensor> residents_;
    std::pair<resident_tensor const*, tensor> last_fetched_{};
    double products_ = 0, computed_products_ = 0;
    std::vector<access> pending_; // uses since the last dispatch; `field` not known yet
};

/// Until a plan places tensors, an address field holds a tag and the tensor's number.
class graph::use {
  public:
    operator kernel::f32s() const { return as<kernel::f32s>(dtype::f32); }
    operator kernel::vec4s() const { return as<kernel::vec4s>(dtype::f32); }
    operator kernel::u32s() const { return as<kernel::u32s>(dtype::u32); }
    operator kernel::elements() const;

  private:
    friend class graph;
    use(std::uint32_t id, dtype type) : id_(id), type_(type) {}
    template <class Address> Address as(dtype wanted) const;

    std::uint32_t id_;
    dtype type_;
};

struct plan_options {
    /// For tests: every tensor gets its own place, everything starts as NaN (all bits set), and run() fails when a
    /// kernel wrote behind a tensor's end.
    bool guarded = false;
    /// Every dispatch has no workgroups: run() makes the pipelines and computes nothing.
    bool dry = false;
};

/// Told between submissions what runs and which part of the whole work is done (0..1); false = stop.
using watcher = std::function<bool(sentence const& stage, double fraction)>;

class plan {
  public:
    /// Places the graph's tensors in an arena of as few buffers as the device allows. Throws error when the device has
    /// not enough memory or a tensor is larger than it allows, before anything ran.
    plan(device&, graph, plan_options = {});
    ~plan();

    /// What a graph takes on a device like its target(), to the byte, without a device: of several buffers where one
    /// would be larger than target().largest_buffer. `impossible` where a single tensor is: more than any device has,
    /// and sums of some still fit 64 bits, so that a planner's next choice is taken; plan() says it in a sentence.
    static std::size_t peak_bytes(graph const&);
    static constexpr std::size_t impossible = std::size_t(1) << 60;
    std::size_t peak_bytes() const;

    void upload(tensor const&, void const* data, std::size_t bytes);
    void download(tensor const&, void* data, std::size_t bytes);
    template <class T> void upload(tensor const& t, std::span<T const> data) {
        upload(t, data.data(), data.size_bytes());
    }
    template <class T> std::vector<T> download(tensor const& t) {
        std::vector<T> data(t.bytes() / sizeof(T));
        download(t, data.data(), t.bytes());
        return data;
    }

    /// Runs every node in order. False: the watcher stopped it, and outputs hold nothing of use.
    /// Throws device_lost, or error when validation (SFUMATO_VALIDATE=1) or a guard complains.
    bool run(watcher const& = [](sentence const&, double) { return true; });

  private:
    struct state;
    std::unique_ptr<state> state_;
};

} // namespace sfumato
