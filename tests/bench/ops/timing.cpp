#include "tests/bench/ops/timing.h"

#include "compute/half.h"
#include "compute/ops.h"

#include <algorithm>
#include <chrono>
#include <set>

namespace sfumato::bench {

namespace {

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

// Small numbers of both signs, the same each time.
std::vector<float> values(std::size_t count) {
    std::vector<float> all(count);
    std::uint32_t state = 1;
    for (float& v : all) {
        state = state * 1664525u + 1013904223u;
        v = float(std::int32_t(state)) * 0x1p-32f;
    }
    return all;
}

void fill(plan& p, tensor const& t, dtype content) {
    std::size_t const each = bytes_of(content);
    auto const numbers = values(t.bytes() / each);
    if (content == dtype::f32) return p.upload(t, std::span(numbers));
    std::vector<std::uint16_t> halves(numbers.size());
    std::ranges::transform(numbers, halves.begin(), content == dtype::f16 ? f16_bits : bf16_bits);
    p.upload(t, std::span<std::uint16_t const>(halves));
}

// A graph with one operation, `copies` times.
struct recording {
    graph g;
    dtype type; // of activations and weights
    std::vector<std::pair<tensor, dtype>> inputs;

    recording(target const& t, op_case const& op, int copies) : g(t), type(t.storage()) { record(op, copies); }

    tensor input(shape s, dtype stored) {
        inputs.push_back({g.input(s, stored), stored});
        return inputs.back().first;
    }
    tensor activations(op_case const& op, int channels) { return input({.h = op.h, .w = op.w, .c = channels}, type); }

    // The panels' numbers do not matter, their size does: what packing would make becomes an input.
    packed_weights weights(packed_weights packed) {
        packed.panels = g.input(packed.panels.shape, dtype::u32);
        inputs.push_back({packed.panels, type});
        return packed;
    }
    weight_format format() const { return type == dtype::f16 ? weight_format::f16 : weight_format::f32; }

    void record(op_case const& op, int copies) {
        graph scratch;
        auto const repeat = [&](auto const& one) {
            for (int i = 0; i < copies; ++i) one();
        };
        switch (op.of) {
        case family::gemm: {
            tensor const x = activations(op, op.inputs);
            auto const w = weights(pack_linear(scratch, scratch.input({.w = op.outputs, .c = op.inputs}), format()));
            return repeat([&] { linear(g, x, w); });
        }
        case family::conv3x3: {
            tensor const x = activations(op, op.inputs);
            auto const w = weights(
                pack_conv2d(scratch, scratch.input({.n = op.outputs, .h = op.inputs, .w = 3, .c = 3}), format()));
            return repeat(
                [&] { conv2d(g, x, w, {.stride = op.stride, .pad = {1, 1, 1, 1}, .upsample = op.upsample}); });
        }
        case family::attention: {
            tensor const q = activations(op, op.inputs), k = input({.w = op.keys, .c = op.inputs}, type),
                         v = input(k.shape, type);
            return repeat([&] { attention(g, q, k, v, {.heads = op.heads}); });
        }
        case family::group_norm: {
            tensor const x = activations(op, op.inputs), weight = input({.c = op.inputs}, dtype::f32),
                         bias = input({.c = op.inputs}, dtype::f32);
            return repeat([&] { group_norm(g, x, 32, weight, bias, 1e-5f, activation::silu); });
        }
        case family::softmax: {
            tensor const x = activations(op, op.keys);
            return repeat([&] { softmax(g, x, 0.125f); });
        }
        case family::gemm_pack: {
            tensor const x = input({.n = op.outputs, .h = op.inputs, .w = op.h, .c = op.w}, dtype::f16);
            return repeat([&] { pack_conv2d(g, x, weight_format::f16); });
        }
        }
    }
};

// Enough for about 5 ms on a device of middling speed, so that a submission's own cost is small beside it.
int copies_for(target const& t, op_case const& op) {
    double const per_second = op.counts_bytes() ? (t.software ? 10 : 1000) : (t.software ? 20 : 20000);
    return std::clamp(int(5e-3 * per_second / op.work()), 1, 100);
}

std::string names_of_programs(graph const& g) {
    std::set<std::string> names;
    for (auto const& node : g.nodes()) names.insert(node.name);
    std::string all;
    for (auto const& name : names) all += (all.empty() ? "" : ", ") + name;
    return all;
}

} // namespace

timed_case::timed_case(device& d, target const& t, op_case const& op) : copies(copies_for(t, op)) {
    recording once(t, op, 1);
    compiled = names_of_programs(once.g);
    if (once.g.products() > 0) computed = once.g.computed_products() / once.g.products();
    {
        plan dry(d, std::move(once.g), {.dry = true});
        double const start = now();
        dry.run();
        compile_seconds = now() - start;
    }
    recording all(t, op, copies);
    plan_ = std::make_unique<plan>(d, std::move(all.g));
    for (auto const& [t, content] : all.inputs) fill(*plan_, t, content);
    plan_->run(); // touches all memory
}

double timed_case::run() {
    double const start = now();
    plan_->run();
    return now() - start;
}

} // namespace sfumato::bench
