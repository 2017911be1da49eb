// peer_ggml CASES TIMES [--fresh]: times the operations in CASES (JSON, written by bench_ops) with ggml's GPU backend,
// and writes TIMES. Operations that TIMES has already are left alone unless --fresh. A program of its own: libggml is
// needed for nothing else. Every way that ggml has of computing an operation is tried, and the quickest counts.
#include "quiet.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <ggml-backend.h>
#include <ggml.h>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using nlohmann::json;

struct op_case {
    std::string name, family;
    double work; // GFLOP or GB
    int h, w, inputs, outputs, stride, heads, keys;
};

op_case read_case(json const& j) {
    op_case op{j.at("name"),   j.at("family"),  j.at("work"),   j.at("h"),     j.at("w"),
               j.at("inputs"), j.at("outputs"), j.at("stride"), j.at("heads"), j.at("keys")};
    // ggml has no convolution of an enlarged picture: it is given the enlarged one, for nothing.
    if (j.at("upsample").get<bool>()) op.h *= 2, op.w *= 2;
    return op;
}

struct variant {
    std::string name;
    ggml_type type = GGML_TYPE_F32; // of weights, or of keys and values
    bool fused = false;             // direct convolution, flash attention
};

std::vector<variant> variants_of(std::string const& family) {
    if (family == "gemm") return {{"f32"}, {"f16", GGML_TYPE_F16}};
    if (family == "conv3x3")
        return {{"direct, f32", GGML_TYPE_F32, true},
                {"direct, f16", GGML_TYPE_F16, true},
                {"im2col, f32"},
                {"im2col, f16", GGML_TYPE_F16}};
    if (family == "attention")
        return {{"flash, f32", GGML_TYPE_F32, true}, {"flash, f16", GGML_TYPE_F16, true}, {"products and soft_max"}};
    return {{"f32"}};
}

ggml_tensor* build(ggml_context* c, op_case const& op, variant const& v) {
    if (op.family == "gemm")
        return ggml_mul_mat(c, ggml_new_tensor_2d(c, v.type, op.inputs, op.outputs),
                            ggml_new_tensor_2d(c, GGML_TYPE_F32, op.inputs, op.h * op.w));
    if (op.family == "conv3x3") {
        ggml_tensor* const w = ggml_new_tensor_4d(c, v.type, 3, 3, op.inputs, op.outputs);
        ggml_tensor* const x = ggml_new_tensor_4d(c, GGML_TYPE_F32, op.w, op.h, op.inputs, 1);
        return v.fused ? ggml_conv_2d_direct(c, w, x, op.stride, op.stride, 1, 1, 1, 1)
                       : ggml_conv_2d(c, w, x, op.stride, op.stride, 1, 1, 1, 1);
    }
    if (op.family == "attention") {
        int const size = op.inputs / op.heads, queries = op.h * op.w;
        float const scale = 1 / std::sqrt(float(size));
        ggml_tensor* const q = ggml_new_tensor_3d(c, GGML_TYPE_F32, size, queries, op.heads);
        ggml_tensor* const k = ggml_new_tensor_3d(c, v.type, size, op.keys, op.heads);
        if (v.fused)
            return ggml_flash_attn_ext(c, q, k, ggml_new_tensor_3d(c, v.type, size, op.keys, op.heads), nullptr, scale,
                                       0, 0);
        ggml_tensor* const transposed_v = ggml_new_tensor_3d(c, v.type, op.keys, size, op.heads);
        return ggml_mul_mat(c, transposed_v, ggml_soft_max_ext(c, ggml_mul_mat(c, k, q), nullptr, scale, 0));
    }
    if (op.family == "group_norm")
        return ggml_group_norm(c, ggml_new_tensor_4d(c, GGML_TYPE_F32, op.w, op.h, op.inputs, 1), 32, 1e-5f);
    if (op.family == "softmax") return ggml_soft_max(c, ggml_new_tensor_2d(c, GGML_TYPE_F32, op.keys, op.h * op.w));
    throw std::runtime_error("no family " + op.family);
}

// Small numbers of both signs.
void fill(ggml_tensor* t) {
    std::size_t const count = ggml_nelements(t);
    std::vector<float> numbers(count);
    std::uint32_t state = 1;
    for (float& v : numbers) v = float(std::int32_t(state = state * 1664525u + 1013904223u)) * 0x1p-32f;
    if (t->type == GGML_TYPE_F32) return ggml_backend_tensor_set(t, numbers.data(), 0, ggml_nbytes(t));
    std::vector<ggml_fp16_t> halves(count);
    ggml_fp32_to_fp16_row(numbers.data(), halves.data(), std::int64_t(count));
    ggml_backend_tensor_set(t, halves.data(), 0, ggml_nbytes(t));
}

template <auto release> struct releaser {
    void operator()(auto* p) const { release(p); }
};
using context = std::unique_ptr<ggml_context, releaser<ggml_free>>;
using buffer = std::unique_ptr<ggml_backend_buffer, releaser<ggml_backend_buffer_free>>;

// One operation `copies` times in one graph, in memory.
struct placed {
    context c;
    buffer memory;
    ggml_cgraph* graph = nullptr;
    int copies;

