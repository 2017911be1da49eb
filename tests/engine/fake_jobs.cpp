// Takes the place of engine/jobs.cpp in `fake_sfumato`: no GPU, and every way in which a run can go and end, chosen by
// the seed.
#include "tests/engine/fake_jobs.h"

#include "compute/device.h"
#include "engine/jobs.h"
#include "models/library/family.h"
#include "models/library/open_checkpoint.h"
#include "models/library/scan.h"
#include "models/pipelines/upscale/upscale_parts.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <thread>

namespace sfumato {

namespace {

void check_device(std::string const& choice) {
    if (!choice.empty() && choice != "fake") fail("No Vulkan device is called \"{}\".", choice);
}

std::int64_t seed_of(run_input const& in) {
    return in.request.operation == operation::upscale ? in.request.upscale.tile : in.request.seed;
}

// As the seed says. False: cancelled.
bool misbehave(run_input const& in, run_client& client, job const& j) {
    auto const pause = [] { std::this_thread::sleep_for(std::chrono::milliseconds(10)); };
    j.report({.stage = say("fake"), .fraction = 0.25, .seconds_left = 3});
    switch (seed_of(in)) {
    case fake_seed::until_cancelled:
        while (!j.is_cancelled()) {
            j.report({.stage = say("fake"), .fraction = 0.5});
            pause();
        }
        return false;
    case fake_seed::never_notices:
        while (true) pause();
    case fake_seed::half_a_second:
        for (int i = 0; i < 50 && !j.is_cancelled(); ++i) pause();
        return !j.is_cancelled();
    case fake_seed::fails: fail("The fake job fails as it was {}.", "told");
    case fake_seed::crashes: std::abort();
    case fake_seed::loses_device: throw device_lost(say("The fake device is lost."));
    case fake_seed::out_of_memory: throw std::bad_alloc();
    case fake_seed::reads_outside: return client.read_picture("picture", {0, 0, 1 << 20, 1}).has_value();
    case fake_seed::warns:
        client.warn(say("{} is not {}", "this", "so"));
        if (in.previews) client.preview(picture(3, 2));
        j.report({.stage = say("fake {} × {}", 3, 2), .fraction = 0.5, .item = say("picture {} of {}", 1, 2)});
        std::this_thread::sleep_for(std::chrono::milliseconds(300)); // so that it is seen
        return true;
    default: return true;
    }
}

float grey(std::int64_t seed) { return float(seed % 256) / 255; }

request one_of_batch(request r, int number) {
    r.seed += number;
    r.diffusion.batch = 1;
    return r;
}

// All that is selected.
bool fill(run_input const& in, run_client& client) {
    named_picture const& p = find_picture(in, "picture", 4);
    rect const all{0, 0, p.width, p.height};
    auto const selection = client.read_mask("selection", all);
    auto const given = client.read_picture("picture", all);
    if (!given || !selection) return false;
    for (int k = 0; k < in.request.diffusion.batch; ++k) {
        request const recipe = one_of_batch(in.request, k);
        picture filled = *given;
        for (std::size_t i = 0; i < selection->values.size(); ++i)
            if (selection->values[i] > 0)
                for (std::size_t c = 0; c < 4; ++c) filled.pixels[i * 4 + c] = c == 3 ? 1.f : grey(recipe.seed);
        client.take({.picture = std::move(filled), .mask = *selection, .recipe = recipe});
    }
    return true;
}

// Each pixel as often as the scale says.
picture repeated(picture const& given, upscale_part const& part, double scale) {
    auto const& [from, to] = part;
    picture made(to.width, to.height);
    auto const under = [&](int at, int first, int extent) {
        return std::size_t(std::min(int((at + 0.5) / scale) - first, extent - 1));
    };
    for (int y = 0; y < to.height; ++y)
        for (int x = 0; x < to.width; ++x) {
            std::size_t const at =
                under(to.y + y, from.y, from.height) * std::size_t(from.width) + under(to.x + x, from.x, from.width);
            std::copy_n(&given.pixels[4 * at], 4,
                        &made.pixels[4 * (std::size_t(y) * std::size_t(to.width) + std::size_t(x))]);
        }
    return made;
}

std::vector<upscale_part> parts_of(run_input const& in) {
    named_picture const& p = find_picture(in, "picture", 4);
    double const scale = in.request.upscale.scale;
    if (in.request.upscale.tile != fake_seed::in_rows) return upscale_parts(p.width, p.height, scale, {.margin = 1});
    std::vector<upscale_part> rows;
    for (int y = 0; y < p.height; ++y) {
        int const top = int(y * scale), bottom = y + 1 == p.height ? upscaled(p.height, scale) : int((y + 1) * scale);
        rows.push_back({{0, y, p.width, 1}, {0, top, upscaled(p.width, scale), bottom - top}});
    }
    return rows;
}

bool enlarge(run_input const& in, run_client& client, job const& j) {
    std::vector<upscale_part> const parts = parts_of(in);
    for (std::size_t i = 0; i < parts.size(); ++i) {
        auto const given = client.read_picture("picture", parts[i].from);
        if (!given || j.is_cancelled()) return false;
        if (i + 1 < parts.size()) client.will_read("picture", parts[i + 1].from);
        picture made = repeated(*given, parts[i], in.request.upscale.scale);
        if (in.request.upscale.tile == fake_seed::between_steps)
            for (float& v : made.pixels) v *= 0.987f;
        client.take({.x = parts[i].to.x, .y = parts[i].to.y, .picture = std::move(made), .recipe = in.request});
        j.report({.stage = say("fake"), .fraction = 0.5 + 0.5 * double(i + 1) / double(parts.size())});
    }
    return true;
}

bool make_pictures(run_input const& in, run_client& client) {
    request const& r = in.request;
    if (!in.preview_model.empty()) (void)open_checkpoint(in.preview_model);
    std::optional<picture> from;
    if (r.operation == operation::img2img) {
        named_picture const& p = find_picture(in, "picture", 4);
        from = client.read_picture("picture", {0, 0, p.width, p.height});
        if (!from) return false;
    }
    for (int k = 0; k < r.diffusion.batch; ++k) {
        picture p = from ? *from : picture(r.diffusion.width, r.diffusion.height);
        if (!from) std::ranges::fill(p.pixels, 1.f);
        request const recipe = one_of_batch(r, k);
        for (std::size_t i = 0; i < p.pixels.size(); ++i)
            if (i % 4 != 3) p.pixels[i] = grey(recipe.seed);
        if (in.previews) client.preview(p);
        client.take({.picture = std::move(p), .recipe = recipe});
    }
    return true;
}

bool run(run_input const& in, run_client& client, job const& j) {
    if (in.request.operation != operation::inpaint)
        client.planned({.text = say("needs {} MB, {} MB free", 1, 2), .needed = 1'000'000, .available = 2'000'000});
    if (!misbehave(in, client, j)) return false;
    switch (in.request.operation) {
    case operation::inpaint: return fill(in, client);
    case operation::upscale: return enlarge(in, client, j);
    default: return make_pictures(in, client);
    }
}

// Of a fill it reads the selection.
std::optional<run_plan> estimate(run_input const& in, run_client& client, job const& j) {
    if (!misbehave(in, client, j)) return {};
    if (in.request.operation != operation::inpaint) return run_plan{.text = say("the plan"), .seconds = 3};
    named_picture const& p = find_picture(in, "picture", 4);
    auto const selection = client.read_mask("selection", {0, 0, p.width, p.height});
    if (!selection) return {};
    return run_plan{.text = say("{} pixels are selected", bounds(*selection).width), .needed = 1, .available = 2};
}

} // namespace

engine_jobs open_jobs(std::string chosen) {
    return {.run =
                [chosen](run_input const& in, run_client& client, job const& j) {
                    check_device(in.device.value_or(chosen));
                    return run(in, client, j);
                },
            .estimate = estimate,
            .devices = [] { return std::vector<device_choice>{{"fake", "The fake device"}, {"1", "fake (1)"}}; },
            .open_device = [chosen] { check_device(chosen); },
            .open_upscaler =
                [](std::string const& model) {
                    checkpoint const file = open_checkpoint(model);
                    require_upscaler(file);
                    return summary_of(look_at_model(model, file));
                }};
}

} // namespace sfumato
