#include "engine/jobs.h"

#include "compute/device.h"
#include "compute/error.h"
#include "compute/self_check.h"
#include "engine/pace.h"
#include "models/library/family.h"
#include "models/library/joined.h"
#include "models/library/open_checkpoint.h"
#include "models/library/scan.h"
#include "models/pipelines/diffusion/inpaint_by_diffusion.h"
#include "models/pipelines/imaging/grow_to_object.h"
#include "models/pipelines/lama/inpaint_by_lama.h"
#include "models/pipelines/upscale/upscale.h"

#include <algorithm>
#include <cctype>
#include <chrono>
#include <cstdio>
#include <format>
#include <memory>
#include <utility>

namespace sfumato {

namespace {

// What stays between calls.
class engine {
  public:
    explicit engine(std::string device_choice) : choice_(std::move(device_choice)) {}

    // `wish`: as run_input::device.
    device& open_device(std::optional<std::string> const& wish = {}) {
        std::string const wanted = wish ? (wish->empty() ? choice_ : *wish) : device_ ? open_ : choice_;
        if (device_ && wanted != open_) close_device();
        if (!device_) {
            auto opened = std::make_unique<device>(wanted);
            self_check(*opened);
            pace_.emplace(opened->info().name);
            device_ = std::move(opened);
            open_ = wanted;
        }
        return *device_;
    }

    upscale_model& upscaler(upscale_settings const& s) {
        bool const is_open = opened_ && opened_->source == s.model && opened_->is_current();
        return sfumato::open_upscaler(models, s, is_open ? opened_ : nullptr);
    }

    model_summary open_upscaler(std::string const& model) {
        opened_ = std::make_shared<checkpoint const>(open_checkpoint(model));
        require_upscaler(*opened_);
        return summary_of(look_at_model(model, *opened_));
    }

    // Of the device, once it is open: seconds for a pixel of a result by a model that enlarges or a method that fills,
    // for an operation by a diffusion model.
    sfumato::pace& pace() { return *pace_; }

  private:
    void close_device() {
        models.clear(); // their weights lie there
        device_.reset();
    }

    std::string choice_, open_; // which device is meant, and which is open
    std::optional<sfumato::pace> pace_;
    std::unique_ptr<device> device_; // lives longer than what lies on it
    std::shared_ptr<checkpoint const> opened_;

