#include "cli/interrupt.h"

#include <csignal>

namespace sfumato {

namespace {

std::atomic<bool> flag = false;
static_assert(std::atomic<bool>::is_always_lock_free, "set by a signal handler");

} // namespace

void cancel_on_interrupt() {
    struct sigaction action{};
    action.sa_handler = [](int) { flag = true; };
    action.sa_flags = SA_RESETHAND;
    sigaction(SIGINT, &action, nullptr);
}

std::atomic<bool> const& interrupted() { return flag; }

} // namespace sfumato
