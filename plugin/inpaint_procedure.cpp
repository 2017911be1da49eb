// plug-in-sfumato-inpaint: the selection is filled.
#include "engine/client.h"
#include "plugin/arguments.h"
#include "plugin/capture.h"
#include "plugin/deliver.h"
#include "plugin/procedure.h"
#include "request/memory_client.h"
#include "ui/translated.h"

namespace sfumato {

namespace {

struct inpaint_run {
    captured from;
    memory_client client;
};

bool compute(inpaint_run& run, job const& j) {
    run.client.pictures["picture"] = std::move(run.from.picture);
    run.client.masks["selection"] = std::move(run.from.selection);
    return engine_run(run.client.input(run.from.request), run.client, j) && !run.client.results.empty();
}

} // namespace

void add_inpaint_arguments(GimpProcedure* procedure) {
    add_argument(procedure, operation::inpaint, "method", _("_Method"), _("How the selection is filled"),
                 {{"patchmatch", _("Patches of the surroundings"),
                   _("Needs no model: pieces of the picture are put together anew")}});
    add_source_argument(procedure, operation::inpaint);
    add_argument(procedure, operation::inpaint, "context", _("Con_text"),
                 _("How much of the surroundings the fill may look at"),
                 {{"automatic", _("Automatic")},
                  {"image", _("All of the source")},
                  {"selection", _("Bounds of the selection")}});
    add_argument(
        procedure, operation::inpaint, "seed", _("See_d"),
        _("The same seed gives the same result. −1 chooses a new one each time; the layer's recipe records it."));
}

steps inpaint_steps(call& c) {
    auto const run = std::make_shared<inpaint_run>();
    return {.prepare =
                [&c, run] {
                    run->from =
                        capture(c.image, c.drawables().data(), resolve(request_from(c.config, operation::inpaint)));
                },
            .compute = [run](job const& j) { return compute(*run, j); },
            .deliver = [&c, run] { c.made = deliver(c.image, run->from, run->client.results.front()); },
            .clear = [run] { *run = {}; }};
}

} // namespace sfumato
