// plug-in-sfumato-inpaint: the selection is filled.
#include "plugin/capture.h"
#include "plugin/deliver.h"
#include "plugin/engine_client.h"
#include "plugin/procedure.h"
#include "ui/translated.h"

#include <limits>
#include <nlohmann/json.hpp>

namespace sfumato {

namespace {

// The arguments have the names and the values that a request's JSON has.
request request_from(GimpProcedureConfig* config) {
    nlohmann::json object{{"sfumato", request::version}, {"operation", "inpaint"}};
    for (char const* name : {"method", "source", "context"}) object[name] = text(config, name);
    int seed = -1;
    g_object_get(config, "seed", &seed, nullptr);
    object["seed"] = seed;
    request r = resolve(request_from_json(object));
    r.seed &= std::numeric_limits<int>::max(); // so that the recipe's seed can be given as an argument again
    return r;
}

struct inpaint_run {
    captured from;
    std::optional<run_result> result;
};

} // namespace

void add_inpaint_arguments(GimpProcedure* procedure) {
    gimp_procedure_add_choice_argument(
        procedure, "method", _("_Method"), _("How the selection is filled"),
        gimp_choice_new_with_values("patchmatch", 0, _("Patches of the surroundings"),
                                    _("Needs no model: pieces of the picture are put together anew"), nullptr),
        "patchmatch", G_PARAM_READWRITE);
    add_source_argument(procedure);
    gimp_procedure_add_choice_argument(
        procedure, "context", _("Con_text"), _("How much of the surroundings the fill may look at"),
        gimp_choice_new_with_values("automatic", 0, _("Automatic"), nullptr,     //
                                    "image", 1, _("All of the source"), nullptr, //
                                    "selection", 2, _("Bounds of the selection"), nullptr, nullptr),
        "automatic", G_PARAM_READWRITE);
    gimp_procedure_add_int_argument(
        procedure, "seed", _("See_d"),
        _("The same seed gives the same result. −1 chooses a new one each time; the layer's recipe records it."), -1,
        std::numeric_limits<int>::max(), -1, G_PARAM_READWRITE);
}

steps inpaint_steps(call& c) {
    auto const run = std::make_shared<inpaint_run>();
    return {.prepare = [&c, run] { run->from = capture(c.image, c.drawables().data(), request_from(c.config)); },
            .compute =
                [run](job const& job) {
                    run->result = engine_run(run->from.input, job);
                    return run->result.has_value();
                },
            .deliver = [&c, run] { c.made = deliver(c.image, run->from, *run->result); },
            .clear = [run] { *run = {}; }};
}

} // namespace sfumato
