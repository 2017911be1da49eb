#include "models/pipelines/shelf.h"

#include "compute/device.h"

#include <algorithm>
#include <format>

namespace sfumato {

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
    return all;
}

std::vector<weight_slot*> open_model::all_slots() {
    std::vector<weight_slot*> all = shelf_ ? shelf_->slots() : slots();
    std::ranges::stable_sort(all, {}, &weight_slot::last_use);
    return all;
}

std::uint64_t open_model::available(device& d) {
    std::uint64_t bytes = d.memory_available();
    for (weight_slot const* slot : all_slots()) bytes += slot->bytes(d);
    return bytes;
}

void open_model::make_room(device& d, std::uint64_t bytes, weight_slot const& own) {
    for (weight_slot* slot : all_slots()) {
        if (d.memory_available() + own.bytes(d) >= bytes) return;
        if (slot != &own) slot->release();
    }
}

std::string gigabytes(std::uint64_t bytes) {
    if (bytes < 100'000'000) return std::format("{} MB", (bytes + 999'999) / 1'000'000);
    return std::format("{:.1f} GB", double(bytes) / 1e9);
}

} // namespace sfumato
