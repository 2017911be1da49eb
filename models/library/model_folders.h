// Where models lie on this machine: the user's own folders, and those of programs that people have.
#pragma once

#include <filesystem>
#include <vector>

namespace sfumato {

/// The folders that are there, the user's first: those named in SFUMATO_MODELS (with colons between), Sfumato's own
/// (~/.local/share/sfumato/models), and where ComfyUI, A1111's web UI and Forge, SD.Next, SwarmUI, Krita's AI Diffusion
/// and Upscayl keep theirs unless they are told otherwise.
std::vector<std::filesystem::path> model_folders();

/// Of these, and of the folders in them, those that are for upscalers; the user's may hold anything.
std::vector<std::filesystem::path> upscaler_folders();

} // namespace sfumato
