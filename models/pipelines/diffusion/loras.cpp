#include "models/pipelines/diffusion/loras.h"

#include "compute/error.h"
#include "models/library/model_folders.h"
#include "models/text/prompt_extras.h"

#include <format>
#include <utility>

namespace sfumato {

namespace {

namespace fs = std::filesystem;
using warn = std::function<void(std::string const&)>;

// The file of that name in a folder of LoRAs; empty: there is none.
std::string named(std::string const& name, warn const& warned) {
    auto const found = find_loras(name);
    if (found.empty()) return "";
    if (found.size() > 1)
        warned(std::format("{} files are called {}; taken is {}", found.size(), show_name(name), found[0].string()));
    return found.front().string();
}

void move_from_prompt(diffusion_settings& s, warn const& warned) {
    for (prompt_lora const& lora : take_loras(s.prompt)) {
        std::string const file = named(lora.name, warned);
        if (file.empty()) {
            warned(std::format("no LoRA is called {}; the picture is made without it", show_name(lora.name)));
            continue;
        }
        lora_choice& choice = s.loras.emplace_back(lora_choice{file, lora.weight});
        if (lora.text_weight != lora.weight) choice.text_weight = lora.text_weight;
    }
    if (s.loras.size() > lora_choice::most)
        fail("The prompt names {} LoRAs; {} are the most.", s.loras.size(), lora_choice::most);
}

void find_file(lora_choice& choice, warn const& warned) {
    std::error_code gone;
    if (fs::exists(choice.file, gone)) return;
    std::string const file = named(choice.file, warned);
    if (file.empty())
        fail("There is no LoRA '{}': neither such a file nor one of that name in the folders for LoRAs.", choice.file);
    choice.file = file;
}

void tell_left_out(lora_choice const& choice, lora_match const& match, warn const& warned) {
    if (match.left_out.empty()) return;
    warned(std::format(
        "{}: {} of its {} modules are added; {} is not of this model, or of a kind that is not done{}", choice.file,
        match.modules - int(match.left_out.size()), match.modules, show_name(match.left_out.front()),
        match.left_out.size() > 1 ? std::format(", and so are {} more", match.left_out.size() - 1) : ""));
}

} // namespace

request add_loras(request r, diffusion_model& model, warn const& warned) {
    diffusion_settings& s = r.diffusion;
    move_from_prompt(s, warned);
    std::vector<weight_patch> patches;
    for (lora_choice& choice : s.loras) {
        find_file(choice, warned);
        opened_lora const& lora = model.open_lora(choice.file);
        if (!choice.sha256.empty() && choice.sha256 != lora.sha256)
            fail("'{}' is not the LoRA that the recipe was made with: the file has changed. Remove its \"sha256\" from "
                 "the "
                 "recipe to take it all the same.",
                 choice.file);
        choice.sha256 = lora.sha256;
        tell_left_out(choice, lora.match, warned);
        for (weight_patch p : lora.match.patches) {
            bool const of_text = !p.tensor.starts_with(unet_prefix);
            p.factor = of_text ? choice.text_weight.value_or(choice.weight) : choice.weight;
            if (p.factor != 0) patches.push_back(std::move(p));
        }
    }
    model.set_patches(std::move(patches));
    return r;
}

} // namespace sfumato
