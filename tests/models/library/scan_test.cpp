// Trees as other programs have them; links in circles, files that are none.
#include "models/library/open_checkpoint.h"
#include "models/library/scan.h"

#include "models/files/safetensors_write.h"
#include "tests/models/files/diffusers_layout.h"
#include "tests/models/files/ncnn_file.h"
#include "tests/models/files/torch_file.h"

#include <sys/stat.h>

using namespace sfumato;

namespace {

// path: family or error, one a line, below the folder.
std::string scanned(scratch_folder const& folder) {
    std::string text;
    scan_models({folder.path}, [&](found_model const& m) {
        text += m.path.lexically_relative(folder.path).string() + ": " +
                (m.error.empty() ? m.is.family + (m.is.supported ? "" : " (not usable)") : "damaged") + "\n";
    });
    return text;
}

void put_model(scratch_folder const& folder, std::string const& name, std::string const& model) {
    folder.put(name, "");
    write_safetensors(folder / name, procedural_checkpoint(model).tensors);
}

TEST(scan, a_tree_of_many_programs) {
    scratch_folder const folder;
    put_model(folder, "A1111/models/Stable-diffusion/sub/in paint.safetensors", "sd1-inpaint-tiny");
    folder.put("A1111/models/Stable-diffusion/cut.SafeTensors", "\xff\xff");
    folder.put("A1111/models/Stable-diffusion/notes.txt", "no model");
    folder.put("A1111/config.json", R"({"samples_save": true})");
    folder.put("A1111/.git/hidden.safetensors", "x");
    put_model(folder, "ComfyUI/models/vae_approx/taesd.safetensors", "taesd-tiny");
    put_model(folder, "ComfyUI/models/upscale_models/x4.safetensors", "rrdbnet-x4-tiny");
    folder.put("ComfyUI/models/loras/a.ckpt", "PK");
    for (std::string const part : {"unet", "vae"}) {
        folder.put("hub/snapshot/" + part + "/config.json",
                   golden("diffusers_configs.json")["sd1-inpaint-tiny"][part].dump());
        write_safetensors(folder / ("hub/snapshot/" + part + "/diffusion_pytorch_model.safetensors"),
                          diffusers_part("sd1-inpaint-tiny", part).tensors);
    }
    folder.put("hub/snapshot/model_index.json", "{}");
    EXPECT_EQ(scanned(folder),
              "A1111/models/Stable-diffusion/cut.SafeTensors: damaged\n"
              "A1111/models/Stable-diffusion/sub/in paint.safetensors: Stable Diffusion 1.x inpainting\n"
              "ComfyUI/models/loras/a.ckpt: damaged\n"
              "ComfyUI/models/upscale_models/x4.safetensors: upscaler (RRDBNet ×4)\n"
              "ComfyUI/models/vae_approx/taesd.safetensors: TAESD\n"
              "hub/snapshot: Stable Diffusion 1.x inpainting (not usable)\n"); // it has no text encoder
}

TEST(scan, upscalers_of_many_programs) {
    scratch_folder const folder;
    checkpoint const srvgg = procedural_checkpoint("srvgg-x4-tiny");
    auto const [param, bin] = ncnn_files_of(srvgg_config{4, 16, 4}, srvgg, ncnn_manner::fused);
    folder.put("A1111/models/ESRGAN/old.pth", old_torch_file_of({{"params", &srvgg}}));
    folder.put("A1111/models/RealESRGAN/new.pth", torch_file_of({{"params_ema", &srvgg}}));
    put_model(folder, "ComfyUI/models/upscale_models/x1.safetensors", "rrdbnet-x1-tiny");
    folder.put("Upscayl/models/a.bin", bin);
    folder.put("Upscayl/models/a.param", param);
    folder.put("Upscayl/models/alone.param", param);
    folder.put("Upscayl/models/other.param", "7767517\n1 1\nMemoryData m 0 1 a\n");
    folder.put("Upscayl/models/other.bin", "x");
    EXPECT_EQ(scanned(folder), "A1111/models/ESRGAN/old.pth: upscaler (SRVGG ×4)\n"
                               "A1111/models/RealESRGAN/new.pth: upscaler (SRVGG ×4)\n"
                               "ComfyUI/models/upscale_models/x1.safetensors: upscaler (RRDBNet ×1)\n"
                               "Upscayl/models/a.param: upscaler (SRVGG ×4)\n"
                               "Upscayl/models/alone.param: damaged\n"
                               "Upscayl/models/other.param: damaged\n");
    EXPECT_EQ(look_at_model(folder / "Upscayl/models/a.bin").bytes, param.size() + bin.size());
}

TEST(scan, what_comes_with_the_program) {
    std::string names;
    scan_built_in_models([&](found_model const& m) {
        if (m.path == "sfumato:draw") { // lies beside the executable, not beside this one
            EXPECT_TRUE(m.error.starts_with("Sfumato's own model 'sfumato:draw' is missing: it should lie at /"))
                << m.error;
            return;
        }
        EXPECT_EQ(m.error, "");
        EXPECT_TRUE(m.is.supported) << m.is.reason;
        EXPECT_EQ(m.format, "built in");
        names += m.path.string() + " " + m.is.family + "\n";
    });
    EXPECT_EQ(names, "sfumato:upscale-x2 upscaler (SRVGG ×2)\nsfumato:upscale-x4 upscaler (SRVGG ×4)\n");
    EXPECT_EQ(error_of([] { open_checkpoint("sfumato:x"); }),
              "Sfumato has no model 'x' of its own; it has upscale-x2, upscale-x4, draw.");
}

TEST(scan, links) {
    scratch_folder const folder, elsewhere;
    put_model(elsewhere, "models/vae.safetensors", "taesd-tiny");
    std::filesystem::create_directory(folder.path / "a");
    std::filesystem::create_directory_symlink("..", folder.path / "a/up");
    std::filesystem::create_directory_symlink(".", folder.path / "a/self");
    std::filesystem::create_directory_symlink(elsewhere.path / "models", folder.path / "b");
    std::filesystem::create_directory_symlink(elsewhere.path / "models", folder.path / "c"); // the same again
    std::filesystem::create_symlink("nowhere", folder.path / "dangling.safetensors");
    std::filesystem::create_symlink(elsewhere.path / "models/vae.safetensors", folder.path / "d.safetensors");
    EXPECT_EQ(scanned(folder), "b/vae.safetensors: TAESD\nd.safetensors: TAESD\n");
}

TEST(scan, what_is_no_file_is_passed_over) {
    scratch_folder const folder;
    ASSERT_EQ(mkfifo((folder / "pipe.safetensors").c_str(), 0600), 0);
    std::filesystem::create_directory(folder.path / "folder.safetensors");
    std::string deep = folder.path.string();
    for (int i = 0; i < 20; ++i) deep += "/d";
    std::filesystem::create_directories(deep);
    std::ofstream(deep + "/m.ckpt") << "x";
    EXPECT_EQ(scanned(folder), "");
    EXPECT_NE(error_of([&] { scan_models({folder / "missing"}, [](auto const&) {}); }).find("is not a folder"),
              std::string::npos);
}

TEST(scan, nothing_is_changed) {
    scratch_folder const folder;
    put_model(folder, "m.safetensors", "taesd-tiny");
    auto const before = std::filesystem::last_write_time(folder.path);
    EXPECT_EQ(scanned(folder), "m.safetensors: TAESD\n");
    EXPECT_EQ(std::filesystem::last_write_time(folder.path), before);
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path), {}), 1);
}

TEST(scan, what_is_found_has_its_size_and_format) {
    found_model const m = look_at_model("procedural:sd15");
    EXPECT_EQ(m.bytes, 2u * (859'520'964 + 83'653'863 + 123'060'480));
    EXPECT_EQ(m.format, "procedural");
    scratch_folder const folder;
    put_model(folder, "m.safetensors", "taesd-tiny");
    EXPECT_EQ(look_at_model(folder / "m.safetensors").bytes, std::filesystem::file_size(folder / "m.safetensors"));
}

} // namespace
