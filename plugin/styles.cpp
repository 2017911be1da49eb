#include "plugin/styles.h"

#include "plugin/arguments.h"
#include "ui/translated.h"

#include <algorithm>
#include <array>

namespace sfumato {

namespace {

// What models have read beside pictures of that kind.
struct style {
    char const *name, *label, *words, *negative_words;
};
constexpr std::array styles{
    style{"photograph", N_("Photograph"), "photograph, natural light, sharp focus, fine detail",
          "painting, drawing, render, cartoon"},
    style{"oil-painting", N_("Oil painting"), "oil painting on canvas, visible brush strokes, rich colours",
          "photograph, frame"},
    style{"watercolour", N_("Watercolour"), "watercolour painting, soft washes, paper texture", "photograph, frame"},
    style{"pencil", N_("Pencil drawing"), "pencil drawing, graphite, fine hatching, white paper", "photograph, colour"},
    style{"ink", N_("Ink drawing"), "ink drawing, clean line art, black and white", "photograph, colour, blurry"},
    style{"comic", N_("Comic"), "comic book illustration, bold outlines, flat colours", "photograph"},
    style{"concept-art", N_("Concept art"), "concept art, digital painting, dramatic light, highly detailed",
          "photograph, blurry"},
    style{"render", N_("3D render"), "3d render, soft studio light, smooth shading", "photograph, drawing"},
    style{"pixel-art", N_("Pixel art"), "pixel art, limited palette", "photograph, blurry, gradient"},
};

// Behind what is there already.
void append(std::string& words, char const* more) { words = has_words(words) ? words + ", " + more : more; }

} // namespace

bool has_words(std::string const& prompt) { return prompt.find_first_not_of(" \t\n") != prompt.npos; }

void add_style_argument(GimpProcedure* procedure) {
    choice_list choices{{no_style, _("None")}};
    for (style const& s : styles) choices.push_back({s.name, _(s.label)});
    add_choice_argument(procedure, "style", _("St_yle"), _("Words that are put behind yours; the recipe has them all"),
                        choices, no_style);
}

void add_style(GimpProcedureConfig* config, diffusion_settings& d) {
    std::vector<std::string_view> names{no_style};
    for (style const& s : styles) names.emplace_back(s.name);
    check_choice(config, "style", names);
    std::string const chosen = text(config, "style");
    auto const* const s = std::ranges::find(styles, chosen, &style::name);
    if (s == styles.end() || !has_words(d.prompt)) return;
    append(d.prompt, s->words);
    append(d.negative_prompt, s->negative_words);
}

} // namespace sfumato
