#include "models/pipelines/upscale/upscale.h"

#include "compute/device.h"
#include "compute/error.h"
#include "models/pipelines/upscale/upscale_graphs.h"

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <utility>

namespace sfumato {

namespace {

// What `pass` makes; where its numbers do not fit `storage`, and the request does not ask for that, it is fp32 from
// then on.
std::optional<picture> in_enough_range(device& d, upscale_model& m, dtype& storage, bool is_asked,
                                       std::function<std::optional<picture>()> const& pass) {
    while (true) try {
            return pass();
        } catch (overflow const&) {
            if (storage == dtype::f32)
                fail("{} computes values of this picture that are no numbers on {}: take another model.",
                     m.chosen().source, d.info().name);
            if (is_asked)
                fail("{} computes values of this picture that 16 bits do not hold on {}: take fp32.", m.chosen().source,
                     d.info().name);
            storage = dtype::f32;
        }
}

double pixels(rect const& r) { return double(r.width) * r.height; }

// Row by row, but the one in the middle first: it has most to see, and means are found from it.
std::vector<upscale_part> parts_in_order(run_input const& in, upscaler_shape const& shape) {
    named_picture const& p = find_picture(in, "picture", 4);
    double const scale = in.request.upscale.scale;
    auto parts = upscale_parts(p.width, p.height, scale, overlap_for(shape, scale));
    auto const middle = parts.begin() + std::ptrdiff_t(parts.size() / 2);
    std::rotate(parts.begin(), middle, middle + 1);
    return parts;
}

// Tells the client when the plan is another.
struct plan_teller {
    run_client& client;
    sentence said{};

    void operator()(upscale_plan const& plan) {
        if (plan.text() == said) return;
        said = plan.text();
        client.planned({.text = said, .needed = plan.needed, .available = plan.available, .pictures = plan.pixels});
    }
};

} // namespace

upscale_model& open_upscaler(shelf& models, upscale_settings const& s, std::shared_ptr<checkpoint const> file) {
    assert(!s.model.empty() && "resolve() comes first");
    return models.open<upscale_model>({s.model, s.dtype}, std::move(file));
}

std::optional<picture> upscale_one_part(device& d, upscale_model& m, upscale_settings const& s, picture const& given,
                                        upscale_part const& part, common_to_parts& common, job const& j,
                                        std::function<void(upscale_plan const&)> const& planned) {
    assert(given.width == part.from.width && given.height == part.from.height);
    upscaler_shape const shape = m.shape();
    dtype storage = s.dtype.value_or(common.storage.value_or(d.target().storage()));
    bool const is_one_of_several = common.means.has_value();
    std::vector<upscale_step> const steps = steps_of(part, shape, s.scale);
    if (is_one_of_several) common.means->resize(steps.size());
    picture made;
    double done = 0, reached = 0;
    job const watched{.report = [&](progress const& p) { reached = p.fraction, j.report(p); },
                      .cancelled = j.cancelled};
    for (std::size_t k = 0; k < steps.size(); ++k) {
        auto const& [now, scale] = steps[k];
        picture const& from = k == 0 ? given : made;
        // Each step has as many times more pixels than the one before.
        double const upto = k + 1 == steps.size() ? 1 : done + (1 - done) / (1 + double(shape.scale) * shape.scale);
        bool again = false;
        auto next = in_enough_range(d, m, storage, s.dtype.has_value(), [&] {
            beside_network const more = needs_of(from, shape, storage);
            upscale_plan plan = plan_upscale(d, m, more, now, scale, storage, s.tile, is_one_of_several);
            plan.is_repeated = std::exchange(again, true);
            planned(plan);
            m.make_room(d, plan.needed + (plan.is_software ? plan.pixels : 0), m.slot());
            return upscale_pass(d, m, {from, now, scale, plan.cut, storage, more},
                                is_one_of_several ? &(*common.means)[k] : nullptr,
                                part_of(watched, std::max(done, reached), upto));
        });
        if (!next) return std::nullopt;
        made = std::move(*next);
        done = upto;
    }
    if (!s.dtype) common.storage = storage;
    return made;
}

bool upscale(device& d, upscale_model& m, run_input const& in, run_client& client, job const& j) {
    std::vector<upscale_part> const parts = parts_in_order(in, m.shape());
    common_to_parts common;
    if (parts.size() > 1) common.means.emplace();
    double all = 0, done = 0;
    for (upscale_part const& p : parts) all += pixels(p.to);
    job const timed_job = timed(j);
    plan_teller tell{client};
    for (std::size_t i = 0; i < parts.size(); ++i) {
        upscale_part const& p = parts[i];
        auto const given = client.read_picture("picture", p.from);
        if (!given) return false;
        if (i + 1 < parts.size()) client.will_read("picture", parts[i + 1].from);
        double const from = done / all;
        done += pixels(p.to);
        auto made = upscale_one_part(d, m, in.request.upscale, *given, p, common, part_of(timed_job, from, done / all),
                                     std::ref(tell));
        if (!made || j.is_cancelled()) return false;
        client.take({.x = p.to.x, .y = p.to.y, .picture = std::move(*made), .recipe = in.request});
    }
    return !j.is_cancelled();
}

run_plan plan_of_upscale(device& d, upscale_model& m, run_input const& in) {
    upscale_settings const& s = in.request.upscale;
    std::vector<upscale_part> const parts = parts_in_order(in, m.shape());
    auto const largest = std::ranges::max_element(
        parts, {}, [](upscale_part const& p) { return std::pair(pixels(p.to), pixels(p.from)); });
    upscale_plan most;
    for (auto const& [part, scale] : steps_of(*largest, m.shape(), s.scale)) {
        upscale_plan plan =
            plan_upscale(d, m, {}, part, scale, s.dtype.value_or(d.target().storage()), s.tile, parts.size() > 1);
        if (plan.needed >= most.needed) most = std::move(plan);
    }
    return {.text = most.text(), .needed = most.needed, .available = most.available, .pictures = most.pixels};
}

} // namespace sfumato
