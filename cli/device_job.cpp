#include "cli/commands.h"
#include "compute/device.h"
#include "compute/self_check.h"
#include "models/pipelines/inpaint.h"

#include <cstdio>

namespace sfumato {

namespace {

// Opened by the first job, on the thread that runs it.
struct lazy_device {
    std::string choice;
    std::unique_ptr<device> opened;

    device& open() {
        if (!opened) {
            opened = std::make_unique<device>(choice);
            self_check(*opened);
        }
        return *opened;
    }
};

// What stays between calls. Shared by the job's copies, which a std::function makes.
struct engine {
    lazy_device device;
    open_models models; // these two before the device goes
    open_upscalers upscalers;
};
std::shared_ptr<engine> make_engine(std::string device_choice) {
    return std::make_shared<engine>(lazy_device{std::move(device_choice), {}});
}

// The log then tells whether the memory was foreseen.
std::optional<run_result> upscale_and_log(device& d, upscale_model& m, run_input const& in, job const& j) {
    d.memory_peak(true);
    upscale_plan largest;
    auto result = upscale(d, m, in, j, [&](upscale_plan const& p) {
        if (p.needed >= largest.needed) largest = p;
    });
    std::fprintf(stderr, "%s; planned %.1f MB, used %.1f MB, pictures %.1f MB\n", largest.text().c_str(),
                 double(largest.needed) / 1e6, double(d.memory_peak()) / 1e6, double(largest.pixels) / 1e6);
    return result;
}

} // namespace

run_job open_device_job(std::string device_choice) {
    return [e = make_engine(std::move(device_choice))](run_input const& in, job const& j) -> std::optional<run_result> {
        device& d = e->device.open();
        if (in.request.operation == operation::upscale)
            return upscale_and_log(d, open_model(e->upscalers, in.request.upscale), in, j);
        return inpaint(d, in.request, in.picture, in.selection, j);
    };
}

run_upscale open_upscale_job(std::string device_choice) {
    auto const e = make_engine(std::move(device_choice));
    e->device.open(); // what is wrong with it is said before a folder is gone through
    return [e](run_input const& in, job const& j, std::function<void(upscale_plan const&)> const& planned) {
        return upscale(e->device.open(), open_model(e->upscalers, in.request.upscale), in, j, planned);
    };
}

run_generate open_generate_job(std::string device_choice) {
    return [e = make_engine(std::move(device_choice))](request const& r, picture const* from, job const& j,
                                                       generate_watch const& watch) {
        return generate(e->device.open(), e->models, r, from, j, watch);
    };
}

} // namespace sfumato
