#include "models/nets/weight_store.h"

#include "compute/device.h"
#include "models/nets/patched.h"
#include "models/nets/table_window.h"
#include "models/nets/transposed.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <deque>
#include <format>

namespace sfumato {

namespace {

// About so many bytes of a file are loaded at once: what is uploaded shares an arena.
constexpr std::uint64_t batch_bytes = 64 << 20;

// A dtype that kernels read as it is; none for those that are converted first.
std::optional<dtype> direct_type(stored_type type) {
    switch (type) {
    case stored_type::f32: return dtype::f32;
    case stored_type::f16: return dtype::f16;
    case stored_type::bf16: return dtype::bf16;
    default: return {};
    }
}

std::optional<block_format> blocks_of(stored_type type) {
    switch (type) {
    case stored_type::f8_e4m3: return block_format::f8_e4m3;
    case stored_type::f8_e5m2: return block_format::f8_e5m2;
    case stored_type::q8_0: return block_format::q8_0;
    case stored_type::q4_0: return block_format::q4_0;
    case stored_type::q4_k: return block_format::q4_k;
    case stored_type::q5_k: return block_format::q5_k;
    case stored_type::q6_k: return block_format::q6_k;
    default: return {};
    }
}

weight_format own_format(stored_type type, bool linear, int inputs) {
    if (type == stored_type::bf16) return weight_format::bf16;
    if (linear && inputs % 32 == 0) {
        if (type == stored_type::q8_0) return weight_format::q8_0;
        if (type == stored_type::q4_0) return weight_format::q4_0;
    }
    return weight_format::f16;
}

template <class T> void widen(std::span<std::byte const> from, std::vector<float>& to) {
    for (std::size_t i = 0; i < to.size(); ++i) {
        T value;
        std::memcpy(&value, from.data() + i * sizeof(T), sizeof(T));
        to[i] = float(value);
    }
}

// Of types that no kernel reads; rare, and small.
std::vector<float> widened(stored_type type, std::span<std::byte const> from, std::size_t count) {
    std::vector<float> to(count);
    switch (type) {
    case stored_type::f64: widen<double>(from, to); break;
    case stored_type::i64: widen<std::int64_t>(from, to); break;
    case stored_type::i32: widen<std::int32_t>(from, to); break;
    case stored_type::i16: widen<std::int16_t>(from, to); break;
    case stored_type::i8: widen<std::int8_t>(from, to); break;
    default: widen<std::uint8_t>(from, to); break;
    }
    return to;
}

// Reads a tensor and uploads it as entry::raw() wants it.
void send(plan& p, tensor const& to, stored_tensor const& from, std::vector<std::byte>& scratch) {
    auto const bytes = from.read(scratch);
    if (direct_type(from.type)) return p.upload(to, bytes.data(), bytes.size());
    if (!blocks_of(from.type)) return p.upload<float>(to, widened(from.type, bytes, from.count()));
    std::vector<std::byte> padded(to.bytes());
    std::ranges::copy(bytes, padded.begin());
    p.upload(to, padded.data(), padded.size());
}

} // namespace

struct weight_store::upload {
    tensor to;
    stored_tensor const* from;
};

struct weight_store::entry {
    std::string name;
    weight_store::kind kind;
    stored_tensor const* stored;
    stored_tensor made;   // where it is no tensor of the file as it is: what `stored` points to
    sfumato::shape shape; // as the ops want it
    packed_weights packed;
    resident home;
    std::vector<weight_patch> patches{};
    bool loaded = false;

    bool is_matrix() const { return kind <= weight_store::kind::transposed; }
    bool may_wait() const { return kind != weight_store::kind::vector; }
    bool is_convolution() const { return is_matrix() && kind >= weight_store::kind::conv2d; }

