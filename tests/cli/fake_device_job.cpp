// Takes the place of cli/device_job.cpp in `fake_sfumato`: no GPU, and every way in which a job can end, chosen by the
// seed.
#include "tests/cli/fake_device_job.h"

#include "cli/commands.h"
#include "compute/device.h"

#include <chrono>
#include <cstdlib>
#include <thread>

namespace sfumato {

run_job open_device_job(std::string device_choice) {
    if (!device_choice.empty() && device_choice != "fake") fail("no Vulkan device is called \"{}\"", device_choice);
    return
        [](request const& r, picture const& p, mask const& selection, job const& j) -> std::optional<inpaint_result> {
            auto const pause = [] { std::this_thread::sleep_for(std::chrono::milliseconds(10)); };
            j.report({.stage = "fake", .fraction = 0.25, .seconds_left = 3});
            switch (r.seed) {
            case fake_seed::until_cancelled:
                while (!j.is_cancelled()) {
                    j.report({.stage = "fake", .fraction = 0.5});
                    pause();
                }
                return {};
            case fake_seed::never_notices:
                while (true) pause();
            case fake_seed::half_a_second:
                for (int i = 0; i < 50 && !j.is_cancelled(); ++i) pause();
                if (j.is_cancelled()) return {};
                break;
            case fake_seed::fails: fail("The fake job fails as it was told.");
            case fake_seed::crashes: std::abort();
            case fake_seed::loses_device: throw device_lost("The fake device is lost.");
            case fake_seed::out_of_memory: throw std::bad_alloc();
            }
            // Fills with the seed's last byte as grey.
            inpaint_result result{.filled = p, .composite = selection};
            for (std::size_t i = 0; i < selection.values.size(); ++i)
                if (selection.values[i] > 0)
                    for (int c = 0; c < 4; ++c)
                        result.filled.pixels[i * 4 + std::size_t(c)] = c == 3 ? 1.f : float(r.seed % 256) / 255;
            return result;
        };
}

run_generate open_generate_job(std::string, std::optional<dtype>) {
    return [](request const& r, picture const* from, job const& j,
              generate_watch const& watch) -> std::optional<std::vector<picture>> {
        j.report({.stage = "fake", .fraction = 0.5});
        if (r.seed == fake_seed::fails) fail("The fake job fails as it was told.");
        memory_plan plan;
        plan.needed = 1'000'000, plan.available = 2'000'000;
        watch.planned(plan);
        std::vector<picture> made;
        for (int k = 0; k < r.diffusion.batch; ++k) {
            made.push_back(from ? *from : picture(r.diffusion.width, r.diffusion.height));
            for (std::size_t i = 0; i < made.back().pixels.size(); ++i)
                made.back().pixels[i] = i % 4 == 3 ? 1.f : float((r.seed + k) % 256) / 255;
        }
        return made;
    };
}

} // namespace sfumato
