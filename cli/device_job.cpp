#include "cli/commands.h"
#include "compute/device.h"
#include "compute/self_check.h"

namespace sfumato {

run_job open_device_job(std::string device_choice) {
    // Shared, since a std::function must be copyable. Opened by the first job, on the thread that runs it.
    auto const opened = std::make_shared<std::unique_ptr<device>>();
    return [opened, device_choice](request const& r, picture const& p, mask const& selection, job const& j) {
        if (!*opened) {
            *opened = std::make_unique<device>(device_choice);
            self_check(**opened);
        }
        return inpaint(**opened, r, p, selection, j);
    };
}

} // namespace sfumato