    // Throws when the backend cannot do it.
    placed(ggml_backend_t backend, op_case const& op, variant const& v, int copies)
        : c(ggml_init({.mem_size = (16 + std::size_t(copies) * 8) * ggml_tensor_overhead() +
                                   ggml_graph_overhead_custom(copies * 8, false),
                       .mem_buffer = nullptr,
                       .no_alloc = true})),
          copies(copies) {
        graph = ggml_new_graph_custom(c.get(), copies * 8, false);
        ggml_tensor* const y = build(c.get(), op, v);
        for (ggml_tensor* t = ggml_get_first_tensor(c.get()); t; t = ggml_get_next_tensor(c.get(), t))
            if (t->op != GGML_OP_NONE && !ggml_backend_supports_op(backend, t))
                throw std::runtime_error(std::string(ggml_op_name(t->op)) + " is not supported");
        ggml_build_forward_expand(graph, y);
        for (int i = 1; i < copies; ++i) ggml_build_forward_expand(graph, again(y));
        memory.reset(ggml_backend_alloc_ctx_tensors(c.get(), backend));
        if (!memory) throw std::runtime_error("not enough memory");
        for (ggml_tensor* t = ggml_get_first_tensor(c.get()); t; t = ggml_get_next_tensor(c.get(), t))
            if (t->op == GGML_OP_NONE) fill(t);
    }

    // The same node once more, on the same operands and into the same memory.
    ggml_tensor* again(ggml_tensor const* y) const {
        ggml_tensor* const copy = ggml_dup_tensor(c.get(), y);
        copy->op = y->op;
        std::copy(std::begin(y->op_params), std::end(y->op_params), copy->op_params);
        std::copy(std::begin(y->src), std::end(y->src), copy->src);
        return copy;
    }

    double run(ggml_backend_t backend) {
        auto const start = std::chrono::steady_clock::now();
        if (ggml_backend_graph_compute(backend, graph) != GGML_STATUS_SUCCESS) throw std::runtime_error("it failed");
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() / copies;
    }
};

// The best of a few runs after one that compiles the kernels and warms the shader cache.
double seconds_of(ggml_backend_t backend, op_case const& op, variant const& v) {
    placed once(backend, op, v, 1);
    once.run(backend);
    double best = once.run(backend), sum = best;
    // Short ones many times in one submission, as ours are. Only single nodes are: more would need other memory.
    if (best < 2e-3 && ggml_graph_n_nodes(once.graph) == 1) {
        placed many(backend, op, v, std::clamp(int(5e-3 / best), 1, 100));
        many.run(backend);
        for (int i = 0; i < 3; ++i) best = std::min(best, many.run(backend));
        return best;
    }
    for (int n = 1; n < 5 && sum < 1; ++n) {
        double const s = once.run(backend);
        best = std::min(best, s);
        sum += s;
    }
    return best;
}

// A variant that was far behind in one operation is not tried in larger ones.
struct contest {
    ggml_backend_t backend;
    std::map<std::string, std::vector<variant>> running;

    json time(op_case const& op) {
        auto& variants = running.try_emplace(op.family, variants_of(op.family)).first->second;
        std::map<std::string, double> seconds;
        std::string complaint;
        sfumato::bench::other_work const others;
        for (auto const& v : variants) try {
                seconds[v.name] = seconds_of(backend, op, v);
                std::fprintf(stderr, "ggml: %s, %s: %.1f ms\n", op.name.c_str(), v.name.c_str(), seconds[v.name] * 1e3);
            } catch (std::exception const& e) {
                complaint = e.what();
            }
        if (seconds.empty()) return {{"error", complaint}};
        auto const best = *std::ranges::min_element(seconds, {}, [](auto const& s) { return s.second; });
        if (op.work > 0.5)
            std::erase_if(variants, [&](variant const& v) {
                return seconds.contains(v.name) && seconds[v.name] > 1.3 * best.second;
            });
        return {{"seconds", best.second}, {"variant", best.first}, {"date", today()}, {"busy", others.percent()}};
    }

    static std::string today() {
        std::time_t const now = std::time(nullptr);
        char text[16];
        std::strftime(text, sizeof text, "%Y-%m-%d", std::localtime(&now));
        return text;
    }
};

ggml_backend_dev_t find_gpu() {
    ggml_backend_load_all();
    for (std::size_t i = 0; i < ggml_backend_dev_count(); ++i) {
        ggml_backend_dev_t const d = ggml_backend_dev_get(i);
        if (ggml_backend_dev_type(d) != GGML_BACKEND_DEVICE_TYPE_CPU) return d;
    }
    throw std::runtime_error("ggml finds no GPU");
}

json read(std::string const& file) {
    std::ifstream in(file);
    return in ? json::parse(in, nullptr, false) : json();
}

void run(std::string const& cases, std::string const& times, bool fresh) {
    ggml_backend_dev_t const gpu = find_gpu();
    std::string const title = std::string("ggml ") + ggml_version() + " on " + ggml_backend_dev_name(gpu) + ", " +
                              ggml_backend_dev_description(gpu);
    json known = read(times);
    if (fresh || !known.is_object() || known.value("peer", "") != title)
        known = {{"peer", title}, {"times", json::object()}};

    std::vector<op_case> wanted;
    for (auto const& j : read(cases)) {
        auto const time = known["times"].find(j.at("name"));
        if (time == known["times"].end() || time->value("busy", 0.) > 5) wanted.push_back(read_case(j));
    }
    std::ranges::stable_sort(wanted, {}, &op_case::work);

    std::unique_ptr<ggml_backend, releaser<ggml_backend_free>> const backend(ggml_backend_dev_init(gpu, nullptr));
    contest c{backend.get(), {}};
    for (auto const& op : wanted) {
        known["times"][op.name] = c.time(op);
        std::ofstream(times) << known.dump(1);
    }
    if (wanted.empty()) std::ofstream(times) << known.dump(1);
}

} // namespace

int main(int count, char** values) {
    if (count < 3) return std::fprintf(stderr, "usage: peer_ggml CASES TIMES [--fresh]\n"), 2;
    try {
        run(values[1], values[2], count > 3 && std::string(values[3]) == "--fresh");
    } catch (std::exception const& e) {
        return std::fprintf(stderr, "peer_ggml: %s\n", e.what()), 1;
    }
}
