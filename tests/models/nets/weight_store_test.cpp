// Weights from a checkpoint to a device: whatever the file's type and wherever its bytes are, the op sees its numbers.
#include "models/nets/scope.h"
#include "models/nets/weight_store.h"
#include "tests/kernels/kernel_test.h"

#include <sys/mman.h>
#include <tuple>

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

TEST(weight_store, waiting_and_resident_agree) {
    auto const x = random_values(m * k, -1, 1, 1);
    auto const w = rounded(random_values(n * k, -1, 1, 2), dtype::f16);
    auto file = std::make_shared<small_checkpoint>();
    file->add("w.weight", {n, k}, w, stored_type::f16);
    file->add("w.bias", {n}, std::vector<float>(n, 0.0f), stored_type::f16);
    std::vector<float> answers[2];
    for (bool waits : {false, true}) {
        weight_store store(file, {.waiting = {.all = waits}});
        graph g(test_device().target());
        tensor const in = g.input({.w = m, .c = k}), y = linear(scope(g, store, "")["w"], in);
        ASSERT_TRUE(store.load(test_device()));
        EXPECT_EQ(store.bytes(test_device(), residence::host) > 0, waits);
        answers[waits] = run(g, in, x, y);
    }
    EXPECT_EQ(answers[0], answers[1]);
}

