#include "compute/self_check.h"

#include "compute/cache.h"
#include "compute/half.h"
#include "compute/ops.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <sstream>

namespace sfumato {

namespace {

using floats = std::vector<float>;

// Eighths from −1 to 7/8, which every type holds: products of them are exact even in fp16.
floats eighths(std::size_t count, std::uint32_t seed) {
    floats all(count);
    for (float& v : all) {
        seed = seed * 1664525u + 1013904223u;
        v = (float(seed >> 28) - 8) / 8;
    }
    return all;
}

// One question: a graph, what goes in, and what must come out.
struct question {
    std::string_view family;
    graph g;
    std::vector<std::pair<tensor, floats>> inputs = {};
    tensor answer = {};
    floats wanted = {};

    question(std::string_view family, target const& t) : family(family), g(t) {}

    tensor input(shape s, std::uint32_t seed, dtype type) {
        inputs.push_back({g.input(s, type), eighths(s.count(), seed)});
        return inputs.back().first;
    }
    floats const& values(tensor const& t) const {
        return std::ranges::find(inputs, t.id, [](auto const& i) { return i.first.id; })->second;
    }
};

// Sizes that are no multiples of any tile.
question ask_linear(target const& t) {
    constexpr int m = 70, n = 44, k = 72;
    question q("gemm", t);
    tensor const x = q.input({.w = m, .c = k}, 1, t.storage()), w = q.input({.w = n, .c = k}, 2, dtype::f32);
    q.answer = linear(q.g, x, pack_linear(q.g, w, weight_format::f16), {.type = dtype::f32});
    for (int i = 0; i < m; ++i)
        for (int j = 0; j < n; ++j) {
            float sum = 0;
            for (int l = 0; l < k; ++l) sum += q.values(x)[i * k + l] * q.values(w)[j * k + l];
            q.wanted.push_back(sum);
        }
    return q;
}

question ask_conv2d(target const& t) {
    constexpr int h = 7, width = 9, inputs = 20, outputs = 40;
    question q("conv2d", t);
    tensor const x = q.input({.h = h, .w = width, .c = inputs}, 3, t.storage()),
                 w = q.input({.n = outputs, .h = inputs, .w = 3, .c = 3}, 4, dtype::f32);
    q.answer = conv2d(q.g, x, pack_conv2d(q.g, w, weight_format::f16), same_3x3, {.type = dtype::f32});
    auto const pixel = [&](int y, int column, int c) {
        bool const inside = y >= 0 && y < h && column >= 0 && column < width;
        return inside ? q.values(x)[(y * width + column) * inputs + c] : 0;
    };
    for (int i = 0; i < h * width; ++i)
        for (int o = 0; o < outputs; ++o) {
            float sum = 0;
            for (int c = 0; c < inputs; ++c)
                for (int tap = 0; tap < 9; ++tap)
                    sum += pixel(i / width + tap / 3 - 1, i % width + tap % 3 - 1, c) *
                           q.values(w)[(o * inputs + c) * 9 + tap];
            q.wanted.push_back(sum);
        }
    return q;
}

// exp(x − largest) / sum, in place.
void softmax_row(std::span<float> row) {
    float const largest = *std::ranges::max_element(row);
    float sum = 0;
    for (float& v : row) sum += v = std::exp(v - largest);
    for (float& v : row) v /= sum;
}

question ask_attention(target const& t) {
    constexpr int queries = 37, keys = 77, heads = 2, d = 40, c = heads * d;
    question a("attention", t);
    tensor const q = a.input({.w = queries, .c = c}, 5, t.storage()), k = a.input({.w = keys, .c = c}, 6, t.storage()),
                 v = a.input({.w = keys, .c = c}, 7, t.storage());
    a.answer = attention(a.g, q, k, v, {.heads = heads});
    a.wanted.assign(queries * c, 0);
    for (int i = 0; i < queries; ++i)
        for (int head = 0; head < heads; ++head) {
            floats weights(keys);
            for (int j = 0; j < keys; ++j)
                for (int l = head * d; l < (head + 1) * d; ++l)
                    weights[j] += a.values(q)[i * c + l] * a.values(k)[j * c + l] / std::sqrt(float(d));
            softmax_row(weights);
            for (int j = 0; j < keys; ++j)
                for (int l = head * d; l < (head + 1) * d; ++l)
                    a.wanted[i * c + l] += weights[j] * a.values(v)[j * c + l];
        }
    return a;
}

question ask_group_norm(target const& t) {
    constexpr int pixels = 35, c = 64, groups = 32, size = c / groups;
    question q("group_norm", t);
    tensor const x = q.input({.h = 5, .w = 7, .c = c}, 8, t.storage()), weight = q.input({.c = c}, 9, dtype::f32),
                 bias = q.input({.c = c}, 10, dtype::f32);
    q.answer = group_norm(q.g, x, groups, weight, bias, 1e-5f);
    for (int i = 0; i < pixels * c; ++i) {
        int const channel = i % c, first = channel / size * size;
        double sum = 0, squares = 0;
        for (int p = 0; p < pixels; ++p)
            for (int l = first; l < first + size; ++l) {
                double const value = q.values(x)[p * c + l];
                sum += value;
                squares += value * value;
            }
        double const mean = sum / (pixels * size), variance = squares / (pixels * size) - mean * mean;
        q.wanted.push_back(float((q.values(x)[i] - mean) / std::sqrt(variance + 1e-5) * q.values(weight)[channel] +
                                 q.values(bias)[channel]));
    }
    return q;
}

question ask_softmax(target const& t) {
    constexpr int rows = 7, c = 300;
    question q("softmax", t);
    tensor const x = q.input({.w = rows, .c = c}, 11, t.storage());
    q.answer = softmax(q.g, x, 3);
    q.wanted = q.values(x);
    for (float& v : q.wanted) v *= 3;
    for (int row = 0; row < rows; ++row) softmax_row(std::span(q.wanted).subspan(row * c, c));
    return q;
}

std::vector<question> questions(target const& t) {
    std::vector<question> all;
    for (auto ask : {ask_linear, ask_conv2d, ask_attention, ask_group_norm, ask_softmax}) {
        all.push_back(ask(t));
        all.back().g.output(all.back().answer);
    }
    return all;
}

void upload(plan& p, tensor const& t, floats const& values) {
    if (t.type == dtype::f32) return p.upload(t, std::span(values));
    std::vector<std::uint16_t> halves(values.size());
    std::ranges::transform(values, halves.begin(), f16_bits);
    p.upload(t, std::span<std::uint16_t const>(halves));
}

floats download(plan& p, tensor const& t) {
    if (t.type == dtype::f32) return p.download<float>(t);
    auto const halves = p.download<std::uint16_t>(t);
    floats values(halves.size());
    std::ranges::transform(halves, values.begin(), f16_value);
    return values;
}

// Every number within 1 % of the answer's size: roundings to fp16 are far below, a wrong index or a lost lane far
// above.
bool near(floats const& got, floats const& wanted) {
    double power = 0;
    for (float v : wanted) power += double(v) * v;
    double const limit = 0.01 * std::sqrt(power / double(wanted.size()));
    for (std::size_t i = 0; i < wanted.size(); ++i)
        if (!(std::abs(double(got[i]) - wanted[i]) <= limit)) return false; // NaN too
    return true;
}

bool answers(device& d, question& q, falsify const& change) {
    try {
        plan p(d, q.g);
        for (auto const& [t, values] : q.inputs) upload(p, t, values);
        p.run();
        floats got = download(p, q.answer);
        if (change) change(q.family, d.target().matrix, got);
        return near(got, q.wanted);
    } catch (device_lost const&) {
        throw;
    } catch (error const&) {
        return false; // a pipeline that the driver cannot make, for one
    }
}

VkPhysicalDeviceProperties properties_of(device& d) {
    VkPhysicalDeviceProperties2 properties{.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2};
    vkGetPhysicalDeviceProperties2(d.vk->physical, &properties);
    return properties.properties;
}

// Which device, driver and kernels a result is for.
std::string identity(device& d) {
    auto const p = properties_of(d);
    std::uint64_t sum = 14695981039346656037u; // FNV-1a over the kernels' code
    for (auto const& q : questions(d.target()))
        for (auto const& node : q.g.nodes())
            for (std::uint32_t word : node.program.kernel->spirv) sum = (sum ^ word) * 1099511628211u;
    std::string uuid;
    for (std::uint8_t byte : p.pipelineCacheUUID) uuid += std::format("{:02x}", byte);
    return std::format("sfumato {} {} {} {:016x}", SFUMATO_VERSION, cache_key(p), uuid, sum);
}

std::string file_of(device& d) {
    return cache_path(
        std::format("self-check-{}-{}.txt", cache_key(properties_of(d)), matrix_path_names[int(d.target().matrix)]));
}

// The file: its identity, then a line of families for each of the two lists.
std::string written(std::string const& identity, self_check_result const& r) {
    std::string text = identity + "\n";
    for (auto const* list : {&r.wrong, &r.wrong_even_scalar}) {
        for (auto const& family : *list) text += family + " ";
        text += "\n";
    }
    return text;
}

bool read(std::string const& path, std::string const& identity, self_check_result& r) {
    std::ifstream file(path);
    std::string line;
    if (!std::getline(file, line) || line != identity) return false;
    for (auto* list : {&r.wrong, &r.wrong_even_scalar}) {
        if (!std::getline(file, line)) return false;
        std::istringstream words(line);
        for (std::string family; words >> family;) list->push_back(family);
    }
    return true;
}

} // namespace

self_check_result self_check(device& d, falsify const& change) {
    self_check_result r{.checked = d.target().matrix};
    std::string const path = file_of(d), mine = identity(d);
    bool const known = read(path, mine, r);
    if (!known) {
        r = {.checked = r.checked};
        for (auto& q : questions(d.target())) try {
                if (!answers(d, q, change)) r.wrong.emplace_back(q.family);
            } catch (device_lost const&) {
                r.wrong.emplace_back(q.family);
                cache_write(path, written(mine, r));
                throw;
            }
    }
    if (!r.wrong.empty()) d.vk->target.matrix = matrix_path::scalar;
    if (known) return r;

    if (!r.wrong.empty())
        for (auto& q : questions(d.target()))
            if (!answers(d, q, change)) r.wrong_even_scalar.emplace_back(q.family);
    cache_write(path, written(mine, r));
    return r;
}

std::string self_check_result::sentence() const {
    auto const list = [](std::vector<std::string> const& names) {
        std::string all;
        for (auto const& name : names) all += (all.empty() ? "" : ", ") + name;
        return all;
    };
    char const* const path = matrix_path_names[int(checked)];
    if (wrong.empty()) return std::format("computes rightly ({} kernels)", path);
    if (wrong_even_scalar.empty())
        return std::format("wrong with {} kernels: {}; the scalar ones are used", path, list(wrong));
    return std::format("computes wrongly even with the plainest kernels: {}; update its driver",
                       list(wrong_even_scalar));
}

} // namespace sfumato
