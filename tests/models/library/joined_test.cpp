// Models whose networks lie in several files.
#include "models/library/joined.h"
#include "models/library/open_checkpoint.h"

#include "models/files/safetensors_write.h"
#include "models/library/family.h"
#include "models/library/procedural.h"
#include "tests/models/files/scratch.h"

using namespace sfumato;

namespace {

struct joined : testing::Test {
    scratch_folder folder;

    // The tensors of a procedural model that begin with `prefix`, as a file without it.
    std::string put(std::string const& name, std::string const& model, std::string const& prefix,
                    std::string const& without = "-") const {
        auto const all = procedural_checkpoint(model);
        decltype(all.tensors) part;
        for (auto const& [tensor, value] : all.tensors)
            if (tensor.starts_with(prefix) && !tensor.starts_with(without)) part[tensor.substr(prefix.size())] = value;
        write_safetensors(folder / name, part);
        return folder / name;
    }
};

std::vector<std::byte> bytes_of(checkpoint const& c, std::string_view name) {
    std::vector<std::byte> scratch;
    auto const bytes = c.at(name).read(scratch);
    return {bytes.begin(), bytes.end()};
}

constexpr std::string_view of_vae = "first_stage_model.decoder.conv_in.weight",
                           of_unet = "model.diffusion_model.out.2.weight";
std::string const in_vae(vae_prefix);

TEST_F(joined, a_vae_of_its_own_takes_the_place_of_the_models) {
    auto const model = procedural_checkpoint("sd1-inpaint-tiny"), other = procedural_checkpoint("sd2-tiny");
    std::string const vae = put("vae.safetensors", "sd2-tiny", in_vae);
    auto const all = open_joined("procedural:sd1-inpaint-tiny", {.vae = vae});
    EXPECT_EQ(bytes_of(all, of_vae), bytes_of(other, of_vae));
    EXPECT_NE(bytes_of(all, of_vae), bytes_of(model, of_vae));
    EXPECT_EQ(bytes_of(all, of_unet), bytes_of(model, of_unet));
    EXPECT_EQ(all.source, "procedural:sd1-inpaint-tiny");
    EXPECT_EQ(all.files.size(), 1u);
    EXPECT_TRUE(describe_model(all).supported);
}

TEST_F(joined, a_model_without_a_vae_gets_one_from_another_model) {
    std::string const model = put("model.safetensors", "sd1-tiny", "", in_vae);
    EXPECT_FALSE(describe_model(open_checkpoint(model)).vae);
    auto const all = open_joined(model, {.vae = "procedural:sd1-tiny"});
    EXPECT_TRUE(describe_model(all).vae);
    EXPECT_EQ(all.tensors.size(), open_checkpoint("procedural:sd1-tiny").tensors.size());
}

TEST_F(joined, what_is_no_whole_vae_is_refused) {
    auto const message = [&](std::string const& vae) {
        return error_of([&] { open_joined("procedural:sd1-tiny", {.vae = vae}); });
    };
    std::string const unet = put("unet.safetensors", "sd1-tiny", "model.diffusion_model."),
                      cut = put("cut.safetensors", "sd1-tiny", in_vae, in_vae + "decoder.mid");
    EXPECT_EQ(message(unet), "'" + unet + "' holds no VAE, but this: Stable Diffusion 1.x.");
    EXPECT_EQ(message(cut), "The VAE in '" + cut +
                                "' cannot be used: tensor \"first_stage_model.decoder.mid.attn_1.k.bias\" is missing.");
    EXPECT_NE(message(folder / "absent.safetensors").find("absent.safetensors"), std::string::npos);
    folder.put("text.safetensors", "no model");
    EXPECT_NE(message(folder / "text.safetensors"), "");
}

// The wrong colours of another family's VAE must not be called a picture.
TEST_F(joined, a_vae_of_another_family_is_refused) {
    auto const message = [&](std::string const& vae) {
        return error_of([&] { open_joined("procedural:sd1-tiny", {.vae = vae}); });
    };
    auto const alone = [&](std::string const& name, std::string const& model, nlohmann::json const& metadata) {
        write_safetensors(folder / name, open_checkpoint(put("silent.safetensors", model, in_vae)).tensors, metadata);
        return folder / name;
    };
    auto const expected = [](std::string const& file, std::string const& is, std::string const& reason) {
        return "The VAE in '" + file + "' is of " + is + " (" + reason +
               "), but 'procedural:sd1-tiny' is Stable Diffusion 1.x: choose a VAE of Stable Diffusion 1 or 2.";
    };
    EXPECT_EQ(message("procedural:sdxl-tiny"),
              expected("procedural:sdxl-tiny", "Stable Diffusion XL", "it is in a model of Stable Diffusion XL"));
    std::string const third = put("sd3.safetensors", "sd3-tiny", in_vae);
    EXPECT_EQ(message(third), expected(third, "Stable Diffusion 3 or FLUX", "its latent has 16 channels"));
    std::string const spec =
        alone("spec.safetensors", "sdxl-tiny", {{"modelspec.architecture", "stable-diffusion-xl-v1-base/vae"}});
    EXPECT_EQ(message(spec), expected(spec, "Stable Diffusion XL",
                                      R"(its metadata's modelspec.architecture is "stable-diffusion-xl-v1-base/vae")"));
    std::string const config =
        alone("config.safetensors", "sdxl-tiny", {{"config", R"({"vae": {"scaling_factor": 0.13025}})"}});
    EXPECT_EQ(message(config), expected(config, "Stable Diffusion XL", "its config's scale is 0.13025"));
    // One that says nothing looks like all of 4 channels, and is said to.
    std::string const silent = put("silent.safetensors", "sdxl-tiny", in_vae);
    EXPECT_EQ(message(silent), "");
    EXPECT_EQ(describe_model(open_checkpoint(silent)).reason,
              "its latent has 4 channels, as those of Stable Diffusion 1, 2 and XL; its file does not say which");
    EXPECT_EQ(message("procedural:sd2-tiny"), "");
}

TEST_F(joined, halves_become_a_model) {
    auto const whole = open_checkpoint("procedural:sd1-tiny");
    std::string const no_text = put("no text.safetensors", "sd1-tiny", "", "cond_stage_model."),
                      unet = put("unet.safetensors", "sd1-tiny", "model."), // as ComfyUI writes it
        text = put("text.safetensors", "sd1-tiny", "cond_stage_model.transformer."),
                      vae = put("vae.safetensors", "sd1-tiny", in_vae);
    for (auto const& all :
         {open_joined(no_text, {.text_encoder = text}), open_joined(no_text, {.text_encoder = "procedural:sd1-tiny"}),
          open_joined(unet, {.vae = vae, .text_encoder = text}),
          open_joined(unet, {.vae = "procedural:sd1-tiny", .text_encoder = "procedural:sd1-tiny"})}) {
        expect_equal(all, whole);
        EXPECT_TRUE(describe_model(all).supported) << describe_model(all).reason;
    }
    // What the shapes of the text encoder do not tell comes with its file.
    EXPECT_EQ(describe_model(open_joined(unet, {.text_encoder = "procedural:sd1-tiny"})).texts.front().heads, 4);
    EXPECT_EQ(describe_model(open_joined(unet, {.text_encoder = text})).texts.front().heads, 1);
}

TEST_F(joined, what_is_no_text_encoder_of_this_family_is_refused) {
    auto const message = [&](std::string const& text) {
        return error_of([&] { open_joined("procedural:sd1-tiny", {.text_encoder = text}); });
    };
    EXPECT_EQ(message("procedural:sd2-tiny"),
              "The text encoder in 'procedural:sd2-tiny' is 64 wide, but 'procedural:sd1-tiny' (Stable Diffusion 1.x) "
              "takes 32: choose one of its family.");
    EXPECT_EQ(message("procedural:taesd-tiny"), "'procedural:taesd-tiny' holds no text encoder, but this: TAESD.");
    std::string const cut = put("cut.safetensors", "sd1-tiny", "cond_stage_model.transformer.",
                                "cond_stage_model.transformer.text_model.final");
    EXPECT_NE(message(cut).find("text_model.final_layer_norm.bias\" is missing"), std::string::npos) << message(cut);
}

TEST_F(joined, who_can_lend_what_a_half_lacks) {
    auto const what = [](std::string const& source) { return describe_model(open_checkpoint(source)); };
    auto const half = what(put("unet.safetensors", "sd1-tiny", "model.diffusion_model."));
    for (auto const& [source, text, vae] :
         {std::tuple("procedural:sd1-tiny", true, true), std::tuple("procedural:sd2-tiny", false, true),
          std::tuple("procedural:sdxl-tiny", false, false), std::tuple("procedural:taesd-tiny", false, false)}) {
        EXPECT_EQ(can_lend(what(source), "text encoder", half), text) << source;
        EXPECT_EQ(can_lend(what(source), "VAE", half), vae) << source;
    }
    EXPECT_FALSE(can_lend(half, "VAE", half));
    EXPECT_TRUE(can_lend(what(put("vae.safetensors", "sd1-tiny", in_vae)), "VAE", half));
}

TEST_F(joined, halves_of_taesd_lie_side_by_side) {
    auto const whole = procedural_checkpoint("taesd-tiny");
    std::string const encoder = put("taesd_encoder.safetensors", "taesd-tiny", "taesd_encoder."),
                      decoder = put("taesd_decoder.safetensors", "taesd-tiny", "taesd_decoder.");
    for (std::string const& half : {encoder, decoder}) {
        auto const all = open_taesd(half);
        EXPECT_EQ(all.tensors.size(), whole.tensors.size());
        for (char const* name : {"taesd_encoder.14.weight", "taesd_decoder.19.weight"})
            EXPECT_EQ(bytes_of(all, name), bytes_of(whole, name));
    }
    std::filesystem::remove(encoder);
    EXPECT_EQ(describe_model(open_taesd(decoder)).taesd->encoder, false);
}

// Of Stable Diffusion 3, each of whose encoders is told by its width; CLIP-L alone comes without its projection.
TEST_F(joined, text_encoders_of_the_third_generation) {
    auto const own = open_checkpoint("procedural:sd3m"), other = open_checkpoint("procedural:sd15"),
               all = open_joined("procedural:sd3m", {.text_encoder = "procedural:sd15"});
    std::string const norm = "text_model.final_layer_norm.weight", clip_l(sd3_clip_l_prefix), clip_g(sd3_clip_g_prefix);
    EXPECT_EQ(bytes_of(all, clip_l + norm), bytes_of(other, std::string(clip_prefix) + norm));
    EXPECT_NE(bytes_of(all, clip_l + norm), bytes_of(own, clip_l + norm));
    EXPECT_EQ(bytes_of(all, clip_g + norm), bytes_of(own, clip_g + norm));
    EXPECT_TRUE(own.find(clip_l + "text_projection.weight"));
    EXPECT_FALSE(all.find(clip_l + "text_projection.weight"));
    EXPECT_TRUE(describe_model(own).supported) << describe_model(own).reason;
    EXPECT_TRUE(describe_model(all).supported) << describe_model(all).reason;
    EXPECT_EQ(describe_model(own).family, "Stable Diffusion 3");
    EXPECT_EQ(describe_model(open_checkpoint("procedural:sd35m")).family, "Stable Diffusion 3.5 medium");
    EXPECT_EQ(describe_model(open_checkpoint("procedural:sd35l")).family, "Stable Diffusion 3.5 large");

    std::string const t5 = put("t5.safetensors", "sd3-tiny", std::string(t5_prefix)),
                      vae = put("vae.safetensors", "sd3-tiny", in_vae);
    EXPECT_EQ(
        error_of([&] { open_joined("procedural:sd3m", {.text_encoder_3 = t5}); }),
        "The T5 text encoder in '" + t5 +
            "' is 128 wide, but 'procedural:sd3m' (Stable Diffusion 3) takes 4096: choose T5 v1.1 XXL's encoder.");
    EXPECT_EQ(describe_model(open_joined("procedural:sd3m", {.text_encoder = "procedural:sd21"})).reason,
              "the CLIP text encoders are 1792 wide together, but the MMDiT takes 2048");
    EXPECT_EQ(error_of([&] { open_joined("procedural:sd1-tiny", {.text_encoder = t5}); }),
              "'" + t5 + "' holds no text encoder of Stable Diffusion 1 or 2, but this: T5 text encoder.");
    // XL has the same two.
    auto const xl = open_joined("procedural:sdxl", {.text_encoder = "procedural:sd3m"});
    EXPECT_EQ(bytes_of(xl, std::string(xl_clip_g_prefix) + norm), bytes_of(own, clip_g + norm));
    EXPECT_EQ(bytes_of(xl, std::string(xl_clip_l_prefix) + norm), bytes_of(own, clip_l + norm));
    EXPECT_TRUE(describe_model(xl).supported) << describe_model(xl).reason;
    EXPECT_EQ(
        error_of([&] { open_joined("procedural:sdxl", {.text_encoder = t5}); }),
        "'" + t5 +
            "' holds a T5 text encoder, which 'procedural:sdxl' (Stable Diffusion XL) does not take: leave it out.");
    auto const half = describe_model(open_checkpoint("procedural:sd35-tiny"));
    EXPECT_EQ(half.missing, (std::vector<std::string>{"text encoder", "VAE"}));
    EXPECT_TRUE(can_lend(describe_model(open_checkpoint(vae)), "VAE", half));
    EXPECT_TRUE(can_lend(describe_model(own), "text encoder", half));
    EXPECT_FALSE(can_lend(describe_model(other), "VAE", half));
}

} // namespace
