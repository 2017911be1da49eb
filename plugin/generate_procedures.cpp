// plug-in-sfumato-inpaint: the selection is filled. plug-in-sfumato-txt2img: a picture is made from words.
// plug-in-sfumato-img2img: what is there is made anew.
#include "plugin/arguments.h"
#include "plugin/deliver.h"
#include "plugin/diffusion_arguments.h"
#include "plugin/panel_settings.h"
#include "plugin/panel_task.h"
#include "plugin/procedure.h"
#include "plugin/run_captured.h"
#include "ui/found_models.h"

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

task task_of(operation o) {
    switch (o) {
    case operation::txt2img: return task::generate;
    case operation::img2img: return task::refine;
    default: return task::fill;
    }
}

// As the panel would: it has the last values.
captured capture_as_last(call const& c, operation o) {
    panel_settings const last;
    auto const drawables = c.drawables();
    panel_task const task = find_task(last.config(), c.image, drawables.data(), lama_question().wait(), task_of(o));
    captured from =
        capture(c.image, drawables.data(), resolve(task.request), boolean(last.config(), keeps_recipe), task.to);
    from.device = text(last.config(), "device");
    return from;
}

captured capture_as_given(call const& c, operation o) {
    return capture(c.image, c.drawables().data(),
                   resolve(request_of(c.config, o), [] { return lama_question().wait(); }),
                   boolean(c.config, keeps_recipe));
}

steps steps_of(call& c, operation o) {
    auto const run = std::make_shared<generate_run>();
    bool const as_last = c.mode == GIMP_RUN_WITH_LAST_VALS;
    return {.prepare = [&c, run, o, as_last] { run->from = as_last ? capture_as_last(c, o) : capture_as_given(c, o); },
            .compute =
                [run](job const& j) {
                    run->result = run_captured(run->from, j);
                    return run->result.has_value();
                },
            .deliver = [&c, run] { c.made = deliver(c.image, run->from, *run->result); },
            .clear = [run] { *run = {}; }};
}

} // namespace

void add_inpaint_arguments(GimpProcedure* procedure) {
    add_method_argument(procedure);
    add_object_argument(procedure);
    add_source_argument(procedure, operation::inpaint);
    add_context_argument(procedure);
    add_seed_argument(procedure, operation::inpaint);
    add_diffusion_arguments(procedure, operation::inpaint);
    add_recipe_argument(procedure);
}

void add_txt2img_arguments(GimpProcedure* procedure) {
    add_diffusion_arguments(procedure, operation::txt2img);
    add_seed_argument(procedure, operation::txt2img);
    add_recipe_argument(procedure);
}

void add_img2img_arguments(GimpProcedure* procedure) {
    add_source_argument(procedure, operation::img2img);
    add_diffusion_arguments(procedure, operation::img2img);
    add_seed_argument(procedure, operation::img2img);
    add_recipe_argument(procedure);
}

steps inpaint_steps(call& c) { return steps_of(c, operation::inpaint); }
steps txt2img_steps(call& c) { return steps_of(c, operation::txt2img); }
steps img2img_steps(call& c) { return steps_of(c, operation::img2img); }

} // namespace sfumato
