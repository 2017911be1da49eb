#include "engine/process.h"

#include "compute/error.h"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

namespace sfumato {

void write_log(std::string_view line) {
    std::time_t const now = std::time(nullptr);
    std::tm local{};
    char stamp[32];
    std::strftime(stamp, sizeof stamp, "%F %T", localtime_r(&now, &local));
    std::fprintf(stderr, "%s %.*s\n", stamp, int(line.size()), line.data());
}

file_descriptor catch_signals() {
    sigset_t ending;
    sigemptyset(&ending);
    sigaddset(&ending, SIGTERM);
    sigaddset(&ending, SIGINT);
    pthread_sigmask(SIG_BLOCK, &ending, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
    return file_descriptor(::signalfd(-1, &ending, SFD_CLOEXEC | SFD_NONBLOCK));
}

void go_to_background(engine_paths const& paths) {
    file_descriptor const log(::open(paths.log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!log) fail("The engine's log {} cannot be written: {}.", paths.log.string(), system_says());
    struct stat info{};
    if (::fstat(log.get(), &info) == 0 && info.st_size > (1 << 20) && ::ftruncate(log.get(), 0) != 0)
        fail("The engine's log {} cannot be emptied: {}.", paths.log.string(), system_says());
    pid_t const child = ::fork();
    if (child < 0) fail("The engine cannot be put in the background: {}.", system_says());
    if (child > 0) ::_exit(0); // the listening socket and its lock live on in the child
    ::setsid();
    file_descriptor const nothing(::open("/dev/null", O_RDWR | O_CLOEXEC));
    ::dup2(nothing.get(), STDIN_FILENO);
    ::dup2(nothing.get(), STDOUT_FILENO);
    ::dup2(log.get(), STDERR_FILENO);
    if (::chdir("/") != 0) fail("The engine cannot enter the root directory: {}.", system_says());
}

} // namespace sfumato
