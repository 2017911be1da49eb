// Weights from a checkpoint to a device: whatever the file's type and wherever its bytes are, the op sees its numbers.
#include "models/nets/scope.h"
#include "models/nets/weight_store.h"
#include "tests/kernels/kernel_test.h"

#include <sys/mman.h>

namespace sfumato {
namespace {

// A checkpoint in memory: every tensor is made on demand, as f16 unless it says otherwise.
struct small_checkpoint : checkpoint {
    small_checkpoint() { source = "test"; }
    void add(std::string const& name, std::vector<std::int64_t> shape, std::vector<float> const& values,
             stored_type type) {
        std::vector<std::byte> bytes;
        auto const put = [&](auto v) {
            auto const raw = std::as_bytes(std::span(&v, 1));
            bytes.insert(bytes.end(), raw.begin(), raw.end());
        };
        for (float v : values) switch (type) {
            case stored_type::f16: put(f16_bits(v)); break;
            case stored_type::bf16: put(bf16_bits(v)); break;
            case stored_type::f64: put(double(v)); break;
            default: put(v);
            }
        tensors[name] = {
            type, std::move(shape), {}, [bytes](std::span<std::byte> to) { std::ranges::copy(bytes, to.begin()); }};
    }
};

std::vector<float> product(std::vector<float> const& x, std::vector<float> const& w, int m, int n, int k) {
    std::vector<float> y(m * n);
    for (int i = 0; i < m; ++i)
        for (int j = 0; j < n; ++j) {
            double sum = 0;
            for (int l = 0; l < k; ++l) sum += double(x[i * k + l]) * w[j * k + l];
            y[i * n + j] = float(sum);
        }
    return y;
}

// Uploads x and returns what the graph's y becomes.
std::vector<float> run(graph g, tensor const& x, std::vector<float> const& values, tensor const& y) {
    g.output(y);
    plan p(test_device(), std::move(g), {.guarded = true});
    p.upload<float>(x, values);
    EXPECT_TRUE(p.run());
    return p.download<float>(y);
}

constexpr int m = 5, n = 21, k = 33;

TEST(weight_store, any_type_of_file) {
    auto const x = random_values(m * k, -1, 1, 1);
    for (stored_type type : {stored_type::f16, stored_type::bf16, stored_type::f32, stored_type::f64}) {
        auto const w = rounded(random_values(n * k, -1, 1, 2), type == stored_type::f16    ? dtype::f16
                                                               : type == stored_type::bf16 ? dtype::bf16
                                                                                           : dtype::f32);
        auto file = std::make_shared<small_checkpoint>();
        file->add("w.weight", {n, k}, w, type);
        weight_store store(file, {.format = weight_format::f32});
        graph g(test_device().target());
        tensor const in = g.input({.w = m, .c = k}), y = linear(scope(g, store, "")["w"], in);
        EXPECT_GT(store.bytes(test_device(), residence::device), std::size_t(n * k * 4));
        ASSERT_TRUE(store.load(test_device()));
        EXPECT_LT(nmse(run(g, in, x, y), product(x, w, m, n, k)), 1e-11) << int(type);
    }
}

TEST(weight_store, streamed_and_resident_agree) {
    auto const x = random_values(m * k, -1, 1, 1);
    auto const w = rounded(random_values(n * k, -1, 1, 2), dtype::f16);
    auto file = std::make_shared<small_checkpoint>();
    file->add("w.weight", {n, k}, w, stored_type::f16);
    file->add("w.bias", {n}, std::vector<float>(n, 0.0f), stored_type::f16);
    std::vector<float> answers[2];
    for (residence where : {residence::device, residence::host}) {
        weight_store store(file, {.where = where});
        graph g(test_device().target());
        tensor const in = g.input({.w = m, .c = k}), y = linear(scope(g, store, "")["w"], in);
        ASSERT_TRUE(store.load(test_device()));
        EXPECT_EQ(store.bytes(test_device(), residence::host) > 0, where == residence::host);
        answers[where == residence::host] = run(g, in, x, y);
    }
    EXPECT_EQ(answers[0], answers[1]);
}

// One store serves any number of graphs, and what was loaded is not loaded again.
TEST(weight_store, later_graphs_load_only_what_is_new) {
    auto file = std::make_shared<small_checkpoint>();
    file->add("a.weight", {n, k}, random_values(n * k, -1, 1, 2), stored_type::f32);
    file->add("b.weight", {k, n}, random_values(n * k, -1, 1, 3), stored_type::f32);
    weight_store store(file, {.format = weight_format::f32});
    auto const x = random_values(m * k, -1, 1, 1);
    auto const through = [&](std::initializer_list<char const*> names) {
        graph g(test_device().target());
        tensor const in = g.input({.w = m, .c = k});
        tensor y = in;
        for (char const* name : names) y = linear(scope(g, store, "")[name], y);
        EXPECT_TRUE(store.load(test_device()));
        return run(g, in, x, y);
    };
    auto const first = through({"a"});
    through({"a", "b"});
    file->tensors.clear(); // nothing is read from here on
    EXPECT_EQ(through({"a"}), first);
}

TEST(weight_store, the_file_itself_is_read_by_the_device) {
    std::size_t const page = 4096, bytes = 3 * page;
    auto* const memory =
        static_cast<std::byte*>(mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    ASSERT_NE(memory, MAP_FAILED);
    auto const w = random_values(n * k, -1, 1, 2);
    std::memcpy(memory + 64, w.data(), w.size() * 4);
    auto const file = std::make_shared<small_checkpoint>();
    file->files = {{.mapping = nullptr, .bytes = {memory, bytes}}};
    file->tensors["w.weight"] = {stored_type::f32, {n, k}, {memory + 64, w.size() * 4}, {}};
    EXPECT_EQ(bool(host_import::make(test_device(), file->files.front().bytes)), test_device().info().is_software());
    {
        weight_store store(file, {.format = weight_format::f32});
        graph g(test_device().target());
        tensor const in = g.input({.w = m, .c = k}), y = linear(scope(g, store, "")["w"], in);
        ASSERT_TRUE(store.load(test_device()));
        auto const x = random_values(m * k, -1, 1, 1);
        EXPECT_LT(nmse(run(g, in, x, y), product(x, w, m, n, k)), 1e-11);
    }
    munmap(memory, bytes);
}

TEST(weight_store, refuses_what_does_not_fit) {
    auto file = std::make_shared<small_checkpoint>();
    file->add("w.weight", {n * k}, random_values(n * k), stored_type::f32);
    file->add("v.weight", {-1, 4}, {}, stored_type::f32);
    weight_store store(file);
    graph g;
    EXPECT_THROW(store.linear(g, "w.weight"), error);
    EXPECT_THROW(store.linear(g, "v.weight"), error);
    EXPECT_THROW(store.linear(g, "absent.weight"), error);
}

TEST(weight_store, a_cancelled_load_can_go_on) {
    auto file = std::make_shared<small_checkpoint>();
    file->add("w.weight", {n, k}, random_values(n * k), stored_type::f32);
    weight_store store(file);
    graph g;
    store.linear(g, "w.weight");
    std::atomic<bool> cancelled = true;
    EXPECT_FALSE(store.load(test_device(), {.cancelled = &cancelled}));
    EXPECT_TRUE(store.load(test_device()));
}

} // namespace
} // namespace sfumato
