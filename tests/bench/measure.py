"""Running a command and measuring it: wall seconds, CPU seconds, peak memory; and how busy the machine is otherwise.
Standard library only: it also runs where the peers are installed."""
import os
import time


def measured(command, environment=None):
    """Runs command (a list); returns {wall, cpu, peak_mib}. Raises RuntimeError with its output when it fails."""
    read, write = os.pipe()
    start = time.monotonic()
    child = os.fork()
    if child == 0:
        os.dup2(write, 1)
        os.dup2(write, 2)
        os.closerange(3, 64)
        try:
            os.execvpe(command[0], command, environment or os.environ)
        except OSError as error:
            os.write(2, f"{command[0]}: {error}\n".encode())
        os._exit(127)
    os.close(write)
    with os.fdopen(read, errors="replace") as pipe:
        output = pipe.read()
    _, status, usage = os.wait4(child, 0)
    wall = time.monotonic() - start
    if status != 0:
        raise RuntimeError(f"{' '.join(map(str, command))} failed:\n{output[-2000:]}")
    return {"wall": wall, "cpu": usage.ru_utime + usage.ru_stime, "peak_mib": usage.ru_maxrss / 1024}


def busy_seconds():
    """CPU seconds the whole machine has worked since it started, all cores."""
    with open("/proc/stat") as stat:
        fields = [int(v) for v in stat.readline().split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / os.sysconf("SC_CLK_TCK")


class OtherWork:
    """Share of the machine that others used between construction and percent(own), own = CPU seconds of our commands."""

    def __init__(self):
        self.start, self.busy = time.monotonic(), busy_seconds()

    def percent(self, own=0.0):
        seconds = max(time.monotonic() - self.start, 1e-3)
        return max(0.0, 100 * (busy_seconds() - self.busy - own) / (seconds * os.cpu_count()))


def quiet_now():
    """Per cent of the machine in use during one second in which we do nothing."""
    other = OtherWork()
    time.sleep(1)
    return other.percent()
