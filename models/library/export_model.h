// One of our own models as an ordinary file, for other programs.
#pragma once

#include <filesystem>
#include <string>

namespace sfumato {

/// Writes `model` ("sfumato:NAME") as safetensors, in the names that its family's files have, its vocabulary whole,
/// blocks of numbers as halves. Throws error: no such model, or the file cannot be written.
void export_model(std::string const& model, std::filesystem::path const& to);

} // namespace sfumato
