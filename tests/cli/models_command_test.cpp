// `sfumato models`: what people and scripts see of the models on a machine.
#include "models/files/safetensors_write.h"
#include "models/library/open_checkpoint.h"
#include "models/library/procedural.h"
#include "tests/cli/command.h"

using namespace sfumato;
using nlohmann::json;

namespace {

struct models_command : testing::Test {
    scratch_folder folder, output;
    std::string const model = folder / "a model.safetensors";

    models_command() {
        auto const made = procedural_checkpoint("sd1-inpaint-tiny");
        write_safetensors(model, made.tensors, made.metadata);
        folder.put("loras/cut.safetensors", "\xff");
        auto const upscaler = procedural_checkpoint("srvgg-x4-tiny");
        folder.put("upscale/x4.safetensors", "");
        write_safetensors(folder / "upscale/x4.safetensors", upscaler.tensors);
    }

    ended run(std::vector<std::string> arguments) const {
        arguments.insert(arguments.begin(), {FAKE_SFUMATO, "models"});
        return run_to_end(arguments, output.path);
    }
};

// Without the lines on models that are part of the program, of which there may be more.
std::string without_built_in(std::string const& out) {
    std::istringstream lines(out);
    std::string line, rest;
    int built_in = 0;
    while (std::getline(lines, line))
        if (line.starts_with("sfumato:"))
            std::getline(lines, line), ++built_in;
        else
            rest += line + "\n";
    auto const counts = std::format("{} models, {} of them usable", built_in + 3, built_in + 2);
    EXPECT_NE(rest.find(counts), rest.npos) << out;
    return rest.substr(0, rest.rfind('\n', rest.size() - 2) + 1) + "3 models, 2 of them usable\n";
}

TEST_F(models_command, scan) {
    auto const e = run({"scan", folder.path});
    EXPECT_EQ(e.code, 0) << e.err;
    std::string const bytes = std::format("{:.1f} MB", double(std::filesystem::file_size(model)) / 1e6);
    EXPECT_EQ(
        without_built_in(e.out),
        model + "\n    Stable Diffusion 1.x inpainting, " + bytes +
            ", safetensors: the UNet takes 9 channels and a text of width 32, its projections are convolutions\n" +
            (folder / "loras/cut.safetensors") + "\n    '" + (folder / "loras/cut.safetensors") +
            "' is cut off within its header; get the file again.\n" + (folder / "upscale/x4.safetensors") +
            "\n    upscaler (SRVGG ×4), 34.8 kB, safetensors: 6 convolutions of 16 channels\n"
            "3 models, 2 of them usable\n");
}

TEST_F(models_command, scan_without_a_folder) {
    auto const scan_from = [&](std::string const& home) {
        auto const e = run_to_end({"/usr/bin/env", "-u", "XDG_DATA_HOME", "-u", "SFUMATO_MODELS", "HOME=" + home,
                                   FAKE_SFUMATO, "models", "scan"},
                                  output.path);
        EXPECT_EQ(e.code, 0) << e.err;
        return e.out;
    };
    std::string const nothing = scan_from(output.path), advice = "name the folder of yours: sfumato models scan DIR\n";
    EXPECT_TRUE(nothing.starts_with("sfumato:upscale-x2\n    upscaler (SRVGG ×2), ")) << nothing;
    EXPECT_NE(nothing.find(", built in: "), nothing.npos) << nothing;
    EXPECT_TRUE(nothing.ends_with(advice)) << nothing;
    std::filesystem::create_directories(folder.path / "ComfyUI");
    std::filesystem::rename(folder.path / "upscale", folder.path / "ComfyUI/models");
    std::string const found = scan_from(folder.path);
    EXPECT_TRUE(found.starts_with((folder / "ComfyUI/models/x4.safetensors") + "\n    upscaler (SRVGG ×4), ")) << found;
    EXPECT_FALSE(found.ends_with(advice)) << found;
    EXPECT_EQ(json_lines(run({"info", "sfumato:upscale-x2", "--json"}).out)[0]["factor"], 2);
}

// What other programs open, and what comes of it here is the same.
TEST_F(models_command, ours_becomes_an_ordinary_file) {
    std::string const file = folder / "draw.safetensors";
    auto const e = run({"export", "sfumato:draw", "-o", file});
    EXPECT_EQ(e.code, 0) << e.err;
    EXPECT_EQ(e.out, file + ": sfumato:draw as safetensors\n");
    checkpoint const all = open_checkpoint(file);
    EXPECT_EQ(all.at("cond_stage_model.transformer.text_model.embeddings.token_embedding.weight").shape[0], 49408);
    EXPECT_EQ(all.at("model.diffusion_model.out.2.weight").type, stored_type::f16);
    EXPECT_EQ(all.metadata["modelspec.prediction_type"], "v");
    std::string const told = run({"info", file}).out, ours = run({"info", "sfumato:draw"}).out;
    EXPECT_EQ(told.substr(told.find('\n')), ours.substr(ours.find('\n')));
    EXPECT_TRUE(
        mentions(run({"export", file, "-o", folder / "x.safetensors"}).err, "is not one of Sfumato's own models"));
    EXPECT_EQ(run({"export", "sfumato:draw"}).code, 2);
}

TEST_F(models_command, scan_for_scripts) {
    auto const e = run({"scan", "--json", folder.path, folder / "upscale"});
    EXPECT_EQ(e.code, 0) << e.err;
    auto all = json_lines(e.out);
    std::erase_if(all, [](json const& m) { return m["path"].get<std::string>().starts_with("sfumato:"); });
    ASSERT_EQ(all.size(), 3u); // the one in both folders once
    EXPECT_EQ(all[0]["path"], model);
    EXPECT_EQ(all[0]["family"], "Stable Diffusion 1.x inpainting");
    EXPECT_EQ(all[0]["supported"], true);
    EXPECT_EQ(all[0]["bytes"], std::filesystem::file_size(model));
    EXPECT_EQ(all[0]["in_channels"], 9);
    EXPECT_EQ(all[0]["prediction"], "epsilon");
    EXPECT_TRUE(all[1].contains("error"));
    EXPECT_EQ(all[2]["supported"], true);
    EXPECT_EQ(all[2]["scale"], 4);
    EXPECT_EQ(all[2]["factor"], 4);
}

// What lacks a part is told apart from what can be used, and where the part could come from is said.
TEST_F(models_command, halves) {
    scratch_folder parts;
    checkpoint const whole = procedural_checkpoint("sd1-tiny");
    auto const put = [&](std::string const& name, std::string const& without, std::string const& prefix = "") {
        checkpoint part;
        for (auto const& [tensor, value] : whole.tensors)
            if (tensor.starts_with(prefix) && !tensor.starts_with(without))
                part.tensors[tensor.substr(prefix.size())] = value;
        write_safetensors(parts / name, part.tensors, whole.metadata);
        return parts / name;
    };
    std::string const no_text = put("no-text.safetensors", "cond_stage_model."),
                      no_vae = put("no-vae.safetensors", "first_stage_model."),
                      unet = put("unet-only-comfy.safetensors", "-", "model.");
    auto const e = run({"scan", parts.path});
    EXPECT_EQ(e.code, 0) << e.err;
    for (std::string const& said :
         {std::string("safetensors: a half of a model, which has no text encoder; they are taken from other files with "
                      "--text-encoder FILE, for example from a whole model of Stable Diffusion 1.x\n"),
          std::string("has no text encoder and no VAE; they are taken from other files with --text-encoder FILE and "
                      "--vae FILE, "),
          no_text + ": it can take the text encoder in " + no_vae + "\n",
          no_vae + ": it can take the VAE in " + no_text + "\n",
          unet + ": it can take the text encoder in " + no_vae + "\n",
          std::string("6 models, 3 of them usable, 3 halves of models\n")})
        EXPECT_NE(e.out.find(said), e.out.npos) << said << "\n" << e.out;

    auto all = json_lines(run({"scan", "--json", parts.path}).out);
    ASSERT_EQ(all.size(), 6u);
    for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(all[i]["supported"], false);
    EXPECT_EQ(all[0]["missing"], json::array({"text encoder"}));
    EXPECT_EQ(all[1]["missing"], json::array({"VAE"}));
    EXPECT_EQ(all[2]["missing"], json::array({"text encoder", "VAE"}));
    EXPECT_FALSE(all[3].contains("missing"));
    EXPECT_NE(run({"info", unet}).out.find("a half of a model"), std::string::npos);
}

TEST_F(models_command, info) {
    auto const e = run({"info", "procedural:sd21"});
    EXPECT_EQ(e.code, 0) << e.err;
    EXPECT_EQ(e.out,
              "Stable Diffusion 2.x, 2.61 GB, procedural: the UNet takes 4 channels and a text of width 1024, its "
              "projections are linear\n"
              "  UNet          4 → 4 channels; 320 × (1, 2, 4, 4); attention (1, 1, 1, 0), middle 1; context 1024; "
              "heads of 64; predicts v (its config says so); 768² pixels\n"
              "  text encoder  24 layers, 23 of them used; width 1024, 16 heads; 77 tokens of 49408\n"
              "  VAE           128 × (1, 2, 4, 4); latent of 4 channels, scale 0.18215\n");
    EXPECT_EQ(json_lines(run({"info", model, "--json"}).out)[0]["format"], "safetensors");
}

TEST_F(models_command, what_is_wrong_is_said) {
    struct {
        std::vector<std::string> arguments;
        int code;
        std::string says;
    } const cases[] = {
        {{"info", folder / "loras/cut.safetensors"}, 1, "is cut off within its header"},
        {{"info", folder / "missing.ckpt"}, 1, "No such file or directory"},
        {{"info", "procedural:sd9"}, 1, "there are: sd15"},
        {{"info", folder.path}, 1, "not a model of diffusers"},
        {{"scan", folder / "missing"}, 1, "is not a folder"},
        {{"info"}, 2, "takes one file"},
        {{"info", "sfumato:nothing"}, 1, "has no model 'nothing' of its own; it has upscale-x2"},
        {{"list"}, 2, "knows no \"list\""},
        {{}, 2, "needs scan, info or export"},
    };
    for (auto const& c : cases) {
        auto const e = run(c.arguments);
        EXPECT_EQ(e.code, c.code) << c.says;
        EXPECT_NE(e.err.find(c.says), e.err.npos) << e.err;
        EXPECT_EQ(std::ranges::count(e.err, '\n'), 1) << e.err;
        EXPECT_EQ(e.out, "");
    }
}

} // namespace
