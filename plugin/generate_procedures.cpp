// plug-in-sfumato-txt2img: a picture is made from words. plug-in-sfumato-img2img: what is there is made anew.
#include "plugin/arguments.h"
#include "plugin/deliver.h"
#include "plugin/diffusion_arguments.h"
#include "plugin/procedure.h"
#include "plugin/run_captured.h"
#include "ui/translated.h"

#include <optional>

namespace sfumato {

namespace {

struct generate_run {
    captured from;
    std::optional<run_result> result;
};

request request_of(GimpProcedureConfig* config, operation o) {
    request r = request_from(config, o);
    if (o == operation::img2img) r.source = source_of(config);
    return r;
}

steps steps_of(call& c, operation o) {
    auto const run = std::make_shared<generate_run>();
    return {.prepare = [&c, run, o] { run->from = capture(c, request_of(c.config, o)); },
            .compute =
                [run](job const& j) {
                    run->result = run_captured(run->from, j);
                    return run->result.has_value();
                },
            .deliver = [&c, run] { c.made = deliver(c.image, run->from, *run->result); },
            .clear = [run] { *run = {}; }};
}

void check_model(call const& c) {
    if (model_name(c.config, "model").empty()) fail("No model is chosen. Choose a file of a Stable Diffusion model.");
}

} // namespace

void add_txt2img_arguments(GimpProcedure* procedure) {
    add_diffusion_arguments(procedure, operation::txt2img);
    add_seed_argument(procedure, operation::txt2img);
    add_recipe_argument(procedure);
}

steps txt2img_steps(call& c) { return steps_of(c, operation::txt2img); }

sentence txt2img_note(call const& c) {
    check_model(c);
    check_image(c.image);
    rect const selected = selected_box(c.image);
    if (selected.empty()) return say("A picture is made from the words, as a new layer of the canvas's size.");
    return say("A picture of {} × {} pixels is made from the words, as a new layer where the selection is.",
               selected.width, selected.height);
}

void add_img2img_arguments(GimpProcedure* procedure) {
    add_source_argument(procedure, operation::img2img);
    add_diffusion_arguments(procedure, operation::img2img);
    add_seed_argument(procedure, operation::img2img);
    add_recipe_argument(procedure);
}

steps img2img_steps(call& c) { return steps_of(c, operation::img2img); }

sentence img2img_note(call const& c) {
    check_model(c);
    check_image(c.image);
    check_source(c.image, c.drawables().data(), source_of(c.config));
    if (selected_box(c.image).empty()) return say("All of the source is made anew, as a new layer above it.");
    return say("What is selected is made anew, as a new layer above the source.");
}

} // namespace sfumato
