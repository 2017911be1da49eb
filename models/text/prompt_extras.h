// What prompts written for A1111 or ComfyUI contain and we do not do yet. Drawn as words it would put names of files
// into the picture, so it is taken out as far as those programs take it out themselves, and told of:
//   <lora:NAME:0.8>, <hypernet:…>   nothing is left; take_loras() comes before
//   embedding:NAME                  nothing is left, unless it is a learnt word (learnt_words.h)
//   [cat:dog:0.5], [dog:0.5]        what the first step has: "cat", ""
//   [cat|dog]                       the same: "cat"
//   a cat AND a dog :1.2            two chunks, as with BREAK, both of weight 1
#pragma once

#include "models/text/learnt_words.h"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sfumato {

/// <lora:NAME:0.8>, or <lyco:…>, as A1111 reads it: the weight of both, or the text encoders' and behind it the
/// denoiser's, in that order or as te=0.5, unet=1.
struct prompt_lora {
    std::string name;
    double text_weight = 1, weight = 1;
    bool operator==(prompt_lora const&) const = default;
};
/// Takes them out of a prompt, of which the rest stays as it is. Throws error where a weight is no number.
std::vector<prompt_lora> take_loras(std::string& prompt);

struct drawn_prompt {
    std::string text;
    std::vector<std::string> warnings; // a sentence a kind
};
/// Learnt words stay as they are.
drawn_prompt without_extras(std::string_view prompt, std::span<learnt_word const> learnt = {});

} // namespace sfumato
