// llama.cpp's names of T5's encoder, as GGUF files have them → transformers', without the prefix.
#pragma once

#include <string>
#include <string_view>

namespace sfumato {

/// The name itself where it is none of llama.cpp's.
std::string transformers_t5_name(std::string_view name);

} // namespace sfumato
