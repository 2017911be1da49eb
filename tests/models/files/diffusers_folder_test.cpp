// The folder layout gives the same tensors as the single file: whole, in pieces, as .bin, each network alone.
#include "models/files/diffusers_folder.h"
#include "models/library/open_checkpoint.h"

#include "models/files/safetensors_write.h"
#include "models/library/family.h"
#include "models/library/joined.h"
#include "tests/models/files/diffusers_layout.h"
#include "tests/models/files/torch_file.h"

using namespace sfumato;

namespace {

// The single file's tensors, less what diffusers leaves out.
checkpoint expected(std::string const& model) {
    checkpoint c = open_checkpoint("procedural:" + model);
    if (model == "sd2-tiny")
        std::erase_if(c.tensors, [](auto const& t) {
            return t.first.find("text_model.encoder.layers.2.") != t.first.npos ||
                   t.first.ends_with("text_projection.weight");
        });
    return c;
}

std::string told(std::string const& path) {
    return error_of([&] { open_checkpoint(path); });
}

TEST(diffusers_folder, is_the_same_model) {
    for (std::string const model : {"sd1-inpaint-tiny", "sd2-tiny"}) {
        scratch_folder const folder;
        write_diffusers_folder(folder, model);
        checkpoint const c = open_checkpoint(folder.path);
        EXPECT_EQ(c.format, "diffusers folder");
        expect_equal(c, expected(model));
        auto const m = require_model(c), single = require_model(open_checkpoint("procedural:" + model));
        EXPECT_EQ(m.family, single.family);
        EXPECT_EQ(m.unet, single.unet);
        EXPECT_EQ(m.vae, single.vae);
        EXPECT_EQ(m.prediction, prediction::v);
        EXPECT_EQ(m.prediction_reason, "its scheduler_config.json says so");
        EXPECT_EQ(m.texts.front().layers_used, single.texts.front().layers_used);
    }
}

// T5 is most of what would have to be fetched, and may be missing; one of two CLIPs is told as missing.
TEST(diffusers_folder, text_encoders_that_are_not_there) {
    scratch_folder const third;
    write_diffusers_folder(third, "sd3-tiny");
    std::filesystem::remove(third / weights_name("text_encoder_3"));
    auto const m = require_model(open_checkpoint(third.path));
    EXPECT_EQ(m.texts.size(), 2u);
    EXPECT_FALSE(m.t5);
    scratch_folder const xl;
    write_diffusers_folder(xl, "sdxl-tiny");
    std::filesystem::remove_all(xl / "text_encoder_2");
    EXPECT_EQ(describe_model(open_checkpoint(xl.path)).missing, std::vector<std::string>{"text encoder"});
    auto const joined =
        open_joined(xl.path, {.text_encoder = "procedural:sdxl-tiny"}); // both, of which one was missing
    EXPECT_TRUE(describe_model(joined).supported) << describe_model(joined).reason;
}

TEST(diffusers_folder, networks_alone) {
    scratch_folder const folder;
    write_diffusers_folder(folder, "sd2-tiny");
    EXPECT_EQ(describe_model(open_checkpoint(folder / "vae")).family, "VAE");
    EXPECT_EQ(describe_model(open_checkpoint(folder / "unet")).unet, describe_model(expected("sd2-tiny")).unet);
    auto const text = require_model(open_checkpoint(folder / "text_encoder"));
    EXPECT_EQ(text.family, "OpenCLIP text encoder");
    EXPECT_EQ(text.texts.front().layers_used, 2);
    // As files without their config: names and shapes alone.
    EXPECT_EQ(describe_model(open_checkpoint(folder / weights_name("vae"))).family, "VAE");
}

// Cuts a weights file in two with an index.
void split(scratch_folder const& folder, std::string const& part, std::string const& model) {
    checkpoint const all = diffusers_part(model, part);
    checkpoint pieces[2];
    nlohmann::json map;
    std::size_t i = 0;
    for (auto const& [name, tensor] : all.tensors) {
        std::size_t const piece = i++ % 2;
        pieces[piece].tensors[name] = tensor;
        map[name] = std::format("piece-{}.safetensors", piece);
    }
    for (std::size_t piece : {0, 1})
        write_safetensors(folder / (part + std::format("/piece-{}.safetensors", piece)), pieces[piece].tensors);
    folder.put(weights_name(part) + ".index.json", nlohmann::json{{"weight_map", map}}.dump());
    std::filesystem::remove(folder / weights_name(part));
}

TEST(diffusers_folder, weights_in_pieces_and_variants) {
    scratch_folder const folder;
    std::string const model = "sd1-inpaint-tiny";
    write_diffusers_folder(folder, model);
    split(folder, "unet", model);
    std::filesystem::rename(folder / "vae/diffusion_pytorch_model.safetensors",
                            folder / "vae/diffusion_pytorch_model.fp16.safetensors");
    expect_equal(open_checkpoint(folder.path), expected(model));

    std::filesystem::remove(folder / "unet/piece-1.safetensors");
    EXPECT_NE(told(folder.path).find("piece-1.safetensors' cannot be opened"), std::string::npos);
}

TEST(diffusers_folder, an_index_names_only_files_beside_it) {
    scratch_folder const folder;
    write_diffusers_folder(folder, "sd1-inpaint-tiny");
    std::filesystem::remove(folder / weights_name("unet"));
    for (std::string const name : {"../vae/diffusion_pytorch_model.safetensors", "/etc/passwd", "..", "", "a/b"}) {
        folder.put(weights_name("unet") + ".index.json", nlohmann::json{{"weight_map", {{"x", name}}}}.dump());
        EXPECT_NE(told(folder.path).find("which is not one beside it"), std::string::npos) << name;
    }
    for (std::string const index : {"{}", R"({"weight_map": 3})", R"({"weight_map": {}})"}) {
        folder.put(weights_name("unet") + ".index.json", index);
        EXPECT_NE(told(folder.path).find("names no files"), std::string::npos) << index;
    }
    folder.put(weights_name("unet") + ".index.json", "[");
    EXPECT_NE(told(folder.path).find("is not valid JSON"), std::string::npos);
}

TEST(diffusers_folder, weights_as_bin) {
    scratch_folder const folder;
    write_diffusers_folder(folder, "sd1-inpaint-tiny");
    std::filesystem::remove(folder / weights_name("vae"));
    pickle_writer p;
    p.begin_dict();
    p.text("decoder.conv_in.weight");
    p.tensor("HalfStorage", "0", 2, 0, {2}, {1});
    p.end_dict();
    p.stop();
    folder.put("vae/diffusion_pytorch_model.bin", torch_file(p.bytes, {{"0", "abcd"}}));
    EXPECT_EQ(show_shape(open_checkpoint(folder.path).at("first_stage_model.decoder.conv_in.weight")), "f16 [2]");
}

// Configs are written by Python, which has numbers that JSON has not.
TEST(diffusers_folder, configs_as_python_writes_them) {
    scratch_folder const folder;
    write_diffusers_folder(folder, "sd1-inpaint-tiny");
    folder.put("scheduler/scheduler_config.json",
               R"({"a": Infinity, "b": [-Infinity, NaN], "c": "NaN \" NaN", "prediction_type": "epsilon"})");
    EXPECT_EQ(
        open_checkpoint(folder.path).metadata["diffusers"]["scheduler"],
        nlohmann::json::parse(R"({"a": null, "b": [null, null], "c": "NaN \" NaN", "prediction_type": "epsilon"})"));
    folder.put("scheduler/scheduler_config.json", std::string(5'000'000, 'N')); // not for long, either
    EXPECT_NE(told(folder.path).find("is not valid JSON"), std::string::npos);
    folder.put("scheduler/scheduler_config.json", "\"\\");
    EXPECT_NE(told(folder.path).find("is not valid JSON"), std::string::npos);
}

TEST(diffusers_folder, what_is_missing_is_told) {
    scratch_folder const folder;
    for (char const* config : {"{", "[1]", R"({"_class_name": "BertModel"})", R"({"samples_save": true})"}) {
        EXPECT_NE(told(folder.path).find("not a model of diffusers"), std::string::npos);
        folder.put("config.json", config); // other programs have one, too
    }
    folder.put("model_index.json", "{}");
    EXPECT_NE(told(folder.path).find("holds no network that is known here"), std::string::npos);
    folder.put("unet/config.json", R"({"_class_name": "UNet2DConditionModel"})");
    EXPECT_NE(told(folder.path).find("unet' holds no weights"), std::string::npos);
}

} // namespace
