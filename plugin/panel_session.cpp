#include "plugin/panel_session.h"

#include "engine/client.h"
#include "plugin/arguments.h"
#include "plugin/deliver.h"
#include "plugin/panel_task.h"
#include "plugin/report.h"
#include "plugin/resize.h"
#include "plugin/run_captured.h"
#include "plugin/underlay.h"
#include "ui/translated.h"

#include <algorithm>
#include <utility>

namespace sfumato {

namespace {

constexpr int tick = 100;               // ms: results and previews are looked for
constexpr int refresh_each = 3;         // ticks: … and the document
constexpr int largest_live = 1'500'000; // pixels; what is larger is shown when it is done

using drawable_list = std::unique_ptr<GimpDrawable*[], decltype(&g_free)>;
drawable_list active_drawables(GimpImage* image) { return {gimp_image_get_selected_drawables(image), g_free}; }

// Null: none, or several. Of a result it is mostly the mask that is active.
GimpLayer* active_layer(GimpImage* image) {
    drawable_list const active = active_drawables(image);
    return active && active[0] && !active[1] ? as_layer(active[0]) : nullptr;
}

// Of the active layer. Nothing: it has none that can be read, or was enlarged, which is not done here.
std::optional<request> recipe_of_active(GimpImage* image) {
    GimpLayer* const layer = active_layer(image);
    auto recipe = layer ? recipe_of(layer) : std::nullopt;
    return recipe && recipe->operation != operation::upscale ? recipe : std::nullopt;
}

// That the panel is to be set to. Nothing: it stays as it is.
std::optional<task> task_of(panel_message const& m) {
    switch (m.what) {
    case panel_message::fill: return task::fill;
    case panel_message::refine: return task::refine;
    case panel_message::create: return task::generate;
    case panel_message::expand: return task::expand;
    default: return {};
    }
}

// Each variant has a seed of its own, one more than that of the last. A diffusion model makes them in one run, so that
// nothing is computed twice.
bool make_variants(captured const& from, int count, job const& whole, std::function<void(run_result)> const& take,
                   std::function<void(picture const&)> const& preview) {
    job const all = timed(whole);
    request asked = from.request;
    if (by_diffusion(asked)) {
        asked.diffusion.batch = count;
        return run_captured(from, asked, all, take, preview);
    }
    for (int k = 0; k < count; ++k, ++asked.seed) {
        job one = part_of(all, double(k) / count, double(k + 1) / count);
        if (count > 1)
            one.report = [report = one.report, k, count](progress p) {
                p.item = say("picture {} of {}", k + 1, count);
                report(p);
            };
        if (!run_captured(from, asked, one, take, preview)) return false;
    }
    return true;
}

} // namespace

panel_session::panel_session(GimpImage* image)
    : target(image), window(settings.procedure(), config,
                            {.generate = [this] { generate(); },
                             .cancel = [this] { cancel(); },
                             .keep = [this] { keep(); },
                             .discard = [this] { discard(); },
                             .again = [this] { again(); },
                             .free_device = [this] { free_device(); },
                             .report = [this] { window.copy(make_report(window.message())); },
                             .close = [this] { g_main_loop_quit(loop.get()); },
                             .adopt = [this] { adopt(); },
                             .look = [this] { looked_under = -1; },
                             .step = [this](int by) { step(by); },
                             .hide = [this](bool on) { preview.set_visible(!(hidden = on)); },
                             .aim = [this](int id) { aim(id); }}),
      listener([this](panel_message const& m) { hear(m); }) {
    timer = g_timeout_add(
        tick,
        [](gpointer self) {
            auto& s = *static_cast<panel_session*>(self);
            s.look_into_inbox();
            if (s.settings.are_due()) s.attempt([&] { s.settings.save(); });
            if (s.ticks++ % refresh_each == 0) s.refresh();
            return gboolean(G_SOURCE_CONTINUE);
        },
        this);
    refresh();
}

panel_session::~panel_session() {
    g_source_remove(timer);
    work.reset(); // first of all: it fills the inbox
}

GimpLayer* panel_session::run() {
    g_main_loop_run(loop.get());
    return kept && gimp_item_is_valid(GIMP_ITEM(kept)) ? kept : nullptr;
}

void panel_session::obey(std::function<void()> const& wish) {
    window.show_message("");
    attempt(wish);
}

void panel_session::attempt(std::function<void()> const& what) {
    try {
        what();
    } catch (std::exception const& e) {
        window.show_message(translated(e));
    }
    refresh();
}

// ---- What the user asks for

void panel_session::hear(panel_message const& m) {
    aim(m.image);
    lama.ask_again();
    if (m.what != panel_message::generate) {
        if (auto const task = task_of(m)) g_object_set(config, "task", name_of(*task), nullptr);
        return window.present();
    }
    if (target && gimp_image_get_id(target) == m.image) generate();
}

void panel_session::aim(int id) {
    GimpImage* const image = gimp_image_get_by_id(id);
    if (!image || !gimp_image_is_valid(image) || image == target) return;
    target = image;
    refresh();
}

void panel_session::generate() {
    obey([&] {
        if (!target || !gimp_image_is_valid(target)) fail("No image is open.");
        drawable_list const active = active_drawables(target);
        panel_task const task = find_task(config, target, active.get(), lama.known());
        request const asked = resolve(task.request);
        // It is no part of the picture.
        if (preview.image() == target) preview.set_visible(false);
        captured from;
        try {
            from = capture(target, active.get(), asked, boolean(config, keeps_recipe), task.to);
        } catch (...) {
            preview.set_visible(!hidden);
            throw;
        }
        from.device = text(config, "device");
        if (runs.empty()) show_variant(-1);
        preview.set_visible(!hidden);
        g_object_set(config, "seed", double(asked.seed), nullptr);
        runs.push_back({target, std::make_shared<captured const>(std::move(from)), variants_wanted(config)});
        start_next();
        settings.save();
    });
}

void panel_session::cancel() {
    if (work) work->cancel();
}

void panel_session::step(int by) {
    int const count = int(variants.size());
    if (count == 0) return;
    attempt([&] { show_variant(shown < 0 ? (by > 0 ? 0 : count - 1) : (shown + by + count) % count); });
}

void panel_session::keep() {
    if (shown < 0) return;
    obey([&] {
        int const number = shown;
        show_variant(-1); // it is no part of the picture
        try {
            variant const& chosen = variants[std::size_t(number)];
            kept = deliver(chosen.image, *chosen.from, chosen.result);
        } catch (...) {
            show_variant(number);
            throw;
        }
        variants.erase(variants.begin() + number);
        gimp_displays_flush();
    });
}

void panel_session::discard() {
    if (shown < 0) return;
    obey([&] {
        variants.erase(variants.begin() + shown);
        show_variant(std::min(shown, int(variants.size()) - 1));
    });
}

void panel_session::again() {
    obey([&] {
        auto const recipe = target ? recipe_of_active(target) : std::nullopt;
        if (!recipe) fail("The active layer has no recipe.");
        repeat(config, *recipe);
    });
}

void panel_session::adopt() {
    obey([&] {
        if (offered) set_steps(config, *offered);
    });
}

// It takes its models along; the next run starts it again.
void panel_session::free_device() {
    if (work || freeing) return;
    window.show_message("");
    auto const end = [](job const&) {
        engine_end();
        return true;
    };
    freeing = std::make_unique<background_run>(
        end, [](progress const&) {},
        [this] {
            auto const ended = std::exchange(freeing, nullptr);
            attempt([&] { ended->result(); });
        });
}

// ---- Runs

void panel_session::start_next() {
    if (work || runs.empty()) return;
    waiting_run const& next = runs.front();
    live = shown < 0;
    bool const previews = std::int64_t(next.from->area.width) * next.from->area.height <= largest_live;
    auto const take = [this](run_result r) {
        std::lock_guard const lock(arrived.mutex);
        arrived.results.push_back(std::move(r));
    };
    std::function<void(picture const&)> const show = [this](picture const& p) {
        std::lock_guard const lock(arrived.mutex);
        arrived.preview = p;
    };
    work = std::make_unique<background_run>(
        [from = next.from, count = next.variants, take, shown = previews ? show : nullptr](job const& j) {
            return make_variants(*from, count, j, take, shown);
        },
        [this](progress const& p) { window.show_progress(p.fraction, describe(p)); }, [this] { end_run(); });
    window.show_progress(0, "");
}

void panel_session::end_run() {
    look_into_inbox();
    if (shown < 0) preview.remove(); // what was in the making
    auto const ended = std::exchange(work, nullptr);
    waiting_run const ended_run = std::move(runs.front());
    runs.pop_front();
    live = false;
    estimate.ask_again();
    lama.ask_again();
    bool const is_open = gimp_image_is_valid(ended_run.image);
    attempt([&] {
        ended->result();
        if (!is_open) fail("The image was closed; the run has ended without a result.");
    });
    start_next();
    refresh();
}

void panel_session::look_into_inbox() {
    std::vector<run_result> results;
    std::optional<picture> latest;
    {
        std::lock_guard const lock(arrived.mutex);
        results.swap(arrived.results);
        latest.swap(arrived.preview);
    }
    if (runs.empty() || !gimp_image_is_valid(runs.front().image)) return;
    for (run_result& r : results) variants.push_back({runs.front().image, runs.front().from, std::move(r)});
    if (!results.empty() && shown < 0)
        attempt([&] { show_variant(int(variants.size() - results.size())); });
    else if (latest && live && shown < 0)
        attempt([&] { show_preview(*latest); });
}

void panel_session::show_preview(picture const& p) {
    captured const& from = *runs.front().from;
    preview.show(runs.front().image, from.area, cover(p, from.area.width, from.area.height), from.selection,
                 colours_of(from.request), !hidden);
}

void panel_session::show_variant(int number) {
    shown = number;
    if (shown < 0) return preview.remove();
    variant const& v = variants[std::size_t(shown)];
    rect const at{v.from->area.x + v.result.x, v.from->area.y + v.result.y, v.result.picture.width,
                  v.result.picture.height};
    preview.show(v.image, at, v.result.picture, v.result.mask, colours_of(v.result.recipe), !hidden);
}

// ---- The document

// What was opened just now, or duplicated, may have a preview in it that is none of ours.
void panel_session::see_new_images() {
    std::unique_ptr<GimpImage*[], decltype(&g_free)> const images(gimp_get_images(), g_free);
    for (GimpImage* const* image = images.get(); image && *image; ++image)
        if (seen.insert(gimp_image_get_id(*image)).second) remove_leftovers(*image);
    if (!target && images && images[0]) target = images[0];
}

void panel_session::let_go_of_closed_images() {
    auto const is_closed = [](auto const& of) { return !gimp_image_is_valid(of.image); };
    if (!runs.empty() && is_closed(runs.front())) cancel();
    if (runs.size() > 1) runs.erase(std::remove_if(runs.begin() + 1, runs.end(), is_closed), runs.end());
    if (std::ranges::any_of(variants, is_closed)) {
        std::erase_if(variants, is_closed);
        show_variant(-1);
    }
    if (target && !gimp_image_is_valid(target)) target = nullptr;
}

// To find out takes a moment: it is done when another layer becomes active, or the user comes back to the window.
bool panel_session::is_active_outdated() {
    GimpLayer* const active = active_layer(target);
    if (int const id = gimp_item_get_id(GIMP_ITEM(active)); id != std::exchange(looked_under, id))
        outdated = is_outdated(active);
    return outdated;
}

panel_view panel_session::view() {
    panel_view v{.button = _("_Generate"),
                 .is_running = bool(work),
                 .waiting = std::max(0, int(runs.size()) - 1),
                 .variants = int(variants.size()),
                 .shown = shown};
    std::unique_ptr<GimpImage*[], decltype(&g_free)> const images(gimp_get_images(), g_free);
    for (GimpImage* const* image = images.get(); image && *image; ++image) {
        std::unique_ptr<char, decltype(&g_free)> const name(gimp_image_get_name(*image), g_free);
        if (name) v.images.push_back({gimp_image_get_id(*image), name.get()}); // else it is just being closed
    }
    if (!target) {
        v.note = _("No image is open.");
        estimate.look_away();
        return v;
    }
    v.target = gimp_image_get_id(target);
    v.can_repeat = recipe_of_active(target).has_value();
    v.is_outdated = v.can_repeat && is_active_outdated();
    if (!v.can_repeat) looked_under = -1;
    try {
        drawable_list const active = active_drawables(target);
        panel_task const task = find_task(config, target, active.get(), lama.known());
        run_outline outline = outline_of(task, variants_wanted(config), target, active.get());
        outline.device = text(config, "device");
        estimate.look(outline, runs.empty() && !freeing, target, active.get());
        v.button = _(task.button);
        v.note = translated(task.note) + translated(estimate.words());
        offered = steps_offered(task);
        if (offered) v.offer = translated(say("S_witch to {}", in_words(*offered)));
        v.can_start = true;
    } catch (std::exception const& e) {
        estimate.look_away();
        v.note = translated(e);
    }
    return v;
}

void panel_session::refresh() {
    let_go_of_closed_images();
    see_new_images();
    window.show(view());
}

} // namespace sfumato
