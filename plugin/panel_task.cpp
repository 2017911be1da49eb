#include "plugin/panel_task.h"

#include "plugin/arguments.h"
#include "plugin/capture.h"
#include "plugin/diffusion_arguments.h"
#include "plugin/styles.h"
#include "request/names.h"
#include "ui/translated.h"

#include <algorithm>
#include <array>
#include <filesystem>

namespace sfumato {

namespace {

constexpr std::array all_tasks{task::fill, task::refine, task::generate, task::expand};

task task_of(GimpProcedureConfig* config, bool selected) {
    check_choice(config, "task", {"automatic", "fill", "refine", "generate", "expand"});
    std::string const name = text(config, "task");
    auto const* const found = std::ranges::find(all_tasks, name, [](task t) { return std::string(name_of(t)); });
    if (found != all_tasks.end()) return *found;
    if (real(config, "strength") < 1) return task::refine;
    return selected ? task::fill : task::generate;
}

// Sfumato's own draws pictures of their own, and no part of another one.
void check_model(request const& r) {
    if (r.diffusion.model.empty())
        fail("To change a part of a picture takes another model: choose one above. Without words and at full strength, "
             "a "
             "selection is filled with patches of its surroundings.");
}

// What is done, and of Sfumato's own model what it can.
sentence with_model(request const& r, sentence const& done) {
    if (!r.diffusion.model.empty()) return done;
    return say("{} Sfumato's own model knows icons and clip art; for photographs, choose another one.", done);
}

void check_prompt(request const& r) {
    if (!has_words(r.diffusion.prompt)) fail("Say in the prompt what shall be there.");
}

// Whoever says nothing wants what is selected gone, which is done without the panel's model.
request with_method(request r, std::string const& lama) {
    bool const wants_something_new = has_words(r.diffusion.prompt) || r.inpaint.strength < 1;
    if (!r.method && wants_something_new) r.method = method::diffusion;
    if (r.method != method::diffusion) r.diffusion.model.clear();
    return choose_method(std::move(r), [&] { return lama; });
}

sentence words_for(GimpLayer* source) {
    return source ? say("the layer “{}”", name_of(GIMP_ITEM(source))) : say("all that is visible");
}

request asked(GimpProcedureConfig* config, operation o) {
    request r = request_from(config, o);
    if (o == operation::inpaint && !r.method && !by_diffusion(r)) { // they are not read of one that no model does
        r.diffusion.prompt = text(config, "prompt");
        r.inpaint.strength = real(config, "strength");
    }
    r.source = source_of(config);
    add_style(config, r.diffusion);
    if (boolean(config, "lock-seed")) return r;
    // What a recipe has beside the seed to make the same pixels again is no wish for others.
    r.seed = -1;
    diffusion_settings& d = r.diffusion;
    d.precision = d.encode_precision = d.decode_precision = {};
    d.encode_tile = d.decode_tile = 0;
    return r;
}

// An inpaint, and how; `what`: "The selection".
panel_task inpaint(request const& asked, std::string const& lama, char const* button, sentence const& what,
                   GimpLayer* source) {
    request const r = with_method(asked, lama);
    sentence const from = words_for(source);
    if (r.method == method::patchmatch)
        return {r, button, say("{} is filled with patches of its surroundings, from {}.", what, from)};
    if (by_lama(r))
        return {r, button,
                say("{} is filled by LaMa, which takes no words, from {}.{}", what, from,
                    asked.method ? sentence() : say_found(r))};
    check_model(r);
    return {r, button, say("{} is made anew after the words, from {}.", what, from)};
}

sentence words_for_selection(GimpImage* image) {
    check_selection(image);
    rect const box = selected_box(image);
    return say("The selection of {} × {} pixels", box.width, box.height);
}

panel_task fill(GimpProcedureConfig* config, GimpImage* image, GimpDrawable* const* drawables, std::string const& lama,
                char const* button) {
    request const r = asked(config, operation::inpaint);
    sentence const what = words_for_selection(image);
    panel_task t = inpaint(r, lama, button, what, check_source(image, drawables, r.source));
    if (!by_diffusion(t.request)) t.button = N_("_Fill"); // the others keep nothing of what was there
    return t;
}

// Into what is selected, past the source's edge, or without a selection into all that is empty.
panel_task expand(GimpProcedureConfig* config, GimpImage* image, GimpDrawable* const* drawables,
                  std::string const& lama, bool selected) {
    request r = asked(config, operation::inpaint);
    r.inpaint.strength = 1; // nothing is there that could stay …
    r.object = false;       // … and no object
    sentence const what = selected ? words_for_selection(image) : say("All of the canvas that is empty");
    panel_task t = inpaint(r, lama, N_("E_xpand"), what, check_source(image, drawables, r.source));
    t.to = selected ? reach::beyond : reach::empty;
    return t;
}

panel_task refine(GimpProcedureConfig* config, GimpImage* image, GimpDrawable* const* drawables,
                  std::string const& lama, bool selected) {
    if (selected) return fill(config, image, drawables, lama, N_("_Refine"));
    request r = asked(config, operation::img2img);
    if (r.diffusion.model.empty()) check_prompt(r); // Sfumato's own sees no more than shapes
    sentence const from = words_for(check_source(image, drawables, r.source));
    return {r, N_("_Refine"), with_model(r, say("All of {} is made anew after the words.", from))};
}

panel_task generate(GimpProcedureConfig* config, GimpImage* image) {
    request r = asked(config, operation::txt2img);
    check_prompt(r);
    rect box = selected_box(image);
    if (box.empty()) box = {0, 0, gimp_image_get_width(image), gimp_image_get_height(image)};
    sentence const done =
        say("A picture of {} × {} pixels is made from the words, as a new layer.", box.width, box.height);
    return {r, N_("_Generate"), with_model(r, done)};
}

// A graphics card shows itself as a device for drawing.
bool has_gpu() {
    std::error_code none;
    for (auto const& entry : std::filesystem::directory_iterator("/dev/dri", none))
        if (entry.path().filename().string().starts_with("renderD")) return true;
    return std::filesystem::exists("/dev/nvidia0", none);
}

} // namespace

void add_panel_arguments(GimpProcedure* procedure) {
    add_choice_argument(procedure, "task", _("_Task"), _("What is done; automatic: as strength and selection say"),
                        {{"automatic", _("Automatic")},
                         {"fill", _("Fill the selection")},
                         {"refine", _("Refine what is there")},
                         {"expand", _("Expand into what is empty")},
                         {"generate", _("Generate a new picture")}},
                        "automatic");
    add_method_argument(procedure);
    add_object_argument(procedure);
    add_source_argument(procedure, operation::inpaint);
    add_context_argument(procedure);
    add_argument(procedure, operation::inpaint, "seed", _("S_eed"),
                 _("The same seed gives the same result; this is the last one"));
    add_diffusion_arguments(procedure, operation::inpaint);
    add_style_argument(procedure);
    gimp_procedure_add_boolean_argument(procedure, "lock-seed", _("L_ock"),
                                        _("The next run takes this seed, not one of its own"), FALSE,
                                        G_PARAM_READWRITE);
    add_recipe_argument(procedure);
    gimp_procedure_add_string_argument(procedure, "device", _("De_vice"),
                                       _("What computes; automatic: the best one of this computer"), "",
                                       G_PARAM_READWRITE);
    gimp_procedure_add_int_argument(procedure, "variants", _("_Variants"),
                                    _("How many are made at once, to choose from; 0: three, or one where there is no "
                                      "graphics card"),
                                    0, 16, 0, G_PARAM_READWRITE);
}

char const* name_of(task t) {
    switch (t) {
    case task::fill: return "fill";
    case task::refine: return "refine";
    case task::generate: return "generate";
    case task::expand: break;
    }
    return "expand";
}

panel_task find_task(GimpProcedureConfig* config, GimpImage* image, GimpDrawable* const* drawables,
                     std::string const& lama, std::optional<task> wanted) {
    check_image(image);
    bool const selected = !selected_box(image).empty();
    switch (wanted.value_or(task_of(config, selected))) {
    case task::fill: return fill(config, image, drawables, lama, N_("_Fill"));
    case task::refine: return refine(config, image, drawables, lama, selected);
    case task::expand: return expand(config, image, drawables, lama, selected);
    case task::generate: break;
    }
    return generate(config, image);
}

int variants_wanted(GimpProcedureConfig* config) {
    int const asked = whole(config, "variants");
    if (asked > 0) return asked;
    return has_gpu() ? 3 : 1;
}

std::optional<step_settings> steps_offered(panel_task const& t) {
    return by_diffusion(t.request) ? better_steps(t.request.diffusion) : std::nullopt;
}

void set_steps(GimpProcedureConfig* config, step_settings const& s) {
    g_object_set(config, "steps", s.steps, "cfg", s.cfg, "sampler", name_of(s.sampler).data(), "scheduler",
                 s.scheduler ? name_of(*s.scheduler).data() : "automatic", nullptr); // names are literals
}

void repeat(GimpProcedureConfig* config, request recipe) {
    recipe.diffusion.prompt = prompt_with_loras(recipe.diffusion);
    if (recipe.diffusion.model.starts_with("sfumato:"))
        recipe.diffusion.model.clear(); // it is taken where there is none
    set_arguments(config, recipe);
    bool const from_words = recipe.operation == operation::txt2img, anew = recipe.operation == operation::inpaint;
    g_object_set(config, "task",
                 from_words ? "generate"
                 : anew     ? "fill"
                            : "refine",
                 "lock-seed", TRUE, "style", no_style, nullptr);
}

} // namespace sfumato
