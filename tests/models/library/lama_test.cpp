// LaMa's files: whatever they are and call their tensors, they are one network.
#include "models/library/family.h"
#include "models/library/open_checkpoint.h"
#include "models/library/procedural.h"
#include "models/library/scan.h"
#include "tests/models/files/lama_onnx.h"
#include "tests/models/files/torch_file.h"

#include <nlohmann/json.hpp>

using namespace sfumato;
using namespace std::string_literals;

namespace {

using names_of_file = std::function<std::string(std::string const&)>;

// The procedural model as its training saves it: counters of the norms, and a network that judged it.
checkpoint as_trained(names_of_file const& named) {
    static float const numbers[64] = {};
    auto const bytes = std::as_bytes(std::span(numbers));
    checkpoint c;
    for (auto const& [name, tensor] : procedural_checkpoint("lama-tiny").tensors) {
        c.tensors[named(name.substr("generator."s.size()))] = tensor;
        if (name.ends_with("running_var"))
            c.tensors[named(name.substr(10, name.size() - 21) + "num_batches_tracked")] = {
                .type = stored_type::f16, .shape = {1}, .mapped = bytes.first(2)};
    }
    return c;
}

std::string safetensors_file(checkpoint const& c) {
    nlohmann::json header;
    std::string numbers;
    std::vector<std::byte> scratch;
    for (auto const& [name, tensor] : c.tensors) {
        auto const bytes = tensor.read(scratch);
        header[name] = {{"dtype", "F16"},
                        {"shape", tensor.shape},
                        {"data_offsets", {numbers.size(), numbers.size() + bytes.size()}}};
        numbers.append(reinterpret_cast<char const*>(bytes.data()), bytes.size());
    }
    std::string const text = header.dump();
    return little(std::uint64_t(text.size())) + text + numbers;
}

TEST(lama, of_every_kind_of_file) {
    scratch_folder const folder;
    checkpoint const wanted = open_checkpoint("procedural:lama-tiny");
    for (std::string const prefix : {"", "generator.", "model.generator.", "model."}) {
        checkpoint const c = as_trained([&](auto const& name) { return prefix + name; });
        SCOPED_TRACE(prefix);
        expect_equal(open_checkpoint(folder.put("m.safetensors", safetensors_file(c))), wanted);
        expect_equal(open_checkpoint(folder.put("m.pt", torch_script_file(c))), wanted);
    }
    checkpoint training = as_trained([](auto const& name) { return "generator." + name; });
    for (auto const& [name, tensor] : as_trained([](auto const& name) { return "discriminator." + name; }).tensors)
        training.tensors[name] = tensor;
    expect_equal(open_checkpoint(folder.put("best.ckpt", torch_checkpoint_file(training))), wanted);
}

lama_config lama_in(checkpoint const& c) { return std::get<lama_config>(require_filler(c)); }

std::string exported(lama_export const& how) {
    checkpoint const lama = open_checkpoint("procedural:lama-tiny");
    return lama_onnx_file(lama, lama_in(lama), how);
}

// tests/models/nets/lama_folded_test.cpp looks at what is folded.
TEST(lama, of_onnx_exports_without_names) {
    scratch_folder const folder;
    checkpoint const wanted = open_checkpoint("procedural:lama-tiny");
    checkpoint const all = open_checkpoint(folder.put("lama_fp32.onnx", exported({})));
    EXPECT_EQ(all.format, "ONNX");
    expect_equal(all, wanted);
    checkpoint const folded =
        open_checkpoint(folder.put("folded.onnx", exported({.folds_norms = true, .folds_sums = true})));
    EXPECT_EQ(lama_in(folded), lama_in(wanted));
}

TEST(lama, another_export_is_refused) {
    scratch_folder const folder;
    auto const told = [&](lama_export const& how) {
        return error_of([&] { open_checkpoint(folder.put("m.onnx", exported(how))); });
    };
    EXPECT_NE(told({.mode = "constant"}).find("\"1.ffc.convl2l\" does not pad by reflection"), std::string::npos);
    EXPECT_NE(told({.activation = "LeakyRelu"}).find("it computes LeakyRelu, which LaMa does not"), std::string::npos);
    EXPECT_NE(told({.adds_layer = true}).find("1 of its 46 layers belong to something else"), std::string::npos);
    EXPECT_NE(told({.eps = 1e-3f}).find("its norm \"1.bn_l\" is another"), std::string::npos);
    EXPECT_NE(told({.without = "6.conv1.ffc.convg2g.fu.conv_layer"})
                  .find("its layer \"6.conv1.ffc.convg2g.fu.conv_layer\" is missing, or is another"),
              std::string::npos);
}

TEST(lama, is_told_with_its_sizes) {
    auto const m = describe_model(open_checkpoint("procedural:lama-tiny"));
    EXPECT_TRUE(m.supported) << m.reason;
    EXPECT_EQ(m.family, "inpainting (LaMa)");
    EXPECT_EQ(m.reason, "3 blocks of 64 channels, 48 of them through Fourier transforms");
    EXPECT_EQ(m.lama, (lama_config{.channels = 8, .blocks = 3, .global_channels = 48}));
    EXPECT_EQ(summary_of(look_at_model("procedural:lama-tiny")).family, "inpainting (LaMa)");
}

// big-lama.pt has 989 tensors, of which 152 count batches.
TEST(lama, full_size_is_the_published_one) {
    checkpoint const big = open_checkpoint("procedural:big-lama");
    EXPECT_EQ(big.tensors.size(), 989u - 152);
    EXPECT_EQ(lama_in(big), lama_config{});
}

std::string refusal(checkpoint const& c) {
    return error_of([&] { require_filler(c); });
}

TEST(lama, another_network_is_refused) {
    checkpoint const lama = open_checkpoint("procedural:lama-tiny");
    checkpoint local = lama;
    local.tensors["model.5.conv1.ffc.convg2g.lfu.conv_layer.weight"] = {.type = stored_type::f16, .shape = {48, 48}};
    EXPECT_NE(refusal(local).find("lfu.conv_layer.weight\" belongs to a part"), std::string::npos) << refusal(local);
    checkpoint less = lama;
    less.tensors.erase("model.6.conv2.bn_g.running_var");
    EXPECT_NE(refusal(less).find("model.6.conv2.bn_g.running_var\" is missing"), std::string::npos) << refusal(less);
    for (std::int64_t extent : {std::int64_t(0), std::int64_t(1) << 20, std::int64_t(1) << 40}) {
        checkpoint damaged = lama;
        damaged.tensors["model.1.ffc.convl2l.weight"].shape[0] = extent;
        damaged.tensors["model.4.ffc.convl2g.weight"].shape[0] = extent;
        EXPECT_NE(refusal(damaged), "") << extent;
    }
    EXPECT_NE(refusal(open_checkpoint("procedural:srvgg-x4-tiny")).find("is no LaMa but upscaler"), std::string::npos);
}

} // namespace