    // Records what makes the resident of `raw`.
    packed_weights pack(graph& g, tensor const& raw, weight_format format) const {
        return is_convolution() ? pack_conv2d(g, raw, format)
                                : pack_linear(g, raw, format, kind == weight_store::kind::geglu);
    }
    // `raw` with its patches, whose parts are put among `made` for as long as they are to be uploaded.
    tensor with_patches(graph& g, tensor const& raw, std::vector<upload>& uploads,
                        std::deque<stored_tensor>& made) const {
        return patched(g, raw, stored->shape, patches, [&](stored_tensor t) {
            made.push_back(std::move(t));
            tensor const to = g.input({.w = int(made.back().shape[0]), .c = int(made.back().shape[1])});
            uploads.push_back({to, &made.back()});
            return to;
        });
    }
    tensor convert(graph& g, tensor const& raw) const {
        if (is_matrix()) return pack(g, raw, packed.format).panels;
        return raw.type == home->type ? scale(g, raw, 1) : cast(g, raw, home->type);
    }
    // The file's numbers as a type that kernels read.
    tensor raw(graph& g, host_import const* import, std::vector<upload>& uploads) const {
        if (auto const direct = direct_type(stored->type)) {
            if (import && !stored->mapped.empty())
                if (auto const there = import->at(stored->mapped, shape, *direct)) return g.resident(there);
            uploads.push_back({g.input(shape, *direct), stored});
        } else if (auto const blocks = blocks_of(stored->type)) {
            uploads.push_back({g.input({.c = int((stored->bytes() + 3) / 4)}, dtype::u32), stored});
            return dequantize(g, uploads.back().to, *blocks, shape, is_matrix() ? dtype::f16 : dtype::f32);
        } else
            uploads.push_back({g.input(shape), stored});
        return uploads.back().to;
    }
};

std::optional<weight_format> format_of(std::optional<dtype> type) {
    if (!type) return {};
    return *type == dtype::f32 ? weight_format::f32 : *type == dtype::f16 ? weight_format::f16 : weight_format::bf16;
}

weight_store::weight_store(std::shared_ptr<checkpoint const> c, weight_options o)
    : checkpoint_(std::move(c)), options_(o) {}
weight_store::~weight_store() = default;

weight_store::entry& weight_store::ask(std::string const& name, kind k, std::optional<stored_tensor> made) {
    auto& known = entries_[{name, k}];
    if (known) return *known;

    auto e = std::make_unique<entry>();
    e->name = name, e->kind = k;
    if (made) e->made = std::move(*made);
    e->stored = made ? &e->made : &checkpoint_->at(name);
    stored_tensor const& stored = *e->stored;
    auto extents = stored.shape;
    if ((k == kind::linear || k == kind::geglu) && extents.size() == 4 && extents[2] == 1 && extents[3] == 1)
        extents.resize(2);
    std::size_t const wanted = k == kind::vector ? 1 : e->is_convolution() ? 4 : 2;
    bool const fits = extents.size() == wanted && stored.count() > 0 && stored.count() <= 0xffffffffu &&
                      std::ranges::all_of(extents, [](std::int64_t e) { return e > 0 && e < (1 << 30); });
    if (!fits)
        fail("{}: {} is {}; a tensor with {} dimensions is expected there. The file is damaged, or of a kind that is "
             "not supported.",
             checkpoint_->source, name, show_shape(stored), wanted);

    auto const extent = [&](std::size_t i) { return int(extents[i]); };
    if (k == kind::vector)
        e->shape = {.c = extent(0)};
    else if (e->is_convolution())
        e->shape = {extent(0), extent(1), extent(2), extent(3)};
    else
        e->shape = {.w = extent(0), .c = extent(1)};

    e->patches = patches_of(name);
    give_home(*e);
    if (e->may_wait() && options_.waiting.contains(name)) e->home->where = residence::host;
    in_order_.push_back(e.get());
    known = std::move(e);
    return *known;
}

// As what it is kept: a new home, where it is not loaded yet.
void weight_store::give_home(entry& e) const {
    if (e.is_matrix()) {
        graph scratch; // only to learn the packed size
        int const inputs = e.is_convolution() ? e.shape.h : e.shape.c;
        weight_format const own = own_format(e.stored->type, !e.is_convolution() && e.patches.empty(), inputs);
        e.packed = e.pack(scratch, scratch.input(e.shape), options_.format.value_or(own));
        e.home = std::make_shared<resident_tensor>(e.packed.panels.shape, e.packed.panels.type);
    } else
        e.home = std::make_shared<resident_tensor>(
            e.shape, e.kind == kind::vector ? dtype::f32 : direct_type(e.stored->type).value_or(dtype::f32));
}

std::vector<weight_patch> weight_store::patches_of(std::string const& name) const {
    std::vector<weight_patch> all;
    std::ranges::copy_if(patches_, std::back_inserter(all), [&](weight_patch const& p) { return p.tensor == name; });
    return all;
}

void weight_store::set_patches(std::vector<weight_patch> patches) {
    patches_ = std::move(patches);
    for (entry* e : in_order_) {
        auto now = patches_of(e->name);
        if (now == e->patches) continue;
        e->patches = std::move(now);
        e->loaded = false;
        resident const before = e->home;
        give_home(*e);
        if (e->home->shape == before->shape)
            e->home = before;
        else
            e->home->where = before->where;
    }
}

packed_weights weight_store::matrix(graph& g, entry const& e) {
    packed_weights w = e.packed;
    w.panels = g.fetch(e.home);
    return w;
}

packed_weights weight_store::linear(graph& g, std::string const& name, bool geglu) {
    return matrix(g, ask(name, geglu ? kind::geglu : kind::linear));
}
packed_weights weight_store::conv2d(graph& g, std::string const& name) { return matrix(g, ask(name, kind::conv2d)); }
packed_weights weight_store::transposed(graph& g, std::string const& name, int stride, int pad) {
    auto made = as_convolution(checkpoint_->at(name), name, checkpoint_->source, stride, pad);
    return matrix(g, ask(name, kind::transposed, std::move(made)));
}
tensor weight_store::vector(graph& g, std::string const& name) { return g.resident(ask(name, kind::vector).home); }
tensor weight_store::table(graph& g, std::string const& name) { return g.resident(ask(name, kind::table).home); }

tensor weight_store::window(graph& g, std::string const& name, int h, int w) {
    auto made = window_of(checkpoint_->at(name), name, checkpoint_->source, h, w);
    std::string const start = name + " ", wanted = std::format("{}{} × {}", start, h, w);
    auto const is_other = [&](entry const& e) { return e.name.starts_with(start) && e.name != wanted; };
    std::erase_if(in_order_, [&](entry const* e) { return is_other(*e); });
    std::erase_if(entries_, [&](auto const& e) { return e.second && is_other(*e.second); });
    tensor rows = g.resident(ask(wanted, kind::table, std::move(made)).home);
    rows.shape = {.h = h, .w = w, .c = rows.shape.c};
    return rows;
}

std::vector<resident> weight_store::residents(residence where, bool placed_too) const {
    std::vector<resident> all;
    for (entry const* e : in_order_)
        if (e->home->where == where && (placed_too || !e->home->home)) all.push_back(e->home);
    return all;
}

std::uint64_t weight_store::move_to_host(std::uint64_t bytes) {
    std::vector<resident> all;
    for (entry const* e : in_order_)
        if (e->may_wait()) all.push_back(e->home);
    return sfumato::move_to_host(all, bytes);
}

waiting_weights weight_store::waiting() const {
    waiting_weights w = options_.waiting;
    for (entry const* e : in_order_)
        if (e->home->where == residence::host) w.names.insert(e->name);
    return w;
}

std::uint64_t weight_store::bytes(device& d, residence where) const {
    return resident_bytes(d, residents(where, true), where);
}

std::uint64_t weight_store::loaded_bytes(device& d) const {
    return bytes(d, residence::device) - resident_bytes(d, residents(residence::device, false));
}

// Some of the entries, and the graph that loads them.
struct weight_store::batch {
    graph g;
    std::vector<upload> uploads{};
    std::vector<entry*> entries{};
    std::deque<stored_tensor> made{}; // of patches
    std::uint64_t bytes = 0;          // of the file
};

weight_store::batch weight_store::next_batch(device& d, std::size_t& first) {
    if (imports_.empty())
        for (auto const& file : checkpoint_->files) imports_.push_back(host_import::make(d, file.bytes));
    auto const import_of = [&](stored_tensor const& t) -> host_import const* {
        for (std::size_t i = 0; i < imports_.size(); ++i) {
            auto const file = checkpoint_->files[i].bytes;
            if (t.mapped.data() >= file.data() && t.mapped.data() < file.data() + file.size()) return imports_[i].get();
        }
        return nullptr;
    };
    batch b{graph(d.target().storing(dtype::f32))}; // patches are added in full precision
    for (; first < in_order_.size(); ++first) {
        entry* const e = in_order_[first];
        if (e->loaded) continue;
        if (b.bytes && b.bytes + e->stored->bytes() > batch_bytes) break;
        tensor const raw = e->raw(b.g, import_of(*e->stored), b.uploads);
        b.g.keep(e->convert(b.g, e->with_patches(b.g, raw, b.uploads, b.made)), e->home);
        b.entries.push_back(e);
        b.bytes += e->stored->bytes();
    }
    return b;
}

std::uint64_t weight_store::loading_bytes(device& d) {
    std::uint64_t most = 0;
    for (std::size_t first = 0; first < in_order_.size();)
        most = std::max<std::uint64_t>(most, plan::peak_bytes(next_batch(d, first).g));
    return most;
}

bool weight_store::loaded() const { return std::ranges::all_of(in_order_, &entry::loaded); }

bool weight_store::load(device& d, job const& j) {
    if (loaded()) return true;
    for (residence where : {residence::device, residence::host}) place(d, residents(where, false));

    std::uint64_t total = 0, done = 0;
    for (entry const* e : in_order_) total += e->loaded ? 0 : e->stored->bytes();
    std::vector<std::byte> scratch;
    for (std::size_t first = 0; first < in_order_.size();) {
        batch b = next_batch(d, first);
        plan p(d, std::move(b.g));
        for (auto const& [to, from] : b.uploads) send(p, to, *from, scratch);
        bool const going = p.run([&](sentence const&, double fraction) {
            j.report({say("load the model"), (double(done) + fraction * double(b.bytes)) / double(total)});
            return !j.is_cancelled();
        });
        if (!going) return false;
        for (entry* e : b.entries) e->loaded = true;
        done += b.bytes;
    }
    return true;
}

} // namespace sfumato