// A planner lets the largest wait, records anew, and opens a store in which the same ones wait.
TEST(weight_store, the_largest_wait_first) {
    auto file = std::make_shared<small_checkpoint>();
    for (int i = 0; i < 3; ++i)
        file->add(std::format("{}.weight", i), {k << i, k}, random_values(std::size_t(k) * k << i, -1, 1, unsigned(i)),
                  stored_type::f16);
    file->add("table", {300, k}, random_values(300 * k, -1, 1, 7), stored_type::f16);
    auto const record = [&](graph& g, weight_store& store, tensor const& x, tensor const& ids) {
        tensor y = embedding(g, ids, store.table(g, "table"));
        for (int i = 0; i < 3; ++i) {
            tensor const made = linear(scope(g, store, "")[i], x);
            if (i == 0) y = add(g, y, made);
        }
        return y;
    };
    weight_store sketch(file);
    graph first(test_device().target());
    record(first, sketch, first.input({.w = m, .c = k}), first.input({.w = m}, dtype::u32));
    EXPECT_EQ(sketch.waiting(), waiting_weights{});
    std::uint64_t const all = sketch.bytes(test_device(), residence::device);
    EXPECT_GT(sketch.move_to_host(10'000), 10'000u);
    EXPECT_EQ(sketch.waiting().names, (std::set<std::string, std::less<>>{"table"}));
    EXPECT_GT(sketch.move_to_host(1), 1u);
    EXPECT_EQ(sketch.waiting().names, (std::set<std::string, std::less<>>{"2.weight", "table"}));
    EXPECT_LT(sketch.bytes(test_device(), residence::device), all);

    std::vector<float> answers[2];
    for (bool waits : {false, true}) {
        weight_store store(file, {.waiting = waits ? sketch.waiting() : waiting_weights{}});
        graph g(test_device().target());
        tensor const x = g.input({.w = m, .c = k}), ids = g.input({.w = m}, dtype::u32), y = record(g, store, x, ids);
        EXPECT_EQ(store.bytes(test_device(), residence::device),
                  waits ? sketch.bytes(test_device(), residence::device) : all);
        ASSERT_TRUE(store.load(test_device()));
        g.output(y);
        plan p(test_device(), std::move(g), {.guarded = true});
        p.upload<float>(x, random_values(m * k, -1, 1, 9));
        p.upload<std::uint32_t>(ids, std::vector<std::uint32_t>{0, 299, 17, 3, 150});
        ASSERT_TRUE(p.run());
        answers[waits] = p.download<float>(y);
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

// ---- Patches

// up · down, times alpha / rank and the factor, as torch would add it to [outputs, inputs …].
std::vector<float> with_patch(std::vector<float> w, std::vector<float> const& up, std::vector<float> const& down,
                              int rank, double scale) {
    std::size_t const inputs = down.size() / rank, outputs = up.size() / rank;
    for (std::size_t o = 0; o < outputs; ++o)
        for (std::size_t i = 0; i < inputs; ++i) {
            double sum = 0;
            for (int r = 0; r < rank; ++r) sum += double(up[o * rank + r]) * down[r * inputs + i];
            w[o * inputs + i] = float(w[o * inputs + i] + scale * sum);
        }
    return w;
}

struct patched_store {
    static constexpr int rank = 3;
    std::vector<float> const w = random_values(n * k, -1, 1, 2), other = random_values(n * k, -1, 1, 3),
                             up = rounded(random_values(n * rank, -1, 1, 4), dtype::f16),
                             down = rounded(random_values(rank * k, -1, 1, 5), dtype::f16);
    std::shared_ptr<small_checkpoint> const file = std::make_shared<small_checkpoint>(),
                                            lora = std::make_shared<small_checkpoint>();
    weight_store store{(file->add("w.weight", {n, k}, w, stored_type::f32),
                        file->add("other.weight", {n, k}, other, stored_type::f32), file),
                       {.format = weight_format::f32}};
    weight_patch patch{.tensor = "w.weight", .file = lora, .a = {"up", "down"}, .scale = 1.5 / 3, .factor = 0.8};
    std::vector<float> const x = random_values(m * k, -1, 1, 1);

    patched_store() {
        lora->add("up", {n, rank}, up, stored_type::f16);
        lora->add("down", {rank, k}, down, stored_type::f16);
    }
    std::vector<float> through(char const* name) {
        graph g(test_device().target());
        tensor const in = g.input({.w = m, .c = k}), y = linear(scope(g, store, "")[name], in);
        EXPECT_TRUE(store.load(test_device()));
        return run(std::move(g), in, x, y);
    }
};

TEST(weight_store, a_patch_is_added_and_taken_away_bit_for_bit) {
    patched_store p;
    auto const own = p.through("w"), other = p.through("other");
    p.store.set_patches({p.patch});
    EXPECT_FALSE(p.store.loaded());
    EXPECT_LT(nmse(p.through("w"), product(p.x, with_patch(p.w, p.up, p.down, p.rank, 0.8 * 1.5 / 3), m, n, k)), 1e-11);
    EXPECT_EQ(p.through("other"), other);

    weight_patch again = p.patch;
    again.factor = -0.5, again.scale = 1;
    p.store.set_patches({p.patch, again});
    auto const both = with_patch(with_patch(p.w, p.up, p.down, p.rank, 0.4), p.up, p.down, p.rank, -0.5);
    EXPECT_LT(nmse(p.through("w"), product(p.x, both, m, n, k)), 1e-11);

    p.store.set_patches({p.patch, again});
    EXPECT_TRUE(p.store.loaded()) << "nothing has changed";
    p.store.set_patches({});
    EXPECT_EQ(p.through("w"), own);
}

TEST(weight_store, only_what_a_patch_changes_is_loaded_anew) {
    patched_store p;
    auto const other = (p.through("w"), p.through("other"));
    p.file->tensors["other.weight"].make = [](std::span<std::byte>) { FAIL() << "read again"; };
    p.store.set_patches({p.patch});
    p.through("w");
    EXPECT_EQ(p.through("other"), other);
}

// A matrix of blocks keeps their numbers; with a patch it is of halves, and without it of the same blocks again.
TEST(weight_store, a_patch_of_blocks_becomes_halves) {
    constexpr int inputs = 64, rank = 2;
    std::vector<std::byte> blocks(std::size_t(n) * inputs / 32 * 34);
    std::vector<float> w(n * inputs);
    for (std::size_t b = 0; b < blocks.size() / 34; ++b) {
        std::uint16_t const step = f16_bits(0.01f * float(b % 5 + 1));
        std::memcpy(&blocks[34 * b], &step, 2);
        for (std::size_t i = 0; i < 32; ++i) {
            auto const value = std::int8_t(i ? int((7 * b + 13 * i) % 255) - 127 : 127); // as a writer scales them
            blocks[34 * b + 2 + i] = std::byte(value);
            w[32 * b + i] = f16_value(step) * value;
        }
    }
    auto const up = random_values(n * rank, -1, 1, 2), down = random_values(rank * inputs, -1, 1, 3),
               x = random_values(m * inputs, -1, 1, 1);
    auto const file = std::make_shared<small_checkpoint>(), lora = std::make_shared<small_checkpoint>();
    file->tensors["w.weight"] = {stored_type::q8_0, {n, inputs}, {}, [blocks](std::span<std::byte> to) {
                                     std::ranges::copy(blocks, to.begin());
                                 }};
    lora->add("up", {n, rank}, up, stored_type::f32);
    lora->add("down", {rank, inputs}, down, stored_type::f32);
    for (bool waits : {false, true}) {
        weight_store store(file, {.waiting = {.all = waits}});
        auto const through = [&] {
            graph g(test_device().target().storing(dtype::f32));
            tensor const in = g.input({.w = m, .c = inputs}), y = linear(scope(g, store, "")["w"], in);
            EXPECT_TRUE(store.load(test_device()));
            return run(std::move(g), in, x, y);
        };
        auto const own = through();
        EXPECT_LT(nmse(own, product(x, w, m, n, inputs)), 1e-4); // x in 8 bits, too, where that is faster
        std::uint64_t const bytes = store.bytes(test_device(), waits ? residence::host : residence::device);
        store.set_patches({{.tensor = "w.weight", .file = lora, .a = {"up", "down"}, .factor = 0.1}});
        EXPECT_LT(nmse(through(), product(x, with_patch(w, up, down, rank, 0.1), m, n, inputs)), 1e-6);
        EXPECT_GT(store.bytes(test_device(), waits ? residence::host : residence::device), bytes);
        store.set_patches({});
        EXPECT_EQ(through(), own);
    }
}

TEST(weight_store, refuses_a_patch_that_does_not_fit) {
    patched_store p;
    p.lora->add("short", {2, k}, random_values(2 * k), stored_type::f16);
    p.lora->add("whole", {n, 3}, std::vector<float>(n * 3), stored_type::f16);
    p.lora->tensors["whole"].type = stored_type::q8_0;
    p.through("w");
    for (auto const& [up, down, core] : {std::tuple{"up", "short", ""},
                                         {"down", "up", ""},
                                         {"whole", "down", ""},
                                         {"absent", "down", ""},
                                         {"up", "down", "up"}}) {
        weight_patch wrong = p.patch;
        wrong.a = {up, down, core};
        p.store.set_patches({wrong});
        EXPECT_THROW(p.store.load(test_device()), error) << up << down << core;
    }
    p.store.set_patches({});
    EXPECT_TRUE(p.store.load(test_device()));
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
    EXPECT_FALSE(store.loaded());
    EXPECT_TRUE(store.load(test_device()));
    EXPECT_TRUE(store.loaded());
}

// The middle of a square table of positions, whose sides differ from it by odd numbers, too.
TEST(weight_store, window_of_a_table) {
    constexpr int side = 7, c = 4;
    auto const values = rounded(random_values(side * side * c, -1, 1, 1), dtype::f16);
    auto file = std::make_shared<small_checkpoint>();
    file->add("pos_embed", {1, side * side, c}, values, stored_type::f16);
    file->add("no_square", {1, side * side - 1, c}, {values.begin(), values.end() - c}, stored_type::f16);
    for (auto const& [h, w] : {std::pair{4, 5}, {7, 7}, {1, 2}}) {
        weight_store store(file);
        graph g;
        tensor const x = g.input({.h = h, .w = w, .c = c}), window = store.window(g, "pos_embed", h, w);
        ASSERT_EQ(window.shape, x.shape);
        tensor const y = add(g, x, window);
        store.load(test_device());
        auto const got = run(std::move(g), x, std::vector<float>(x.shape.count()), y);
        for (int row = 0; row < h; ++row)
            for (int column = 0; column < w; ++column)
                for (int i = 0; i < c; ++i)
                    ASSERT_EQ(got[(row * w + column) * c + i],
                              values[(((side - h) / 2 + row) * side + (side - w) / 2 + column) * c + i]);
    }
    weight_store store(file);
    graph g;
    store.window(g, "pos_embed", 4, 5);
    auto const bytes = store.bytes(test_device(), residence::device);
    store.window(g, "pos_embed", 5, 4); // as large; the one before is let go
    EXPECT_EQ(store.bytes(test_device(), residence::device), bytes);
    EXPECT_THROW(store.window(g, "pos_embed", 8, 4), error);
    EXPECT_THROW(store.window(g, "no_square", 2, 2), error);
}

} // namespace
} // namespace sfumato
