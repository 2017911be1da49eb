#include "compute/arena.h"
#include "compute/memory.h"
#include "compute/recorder.h"
#include "compute/self_check.h"

#include <algorithm>
#include <cassert>

namespace sfumato {

namespace {

constexpr std::uint64_t staging_bytes = 64 << 20;

using arena = std::vector<std::unique_ptr<buffer>>; // by block

arena allocate(device::handles& vk, arena_layout const& layout) {
    arena all;
    for (std::uint64_t bytes : layout.blocks) all.push_back(std::make_unique<buffer>(vk, bytes, placement::device));
    return all;
}

std::uint64_t bytes_of(arena_layout const& layout) { return layout.bytes() + layout.blocks.size() * tail_bytes; }

arena_layout layout_of(graph const& g, bool shared, target const& on) {
    return place_tensors(g, shared, on.largest_buffer - tail_bytes);
}

// The bytes of a tensor that is too large for such a device; 0: all fit.
std::size_t too_large(graph const& g, target const& on) {
    constexpr std::size_t most_elements = 0x7fffffff; // kernels' indices are signed, whatever GLSL calls them
    for (auto const& t : g.tensors())
        if (!t.home && (t.bytes > on.largest_buffer - tail_bytes || t.count > most_elements)) return t.bytes;
    return 0;
}

std::vector<command> place_nodes(graph const& g, arena_layout const& layout, arena const& blocks, bool dry) {
    std::vector<command> commands;
    commands.reserve(g.nodes().size());
    for (auto const& node : g.nodes()) {
        command c{.name = node.name,
                  .record = {},
                  .program = node.program,
                  .parameters = node.parameters,
                  .groups = node.groups,
                  .work = node.work,
                  .stage = node.stage,
                  .accesses = {}};
        std::vector<place_of_tensor> places;
        for (auto const& use : node.accesses) {
            auto const& t = g.tensors()[use.tensor];
            assert((!t.home || t.home->home) && "place() comes before the plan");
            auto const [block, offset] = layout.places[use.tensor];
            places.push_back(t.home ? place_of_tensor{t.home->home.get(), t.home->offset, t.bytes}
                                    : place_of_tensor{blocks[block].get(), offset, t.bytes});
            std::uint64_t const address = places.back().home->address + places.back().offset, at = address + use.offset;
            if (!node.recorded) std::memcpy(c.parameters.data() + use.field, &at, sizeof at);
            c.accesses.push_back({address, address + t.bytes, use.writes, use.reads});
        }
        if (node.recorded)
            c.record = node.recorded(places);
        else if (dry)
            c.groups = {};
        commands.push_back(std::move(c));
    }
    return commands;
}

} // namespace

struct plan::state {
    graph recorded;
    plan_options options;
    arena_layout layout;
    device::handles& vk;
    arena blocks;
    std::vector<command> commands;
    sfumato::recorder recorder;

    state(device& d, graph g, plan_options o)
        : recorded(std::move(g)), options(o), layout(layout_of(recorded, !o.guarded, d.target())), vk(*d.vk),
          blocks(allocate(vk, layout)), commands(place_nodes(recorded, layout, blocks, o.dry)), recorder(vk) {}

