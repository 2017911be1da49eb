// Takes the place of cli/device_job.cpp in `fake_sfumato`: no GPU, and every way in which a job can end, chosen by the
// seed.
#include "tests/cli/fake_device_job.h"

#include "cli/commands.h"
#include "compute/device.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <thread>

namespace sfumato {

namespace {

void check_device(std::string const& choice) {
    if (!choice.empty() && choice != "fake") fail("no Vulkan device is called \"{}\"", choice);
}

// As the seed says. False: cancelled.
bool misbehave(std::int64_t seed, job const& j) {
    auto const pause = [] { std::this_thread::sleep_for(std::chrono::milliseconds(10)); };
    j.report({.stage = "fake", .fraction = 0.25, .seconds_left = 3});
    switch (seed) {
    case fake_seed::until_cancelled:
        while (!j.is_cancelled()) {
            j.report({.stage = "fake", .fraction = 0.5});
            pause();
        }
        return false;
    case fake_seed::never_notices:
        while (true) pause();
    case fake_seed::half_a_second:
        for (int i = 0; i < 50 && !j.is_cancelled(); ++i) pause();
        return !j.is_cancelled();
    case fake_seed::fails: fail("The fake job fails as it was told.");
    case fake_seed::crashes: std::abort();
    case fake_seed::loses_device: throw device_lost("The fake device is lost.");
    case fake_seed::out_of_memory: throw std::bad_alloc();
    default: return true;
    }
}

float grey(std::int64_t seed) { return float(seed % 256) / 255; }

run_result filled_grey(run_input const& in) {
    run_result result{.filled = in.picture, .composite = in.selection};
    for (std::size_t i = 0; i < in.selection.values.size(); ++i)
        if (in.selection.values[i] > 0)
            for (std::size_t c = 0; c < 4; ++c) result.filled.pixels[i * 4 + c] = c == 3 ? 1.f : grey(in.request.seed);
    return result;
}

// Each pixel as often as the scale says.
run_result repeated(run_input const& in) {
    auto const& [from, to] = in.part;
    double const scale = in.request.upscale.scale;
    run_result result{.filled = picture(to.width, to.height)};
    auto const under = [&](int at, int first, int extent) {
        return std::size_t(std::min(int((at + 0.5) / scale) - first, extent - 1));
    };
    for (int y = 0; y < to.height; ++y)
        for (int x = 0; x < to.width; ++x) {
            std::size_t const given =
                under(to.y + y, from.y, from.height) * std::size_t(from.width) + under(to.x + x, from.x, from.width);
            std::copy_n(&in.picture.pixels[4 * given], 4,
                        &result.filled.pixels[4 * (std::size_t(y) * std::size_t(to.width) + std::size_t(x))]);
        }
    return result;
}

} // namespace

run_job open_device_job(std::string device_choice) {
    check_device(device_choice);
    return [](run_input const& in, job const& j) -> std::optional<run_result> {
        bool const enlarge = in.request.operation == operation::upscale;
        if (!misbehave(enlarge ? in.request.upscale.tile : in.request.seed, j)) return {};
        if (!enlarge) return filled_grey(in);
        run_result made = repeated(in);
        if (in.request.upscale.tile == fake_seed::between_steps)
            for (float& v : made.filled.pixels) v *= 0.987f;
        return made;
    };
}

run_upscale open_upscale_job(std::string device_choice) {
    return [run = open_device_job(std::move(device_choice))](run_input const& in, job const& j,
                                                             std::function<void(upscale_plan const&)> const& planned) {
        planned({.cut = {.height = 8, .width = 9, .tiles = {{}}}, .needed = 1'000'000, .available = 2'000'000});
        return run(in, j);
    };
}

run_generate open_generate_job(std::string device_choice) {
    check_device(device_choice);
    return [](request const& r, picture const* from, job const& j,
              generate_watch const& watch) -> std::optional<std::vector<picture>> {
        watch.planned({.needed = 1'000'000, .available = 2'000'000});
        if (!misbehave(r.seed, j)) return {};
        std::vector<picture> made;
        for (int k = 0; k < r.diffusion.batch; ++k) {
            picture p = from ? *from : picture(r.diffusion.width, r.diffusion.height);
            if (!from) std::ranges::fill(p.pixels, 1.f);
            for (std::size_t i = 0; i < p.pixels.size(); ++i)
                if (i % 4 != 3) p.pixels[i] = grey(r.seed + k);
            if (watch.preview) watch.preview(p);
            made.push_back(std::move(p));
        }
        return made;
    };
}

} // namespace sfumato
