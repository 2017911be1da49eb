// What the tensors of LoRA files are called. A name is that of a module of the model, in one of many spellings, and
// that of a part: "lora_unet_mid_block_attentions_0_proj_in" + ".lora_up.weight".
//
//   before the module     lora_unet_ lora_te_ lora_te1_ lora_te2_ lora_te3_ (kohya, LyCORIS, OneTrainer) · lycoris_ ·
//                         unet. text_encoder. text_encoder_2. text_encoder_3. transformer. (diffusers) ·
//                         base_model.model. (PEFT) · diffusion_model. text_encoders. (ComfyUI) · nothing
//   the module            the model's own names or diffusers', with dots or "_"; text encoders as in transformers
//   the part              see lora_part
#pragma once

#include "models/files/checkpoint.h"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sfumato {

/// What a tensor is to its module; W is the module's weight.
enum class lora_part : std::uint8_t {
    up,   // .lora_up.weight .lora_B.weight .lora.up.weight _lora.up.weight .lora_linear_layer.up.weight …
    down, // .lora_down.weight .lora_A.weight …
    core, // .lora_mid.weight
    alpha,
    magnitude,            // .dora_scale
    magnitude_of_outputs, // .lora_magnitude_vector
    hada_1a,              // .hada_w1_a …
    hada_1b,
    hada_1t,
    hada_2a,
    hada_2b,
    hada_2t,
    lokr_1, // .lokr_w1 …
    lokr_1a,
    lokr_1b,
    lokr_2,
    lokr_2a,
    lokr_2b,
    lokr_2t,
    weight,      // .diff .w_norm: added to W
    bias,        // .diff_b .b_norm .lora_B.bias: added to the module's bias
    glora,       // known, and not done: .a1.weight …
    oft,         // .oft_blocks …
    ia3,         // .on_input
    replacement, // .set_weight
};

struct lora_tensor {
    std::string_view module; // as the file spells it
    lora_part part;
};
/// Nothing: it is no part of a LoRA.
std::optional<lora_tensor> read_lora_name(std::string_view name);

/// Whether a file's tensors are those of a LoRA.
bool is_lora(checkpoint const&);

/// Where a module lies in a model.
struct lora_target {
    std::string module;     // "model.diffusion_model.input_blocks.1.1.proj_in"; its tensors: + ".weight", ".bias"
    int third = -1;         // of three that are one matrix: 0 queries, 1 keys, 2 values; −1: all of it
    bool is_turned = false; // its upper and its lower half have changed places
    bool operator==(lora_target const&) const = default;
};

/// The modules of a model, by all spellings of their names.
class lora_modules {
  public:
    /// Of a checkpoint with canonical names.
    explicit lora_modules(checkpoint const&);
    /// Null: there is no such module. `spelled`: as in a LoRA's file.
    lora_target const* find(std::string_view spelled) const;

  private:
    std::map<std::string, lora_target, std::less<>> by_name_; // "unet/mid_block_attentions_0_proj_in"
};

} // namespace sfumato
