#include "compute/resident.h"

#include "compute/arena.h"
#include "compute/graph.h"
#include "compute/memory.h"

#include <algorithm>
#include <cassert>
#include <vector>

namespace sfumato {

namespace {

std::uint64_t aligned(std::uint64_t bytes) { return (bytes + arena_alignment - 1) / arena_alignment * arena_alignment; }

// The sizes of the buffers that hold those that belong there one after the other; `each` is told where every one lies:
// buffer, offset.
template <class Each>
std::vector<std::uint64_t> divide(device& d, std::span<resident const> all, residence where, Each const& each) {
    std::uint64_t const most = d.target().largest_buffer - tail_bytes;
    std::vector<std::uint64_t> sizes;
    for (auto const& r : all) {
        if (r->where != where) continue;
        std::uint64_t const bytes = aligned(r->bytes());
        if (bytes > most)
            fail("One of the model's tensors takes {} MiB, and {} allows at most {} MiB at once: take a smaller model, "
                 "or another device.",
                 (bytes >> 20) + 1, d.info().name, most >> 20);
        if (sizes.empty() || sizes.back() + bytes > most) sizes.push_back(0);
        each(*r, sizes.size() - 1, sizes.back());
        sizes.back() += bytes;
    }
    return sizes;
}

} // namespace

std::uint64_t resident_bytes(device& d, std::span<resident const> all, residence where) {
    std::uint64_t total = 0;
    for (std::uint64_t size : divide(d, all, where, [](auto&&...) {})) total += size + tail_bytes;
    return total;
}

std::uint64_t move_to_host(std::span<resident const> all, std::uint64_t bytes) {
    std::vector<resident_tensor*> by_size;
    for (auto const& r : all)
        if (r->where == residence::device) by_size.push_back(r.get());
    std::ranges::stable_sort(by_size, std::greater{}, &resident_tensor::bytes);
    std::uint64_t saved = 0;
    for (resident_tensor* r : by_size) {
        if (saved >= bytes) break;
        assert(!r->home && "it has a place already");
        r->where = residence::host;
        saved += aligned(r->bytes());
    }
    return saved;
}

void place(device& d, std::span<resident const> all) {
    constexpr residence both[] = {residence::device, residence::host};
    std::vector<std::shared_ptr<buffer const>> buffers[2];
    for (residence where : both)
        for (std::uint64_t size : divide(d, all, where, [](auto&&...) {}))
            buffers[int(where)].push_back(std::make_shared<buffer>(
                *d.vk, size, where == residence::device ? placement::device : placement::host));
    for (residence where : both)
        divide(d, all, where, [&](resident_tensor& r, std::size_t which, std::uint64_t offset) {
            assert(!r.home && "it has a place already");
            r.home = buffers[int(where)][which];
            r.offset = offset;
        });
}

tensor graph::fetch(sfumato::resident const& from) {
    tensor const there = resident(from);
    if (from->where == residence::device) return there;
    if (last_fetched_.first == from.get()) return last_fetched_.second;
    tensor const here = temporary(from->shape, from->type);
    constexpr double work_per_byte = 16; // a bus is that much slower than arithmetic
    record("fetch", {in(there), out(here)}, work_per_byte * double(here.bytes()),
           [](std::span<place_of_tensor const> places) -> recording {
               place_of_tensor const source = places[0], target = places[1];
               return [source, target](VkCommandBuffer commands) {
                   VkBufferCopy const region{source.offset, target.offset, target.bytes};
                   vkCmdCopyBuffer(commands, source.home->handle, target.home->handle, 1, &region);
               };
           });
    nodes_.back().fetched = here.bytes();
    last_fetched_ = {from.get(), here};
    return here;
}

std::unique_ptr<host_import> host_import::make(device& d, std::span<std::byte const> all) {
    // A GPU's driver may take a file's pages and lose the device when it uses them.
    std::uint64_t const page = d.info().is_software() ? d.vk->import_alignment : 0;
    if (!page || reinterpret_cast<std::uintptr_t>(all.data()) % page) return nullptr;
    // The last page is left out unless it is whole: the device would read beyond the end.
    std::uint64_t const bytes = std::min<std::uint64_t>(all.size(), d.target().largest_buffer) / page * page;
    if (bytes <= tail_bytes) return nullptr;
    try {
        auto made = std::make_unique<host_import>();
        made->all_ = all.first(bytes - tail_bytes);
        made->buffer_ = std::make_shared<buffer>(*d.vk, all.first(bytes));
        return made;
    } catch (device_lost const&) {
        throw;
    } catch (error const&) {
        return nullptr; // some drivers take no pages of files
    }
}

resident host_import::at(std::span<std::byte const> bytes, shape s, dtype type) const {
    auto const offset = std::uint64_t(bytes.data() - all_.data());
    if (bytes.data() < all_.data() || offset + bytes.size() > all_.size() || offset % bytes_of(type)) return nullptr;
    auto const r = std::make_shared<resident_tensor>(s, type, residence::device, buffer_, offset);
    assert(r->bytes() == bytes.size());
    return r;
}

} // namespace sfumato
