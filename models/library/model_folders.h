// Where models lie on this machine: the user's own folders, and those of programs that people have.
#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

namespace sfumato {

/// The folders that are there, the user's first: those named in SFUMATO_MODELS (with colons between), Sfumato's own
/// (~/.local/share/sfumato/models), and where ComfyUI, A1111's web UI and Forge, SD.Next, SwarmUI, Krita's AI
/// Diffusion, IOPaint and Upscayl keep theirs unless they are told otherwise.
std::vector<std::filesystem::path> model_folders();

/// Of these, and of the folders in them, those that are for upscalers; the user's may hold anything.
std::vector<std::filesystem::path> upscaler_folders();

/// The same for LoRAs.
std::vector<std::filesystem::path> lora_folders();

/// A folder with words that were taught to text encoders.
struct embedding_folder {
    std::filesystem::path path;
    bool names_are_words = false; // as A1111's programs read prompts; ComfyUI's know them by embedding:NAME alone
};
std::vector<embedding_folder> embedding_folders();

/// The files in the folders of LoRAs that are called NAME: without their ending, from their folder on or by the last
/// name alone.
std::vector<std::filesystem::path> find_loras(std::string_view name);

} // namespace sfumato
