// Homes as their owners have them.
#include "models/library/model_folders.h"

#include "tests/scratch_folder.h"

#include <cstdlib>
#include <fstream>
#include <gtest/gtest.h>

using namespace sfumato;

namespace {

struct model_folders_test : testing::Test {
    scratch_folder home;

    model_folders_test() {
        setenv("HOME", home.path.c_str(), 1);
        unsetenv("XDG_DATA_HOME");
        unsetenv("SFUMATO_MODELS");
    }

    void make(std::initializer_list<char const*> folders) const {
        for (char const* folder : folders) std::filesystem::create_directories(home.path / folder);
    }

    // Those below this home: the machine may have programs of its own.
    std::string below(std::vector<std::filesystem::path> const& folders) const {
        std::string text;
        for (auto const& folder : folders)
            if (auto const relative = folder.lexically_relative(home.path).string(); !relative.starts_with(".."))
                text += relative + "\n";
        return text;
    }
};

TEST_F(model_folders_test, a_new_home_has_none) {
    EXPECT_EQ(below(model_folders()), "");
    EXPECT_EQ(below(upscaler_folders()), "");
}

TEST_F(model_folders_test, programs) {
    make({"ComfyUI/models/upscale_models", "ComfyUI/models/checkpoints", "stable-diffusion-webui/models/ESRGAN",
          "stable-diffusion-webui/models/RealESRGAN", "sdnext/models", "elsewhere/models/ESRGAN",
          ".local/share/krita/ai_diffusion/server/ComfyUI/models/upscale_models", ".cache/torch/hub/checkpoints",
          ".local/share/flatpak/app/org.upscayl.Upscayl/current/active/files/upscayl/resources/models"});
    EXPECT_EQ(below(model_folders()),
              "ComfyUI/models\nstable-diffusion-webui/models\nsdnext/models\n"
              ".local/share/krita/ai_diffusion/server/ComfyUI/models\n.cache/torch/hub/checkpoints\n"
              ".local/share/flatpak/app/org.upscayl.Upscayl/current/active/files/upscayl/resources/models\n");
    EXPECT_EQ(below(upscaler_folders()),
              "ComfyUI/models/upscale_models\nstable-diffusion-webui/models/ESRGAN\n"
              "stable-diffusion-webui/models/RealESRGAN\n"
              ".local/share/krita/ai_diffusion/server/ComfyUI/models/upscale_models\n"
              ".local/share/flatpak/app/org.upscayl.Upscayl/current/active/files/upscayl/resources/models\n");
}

TEST_F(model_folders_test, the_users_own_come_first) {
    make({"a b", "c", "ComfyUI/models/upscale_models", ".local/share/sfumato/models", "data/sfumato/models"});
    setenv("SFUMATO_MODELS", (":" + (home / "c") + "::" + (home / "missing") + ":" + (home / "a b")).c_str(), 1);
    EXPECT_EQ(below(model_folders()), "c\na b\n.local/share/sfumato/models\nComfyUI/models\n");
    setenv("XDG_DATA_HOME", (home / "data").c_str(), 1);
    EXPECT_EQ(below(upscaler_folders()), "c\na b\ndata/sfumato/models\nComfyUI/models/upscale_models\n");
}

TEST_F(model_folders_test, loras_by_their_names) {
    make({"ComfyUI/models/loras/style", "stable-diffusion-webui/models/Lora", "ComfyUI/models/checkpoints",
          ".local/share/sfumato/models"});
    for (char const* file :
         {"ComfyUI/models/loras/style/ink.safetensors", "ComfyUI/models/loras/detail v1.2.safetensors",
          "stable-diffusion-webui/models/Lora/ink.pt", "stable-diffusion-webui/models/Lora/ink.txt",
          "ComfyUI/models/checkpoints/ink.safetensors", ".local/share/sfumato/models/own.safetensors"})
        std::ofstream(home.path / file) << "x";
    EXPECT_EQ(below(lora_folders()),
              ".local/share/sfumato/models\nComfyUI/models/loras\nstable-diffusion-webui/models/Lora\n");
    EXPECT_EQ(below(find_loras("ink")),
              "ComfyUI/models/loras/style/ink.safetensors\nstable-diffusion-webui/models/Lora/ink.pt\n");
    EXPECT_EQ(below(find_loras("style/ink")), "ComfyUI/models/loras/style/ink.safetensors\n");
    EXPECT_EQ(below(find_loras("detail v1.2")), "ComfyUI/models/loras/detail v1.2.safetensors\n");
    EXPECT_EQ(below(find_loras("own")), ".local/share/sfumato/models/own.safetensors\n");
    EXPECT_EQ(below(find_loras("detail v1")) + below(find_loras("")) + below(find_loras("..")), "");
}

TEST_F(model_folders_test, without_a_home) {
    unsetenv("HOME");
    std::filesystem::current_path(home.path);
    make({".local/share/sfumato/models"});
    for (auto const& folder : model_folders()) EXPECT_TRUE(folder.is_absolute()) << folder;
}

} // namespace
