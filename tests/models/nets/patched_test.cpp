// Every kind of LoRA, merged on the device, against merging by hand in float64 (tests/reference/lora_reference.py).
#include "models/nets/patched.h"

#include "models/files/safetensors.h"
#include "models/library/lora.h"
#include "tests/kernels/kernel_test.h"

#include <deque>

namespace sfumato {
namespace {

std::vector<float> numbers(stored_tensor const& t) {
    std::vector<std::byte> scratch;
    auto const bytes = t.read(scratch);
    std::vector<float> all(t.count());
    std::memcpy(all.data(), bytes.data(), bytes.size());
    return all;
}

// "lora.NAME" → NAME
std::shared_ptr<checkpoint> part_of(checkpoint const& golden, std::string const& prefix) {
    auto part = std::make_shared<checkpoint>();
    part->source = prefix;
    for (auto const& [name, tensor] : golden.tensors)
        if (name.starts_with(prefix)) part->tensors[name.substr(prefix.size())] = tensor;
    return part;
}

sfumato::shape in_extents(std::vector<std::int64_t> const& s) {
    if (s.size() == 1) return {.c = int(s[0])};
    if (s.size() == 2) return {.w = int(s[0]), .c = int(s[1])};
    return {int(s[0]), int(s[1]), int(s[2]), int(s[3])};
}

std::vector<float> merged(stored_tensor const& w, std::vector<weight_patch> const& patches) {
    graph g(test_device().target().storing(dtype::f32));
    std::deque<std::pair<tensor, stored_tensor>> uploads;
    tensor const base = g.input(in_extents(w.shape));
    tensor const made = patched(g, base, w.shape, patches, [&](stored_tensor t) {
        tensor const to = g.input({.w = int(t.shape[0]), .c = int(t.shape[1])});
        uploads.emplace_back(to, std::move(t));
        return to;
    });
    EXPECT_EQ(made.shape, base.shape);
    g.output(made);
    plan p(test_device(), std::move(g), {.guarded = true});
    p.upload<float>(base, numbers(w));
    for (auto const& [to, from] : uploads) p.upload<float>(to, numbers(from));
    EXPECT_TRUE(p.run());
    return p.download<float>(made);
}

class lora_kind : public testing::TestWithParam<char const*> {};

TEST_P(lora_kind, is_merged_as_by_hand) {
    std::string const path = std::string(GOLDEN "/lora/") + GetParam() + ".safetensors";
    checkpoint const golden = read_safetensors(map_file(path), path);
    auto const base = part_of(golden, "base."), lora = part_of(golden, "lora."), expected = part_of(golden, "merged.");
    lora_match match = match_lora(lora, *base, "test");
    EXPECT_TRUE(match.left_out.empty()) << match.left_out.front();
    for (weight_patch& p : match.patches) p.factor = std::stod(golden.metadata.at("factor").get<std::string>());

    ASSERT_EQ(expected->tensors.size(), base->tensors.size());
    for (auto const& [name, tensor] : expected->tensors) {
        std::vector<weight_patch> own;
        std::ranges::copy_if(match.patches, std::back_inserter(own),
                             [&](weight_patch const& p) { return p.tensor == name; });
        EXPECT_FALSE(own.empty()) << name;
        stored_tensor const& w = base->at(name);
        EXPECT_LT(nmse(merged(w, own), numbers(tensor)), 1e-12) << name;
        EXPECT_GT(nmse(numbers(w), numbers(tensor)), 1e-3) << name << " would not be told from what it was";
    }
}

INSTANTIATE_TEST_SUITE_P(all, lora_kind,
                         testing::Values("lora", "locon", "loha", "lokr", "difference", "magnitudes", "fused"));

// Each adds to what the file says, whatever the others make of it.
TEST(patched, several_are_added_to_the_pristine_weights) {
    std::string const path = GOLDEN "/lora/magnitudes.safetensors";
    checkpoint const golden = read_safetensors(map_file(path), path);
    auto const base = part_of(golden, "base."), lora = part_of(golden, "lora.");
    std::string const name = "model.diffusion_model.middle_block.1.proj_in.weight";
    lora_match const match = match_lora(lora, *base, "test");
    auto const found = std::ranges::find_if(match.patches, [&](weight_patch const& p) { return p.tensor == name; });
    ASSERT_NE(found, match.patches.end());
    weight_patch one = *found, other = *found;
    one.factor = 0.5, other.factor = 0.25;
    auto const w = numbers(base->at(name)), first = merged(base->at(name), {one}),
               second = merged(base->at(name), {other}), both = merged(base->at(name), {one, other});
    std::vector<float> sum(w.size());
    for (std::size_t i = 0; i < w.size(); ++i) sum[i] = first[i] + second[i] - w[i];
    EXPECT_LT(nmse(both, sum), 1e-12);
}

} // namespace
} // namespace sfumato
