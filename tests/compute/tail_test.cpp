// What kernels may touch behind a tensor: no more than the tail that every buffer has. The tensor's last page is the
// last one that can be read; reading further ends the process.
#include "compute/ops.h"
#include "compute/resident.h"
#include "tests/kernels/kernel_test.h"

#include <sys/mman.h>

namespace sfumato {
namespace {

// Floats that end 4096 bytes before the end of what can be read.
struct at_the_end {
    static constexpr std::size_t page = 4096;
    std::size_t bytes, mapped;
    std::byte* memory;
    std::unique_ptr<host_import> import;
    resident tensor;

    explicit at_the_end(shape s) : bytes(s.count() * 4), mapped((bytes + page - 1) / page * page + page) {
        memory = static_cast<std::byte*>(
            mmap(nullptr, mapped + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
        mprotect(memory + mapped, page, PROT_NONE);
        std::span<std::byte const> const all(memory, mapped);
        import = host_import::make(test_device(), all);
        if (import) tensor = import->at(all.subspan(mapped - page - bytes, bytes), s, dtype::f32);
    }
    ~at_the_end() {
        tensor.reset();
        import.reset();
        munmap(memory, mapped + page);
    }
};

// Runs `op` on a tensor at the end of memory.
template <class Op> void check(shape s, Op const& op) {
    SCOPED_TRACE(testing::Message() << s.n << " × " << s.h << " × " << s.w << " × " << s.c);
    at_the_end x(s);
    ASSERT_TRUE(x.tensor);
    kernel_run r;
    tensor const y = op(r, r.g.resident(x.tensor));
    r.g.output(y);
    r.run();
    for (float v : r.download(y)) ASSERT_TRUE(std::isfinite(v));
}

tensor ones(kernel_run& r, shape s) { return r.input(s, std::vector<float>(s.count(), 1)); }

class tail : public testing::Test {
    void SetUp() override {
        if (!at_the_end({.c = 1}).import) GTEST_SKIP() << "the device reads no memory of the host itself";
    }
};

// Rows that fill no whole workgroup, wide ones, and pictures of which the last slab is short.
constexpr shape shapes[] = {{.w = 1, .c = 1280},
                            {.w = 9, .c = 1280},
                            {.w = 6400, .c = 32},
                            {.n = 2, .w = 65, .c = 320},
                            {.n = 2, .h = 33, .w = 3, .c = 640},
                            {.h = 7, .w = 41, .c = 96}};

TEST_F(tail, norms) {
    for (shape const& s : shapes) {
        check(s, [](kernel_run& r, tensor const& x) { return layer_norm(r.g, x); });
        check(s, [](kernel_run& r, tensor const& x) { return softmax(r.g, x); });
        check(s, [](kernel_run& r, tensor const& x) { return statistics(r.g, x); });
        check(s, [&](kernel_run& r, tensor const& x) {
            return group_norm(r.g, x, s.c / 32, ones(r, {.c = s.c}), ones(r, {.c = s.c}), 1e-5f, activation::silu);
        });
    }
}

TEST_F(tail, pointwise) {
    for (shape const& s : shapes) {
        check(s, [](kernel_run& r, tensor const& x) { return activate(r.g, x, activation::silu); });
        check(s, [](kernel_run& r, tensor const& x) { return add(r.g, x, x); });
    }
}

packed_weights weights(kernel_run& r, int inputs, int kernel) {
    return pack_conv2d(r.g, ones(r, {.n = 20, .h = inputs, .w = kernel, .c = kernel}), weight_format::f32);
}

TEST_F(tail, products) {
    for (shape const& s : shapes)
        check(s, [&](kernel_run& r, tensor const& x) { return conv2d(r.g, x, weights(r, s.c, 1), {}); });
}

// A checkpoint's tensor may be the last thing in its file.
TEST_F(tail, packing) {
    for (shape const& s : shapes) {
        if (s.n > 1 || s.h > 1) continue;
        check(s, [&](kernel_run& r, tensor const& w) {
            return linear(r.g, ones(r, {.w = 3, .c = s.c}), pack_linear(r.g, w, weight_format::f16));
        });
    }
    check({.n = 20, .h = 33, .w = 3, .c = 3}, [&](kernel_run& r, tensor const& w) {
        return conv2d(r.g, ones(r, {.h = 4, .w = 4, .c = 33}), pack_conv2d(r.g, w, weight_format::f16));
    });
}

TEST_F(tail, convolutions) {
    for (shape const& s : shapes)
        check(s, [&](kernel_run& r, tensor const& x) { return conv2d(r.g, x, weights(r, s.c, 3)); });
}

TEST_F(tail, attention) {
    for (shape s : shapes) {
        s.w *= std::exchange(s.h, 1);
        check(s, [&](kernel_run& r, tensor const& x) { return attention(r.g, x, x, x, {.heads = s.c / 32}); });
    }
}

} // namespace
} // namespace sfumato
