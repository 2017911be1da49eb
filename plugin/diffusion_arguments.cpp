#include "plugin/diffusion_arguments.h"

#include "plugin/arguments.h"
#include "request/fields.h"
#include "ui/translated.h"

#include <array>

namespace sfumato {

namespace {

struct words_of_field {
    char const *key, *label, *blurb;
};

constexpr std::array words{
    words_of_field{"model", N_("_Model"),
                   N_("A checkpoint (.safetensors, .ckpt, .gguf) or a folder of diffusers; Stable Diffusion 1, 2, "
                      "XL or 3. None: Sfumato's own, which draws icons and clip art")},
    words_of_field{"vae", N_("_VAE"), N_("A file whose VAE is used instead of the model's own")},
    words_of_field{"text_encoder", N_("Te_xt encoder"),
                   N_("A file whose text encoder is used instead of the model's own")},
    words_of_field{"text_encoder_2", N_("_Second text encoder"),
                   N_("A further file with one, of a model that has several")},
    words_of_field{"text_encoder_3", N_("_Third text encoder"), N_("And another")},
    words_of_field{"prompt", N_("_Prompt"),
                   N_("What shall be there. (word:1.2) weighs more, [word] less, BREAK starts the next 75 tokens.")},
    words_of_field{"negative_prompt", N_("_Negative prompt"), N_("What shall not be there")},
    words_of_field{"width", N_("_Width"),
                   N_("Pixels that the model works at, a multiple of 8, of Stable Diffusion 3 of 16; 0: as fits the "
                      "model and the place")},
    words_of_field{"height", N_("_Height"),
                   N_("Pixels that the model works at, a multiple of 8, of Stable Diffusion 3 of 16; 0: as fits the "
                      "model and the place")},
    words_of_field{"strength", N_("_Strength"), N_("How much is made anew; 1: everything")},
    words_of_field{"edge", N_("Result _edge"),
                   N_("How many pixels the result may spill past the selection, where it blends in; −1: by the "
                      "selection's size")},
    words_of_field{"mask_cells", N_("Mask _cells"),
                   N_("What a cell of the latent takes of the selection's pixels in it")},
    words_of_field{"strength_rule", N_("Strength _rule"),
                   N_("Whether all steps run whatever the strength, or steps × strength of them")},
    words_of_field{"quality", N_("_Quality"),
                   N_("high: fits better into what is around a large hole, six times as slow; not with inpainting "
                      "models")},
    words_of_field{"detail", N_("De_tail"),
                   N_("Strength of a second pass at full size, where the model saw the surroundings smaller than they "
                      "are; 0: none")},
    words_of_field{"steps", N_("S_teps"), N_("How often the model goes over the picture")},
    words_of_field{"cfg", N_("Gu_idance"),
                   N_("How closely the words are followed; 1: without the negative ones, in half the time")},
    words_of_field{"sampler", N_("Sam_pler"), N_("How a step is taken")},
    words_of_field{"scheduler", N_("Schedu_ler"), N_("How noisy each step is; automatic: as goes with the sampler")},
    words_of_field{"rng", N_("Noise _of"), N_("Whose noise a seed gives: ComfyUI's (cpu) or A1111's (cuda)")},
    words_of_field{"clip_skip", N_("CLIP s_kip"),
                   N_("The text encoder stops at its N-th layer from the end; 0: as the model was trained")},
    words_of_field{"prediction", N_("Pre_diction"),
                   N_("What the network predicts, where its file does not tell (Stable Diffusion 2)")},
    words_of_field{"zero_terminal_snr", N_("_Zero terminal SNR"), N_("For models that were trained so")},
    words_of_field{"dtype", N_("P_recision"), N_("What is computed with; automatic: as the device likes it")},
    words_of_field{"precision", N_("Precision of _activations"),
                   N_("As a recipe has it, to make its pixels again; automatic: as is decided for the run")},
    words_of_field{"encode_precision", N_("Precision of en_coding"),
                   N_("As a recipe has it, to make its pixels again; automatic: as is decided for the run")},
    words_of_field{"decode_precision", N_("Precision of dec_oding"),
                   N_("As a recipe has it, to make its pixels again; automatic: as is decided for the run")},
    words_of_field{"encode_tile", N_("Tile of e_ncoding"),
                   N_("As a recipe has it, to make its pixels again; 0: as the memory allows")},
    words_of_field{"decode_tile", N_("Tile of deco_ding"),
                   N_("As a recipe has it, to make its pixels again; 0: as the memory allows")},
};

} // namespace

void add_diffusion_arguments(GimpProcedure* procedure, operation o) {
    for (words_of_field const& w : words)
        if (find_field(o, w.key)) add_argument(procedure, o, w.key, _(w.label), _(w.blurb));
}

} // namespace sfumato