  public:
    shelf models;
};

// ---- Diffusion models

constexpr char const* any_diffusion = "diffusion"; // a model that did not run yet is as fast as the last one

double seconds_of(double pace, double work) { return pace < 0 ? -1 : pace * work; }

run_plan in_short(engine& e, std::string const& model, memory_plan const& plan) {
    double const own = e.pace().of(model);
    return {.text = plan.text(),
            .needed = plan.needed,
            .available = plan.available,
            .seconds = seconds_of(own < 0 ? e.pace().of(any_diffusion) : own, plan.work)};
}

generate_watch watch_for(engine& e, run_input const& in, run_client& client, double& work) {
    generate_watch watch{.planned = [&](memory_plan const& plan) {
        work = plan.work;
        client.planned(in_short(e, in.request.diffusion.model, plan));
    }};
    watch.warned = [&](std::string const& text) { client.warn(text); };
    watch.nearest = in.nearest;
    if (in.previews) watch.preview = [&](picture const& p) { client.preview(p); };
    if (in.previews && !in.preview_model.empty())
        watch.preview_decoder = std::make_shared<checkpoint const>(open_taesd(in.preview_model));
    return watch;
}

// `run` (watch → whether it ran to its end), and how fast it was.
template <class Run> bool run_diffusion(engine& e, run_input const& in, run_client& client, Run const& run) {
    auto const start = std::chrono::steady_clock::now();
    double work = 0;
    if (!run(watch_for(e, in, client, work))) return false;
    std::chrono::duration<double> const seconds = std::chrono::steady_clock::now() - start;
    std::string const& model = in.request.diffusion.model;
    bool const is_small = model.starts_with("sfumato:"); // most of its time is no work, which says nothing of others
    e.pace().learn_all(is_small ? std::vector<std::string>{model} : std::vector<std::string>{model, any_diffusion},
                       seconds.count() / work);
    return true;
}

// Of `run` (watch → whether it ran to its end), which is left when its plan is made. Nothing: cancelled before.
template <class Run>
std::optional<run_plan> plan_of_diffusion(engine& e, std::string const& model, Run const& run) {
    struct enough {};
    run_plan found;
    try {
        run({.planned = [&](memory_plan const& plan) {
            found = in_short(e, model, plan);
            throw enough();
        }});
    } catch (enough const&) {
        return found;
    }
    return std::nullopt;
}

// ---- Fill

struct fill_pictures {
    picture given;
    mask selection;
};

std::optional<fill_pictures> read_fill(run_input const& in, run_client& client) {
    named_picture const& p = find_picture(in, "picture", 4);
    rect const all{0, 0, p.width, p.height};
    client.will_read("picture", all);
    auto selection = client.read_mask("selection", all);
    auto given = selection ? client.read_picture("picture", all) : std::nullopt;
    if (!given) return std::nullopt;
    return fill_pictures{std::move(*given), std::move(*selection)};
}

// A small hole takes as long as one of this many pixels.
constexpr double least_hole = 50'000;

double work_of_fill(mask const& selection) {
    rect const box = bounds(selection);
    return std::max(double(box.width) * box.height, least_hole);
}

std::string kind_of_fill(request const& r) { return by_lama(r) ? "lama" : "patchmatch"; }

// The same with all of the object selected. Nothing: cancelled.
std::optional<fill_pictures> with_object(engine& e, fill_pictures read, job const& j) {
    auto grown = grow_to_object(e.open_device(), e.models, read.given, read.selection, j);
    if (!grown) return std::nullopt;
    read.selection = *std::move(grown);
    return read;
}

bool fill(engine& e, run_input const& in, run_client& client, job const& whole) {
    auto read = read_fill(in, client);
    if (read && in.request.object) read = with_object(e, *std::move(read), part_of(whole, 0, 0.1));
    if (!read) return false;
    job const j = in.request.object ? part_of(whole, 0.1, 1) : whole;
    if (by_diffusion(in.request)) {
        auto const take = [&](run_result result) { client.take(std::move(result)); };
        return run_diffusion(e, in, client, [&](generate_watch const& watch) {
            return inpaint_by_diffusion(e.open_device(), e.models, in.request, read->given, read->selection, j, take,
                                        watch);
        });
    }
    auto const start = std::chrono::steady_clock::now();
    auto result = by_lama(in.request)
                      ? inpaint_by_lama(e.open_device(), e.models, in.request, read->given, read->selection, j)
                      : inpaint(e.open_device(), e.models, in.request, read->given, read->selection, j);
    if (!result) return false;
    std::chrono::duration<double> const seconds = std::chrono::steady_clock::now() - start;
    e.pace().learn(kind_of_fill(in.request), seconds.count() / work_of_fill(read->selection));
    client.take(std::move(*result));
    return true;
}

std::optional<run_plan> estimate_fill(engine& e, run_input const& in, run_client& client, job const& j) {
    auto const read = read_fill(in, client);
    if (!read) return std::nullopt;
    device& d = e.open_device();
    if (by_diffusion(in.request))
        return plan_of_diffusion(e, in.request.diffusion.model, [&](generate_watch const& watch) {
            return inpaint_by_diffusion(
                d, e.models, in.request, read->given, read->selection, j, [](run_result) {}, watch);
        });
    run_plan plan = by_lama(in.request) ? plan_of_inpaint_by_lama(d, e.models, in.request, read->given, read->selection)
                                        : plan_of_inpaint(d, e.models, in.request, read->given, read->selection);
    plan.seconds = seconds_of(e.pace().of(kind_of_fill(in.request)), work_of_fill(read->selection));
    return plan;
}

// ---- Upscale

double pixels_of_result(run_input const& in) {
    named_picture const& p = find_picture(in, "picture", 4);
    return double(upscaled(p.width, in.request.upscale.scale)) * upscaled(p.height, in.request.upscale.scale);
}

bool enlarge(engine& e, run_input const& in, run_client& client, job const& j) {
    auto const start = std::chrono::steady_clock::now();
    device& d = e.open_device();
    if (!upscale(d, e.upscaler(in.request.upscale), in, client, j)) return false;
    std::chrono::duration<double> const seconds = std::chrono::steady_clock::now() - start;
    e.pace().learn(in.request.upscale.model, seconds.count() / pixels_of_result(in));
    return true;
}

std::optional<run_plan> estimate_enlarge(engine& e, run_input const& in, run_client&, job const&) {
    device& d = e.open_device();
    run_plan plan = plan_of_upscale(d, e.upscaler(in.request.upscale), in);
    plan.seconds = seconds_of(e.pace().of(in.request.upscale.model), pixels_of_result(in));
    return plan;
}

// ---- Text to image, image to image

bool make_pictures(engine& e, run_input const& in, run_client& client, job const& j) {
    std::optional<picture> from;
    if (in.request.operation == operation::img2img) {
        named_picture const& p = find_picture(in, "picture", 4);
        from = client.read_picture("picture", {0, 0, p.width, p.height});
        if (!from) return false;
    }
    auto const take = [&](generated g) { client.take({.picture = std::move(g.made), .recipe = std::move(g.recipe)}); };
    return run_diffusion(e, in, client, [&](generate_watch const& watch) {
        return generate(e.open_device(), e.models, in.request, from ? &*from : nullptr, j, take, watch);
    });
}

std::optional<run_plan> estimate_pictures(engine& e, run_input const& in, run_client&, job const& j) {
    std::optional<picture> from; // only its size matters
    if (in.request.operation == operation::img2img) {
        named_picture const& p = find_picture(in, "picture", 4);
        from.emplace(p.width, p.height);
    }
    device& d = e.open_device();
    return plan_of_diffusion(e, in.request.diffusion.model, [&](generate_watch const& watch) {
        return generate(d, e.models, in.request, from ? &*from : nullptr, j, [](generated) {}, watch);
    });
}

// ---- The table

struct operation_jobs {
    operation of;
    bool (*run)(engine&, run_input const&, run_client&, job const&);
    std::optional<run_plan> (*estimate)(engine&, run_input const&, run_client&, job const&);
};
constexpr operation_jobs table[] = {
    {operation::inpaint, fill, estimate_fill},
    {operation::upscale, enlarge, estimate_enlarge},
    {operation::txt2img, make_pictures, estimate_pictures},
    {operation::img2img, make_pictures, estimate_pictures},
};

operation_jobs const& jobs_of(run_input const& in) {
    return *std::ranges::find(table, in.request.operation, &operation_jobs::of);
}

// The log then tells whether the memory was foreseen.
bool run_and_log(engine& e, run_input const& in, run_client& client, job const& j) {
    struct listening final : run_client {
        run_client& to;
        run_plan largest{};
        int results = 0;

        explicit listening(run_client& to) : to(to) {}
        std::optional<picture> read_picture(std::string_view name, rect const& area) override {
            return to.read_picture(name, area);
        }
        std::optional<mask> read_mask(std::string_view name, rect const& area) override {
            return to.read_mask(name, area);
        }
        void will_read(std::string_view name, rect const& area) override { to.will_read(name, area); }
        void take(run_result result) override {
            ++results;
            to.take(std::move(result));
        }
        void planned(run_plan const& plan) override {
            if (plan.needed >= largest.needed) largest = plan;
            to.planned(plan);
        }
        void warn(sentence const& s) override { to.warn(s); }
        void preview(picture const& p) override { to.preview(p); }
    } heard(client);
    device& d = e.open_device(in.device);
    d.memory_peak(true);
    bool const done = jobs_of(in).run(e, in, heard, j);
    if (!heard.largest.text.empty())
        std::fprintf(stderr, "%s; planned %.1f MB, used %.1f MB, pictures %.1f MB; %d results; %s\n",
                     heard.largest.text.text().c_str(), double(heard.largest.needed) / 1e6,
                     double(d.memory_peak()) / 1e6, double(heard.largest.pictures) / 1e6, heard.results,
                     d.info().name.c_str());
    return done;
}

std::optional<run_plan> estimate(engine& e, run_input const& in, run_client& client, job const& j) {
    e.open_device(in.device);
    return jobs_of(in).estimate(e, in, client, j);
}

std::string lower(std::string text) {
    std::ranges::transform(text, text.begin(), [](unsigned char c) { return char(std::tolower(c)); });
    return text;
}

// A part of a name means the first that has it; where that is another one, only the number will do.
std::vector<device_choice> usable_devices() {
    std::vector<device_info> const all = list_devices();
    std::vector<device_choice> found;
    for (std::size_t i = 0; i < all.size(); ++i) {
        std::string const& name = all[i].name;
        auto const named = std::ranges::find_if(
            all, [&](device_info const& d) { return lower(d.name).find(lower(name)) != std::string::npos; });
        bool const is_first = std::size_t(named - all.begin()) == i;
        if (!all[i].missing.empty()) continue;
        found.push_back(is_first ? device_choice{name, name}
                                 : device_choice{std::to_string(i), std::format("{} ({})", name, i)});
    }
    return found;
}

} // namespace

engine_jobs open_jobs(std::string device_choice) {
    auto const e = std::make_shared<engine>(std::move(device_choice)); // of the functions' copies, too
    return {
        .run = [e](run_input const& in, run_client& client, job const& j) { return run_and_log(*e, in, client, j); },
        .estimate = [e](run_input const& in, run_client& client, job const& j) { return estimate(*e, in, client, j); },
        .devices = usable_devices,
        .open_device = [e] { e->open_device(); },
        .open_upscaler = [e](std::string const& model) { return e->open_upscaler(model); }};
}

} // namespace sfumato
