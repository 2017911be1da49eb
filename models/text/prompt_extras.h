// What prompts written for A1111 or ComfyUI contain and we do not do yet. Drawn as words it would put names of files
// into the picture, so it is taken out as far as those programs take it out themselves, and told of:
//   <lora:NAME:0.8>, <hypernet:…>   nothing is left
//   embedding:NAME                  nothing is left
//   [cat:dog:0.5], [dog:0.5]        what the first step has: "cat", ""
//   [cat|dog]                       the same: "cat"
//   a cat AND a dog :1.2            two chunks, as with BREAK, both of weight 1
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sfumato {

struct drawn_prompt {
    std::string text;
    std::vector<std::string> warnings; // a sentence a kind
};
drawn_prompt without_extras(std::string_view prompt);

} // namespace sfumato
