#include "compute/ops.h"
#include "tests/kernels/kernel_test.h"

namespace sfumato {
namespace {

TEST(embedding, rows_of_a_table) {
    for (dtype type : float_types)
        for (dtype to : float_types)
            for (int channels : {1, 3, 4, 13, 96})
                for (shape ids : {shape{1, 1, 1, 1}, shape{3, 1, 77, 1}}) {
                    int const rows = 1009;
                    auto const table = rounded(random_values(std::size_t(rows * channels), -2, 2, 1), type);
                    std::mt19937 generator(2);
                    std::vector<std::uint32_t> numbers(ids.count());
                    for (auto& id : numbers) id = std::uint32_t(generator() % rows);
                    numbers.back() = rows - 1;
                    kernel_run r;
                    tensor const y =
                        embedding(r.g, r.input(ids, numbers), r.input({.w = rows, .c = channels}, table, type), to);
                    ASSERT_EQ(y.shape, (shape{ids.n, 1, ids.w, channels}));
                    ASSERT_EQ(y.type, to);
                    r.g.output(y);
                    r.run();
                    std::vector<float> wanted;
                    for (auto id : numbers)
                        wanted.insert(wanted.end(), &table[id * channels], &table[id * channels] + channels);
                    EXPECT_LE(nmse(r.download(y), wanted), nmse_limit(to)) << channels;
                }
}

TEST(embedding, wrong_ids_stay_in_the_table) {
    auto const table = random_values(5 * 4, -2, 2, 3);
    kernel_run r;
    tensor const y = embedding(r.g, r.input<std::uint32_t>({.w = 2}, {5, ~0u}), r.input({.w = 5, .c = 4}, table));
    r.g.output(y);
    r.run();
    auto const got = r.download(y);
    EXPECT_TRUE(std::equal(&got[0], &got[4], &table[16]));
    EXPECT_TRUE(std::equal(&got[4], &got[4] + 4, &table[16]));
}

TEST(embedding, more_groups_than_one_direction_holds) {
    int const tokens = 700'001;
    auto const table = random_values(7 * 3, -2, 2, 4);
    std::vector<std::uint32_t> ids(tokens * 3);
    for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = std::uint32_t(i % 7);
    kernel_run r;
    tensor const y = embedding(r.g, r.input({.w = int(ids.size())}, ids), r.input({.w = 7, .c = 3}, table));
    r.g.output(y);
    r.run();
    auto const got = r.download(y);
    for (std::size_t i = 0; i < got.size(); ++i) ASSERT_EQ(got[i], table[i / 3 % 7 * 3 + i % 3]) << i;
}

} // namespace
} // namespace sfumato
