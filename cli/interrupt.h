// Ctrl-C: the first one cancels what runs, a second one kills.
#pragma once

#include <atomic>

namespace sfumato {

/// From now on Ctrl-C sets interrupted().
void cancel_on_interrupt();
std::atomic<bool> const& interrupted();

} // namespace sfumato
