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
    auto const all = open_with_vae("procedural:sd1-inpaint-tiny", vae);
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
    auto const all = open_with_vae(model, "procedural:sd1-tiny");
    EXPECT_TRUE(describe_model(all).vae);
    EXPECT_EQ(all.tensors.size(), open_checkpoint("procedural:sd1-tiny").tensors.size());
}

TEST_F(joined, what_is_no_whole_vae_is_refused) {
    auto const message = [&](std::string const& vae) {
        return error_of([&] { open_with_vae("procedural:sd1-tiny", vae); });
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

} // namespace
