#include "request/fields.h"

#include "request/names.h"

#include <algorithm>
#include <array>
#include <format>
#include <optional>
#include <type_traits>
#include <utility>

namespace sfumato {

namespace {

// ---- get, set and, but for ranges, the type follow from the member

// Where the members of a class lie in a request.
template <class T> auto& holder(auto& r, T request::*) { return r; }
template <class T> auto& holder(auto& r, T diffusion_settings::*) { return r.diffusion; }
template <class T> auto& holder(auto& r, T inpaint_settings::*) { return r.inpaint; }
template <class T> auto& holder(auto& r, T upscale_settings::*) { return r.upscale; }

template <class T> constexpr bool is_of_diffusion(T request::*) { return false; }
template <class T> constexpr bool is_of_diffusion(T upscale_settings::*) { return false; }
template <class T> constexpr bool is_of_diffusion(T diffusion_settings::*) { return true; }
template <class T> constexpr bool is_of_diffusion(T inpaint_settings::*) { return true; }

template <class T> struct without_optional {
    using type = T;
};
template <class T> struct without_optional<std::optional<T>> {
    using type = T;
};

template <class T> constexpr bool is_number = std::is_integral_v<T> && !std::is_same_v<T, bool>;

template <class T> field_value value_of(T const& member) {
    if constexpr (std::is_enum_v<T>)
        return std::string(name_of(member));
    else if constexpr (is_number<T>)
        return std::int64_t(member);
    else
        return member;
}
template <class T> field_value value_of(std::optional<T> const& member) {
    return member ? value_of(*member) : field_value();
}
field_value value_of(rect const& member) { return member.empty() ? field_value() : member; }

template <class T> bool assign(T& member, field_value const& value) {
    if constexpr (std::is_enum_v<T>) {
        auto const chosen = find_choice<T>(std::get<std::string>(value));
        member = chosen.value_or(member);
        return chosen.has_value();
    } else if constexpr (is_number<T>) {
        member = T(std::get<std::int64_t>(value));
    } else {
        member = std::get<T>(value);
    }
    return true;
}
template <class T> bool assign(std::optional<T>& member, field_value const& value) {
    T chosen{};
    if (!assign(chosen, value)) return false;
    member = chosen;
    return true;
}

template <class T> std::vector<std::string_view> names() {
    std::vector<std::string_view> all;
    for (auto const& c : choices<T>()) all.push_back(c.name);
    return all;
}

template <auto member> constexpr field row(field f) {
    using type = typename without_optional<
        std::remove_cvref_t<decltype(holder(std::declval<request&>(), member).*member)>>::type;
    if constexpr (std::is_enum_v<type>) f.type = choice{names<type>};
    if constexpr (std::is_same_v<type, bool>) f.type = truth{};
    if constexpr (std::is_same_v<type, rect>) f.type = place{};
    if constexpr (std::is_same_v<type, std::vector<lora_choice>>) f.type = lora_list{};
    f.of_diffusion = is_of_diffusion(member);
    f.get = [](request const& r) { return value_of(holder(r, member).*member); };
    f.set = [](request& r, field_value const& value) { return assign(holder(r, member).*member, value); };
    return f;
}

// ---- The rows

using r = request;
using d = diffusion_settings;
using i = inpaint_settings;
using u = upscale_settings;

constexpr operations all{operation::inpaint, operation::txt2img, operation::img2img, operation::upscale},
    inpaint{operation::inpaint}, upscale{operation::upscale}, txt2img{operation::txt2img}, img2img{operation::img2img},
    generate{operation::txt2img, operation::img2img},
    diffusion{operation::txt2img, operation::img2img, operation::inpaint},
    from_document{operation::inpaint, operation::upscale}, from_picture{operation::img2img, operation::inpaint};

constexpr whole_number side_length{.least = 0, .most = 1 << 14, .multiple_of = 8, .smallest = 64};
constexpr whole_number tile_side{
    .least = 0, .most = 1 << 24, .multiple_of = 8, .smallest = 64}; // as long as any picture

constexpr std::array rows{
    row<&r::operation>({.key = "operation", .used_by = all}),
    row<&r::method>({.key = "method",
                     .used_by = inpaint,
                     .option = "--method NAME",
                     .help = "patches of the picture itself, a diffusion model, or LaMa or MI-GAN (big-lama.pt …)",
                     .unset = "auto: diffusion with --model, else lama where one is found, else patchmatch"}),
    row<&d::model>({.key = "model",
                    .used_by = inpaint,
                    .type = free_text{.names_a_model = true},
                    .option = "--model MODEL",
                    .help = "a checkpoint (.safetensors, .ckpt, .gguf) or a diffusers folder",
                    .unset = "none: patches",
                    .quiet = true}),
    row<&d::model>({.key = "model",
                    .used_by = generate,
                    .type = free_text{.names_a_model = true},
                    .option = "--model MODEL",
                    .help = "a checkpoint (.safetensors, .ckpt, .gguf) or a diffusers folder",
                    .unset = "sfumato's own, which knows icons and clip art"}),
    row<&u::model>({.key = "model",
                    .used_by = upscale,
                    .type = free_text{.names_a_model = true},
                    .option = "--model MODEL",
                    .help = "ESRGAN, Real-ESRGAN, SRVGG, Real-CUGAN or waifu2x: .pth, .safetensors or "
                            "ncnn's .param",
                    .unset = "sfumato's own"}),
    row<&d::vae>({.key = "vae",
                  .used_by = diffusion,
                  .type = free_text{.names_a_model = true},
                  .option = "--vae FILE",
                  .help = "a VAE to use instead of the model's own",
                  .quiet = true}),
    row<&d::text_encoder>({.key = "text_encoder",
                           .used_by = diffusion,
                           .type = free_text{.names_a_model = true},
                           .option = "--text-encoder FILE",
                           .help = "a text encoder to use instead of the model's own",
                           .quiet = true}),
    row<&d::text_encoder_2>({.key = "text_encoder_2",
                             .used_by = diffusion,
                             .type = free_text{.names_a_model = true},
                             .option = "--text-encoder-2 FILE",
                             .help = "a second one, of a model that has several",
                             .quiet = true}),
    row<&d::text_encoder_3>({.key = "text_encoder_3",
                             .used_by = diffusion,
                             .type = free_text{.names_a_model = true},
                             .option = "--text-encoder-3 FILE",
                             .help = "and a third",
                             .quiet = true}),
    row<&d::loras>({.key = "loras",
                    .used_by = diffusion,
                    .option = "--lora FILE[:WEIGHT]",
                    .help = "a LoRA to add, or its name in a program's folder; any number of them; the same as "
                            "<lora:NAME:WEIGHT> in the prompt",
                    .quiet = true}),
    row<&d::prompt>({.key = "prompt",
                     .used_by = diffusion,
                     .option = "--prompt TEXT",
                     .help = "what is wanted: (word:1.2) weighs, [word] weakens, BREAK starts the next "
                             "75 tokens"}),
    row<&d::negative_prompt>(
        {.key = "negative_prompt", .used_by = diffusion, .option = "--negative TEXT", .help = "what is not wanted"}),
    row<&d::width>({.key = "width",
                    .used_by = txt2img,
                    .type = side_length,
                    .option = "--width N",
                    .help = "pixels",
                    .unset = "as suits the model"}),
    row<&d::height>({.key = "height",
                     .used_by = txt2img,
                     .type = side_length,
                     .option = "--height N",
                     .help = "pixels",
                     .unset = "as suits the model"}),
    row<&i::width>({.key = "width",
                    .used_by = inpaint,
                    .type = side_length,
                    .option = "--width N",
                    .help = "pixels that the model sees of the context, which is scaled to them",
                    .unset = "as fits the model",
                    .quiet = true}),
    row<&i::height>({.key = "height",
                     .used_by = inpaint,
                     .type = side_length,
                     .option = "--height N",
                     .help = "pixels",
                     .unset = "as fits the model",
                     .quiet = true}),
    row<&i::strength>({.key = "strength",
                       .used_by = inpaint,
                       .type = real_number{0.01, 1},
                       .option = "--strength X",
                       .help = "how much of what is selected is made anew; 1: everything"}),
    row<&i::edge>({.key = "edge",
                   .used_by = inpaint,
                   .type = whole_number{0, i::largest_edge},
                   .option = "--edge N",
                   .help = "how many pixels the result may spill past the selection, where it blends in",
                   .unset = "36, or a tenth of a large selection's diagonal"}),
    row<&i::quality>(
        {.key = "quality",
         .used_by = inpaint,
         .option = "--quality NAME",
         .help =
             "high: six times as slow, and fits better into what is around a large hole; not for inpainting models"}),
    row<&i::detail>(
        {.key = "detail",
         .used_by = inpaint,
         .type = real_number{0, 1},
         .option = "--detail X",
         .help = "strength of a second pass at full size, in tiles, where the model saw the context smaller than "
                 "it is; 0: none"}),
    row<&i::prefill>(
        {.key = "prefill",
         .used_by = inpaint,
         .type = free_text{.names_a_model = true},
         .option = "--prefill MODEL",
         .help = "without --prompt: the LaMa or MI-GAN whose fill MODEL begins with; an empty name: patches",
         .unset = "one that is found, else patches"}),
    row<&i::mask_cells>({.key = "mask_cells",
                         .used_by = inpaint,
                         .option = "--mask-cells NAME",
                         .help = "what a cell of the latent takes of the mask's pixels in it"}),
    row<&d::strength>({.key = "strength",
                       .used_by = img2img,
                       .type = real_number{0.01, 1},
                       .option = "--strength X",
                       .help = "how much is made anew; 1: everything"}),
    row<&d::strength_rule>({.key = "strength_rule",
                            .used_by = from_picture,
                            .option = "--strength-rule NAME",
                            .help = "whether all steps run whatever the strength (ComfyUI), or steps × "
                                    "strength of them (diffusers)"}),
    row<&u::scale>({.key = "scale",
                    .used_by = upscale,
                    .type = real_number{1, u::largest_scale},
                    .option = "--scale X",
                    .help = "not only whole numbers: the network goes over the picture as often as needed, "
                            "Lanczos does the rest; 1 restores",
                    .unset = "MODEL's own, without one 2"}),
    row<&u::tile>({.key = "tile",
                   .used_by = upscale,
                   .type = whole_number{0, side_length.most},
                   .option = "--tile N",
                   .help = "at most so many pixels a side at once, but no fewer than MODEL needs",
                   .unset = "as the memory allows",
                   .quiet = true}),
    row<&d::steps>({.key = "steps",
                    .used_by = diffusion,
                    .type = whole_number{1, 1000},
                    .option = "--steps N",
                    .help = "how often the network goes over the picture"}),
    row<&d::cfg>({.key = "cfg",
                  .used_by = diffusion,
                  .type = real_number{1, 100},
                  .option = "--cfg X",
                  .help = "guidance scale; 1: the prompt alone, twice as fast"}),
    row<&d::sampler>(
        {.key = "sampler", .used_by = diffusion, .option = "--sampler NAME", .help = "how a step is taken"}),
    row<&d::scheduler>({.key = "scheduler",
                        .used_by = diffusion,
                        .option = "--scheduler NAME",
                        .help = "how noisy each step is",
                        .unset = "the one that goes with the sampler"}),
    row<&r::seed>({.key = "seed",
                   .used_by = inpaint,
                   .type = whole_number{-1, 0xFFFFFFFF},
                   .option = "--seed N",
                   .help = "the same one on the same GPU gives the same pixels",
                   .unset = "random"}),
    row<&r::seed>({.key = "seed",
                   .used_by = generate,
                   .type = whole_number{-1, INT64_MAX}, // those of other programs go beyond 32 bits
                   .option = "--seed N",
                   .help = "the same one on the same GPU gives the same pixels",
                   .unset = "random"}),
    row<&d::rng>({.key = "rng",
                  .used_by = diffusion,
                  .option = "--rng NAME",
                  .help = "whose noise a seed gives, ComfyUI's (cpu) or A1111's (cuda)"}),
    row<&d::batch>({.key = "batch",
                    .used_by = diffusion,
                    .type = whole_number{1, 64},
                    .option = "--batch N",
                    .help = "so many pictures, of seed, seed + 1 …: OUT-1, OUT-2 …"}),
    row<&d::clip_skip>({.key = "clip_skip",
                        .used_by = diffusion,
                        .type = whole_number{1, 12},
                        .option = "--clip-skip N",
                        .help = "the text encoder stops at its N-th layer from the end",
                        .unset = "as the model was trained"}),
    row<&d::prediction>({.key = "prediction",
                         .used_by = diffusion,
                         .option = "--prediction NAME",
                         .help = "what the network predicts, where the file does not tell (SD 2.x)",
                         .unset = "as the file says"}),
    row<&d::zero_terminal_snr>({.key = "zero_terminal_snr",
                                .used_by = diffusion,
                                .option = "--zero-terminal-snr",
                                .help = "for models that were trained so"}),
    row<&r::object>({.key = "object",
                     .used_by = inpaint,
                     .option = "--object",
                     .help = "MASK is a rough stroke over an object: it grows to the object's edge and a little beyond",
                     .quiet = true}),
    row<&r::context>({.key = "context",
                      .used_by = inpaint,
                      .option = "--context NAME",
                      .help = "how much of the surroundings is seen"}),
    row<&r::source>({.key = "source", .used_by = from_document}),
    row<&r::area>({.key = "area", .used_by = from_document, .quiet = true}),
    row<&d::dtype>({.key = "dtype",
                    .used_by = diffusion,
                    .option = "--dtype NAME",
                    .help = "what is computed with",
                    .unset = "as the device likes it"}),
    // What a run decides itself where it is left open, and writes into its recipe.
    row<&d::precision>({.key = "precision", .used_by = diffusion}),
    row<&d::encode_precision>({.key = "encode_precision", .used_by = diffusion}),
    row<&d::decode_precision>({.key = "decode_precision", .used_by = diffusion}),
    row<&d::encode_tile>(
        {.key = "encode_tile", .used_by = diffusion, .type = tile_side, .unset = "as fits", .quiet = true}),
    row<&d::decode_tile>(
        {.key = "decode_tile", .used_by = diffusion, .type = tile_side, .unset = "as fits", .quiet = true}),
    row<&u::dtype>({.key = "dtype",
                    .used_by = upscale,
                    .option = "--dtype NAME",
                    .help = "what is computed with",
                    .unset = "as the device likes it"}),
};

} // namespace

std::vector<field const*> fields_of(operation o) {
    std::vector<field const*> all;
    for (field const& f : rows)
        if (f.used_by.contains(o)) all.push_back(&f);
    return all;
}

field const* find_field(operation o, std::string_view key) {
    auto const found =
        std::ranges::find_if(rows, [&](field const& f) { return f.key == key && f.used_by.contains(o); });
    return found == rows.end() ? nullptr : &*found;
}

std::string list_names(std::vector<std::string_view> const& names) {
    std::string list;
    for (std::size_t i = 0; i < names.size(); ++i)
        list += (i == 0 ? "" : i + 1 == names.size() ? " or " : ", ") + std::string(names[i]);
    return list;
}

sentence one_of(std::vector<std::string_view> names) {
    std::string const last = std::format("\"{}\"", names.back());
    names.pop_back();
    if (names.empty()) return last;
    std::string others;
    for (std::string_view name : names) others += std::format("{}\"{}\"", others.empty() ? "" : ", ", name);
    return say("{} or {}", others, last);
}

} // namespace sfumato
