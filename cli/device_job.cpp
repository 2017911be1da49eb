#include "cli/commands.h"
#include "compute/device.h"
#include "compute/self_check.h"

namespace sfumato {

namespace {

// Opened by the first job, on the thread that runs it. Shared, since a std::function must be copyable.
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

} // namespace

run_job open_device_job(std::string device_choice) {
    return [lazy = std::make_shared<lazy_device>(std::move(device_choice))](request const& r, picture const& p,
                                                                            mask const& selection, job const& j) {
        return inpaint(lazy->open(), r, p, selection, j);
    };
}

run_generate open_generate_job(std::string device_choice) {
    struct engine {
        lazy_device device;
        open_models models; // before the device goes
    };
    return [e = std::make_shared<engine>(lazy_device{std::move(device_choice), {}})](
               request const& r, picture const* from, job const& j, generate_watch const& watch) {
        return generate(e->device.open(), e->models, r, from, j, watch);
    };
}

} // namespace sfumato
