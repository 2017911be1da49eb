// Errors a user can mend. A programmer's mistake is an assert(); a cancelled run is a result, not an error.
#pragma once

#include "compute/sentence.h"

#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace sfumato {

/// One sentence that says what went wrong, where, and what to do about it. Thrown anywhere, caught once at the edge:
/// cli main (stderr and exit code), the serve loop (error reply), a procedure's run (GError).
struct error : std::runtime_error {
    explicit error(sentence s) : runtime_error(s.text()), said(std::move(s)) {}

    sentence said; // what() in parts, to be translated where it is shown
};

template <class... Args> [[noreturn]] void fail(std::format_string<Args...> format, Args&&... args) {
    throw error(say(format, std::forward<Args>(args)...));
}

/// What the system says of an error: "Permission denied".
inline sentence system_says(int number = errno) { return sentence(std::strerror(number)); }

} // namespace sfumato
