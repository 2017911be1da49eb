#include "compute/arena.h"
#include "compute/memory.h"
#include "compute/recorder.h"

#include <algorithm>
#include <cassert>

namespace sfumato {

namespace {

constexpr std::uint64_t staging_bytes = 64 << 20;

std::vector<command> place_nodes(graph const& g, arena_layout const& layout, buffer& arena, bool dry) {
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
            places.push_back(t.home ? place_of_tensor{t.home->home.get(), t.home->offset, t.bytes}
                                    : place_of_tensor{&arena, layout.offsets[use.tensor], t.bytes});
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
    buffer arena;
    std::vector<command> commands;
    sfumato::recorder recorder;

    state(device& d, graph g, plan_options o)
        : recorded(std::move(g)), options(o), layout(place_tensors(recorded, !o.guarded)), vk(*d.vk),
          arena(vk, std::max<std::uint64_t>(layout.bytes, 4), placement::device),
          commands(place_nodes(recorded, layout, arena, o.dry)), recorder(vk) {}

    void check_guards();
    void transfer(std::uint64_t offset, std::byte* data, std::uint64_t bytes, placement direction);
};

plan::plan(device& d, graph g, plan_options options) {
    std::size_t const needed = peak_bytes(g), available = d.memory_available();
    if (needed > available)
        fail("this needs {} MiB of GPU memory and {} MiB are free on {}: close other programs that use it, or work on "
             "a smaller selection",
             (needed >> 20) + 1, available >> 20, d.info().name);
    state_ = std::make_unique<state>(d, std::move(g), options);
    if (options.guarded)
        submit_and_wait(state_->vk,
                        [&](VkCommandBuffer c) { vkCmdFillBuffer(c, state_->arena.handle, 0, VK_WHOLE_SIZE, ~0u); });
}

plan::~plan() = default;

std::size_t plan::peak_bytes(graph const& g) { return place_tensors(g, true).bytes; }
std::size_t plan::peak_bytes() const { return state_->layout.bytes; }

// Through a staging buffer, piece by piece, where the host does not see the arena.
void plan::state::transfer(std::uint64_t offset, std::byte* data, std::uint64_t bytes, placement direction) {
    bool const up = direction == placement::upload;
    if (arena.mapped) {
        if (up)
            std::memcpy(arena.mapped + offset, data, bytes);
        else
            std::memcpy(data, arena.mapped + offset, bytes);
        return;
    }
    buffer staging(vk, std::min(bytes, staging_bytes), direction);
    for (std::uint64_t at = 0; at < bytes; at += staging.bytes) {
        std::uint64_t const part = std::min(staging.bytes, bytes - at);
        if (up) std::memcpy(staging.mapped, data + at, part);
        submit_and_wait(vk, [&](VkCommandBuffer c) {
            VkBufferCopy const to_arena{.srcOffset = 0, .dstOffset = offset + at, .size = part};
            VkBufferCopy const to_host{.srcOffset = offset + at, .dstOffset = 0, .size = part};
            if (up)
                vkCmdCopyBuffer(c, staging.handle, arena.handle, 1, &to_arena);
            else
                vkCmdCopyBuffer(c, arena.handle, staging.handle, 1, &to_host);
        });
        if (!up) std::memcpy(data + at, staging.mapped, part);
    }
}

void plan::upload(tensor const& t, void const* data, std::size_t bytes) {
    assert(bytes == t.bytes() && state_->recorded.tensors()[t.id].input);
    state_->transfer(state_->layout.offsets[t.id], static_cast<std::byte*>(const_cast<void*>(data)), bytes,
                     placement::upload);
}

void plan::download(tensor const& t, void* data, std::size_t bytes) {
    assert(bytes == t.bytes() && state_->recorded.tensors()[t.id].output);
    state_->transfer(state_->layout.offsets[t.id], static_cast<std::byte*>(data), bytes, placement::readback);
}

// Behind every tensor lies a gap that still holds what plan() wrote there.
void plan::state::check_guards() {
    std::vector<std::uint8_t> gap;
    for (std::size_t t = 0; t < layout.offsets.size(); ++t) {
        if (recorded.tensors()[t].home) continue;
        std::uint64_t const end = layout.offsets[t] + recorded.tensors()[t].bytes;
        gap.resize(arena_alignment - end % arena_alignment + (end % arena_alignment ? arena_alignment : 0));
        transfer(end, reinterpret_cast<std::byte*>(gap.data()), gap.size(), placement::readback);
        if (std::ranges::any_of(gap, [](std::uint8_t b) { return b != 0xff; }))
            fail("a kernel wrote behind the end of tensor {} ({} bytes)", t, recorded.tensors()[t].bytes);
    }
}

bool plan::run(watcher const& watch) {
    auto& s = *state_;
    int const complaints = validation_messages();
    bool const done = s.recorder.run(
        s.commands, [&](std::uint32_t stage, double fraction) { return watch(s.recorded.stages()[stage], fraction); });
    pipeline_cache_save(s.vk);
    if (s.options.guarded && done) s.check_guards();
    if (validation_messages() != complaints)
        fail("the Vulkan validation layers complained about this run (see stderr): please report it as a bug");
    return done;
}

} // namespace sfumato
