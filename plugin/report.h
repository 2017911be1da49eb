// What a report of a fault needs to say.
#pragma once

#include <string>
#include <string_view>

namespace sfumato {

/// Versions, the machine, `message` and the engine's last lines, in English; nobody's prompts.
std::string make_report(std::string_view message);

/// The text with "…" for what stands in it as "prompt" or "negative_prompt" of a request.
std::string without_prompts(std::string_view text);

} // namespace sfumato
