// plug-in-sfumato-inpaint: the selection is filled.
#include "plugin/arguments.h"
#include "plugin/deliver.h"
#include "plugin/diffusion_arguments.h"
#include "plugin/procedure.h"
#include "plugin/run_captured.h"
#include "plugin/run_estimate.h"
#include "ui/translated.h"

#include <chrono>
#include <optional>

namespace sfumato {

namespace {

struct inpaint_run {
    captured from;
    std::optional<run_result> result;
    std::chrono::duration<double> took{};
};

double area_of(rect const& r) { return double(r.width) * r.height; }

bool compute(inpaint_run& run, job const& j) {
    auto const start = std::chrono::steady_clock::now();
    run.result = run_captured(run.from, j);
    run.took = std::chrono::steady_clock::now() - start;
    return run.result.has_value();
}

// ---- How long patches take: as the last time, by the selection's size. GIMP keeps that with the last settings.

constexpr char const* pace = "seconds-per-megapixel";
constexpr double least_megapixels = 0.05; // a smaller selection takes as long as one of that size

double megapixels(double pixels) { return std::max(pixels / 1e6, least_megapixels); }

// Nothing, or a clause behind a sentence.
sentence time_of(GimpProcedureConfig* config, double pixels) {
    return say_time(real(config, pace) * megapixels(pixels));
}

} // namespace

void add_inpaint_arguments(GimpProcedure* procedure) {
    add_method_argument(procedure);
    add_source_argument(procedure, operation::inpaint);
    add_context_argument(procedure);
    add_seed_argument(procedure, operation::inpaint);
    add_diffusion_arguments(procedure, operation::inpaint);
    add_recipe_argument(procedure);
    gimp_procedure_add_double_aux_argument(procedure, pace, pace, nullptr, 0, 1e6, 0, G_PARAM_READWRITE);
}

steps inpaint_steps(call& c) {
    auto const run = std::make_shared<inpaint_run>();
    return {.prepare = [&c, run] { run->from = capture(c, request_from(c.config, operation::inpaint)); },
            .compute = [run](job const& j) { return compute(*run, j); },
            .deliver =
                [&c, run] {
                    c.made = deliver(c.image, run->from, *run->result);
                    if (run->from.request.method != method::patchmatch) return;
                    double const pixels = area_of(bounds(run->from.selection));
                    g_object_set(c.config, pace, run->took.count() / megapixels(pixels), nullptr);
                },
            .clear = [run] { *run = {}; }};
}

sentence inpaint_note(call const& c) {
    request const r = request_from(c.config, operation::inpaint);
    check_image(c.image);
    check_selection(c.image);
    GimpLayer* const layer = check_source(c.image, c.drawables().data(), r.source);
    rect const selected = selected_box(c.image);
    sentence const time = time_of(c.config, area_of(selected));
    if (!layer)
        return say("The selection of {} × {} pixels is filled from what can be seen. The result is a new layer on top "
                   "of all others.{}",
                   selected.width, selected.height, time);
    return say("The selection of {} × {} pixels is filled from the layer “{}”. The result is a new layer above it.{}",
               selected.width, selected.height, name_of(GIMP_ITEM(layer)), time);
}

} // namespace sfumato
