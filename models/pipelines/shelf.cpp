#include "models/pipelines/shelf.h"

#include "compute/device.h"

#include <algorithm>
#include <format>

namespace sfumato {

namespace {

std::vector<weight_slot*> in_order_of_use(std::vector<weight_slot*> slots) {
    std::ranges::stable_sort(slots, {}, &weight_slot::last_use);
    return slots;
}

std::uint64_t available_without(device& d, std::vector<weight_slot*> const& slots) {
    std::uint64_t bytes = d.memory_available();
    for (weight_slot const* slot : slots) bytes += slot->bytes(d);
    return bytes;
}

void release_until(device& d, std::vector<weight_slot*> const& slots, std::uint64_t bytes, weight_slot const* own) {
    for (weight_slot* slot : slots) {
        if (d.memory_available() + (own ? own->bytes(d) : 0) >= bytes) return;
        if (slot != own) slot->release();
    }
}

} // namespace

weight_store& weight_slot::open(std::shared_ptr<checkpoint const> const& file, weight_options const& options) {
    last_use_ = std::chrono::steady_clock::now();
    if (!store_ || store_->options() != options) {
        store_.reset(); // before the new one, which may need its memory
        store_ = std::make_unique<weight_store>(file, options);
    }
    return *store_;
}

std::vector<weight_slot*> shelf::slots() const {
    std::vector<weight_slot*> all;
    for (auto const& model : models_)
        for (weight_slot* slot : model->slots()) all.push_back(slot);
    return in_order_of_use(std::move(all));
}

std::uint64_t shelf::available(device& d) const { return available_without(d, slots()); }
void shelf::make_room(device& d, std::uint64_t bytes) const { release_until(d, slots(), bytes, nullptr); }

std::vector<weight_slot*> open_model::all_slots() { return shelf_ ? shelf_->slots() : in_order_of_use(slots()); }
std::uint64_t open_model::available(device& d) { return available_without(d, all_slots()); }
void open_model::make_room(device& d, std::uint64_t bytes, weight_slot const& own) {
    release_until(d, all_slots(), bytes, &own);
}

std::string gigabytes(std::uint64_t bytes) {
    if (bytes < 100'000'000) return std::format("{} MB", (bytes + 999'999) / 1'000'000);
    return std::format("{:.1f} GB", double(bytes) / 1e9);
}

} // namespace sfumato
