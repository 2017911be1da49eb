// Residents: each on the device or on the host, the same numbers either way, and the bytes that this costs each run.
#include "compute/resident.h"

#include "compute/ops.h"
#include "tests/kernels/kernel_test.h"

namespace sfumato {
namespace {

constexpr int layers = 6, width = 64;

// x, then + a vector for each layer: vectors of 64, 128, … numbers, of which the first 64 count.
struct network {
    std::vector<resident> weights;
    std::vector<std::vector<float>> values;

    network() {
        for (int i = 0; i < layers; ++i) {
            weights.push_back(std::make_shared<resident_tensor>(shape{.c = width * (i + 1)}));
            values.push_back(random_values(weights.back()->shape.count(), -1, 1, unsigned(i)));
        }
    }
    void load() const {
        place(test_device(), weights);
        graph g(test_device().target());
        std::vector<tensor> from;
        for (auto const& w : weights) {
            from.push_back(g.input(w->shape));
            g.keep(scale(g, from.back(), 1), w);
        }
        plan p(test_device(), g);
        for (int i = 0; i < layers; ++i) p.upload<float>(from[i], values[i]);
        ASSERT_TRUE(p.run());
    }
    struct recorded {
        graph g{test_device().target()};
        tensor x = g.input({.c = width}), y = x;
    };
    // `times`: how often each weight is asked for, in a row.
    recorded record(int times = 1) const {
        recorded r;
        for (auto const& w : weights)
            for (int i = 0; i < times; ++i) r.y = add_scaled(r.g, r.y, 1, r.g.fetch(w));
        r.g.output(r.y);
        return r;
    }
    // Twice, since a plan is replayed.
    std::vector<float> run(int times = 1) const {
        auto r = record(times);
        plan p(test_device(), r.g);
        auto const x = random_values(width, -1, 1, 99);
        p.upload<float>(r.x, x);
        EXPECT_TRUE(p.run() && p.run());
        return p.download<float>(r.y);
    }
};

std::uint64_t bytes_of(std::vector<resident> const& all, residence where) {
    std::uint64_t sum = 0;
    for (auto const& r : all) sum += r->where == where ? r->bytes() : 0;
    return sum;
}

TEST(resident, each_has_a_residence_of_its_own_and_the_numbers_are_the_same) {
    network const all_there;
    all_there.load();
    auto const wanted = all_there.run();
    EXPECT_EQ(all_there.record().g.fetched_bytes(), 0u);
    for (unsigned which = 1; which < 1u << layers; which += 7) {
        network n;
        for (int i = 0; i < layers; ++i)
            if (which >> i & 1) n.weights[i]->where = residence::host;
        std::uint64_t const used = test_device().memory_used();
        n.load();
        EXPECT_EQ(test_device().memory_used() - used, resident_bytes(test_device(), n.weights));
        EXPECT_GT(resident_bytes(test_device(), n.weights, residence::host), 0u);
        EXPECT_EQ(n.record().g.fetched_bytes(), bytes_of(n.weights, residence::host));
        EXPECT_EQ(n.run(), wanted) << which;
    }
}

TEST(resident, what_is_used_twice_in_a_row_is_fetched_once) {
    network n;
    for (auto const& w : n.weights) w->where = residence::host;
    n.load();
    EXPECT_EQ(n.record(2).g.fetched_bytes(), bytes_of(n.weights, residence::host));
    network there;
    there.load();
    EXPECT_EQ(n.run(2), there.run(2));
}

TEST(resident, the_largest_wait_on_the_host_until_it_fits) {
    network n;
    EXPECT_EQ(move_to_host(n.weights, 0), 0u);
    std::uint64_t const before = resident_bytes(test_device(), n.weights);
    std::uint64_t const saved = move_to_host(n.weights, n.weights[5]->bytes() + 1);
    EXPECT_EQ(saved, n.weights[5]->bytes() + n.weights[4]->bytes());
    EXPECT_EQ(before - resident_bytes(test_device(), n.weights), saved);
    for (int i = 0; i < layers; ++i) EXPECT_EQ(n.weights[i]->where == residence::host, i >= 4) << i;
    EXPECT_EQ(move_to_host(n.weights, n.weights[3]->bytes()), n.weights[3]->bytes()); // the next
    EXPECT_EQ(move_to_host(n.weights, 1 << 30), n.weights[0]->bytes() + n.weights[1]->bytes() + n.weights[2]->bytes());
    EXPECT_EQ(resident_bytes(test_device(), n.weights), 0u);
}

// The bus is used for what does not fit, no more, and only the slot of what is in use lies in the arena.
TEST(resident, a_planner_moves_what_is_too_much) {
    network n;
    auto const needed = [&] { return resident_bytes(test_device(), n.weights) + plan::peak_bytes(n.record().g); };
    std::uint64_t const most = needed() * 3 / 4;
    for (std::uint64_t now = needed(); now > most; now = needed())
        ASSERT_GT(move_to_host(n.weights, now - most), 0u) << "nothing is left to move";
    std::uint64_t const fetched = n.record().g.fetched_bytes();
    EXPECT_GT(fetched, 0u);
    EXPECT_EQ(fetched, bytes_of(n.weights, residence::host));
    std::uint64_t const used = test_device().memory_used();
    n.load();
    setenv("SFUMATO_BUDGET", std::to_string(used + most).c_str(), 1);
    EXPECT_NO_THROW(EXPECT_EQ(n.run().size(), std::size_t(width)));
    unsetenv("SFUMATO_BUDGET");
}

} // namespace
} // namespace sfumato
