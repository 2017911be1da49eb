// Errors a user can mend. A programmer's mistake is an assert(); a cancelled run is a result, not an error.
#pragma once

#include <format>
#include <stdexcept>

namespace sfumato {

/// One sentence that says what went wrong, where, and what to do about it. Thrown anywhere, caught once at the edge:
/// cli main (stderr and exit code), the serve loop (error reply), a procedure's run (GError).
struct error : std::runtime_error {
    using std::runtime_error::runtime_error;
};

template <class... Args> [[noreturn]] void fail(std::format_string<Args...> sentence, Args&&... args) {
    throw error(std::format(sentence, std::forward<Args>(args)...));
}

} // namespace sfumato
