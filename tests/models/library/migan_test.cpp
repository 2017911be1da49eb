// MI-GAN's files: whatever they are and call their tensors, they are one network.
#include "models/files/made_tensor.h"
#include "models/library/family.h"
#include "models/library/find_lama.h"
#include "models/library/open_checkpoint.h"
#include "models/library/procedural.h"
#include "models/library/scan.h"
#include "tests/environment_variable.h"
#include "tests/models/files/onnx_file.h"
#include "tests/models/files/torch_file.h"

#include <format>

using namespace sfumato;
using namespace std::string_literals;

namespace {

// The procedural model as it is saved, with the tensors that spread pixels.
checkpoint as_saved(std::string const& wrapper, char const* spreads) {
    static float const numbers[4] = {1};
    checkpoint c;
    for (auto const& [name, tensor] : procedural_checkpoint("migan-tiny").tensors) {
        c.tensors[wrapper + name] = tensor;
        if (auto const at = name.find("upsample.filter"); at != name.npos)
            c.tensors[wrapper + name.substr(0, at) + "upsample." + spreads] = {
                .type = stored_type::f32, .shape = {1, 1, 2, 2}, .mapped = std::as_bytes(std::span(numbers))};
    }
    return c;
}

TEST(migan, of_pytorch_s_kinds_of_file) {
    scratch_folder const folder;
    checkpoint const wanted = open_checkpoint("procedural:migan-tiny");
    for (std::string const wrapper : {"", "model.", "module."})
        for (char const* spreads : {"insert_zeros.weight", "filter_const"}) {
            SCOPED_TRACE(wrapper + spreads);
            checkpoint const c = as_saved(wrapper, spreads);
            expect_equal(open_checkpoint(folder.put("migan.pt", torch_script_file(c))), wanted);
            expect_equal(open_checkpoint(folder.put("migan.pth", torch_checkpoint_file(c))), wanted);
        }
}

TEST(migan, is_told_with_its_size) {
    for (int side : {32, 256, 512}) {
        auto const m = describe_model(
            open_checkpoint(side == 32 ? "procedural:migan-tiny"s : std::format("procedural:migan-{}", side)));
        EXPECT_TRUE(m.supported) << m.reason;
        EXPECT_EQ(m.family, "inpainting (MI-GAN)");
        EXPECT_EQ(m.reason, std::format("for pictures of {} × {}", side, side));
        EXPECT_EQ(m.migan->side, side);
    }
}

// migan_pipeline_v2.onnx has about 27 MB.
TEST(migan, full_size_is_the_published_one) {
    std::size_t numbers = 0;
    for (auto const& [name, tensor] : open_checkpoint("procedural:migan-512").tensors) numbers += tensor.count();
    EXPECT_NEAR(double(numbers) * 4e-6, 27, 0.7);
}

TEST(migan, is_taken_where_there_is_no_lama) {
    scratch_folder const folder;
    environment_variable const home("HOME", folder.path), models("SFUMATO_MODELS", folder.path),
        data("XDG_DATA_HOME", "");
    EXPECT_EQ(find_lama(), "");
    std::string const migan = folder.put("MI-GAN.pt", torch_script_file(procedural_checkpoint("migan-tiny")));
    EXPECT_EQ(find_lama(), migan);
    std::string const lama = folder.put("z-lama.pt", torch_script_file(procedural_checkpoint("lama-tiny")));
    EXPECT_EQ(find_lama(), lama);
    folder.put("a-lama.pt", "damaged");
    EXPECT_EQ(find_lama(), lama);
}

TEST(migan, another_network_is_refused) {
    checkpoint less = open_checkpoint("procedural:migan-tiny");
    less.tensors.erase("migan.synthesis.b8.torgb.bias");
    EXPECT_NE(error_of([&] { require_filler(less); }).find("synthesis.b8.torgb.bias\" is missing"), std::string::npos);
    checkpoint more = open_checkpoint("procedural:migan-tiny");
    more.tensors["migan.synthesis.b8.conv3.weight"] = {.type = stored_type::f16, .shape = {4}};
    EXPECT_NE(error_of([&] { require_filler(more); }).find("b8.conv3.weight\" belongs to a part"), std::string::npos);
}

// ---- As ONNX

/// What an exporter may do otherwise, and what would be another network.
struct migan_export {
    bool spreads_by_resizing = false; // rather than by a transposed convolution
    float spread = 1;
    bool has_noise = true;
    bool blurs_mask = false; // as a pipeline does around the network
    bool adds_layer = false;
};

struct migan_export_writer {
    checkpoint const& model; // as open_checkpoint() gives it
    migan_config const& sizes;
    migan_export const& how;
    onnx_writer to{};

    stored_tensor const& at(std::string const& name) const { return model.at("migan." + name); }

