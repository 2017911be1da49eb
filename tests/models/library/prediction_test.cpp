// Noise or v: who says it, and whose word counts.
#include "models/files/safetensors_write.h"
#include "models/library/family.h"
#include "models/library/open_checkpoint.h"
#include "models/library/procedural.h"
#include "tests/models/files/scratch.h"

using namespace sfumato;

namespace {

constexpr char const* yaml_of_v = "model:\n  params:\n    parameterization: \"v\"\n";

struct finds_prediction : testing::Test {
    scratch_folder folder;
    checkpoint model = procedural_checkpoint("sd1-tiny");

    model_description described(nlohmann::json const& metadata = nlohmann::json::object()) const {
        std::string const file = folder / "m.safetensors";
        write_safetensors(file, model.tensors, metadata);
        return describe_model(open_checkpoint(file));
    }
    void expect_v(model_description const& m, std::string const& reason, bool zero_terminal_snr = false) const {
        EXPECT_EQ(m.prediction, prediction::v);
        EXPECT_EQ(m.prediction_reason, reason);
        EXPECT_EQ(m.zero_terminal_snr, zero_terminal_snr);
    }
};

TEST_F(finds_prediction, in_a_yaml_beside_the_file) {
    EXPECT_EQ(described().prediction, prediction::epsilon);
    folder.put("m.yaml", yaml_of_v);
    expect_v(described(), "m.yaml beside it says so");
    expect_v(described({{"modelspec.prediction_type", "epsilon"}}), "m.yaml beside it says so");
    EXPECT_EQ(describe_model(open_checkpoint(folder / "m.safetensors"), prediction::epsilon).prediction,
              prediction::epsilon); // the user's own choice
    folder.put("m.yaml", "model:\n  params:\n    parameterization: eps\n");
    model.tensors["v_pred"] = {.type = stored_type::f32, .shape = {0}};
    EXPECT_EQ(described().prediction_reason, "m.yaml beside it says so");
    EXPECT_EQ(described().prediction, prediction::epsilon);
    folder.put("m.yaml", yaml_of_v + std::string(1 << 20, '#')); // no config of a model
    expect_v(described(), "it has a tensor named v_pred");
    folder.put("m.yaml", "");
    expect_v(described(), "it has a tensor named v_pred");
}

TEST_F(finds_prediction, in_what_training_programs_write) {
    expect_v(described({{"modelspec.prediction_type", "v"}}), "its metadata's modelspec.prediction_type says so");
    expect_v(described({{"prediction_type", "v_prediction"}, {"zero_terminal_snr", "true"}}),
             "its metadata's prediction_type says so", true);
    expect_v(described({{"ss_v_parameterization", "True"}, {"ss_zero_terminal_snr", "True"}}),
             "its metadata's ss_v_parameterization says so", true);
    EXPECT_EQ(described({{"modelspec.prediction_type", "epsilon"}, {"ss_zero_terminal_snr", "True"}}).zero_terminal_snr,
              false); // what noise alone would not tell
    EXPECT_EQ(described({{"prediction_type", "tea leaves"}}).prediction, prediction::epsilon);
}

TEST_F(finds_prediction, in_tensors_that_are_marks) {
    model.tensors["v_pred"] = {.type = stored_type::f32, .shape = {0}};
    model.tensors["ztsnr"] = {.type = stored_type::f32, .shape = {0}};
    std::string const reason = "it has tensors named v_pred and ztsnr";
    expect_v(described(), reason, true);
    expect_v(described({{"modelspec.prediction_type", "epsilon"}}), reason, true); // merges keep what was written once
    // A UNet alone, without its prefix: the marks are none of its tensors.
    checkpoint unet;
    for (auto const& [name, tensor] : model.tensors)
        if (name.starts_with(unet_prefix)) unet.tensors[name.substr(unet_prefix.size())] = tensor;
    unet.tensors["v_pred"] = unet.tensors["ztsnr"] = model.tensors["v_pred"];
    model = unet;
    auto const m = described();
    expect_v(m, reason, true);
    EXPECT_EQ(m.missing, (std::vector<std::string>{"text encoder", "VAE"})) << m.reason;
}

} // namespace
