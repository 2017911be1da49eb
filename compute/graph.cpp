#include "compute/graph.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace sfumato {

namespace {

// An address field before its tensor has a place: no real address has these upper bits.
constexpr std::uint64_t tag = 0xadd7'e550ull << 32;

} // namespace

template <class Address> Address graph::use::as([[maybe_unused]] dtype wanted) const {
    assert(type_ == wanted && "the kernel reads another element type");
    Address address;
    address.value = tag | id_;
    return address;
}
template kernel::f32s graph::use::as(dtype) const;
template kernel::vec4s graph::use::as(dtype) const;
template kernel::u32s graph::use::as(dtype) const;

graph::use::operator kernel::elements() const {
    assert(type_ != dtype::u32 && "the kernel reads f32, f16 or bf16");
    return as<kernel::elements>(type_);
}

launch launch::items(std::size_t count) {
    // Some devices have no more than 65535 workgroups in one direction; 2¹⁶ − 2¹⁰ groups of at least 32 leave room.
    constexpr std::size_t row = 64512 * 32;
    return {std::uint32_t(std::min(count, row)), std::uint32_t((count + row - 1) / row)};
}

tensor graph::make(shape s, dtype type, bool input) {
    assert(s.n > 0 && s.h > 0 && s.w > 0 && s.c > 0);
    tensor const t{std::uint32_t(tensors_.size()), s, type};
    tensors_.push_back({t.bytes(), s.count(), input, false, {}});
    return t;
}

tensor graph::input(shape s, dtype type) { return make(s, type, true); }
tensor graph::temporary(shape s, dtype type) { return make(s, type, false); }

tensor graph::resident(sfumato::resident const& r) {
    auto const known = residents_.find(r.get());
    if (known != residents_.end()) return known->second;
    tensor const t = make(r->shape, r->type, false);
    tensors_.back().home = r;
    return residents_[r.get()] = t;
}

void graph::output(tensor const& t) { tensors_.at(t.id).output = true; }

void graph::end_at(tensor const& t) {
    auto const writes_it = [&](node const& n) {
        return std::ranges::any_of(n.accesses, [&](access const& a) { return a.tensor == t.id && a.writes; });
    };
    while (!nodes_.empty() && !writes_it(nodes_.back())) nodes_.pop_back();
}

void graph::keep(tensor const& t, sfumato::resident const& to) {
    auto& record = tensors_.at(t.id);
    assert(!record.input && !record.output && !record.home && to->type == t.type && to->bytes() == t.bytes());
    record.home = to;
}

graph::use graph::refer(tensor const& t, bool reads, bool writes, std::uint64_t offset) {
    assert(t.id < tensors_.size() && "the tensor belongs to another graph");
    assert(offset == 0 || offset < t.bytes());
    pending_.push_back({t.id, 0, offset + t.first * bytes_of(t.type), reads, writes});
    return {t.id, t.type};
}

graph::use graph::in(tensor const& t) { return refer(t, true, false); }
graph::use graph::out(tensor const& t, std::size_t first) { return refer(t, false, true, first * bytes_of(t.type)); }
graph::use graph::inout(tensor const& t) { return refer(t, true, true); }

void graph::stage(sentence name) { stages_.push_back(std::move(name)); }

std::uint64_t graph::fetched_bytes() const {
    std::uint64_t sum = 0;
    for (node const& n : nodes_) sum += n.fetched;
    return sum;
}

double graph::work() const {
    double sum = 0;
    for (node const& n : nodes_) sum += n.work;
    return sum;
}

void graph::add(program program, void const* parameters, launch count, double work) {
    kernel_binary const& kernel = *program.kernel;
    workgroup const local = workgroup_of(kernel);
    node n{.name = kernel.name};
    n.program = std::move(program);
    if (kernel.variant != kernel_variant::plain && kernel.variant != kernel_variant::scalar)
        n.program.subgroup = target_.subgroup;
    n.groups = {count.x, count.y, count.z};
    double invocations = double(count.x) * count.y * count.z;
    if (count.of == launch::unit::groups)
        invocations *= double(local.x) * local.y * local.z;
    else
        n.groups = {(count.x + local.x - 1) / local.x, (count.y + local.y - 1) / local.y,
                    (count.z + local.z - 1) / local.z};
    n.work = work * invocations;
    n.stage = std::uint32_t(stages_.size() - 1);
    std::memcpy(n.parameters.data(), parameters, kernel.parameter_bytes);

    // Addresses stand first in the parameters; each tag belongs to the next use of its tensor.
    for (std::uint32_t field = 0; field + 8 <= kernel.parameter_bytes; field += 8) {
        std::uint64_t value;
        std::memcpy(&value, n.parameters.data() + field, 8);
        if ((value & ~0xffffffffull) != tag) continue;
        for (auto& use : pending_)
            if (use.tensor == std::uint32_t(value)) {
                n.accesses.push_back({use.tensor, field, use.offset, use.reads, use.writes});
                use.tensor = ~0u; // found
                break;
            }
    }
    assert(n.accesses.size() == pending_.size() &&
           "in(), out() and inout() are called for the fields of the next dispatch only");
    pending_.clear();
    nodes_.push_back(std::move(n));
}

void graph::record(char const* name, [[maybe_unused]] std::initializer_list<use> uses, double work,
                   recordable recorded) {
    assert(uses.size() == pending_.size());
    nodes_.push_back({.name = name,
                      .recorded = std::move(recorded),
                      .work = work,
                      .stage = std::uint32_t(stages_.size() - 1),
                      .accesses = std::exchange(pending_, {})});
}

} // namespace sfumato