    std::string conv(std::string const& name, std::string const& x, int stride = 1) {
        stored_tensor const& w = at(name + ".weight");
        std::vector<std::string> inputs{x, to.constant(w)};
        if (model.find("migan." + name + ".bias")) inputs.push_back(to.constant(at(name + ".bias")));
        bool const alone = w.shape[1] == 1;
        return to.node("Conv", inputs,
                       integer("group", alone ? w.shape[0] : 1) + integers("strides", {stride, stride}));
    }
    std::string active(std::string const& x) {
        return to.node("Clip", {to.node("Mul", {to.node("LeakyRelu", {x}), "gain"})});
    }
    std::string doubled(std::string const& name, std::string x) {
        std::int64_t const channels = at(name + ".filter.weight").shape[0];
        if (how.spreads_by_resizing)
            x = to.node("Mul", {to.node("Resize", {x}),
                                to.constant(made_of({1, 1, 2, 2}, [] { return std::vector<float>(4); }))});
        else {
            std::vector<float> w(std::size_t(4 * channels));
            for (std::size_t i = 0; i < w.size(); i += 4) w[i] = how.spread;
            x = to.node("ConvTranspose", {x, to.constant(made_of({channels, 1, 2, 2}, [w] { return w; }))},
                        integer("group", channels) + integers("strides", {2, 2}));
        }
        return conv(name + ".filter", to.node("Pad", {x}));
    }
    std::string separable(std::string const& name, std::string x) {
        x = active(conv(name + ".conv1", x));
        if (model.find("migan." + name + ".downsample.filter.weight")) x = conv(name + ".downsample.filter", x, 2);
        x = conv(name + ".conv2", x);
        if (model.find("migan." + name + ".upsample.filter.weight")) x = doubled(name + ".upsample", x);
        if (how.has_noise && model.find("migan." + name + ".noise_const")) {
            float const strength = numbers_of(at(name + ".noise_strength"))[0];
            std::vector<float> noise = numbers_of(at(name + ".noise_const"));
            for (float& n : noise) n *= strength;
            x = to.node("Add", {x, to.constant(made_of(at(name + ".noise_const").shape, [noise] { return noise; }))});
        }
        return active(x);
    }
    std::string bytes() {
        if (how.blurs_mask)
            to.node("Conv", {"mask", to.constant(made_of({1, 1, 5, 5}, [] { return std::vector<float>(25); }))});
        std::string x = active(conv(std::format("encoder.b{}.fromrgb", sizes.side), "input"));
        std::map<int, std::string> seen;
        for (int block : sizes.blocks()) {
            seen[block] = separable(std::format("encoder.b{}.conv1", block), x);
            x = separable(std::format("encoder.b{}.conv2", block), seen[block]);
        }
        std::string picture;
        for (int block = 4; block <= sizes.side; block *= 2) {
            std::string const name = std::format("synthesis.b{}.", block);
            x = separable(name + "conv2", to.node("Add", {separable(name + "conv1", x), seen[block]}));
            if (!picture.empty()) picture = doubled(name + "upsample", picture);
            std::string const colours = conv(name + "torgb", x);
            picture = picture.empty() ? colours : to.node("Add", {picture, colours});
        }
        if (how.adds_layer)
            to.node("Conv", {picture, to.constant(made_of({3, 3, 1, 1}, [] { return std::vector<float>(9); }))});
        return to.bytes();
    }
};

std::string exported(migan_export const& how) {
    checkpoint const model = open_checkpoint("procedural:migan-tiny");
    migan_config const sizes = std::get<migan_config>(require_filler(model));
    return migan_export_writer{model, sizes, how}.bytes();
}

void expect_same_numbers(checkpoint const& got, checkpoint const& wanted) {
    ASSERT_EQ(got.tensors.size(), wanted.tensors.size());
    for (auto const& [name, tensor] : wanted.tensors) {
        if (name.ends_with("noise_strength")) continue;
        auto all = numbers_of(tensor);
        if (name.ends_with("noise_const")) {
            std::string const strength = name.substr(0, name.size() - 5) + "strength";
            for (float& n : all) n *= numbers_of(wanted.at(strength))[0];
            EXPECT_EQ(numbers_of(got.at(strength)), std::vector{1.0f});
        }
        EXPECT_EQ(numbers_of(got.at(name)), all) << name;
        EXPECT_EQ(got.at(name).shape, tensor.shape) << name;
    }
}

TEST(migan, of_onnx_exports_without_names) {
    scratch_folder const folder;
    checkpoint const wanted = open_checkpoint("procedural:migan-tiny");
    for (bool resizes : {false, true}) {
        SCOPED_TRACE(resizes);
        migan_export const how{.spreads_by_resizing = resizes, .blurs_mask = true};
        checkpoint const got = open_checkpoint(folder.put("migan_pipeline_v2.onnx", exported(how)));
        expect_same_numbers(got, wanted);
        EXPECT_EQ(require_filler(got), require_filler(wanted));
    }
}

TEST(migan, another_export_is_refused) {
    scratch_folder const folder;
    auto const told = [&](migan_export const& how) {
        return error_of([&] { open_checkpoint(folder.put("m.onnx", exported(how))); });
    };
    EXPECT_NE(told({.spread = 0.5f}).find("pixels are spread otherwise"), std::string::npos);
    EXPECT_NE(told({.has_noise = false}).find("the noise of its layer \"synthesis.b8.conv1\" is missing"),
              std::string::npos);
    EXPECT_NE(told({.adds_layer = true}).find("layers belong to something else"), std::string::npos);
}

} // namespace