    void check_guards();
    void transfer(arena_layout::place, std::byte* data, std::uint64_t bytes, placement direction);
};

plan::plan(device& d, graph g, plan_options options) {
    check_kernels(d, g);
    if (std::size_t const bytes = too_large(g, d.target()))
        fail("One of the pictures that a network makes on its way takes {} MiB, and {} allows at most {} MiB at once: "
             "work on a smaller selection.",
             (bytes >> 20) + 1, d.info().name, d.target().largest_buffer >> 20);
    std::size_t const needed = bytes_of(layout_of(g, true, d.target())), available = d.memory_left();
    if (needed > available)
        fail("This needs {} MiB of GPU memory and {} MiB are free on {}: close other programs that use it, or work on "
             "a smaller selection.",
             (needed >> 20) + 1, available >> 20, d.info().name);
    state_ = std::make_unique<state>(d, std::move(g), options);
    if (options.guarded)
        submit_and_wait(state_->vk, [&](VkCommandBuffer c) {
            for (auto const& block : state_->blocks) vkCmdFillBuffer(c, block->handle, 0, VK_WHOLE_SIZE, ~0u);
        });
}

plan::~plan() = default;

std::size_t plan::peak_bytes(graph const& g) {
    return too_large(g, g.target()) ? impossible : bytes_of(layout_of(g, true, g.target()));
}
std::size_t plan::peak_bytes() const { return bytes_of(state_->layout); }

// Through a staging buffer, piece by piece, where the host does not see the arena, or reads it slowly.
void plan::state::transfer(arena_layout::place place, std::byte* data, std::uint64_t bytes, placement direction) {
    bool const up = direction == placement::upload;
    buffer const& block = *blocks[place.block];
    if (block.mapped && (up || block.cached)) {
        if (up)
            std::memcpy(block.mapped + place.offset, data, bytes);
        else
            std::memcpy(data, block.mapped + place.offset, bytes);
        return;
    }
    buffer staging(vk, std::min({bytes, staging_bytes, vk.target.largest_buffer - tail_bytes}), direction);
    for (std::uint64_t at = 0; at < bytes; at += staging.bytes) {
        std::uint64_t const part = std::min(staging.bytes, bytes - at);
        if (up) std::memcpy(staging.mapped, data + at, part);
        submit_and_wait(vk, [&](VkCommandBuffer c) {
            VkBufferCopy const to_arena{.srcOffset = 0, .dstOffset = place.offset + at, .size = part};
            VkBufferCopy const to_host{.srcOffset = place.offset + at, .dstOffset = 0, .size = part};
            if (up)
                vkCmdCopyBuffer(c, staging.handle, block.handle, 1, &to_arena);
            else
                vkCmdCopyBuffer(c, block.handle, staging.handle, 1, &to_host);
        });
        if (!up) std::memcpy(data + at, staging.mapped, part);
    }
}

void plan::upload(tensor const& t, void const* data, std::size_t bytes) {
    assert(!t.first && bytes == t.bytes() && state_->recorded.tensors()[t.id].input);
    state_->transfer(state_->layout.places[t.id], static_cast<std::byte*>(const_cast<void*>(data)), bytes,
                     placement::upload);
}

void plan::download(tensor const& t, void* data, std::size_t bytes) {
    assert(!t.first && bytes == t.bytes() && state_->recorded.tensors()[t.id].output);
    state_->transfer(state_->layout.places[t.id], static_cast<std::byte*>(data), bytes, placement::readback);
}

// Behind every tensor lies a gap that still holds what plan() wrote there.
void plan::state::check_guards() {
    std::vector<std::uint8_t> gap;
    for (std::size_t t = 0; t < layout.places.size(); ++t) {
        if (recorded.tensors()[t].home || blocks.empty()) continue;
        arena_layout::place end = layout.places[t];
        end.offset += recorded.tensors()[t].bytes;
        gap.resize(arena_alignment - end.offset % arena_alignment +
                   (end.offset % arena_alignment ? arena_alignment : 0));
        transfer(end, reinterpret_cast<std::byte*>(gap.data()), gap.size(), placement::readback);
        if (std::ranges::any_of(gap, [](std::uint8_t b) { return b != 0xff; }))
            fail("A kernel wrote behind the end of tensor {} ({} bytes): please report it as a bug.", t,
                 recorded.tensors()[t].bytes);
    }
}

bool plan::run(watcher const& watch) {
    auto& s = *state_;
    int const complaints = validation_messages();
    bool const done = s.recorder.run(
        s.commands, [&](std::uint32_t stage, double fraction) { return watch(s.recorded.stages()[stage], fraction); });
    if (s.options.guarded && done) s.check_guards();
    if (validation_messages() != complaints)
        fail("The Vulkan validation layers complained about this run (see stderr): please report it as a bug.");
    return done;
}

} // namespace sfumato
