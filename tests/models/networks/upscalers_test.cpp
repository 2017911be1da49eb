// Upscalers by every style of names and every scale; what differs from them is refused.
#include "models/library/open_checkpoint.h"
#include "models/networks/upscaler.h"

#include "models/files/safetensors_write.h"
#include "models/library/family.h"
#include "models/library/procedural.h"
#include "tests/models/files/scratch.h"
#include "tests/models/files/torch_file.h"

#include <regex>

using namespace sfumato;

namespace {

using rename_rules = std::vector<std::pair<char const*, char const*>>;

// What the first code of ESRGAN calls the layers of a network with so many doublings.
rename_rules esrgan_rules(int upsamples) {
    rename_rules rules = {{R"(^body\.(\d+)\.rdb(\d)\.conv(\d)\.)", "model.1.sub.$1.RDB$2.conv$3.0."},
                          {R"(^conv_first\.)", "model.0."},
                          {R"(^conv_body\.)", "model.1.sub.2."}};
    constexpr rename_rules::value_type behind[][5] = {
        {{R"(^conv_hr\.)", "model.2."}, {R"(^conv_last\.)", "model.4."}},
        {{R"(^conv_up1\.)", "model.3."}, {R"(^conv_hr\.)", "model.5."}, {R"(^conv_last\.)", "model.7."}},
        {{R"(^conv_up1\.)", "model.3."},
         {R"(^conv_up2\.)", "model.6."},
         {R"(^conv_hr\.)", "model.8."},
         {R"(^conv_last\.)", "model.10."}},
        {{R"(^conv_up1\.)", "model.3."},
         {R"(^conv_up2\.)", "model.6."},
         {R"(^conv_up3\.)", "model.9."},
         {R"(^conv_hr\.)", "model.11."},
         {R"(^conv_last\.)", "model.13."}}};
    for (auto const& rule : behind[upsamples])
        if (rule.first) rules.push_back(rule);
    return rules;
}

rename_rules const bsrgan_rules = {{R"(^body\.(\d+)\.rdb(\d)\.)", "RRDB_trunk.$1.RDB$2."},
                                   {R"(^conv_body\.)", "trunk_conv."},
                                   {R"(^conv_up(\d)\.)", "upconv$1."},
                                   {R"(^conv_hr\.)", "HRconv."}};

checkpoint renamed(checkpoint const& c, rename_rules const& rules, std::string const& prefix = "") {
    checkpoint result{.source = c.source, .format = c.format, .metadata = nlohmann::json::object()};
    for (auto const& [name, tensor] : c.tensors) {
        std::string other = name;
        for (auto const& [pattern, with] : rules) other = std::regex_replace(other, std::regex(pattern), with);
        result.tensors.emplace(prefix + other, tensor);
    }
    return result;
}

checkpoint with_shapes(tensor_shapes const& shapes) {
    checkpoint c;
    for (auto const& [name, shape] : shapes) {
        auto const zeros = [](std::span<std::byte> bytes) { std::ranges::fill(bytes, std::byte(0)); };
        c.tensors[name] = {.type = stored_type::f16, .shape = shape, .make = zeros};
    }
    return c;
}

checkpoint through_a_file(checkpoint const& c) {
    scratch_folder const folder;
    folder.put("m.safetensors", "");
    write_safetensors(folder / "m.safetensors", c.tensors);
    return open_checkpoint(folder / "m.safetensors");
}

TEST(upscalers, each_network_is_known_by_its_tensors) {
    std::vector<std::pair<upscaler_config, std::string>> const networks = {
        {rrdbnet_config{}, "RRDBNet ×4"},
        {rrdbnet_config{.features = 32, .blocks = 6, .growth = 16, .unshuffle = 2}, "RRDBNet ×2"},
        {rrdbnet_config{.blocks = 6, .unshuffle = 4}, "RRDBNet ×1"},
        {rrdbnet_config{.blocks = 1, .upsamples = 0}, "RRDBNet ×1"},
        {rrdbnet_config{.blocks = 23, .upsamples = 1}, "RRDBNet ×2"},
        {rrdbnet_config{.blocks = 3, .upsamples = 3}, "RRDBNet ×8"},
        {srvgg_config{}, "SRVGG ×4"},
        {srvgg_config{.scale = 1, .features = 24, .convolutions = 8}, "SRVGG ×1"},
        {srvgg_config{.scale = 2, .convolutions = 16}, "SRVGG ×2"},
        {srvgg_config{.scale = 3, .convolutions = 0}, "SRVGG ×3"},
        {upconv7_config{}, "upconv_7 ×2"},
        {cunet_config{.scale = 1}, "CUnet ×1"},
        {cunet_config{.scale = 2}, "CUnet ×2"},
        {cunet_config{.scale = 3}, "Real-CUGAN ×3"},
        {cunet_config{.scale = 4}, "Real-CUGAN ×4"}};
    for (auto const& [config, name] : networks) {
        auto const m = describe_model(through_a_file(with_shapes(tensors_of(config))));
        EXPECT_TRUE(m.supported) << name << ": " << m.reason;
        EXPECT_EQ(m.family, std::format("upscaler ({})", name));
        EXPECT_TRUE(m.upscaler == config) << name;
        EXPECT_EQ(std::to_string(shape_of(config).scale), name.substr(name.rfind("×") + 2));
    }
}

class every_scale : public testing::TestWithParam<int> {}; // doublings

checkpoint rrdbnet_of(int upsamples) {
    switch (upsamples) {
    case 2: return procedural_checkpoint("rrdbnet-x4-tiny");
    case 3: return procedural_checkpoint("rrdbnet-x8-tiny");
    default:
        return with_shapes(
            tensors_of(rrdbnet_config{.features = 16, .blocks = 2, .growth = 8, .upsamples = upsamples}));
    }
}

TEST_P(every_scale, esrgan) {
    checkpoint const model = rrdbnet_of(GetParam());
    checkpoint const old = renamed(model, esrgan_rules(GetParam()));
    EXPECT_TRUE(old.find("model.1.sub.1.RDB3.conv5.0.bias"));
    EXPECT_TRUE(old.find("model.1.sub.2.weight"));
    expect_equal(through_a_file(old), model);
}

TEST_P(every_scale, bsrgan) {
    checkpoint const model = rrdbnet_of(GetParam());
    checkpoint const old = renamed(model, bsrgan_rules);
    EXPECT_TRUE(old.find("RRDB_trunk.1.RDB3.conv5.bias"));
    EXPECT_TRUE(old.find("trunk_conv.weight"));
    expect_equal(through_a_file(old), model);
}

INSTANTIATE_TEST_SUITE_P(doublings, every_scale, testing::Values(0, 1, 2, 3));

TEST(upscalers, wrappers) {
    checkpoint const rrdbnet = procedural_checkpoint("rrdbnet-x2-tiny");
    checkpoint const srvgg = procedural_checkpoint("srvgg-x4-tiny");
    for (char const* prefix : {"module.", "netG.", "model.", "net.", "generator."}) {
        expect_equal(through_a_file(renamed(rrdbnet, {}, prefix)), rrdbnet);
        expect_equal(through_a_file(renamed(rrdbnet, bsrgan_rules, prefix)), rrdbnet);
        expect_equal(through_a_file(renamed(rrdbnet, esrgan_rules(2), prefix)), rrdbnet);
        expect_equal(through_a_file(renamed(srvgg, {}, prefix)), srvgg);
    }
}

// The averages of training are better than its last state; a file may have both.
TEST(upscalers, averaged_weights_come_first) {
    scratch_folder const folder;
    checkpoint const averaged = procedural_checkpoint("srvgg-x4-tiny");
    checkpoint const last = procedural_checkpoint("srvgg-x1-tiny");
    for (std::vector<std::string> const& wrappers : {std::vector<std::string>{"params", "params_ema"},
                                                     {"params_ema"},
                                                     {"params"},
                                                     {"params-ema"},
                                                     {"model"},
                                                     {"net"},
                                                     {"state_dict"},
                                                     {}}) {
        std::string file;
        std::map<std::string, checkpoint const*> parts;
        for (auto const& wrapper : wrappers) parts[wrapper] = &averaged;
        if (wrappers.size() == 2) parts["params"] = &last;
        if (wrappers.empty()) parts[""] = &averaged;
        folder.put("m.pth", torch_file_of(parts));
        expect_equal(open_checkpoint(folder / "m.pth"), averaged);
    }
}

TEST(upscalers, averaged_weights_come_first_in_safetensors_too) {
    checkpoint const averaged = procedural_checkpoint("srvgg-x4-tiny");
    checkpoint const last = procedural_checkpoint("srvgg-x1-tiny");
    for (char const* wrapper : {"params_ema.", "params-ema.", "params.", "state_dict.", "params_ema.module."})
        expect_equal(through_a_file(renamed(averaged, {}, wrapper)), averaged);
    checkpoint both = renamed(averaged, {}, "params_ema.");
    both.tensors.merge(renamed(last, {}, "params.").tensors);
    expect_equal(through_a_file(both), averaged);
    checkpoint const esrgan = procedural_checkpoint("rrdbnet-x2-tiny");
    expect_equal(through_a_file(renamed(esrgan, esrgan_rules(2), "params_ema.")), esrgan);
}

std::string refusal(checkpoint const& c) {
    auto const m = describe_model(c);
    EXPECT_FALSE(m.supported);
    return m.reason;
}

TEST(upscalers, what_differs_is_refused) {
    auto const told = [](char const* model, auto change) {
        checkpoint c = procedural_checkpoint(model);
        change(c.tensors);
        return refusal(c);
    };
    EXPECT_EQ(told("rrdbnet-x4-tiny", [](auto& t) { t["conv_last.weight"].shape = {1, 16, 3, 3}; }),
              R"(tensor "conv_last.weight" is f16 [1, 16, 3, 3] where f16 [3, 16, 3, 3] was expected)");
    EXPECT_EQ(told("rrdbnet-x4-tiny", [](auto& t) { t["body.0.rdb1.conv7.weight"].shape = {8, 16, 1, 1}; }),
              R"(tensor "body.0.rdb1.conv7.weight" belongs to a part that this family does not have)");
    EXPECT_EQ(told("rrdbnet-x4-tiny", [](auto& t) { t.erase("body.1.rdb2.conv3.bias"); }),
              R"(tensor "body.1.rdb2.conv3.bias" is missing)");
    EXPECT_EQ(told("rrdbnet-x4-tiny",
                   [](auto& t) {
                       t["conv_first.weight"].shape = {16, 48, 3, 3};
                       for (char const* name : {"conv_up2.weight", "conv_up2.bias"}) t.erase(name);
                   }),
              "its result would be smaller than the picture");
    EXPECT_EQ(told("srvgg-x4-tiny", [](auto& t) { t["body.10.weight"].shape = {47, 16, 3, 3}; }),
              R"(tensor "body.10.weight" is f16 [47, 16, 3, 3] where f16 [48, 16, 3, 3] was expected)");
    EXPECT_EQ(told("cunet-x2", [](auto& t) { t["pro"].shape = {1}; }),
              R"(tensor "pro" belongs to a part that this family does not have)");
    EXPECT_EQ(told("cugan-x4", [](auto& t) { t["conv_final.weight"].shape = {48, 64, 3, 3}; }),
              R"(tensor "conv_final.weight" is f16 [48, 64, 3, 3] where f16 [12, 64, 3, 3] was expected)");
    EXPECT_EQ(told("upconv7", [](auto& t) { t["net.12.weight"].shape = {3, 128, 3, 3}; }), // vgg_7
              R"(tensor "net.12.weight" is f16 [3, 128, 3, 3] where f16 [256, 3, 4, 4] was expected)");
}

// The files of networks that do not take colour pictures.
TEST(upscalers, other_pictures_have_a_sentence) {
    constexpr char const *grey = "not supported yet: it is made for grey pictures (1 channel); choose one for colour "
                                 "pictures",
                         *alpha = "not supported yet: it is made for pictures with alpha (4 channels); choose one for "
                                  "colour pictures";
    upconv7_config const grey_upconv7{.channels = 1};
    for (upscaler_config const& c : std::initializer_list<upscaler_config>{
             rrdbnet_config{.blocks = 2, .channels = 1}, rrdbnet_config{.blocks = 2, .unshuffle = 2, .channels = 1},
             srvgg_config{.scale = 2, .channels = 1}, grey_upconv7, rrdbnet_config{.blocks = 2, .channels = 4},
             srvgg_config{.scale = 4, .channels = 4}, srvgg_config{.scale = 1, .channels = 4}}) {
        checkpoint file;
        for (auto const& [name, shape] : tensors_of(c)) file.tensors[name] = {.type = stored_type::f16, .shape = shape};
        auto const m = describe_model(file);
        EXPECT_EQ(m.upscaler, c) << name_of(c);
        EXPECT_EQ(m.reason, shape_of(c).channels == 1 ? grey : alpha) << name_of(c);
        EXPECT_FALSE(m.supported);
    }
}

TEST(upscalers, pro_models_take_another_range) {
    checkpoint c = procedural_checkpoint("cunet-x2");
    c.metadata["pro"] = true;
    EXPECT_EQ(refusal(c), "not supported yet: Real-CUGAN pro, which takes its picture in a range of its own");
}

// Names of both styles at once would fall together.
TEST(upscalers, two_names_for_one_tensor) {
    checkpoint c = procedural_checkpoint("rrdbnet-x4-tiny");
    c.tensors["HRconv.bias"] = c.tensors["conv_hr.bias"];
    EXPECT_EQ(error_of([&] { through_a_file(c); }).substr(0, 1), "'");
}

TEST(upscalers, absurd_names_and_shapes) {
    std::vector<std::vector<std::int64_t>> const shapes = {
        {},          {0}, {0, 0, 0, 0}, {1}, {1 << 20, 1 << 20, 1 << 20, 1 << 20}, {std::int64_t(1) << 62, 1, 1, 1},
        {7, 5, 3, 2}};
    for (char const* model : {"rrdbnet-x4-tiny", "srvgg-x4-tiny", "upconv7", "cunet-x2", "cugan-x4"})
        for (auto const& [name, tensor] : procedural_checkpoint(model).tensors) {
            if (name.ends_with("bias") || (name.find(".1.") != name.npos && name.starts_with("body"))) continue;
            for (auto const& shape : shapes) {
                checkpoint c = procedural_checkpoint(model);
                c.tensors[name].shape = shape;
                EXPECT_FALSE(describe_model(c).supported) << name;
                checkpoint alone;
                alone.tensors[name].shape = shape;
                EXPECT_FALSE(describe_model(alone).supported) << name;
            }
        }
    checkpoint odd;
    for (char const* name :
         {"model.1.sub.0.RDB1.conv1.0.weight", "model.1.sub.", "model.1.sub.99999999999999999999.weight",
          "model.-3.weight", "model.63.weight", "model..weight", "model.9x.weight", "RRDB_trunk.", "RRDB_trunk.....",
          "upconv.", ".", "..", "model.1.sub.x.RDB.conv1.0.weight"})
        odd.tensors[name] = {.shape = {0}};
    EXPECT_FALSE(describe_model(through_a_file(odd)).supported);
}

} // namespace
