"""A virtual screen with a window manager and a real GIMP on it, driven by keys and looked at from inside."""
import json
import os
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "gimp"))
import scratch

GIMP_HELPERS = Path(__file__).resolve().parents[1] / "gimp"


def until(condition, seconds, what):
    """Waits for a truthy answer and returns it."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        answer = condition()
        if answer:
            return answer
        time.sleep(0.1)
    raise TimeoutError(f"{what}: not within {seconds} s")


class Desktop:
    def __init__(self, build: Path, pictures: Path, locale: str | None = None):
        self.pictures = pictures  # where screenshots go
        self.locale = locale
        pictures.mkdir(parents=True, exist_ok=True)
        self.started, self.place = [], None
        try:
            self._begin(build)
        except BaseException:
            self.__exit__()  # else what was started would stay, and whoever reads its output would wait for it
            raise

    def _begin(self, build: Path):
        read, write = os.pipe()
        # Without -noreset a server starts over when its last client leaves, and drops whoever is just connecting.
        self._start(["Xvfb", "-displayfd", str(write), "-screen", "0", "1280x900x24", "-nolisten", "tcp", "-noreset"],
                    pass_fds=[write])
        os.close(write)
        with os.fdopen(read) as number:
            display = number.readline().strip()
        if not display:
            raise RuntimeError("Xvfb did not start")
        self.place = scratch.Scratch(build, self.locale, display=f":{display}")
        self.environment = self.place.environment
        bus = self._start(["dbus-daemon", "--session", "--nofork", "--print-address"], env=self.environment,
                          stdout=subprocess.PIPE, text=True)
        self.environment["DBUS_SESSION_BUS_ADDRESS"] = bus.stdout.readline().strip()
        self._start(["openbox"], env=self.environment)
        until(self.is_managed, 60, "the window manager")
        if (self.locale or "").startswith("de"):  # umlauts are keys of their own
            subprocess.run(["setxkbmap", "de"], env=self.environment, check=True, timeout=20)
        self.log = open(self.place.folder / "gimp.log", "w+")
        self.start_gimp()

    def start_gimp(self):
        self.gimp = self._start(["gimp-3", "-s"], env=self.environment, stdout=self.log, stderr=subprocess.STDOUT)
        try:
            until(lambda: self.windows("GNU Image Manipulation Program|GIMP"), 180, "GIMP's window")
        except TimeoutError:
            print(f"gone: {self.ended()}; GIMP:\n{self.gimp_output()}")
            raise

    def _start(self, command, **options):
        process = subprocess.Popen(command, **options)
        self.started.append(process)
        return process

    def kill_gimp(self):
        self.gimp.kill()
        self.gimp.wait()
        self.started.remove(self.gimp)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for pid in self.place.processes("gimp-sfumato") if self.place else []:
            scratch.end(pid)
        for process in reversed(self.started):
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if self.place:
            self.place.__exit__()

    def is_managed(self) -> bool:
        """Whether a window manager is at work: without one no window ever has the keyboard."""
        told = subprocess.run(["xprop", "-root", "_NET_SUPPORTING_WM_CHECK"], env=self.environment, capture_output=True,
                              text=True, timeout=20)
        return "window id" in told.stdout

    def xdotool(self, *arguments) -> str:
        return subprocess.run(["xdotool", *arguments], env=self.environment, capture_output=True, text=True,
                              timeout=20).stdout

    def windows(self, title: str) -> list[str]:
        # A search fails altogether when some window vanishes meanwhile: none is believed only the third time.
        for _ in range(3):
            found = self.xdotool("search", "--onlyvisible", "--name", title).split()
            if found:
                break
            time.sleep(0.1)
        return found

    def keys(self, window: str, *keys: str) -> None:
        self.xdotool("windowactivate", "--sync", window)
        time.sleep(0.3)
        for key in keys:
            self.xdotool("key", key)

    def type(self, text: str) -> None:
        self.xdotool("type", "--delay", "30", text)

    def height(self, window: str) -> int:
        shell = self.xdotool("getwindowgeometry", "--shell", window)
        return next((int(line.removeprefix("HEIGHT=")) for line in shell.split() if line.startswith("HEIGHT=")), 0)

    def pixels(self, window: str) -> bytes:
        """What a window shows."""
        return subprocess.run(["import", "-window", window, "rgb:-"], env=self.environment, check=True, capture_output=True,
                              timeout=20).stdout

    def screenshot(self, name: str) -> None:
        subprocess.run(["import", "-window", "root", str(self.pictures / f"{name}.png")], env=self.environment, check=True,
                       timeout=20)

    def inside(self, code: str, seconds=120):
        """Runs Python inside the GIMP that is open, also while a plug-in runs there; returns what it assigned to `answer`."""
        reply = self.place.folder / "answer.json"
        reply.unlink(missing_ok=True)
        prepared = (f"import sys, json, os; sys.path.insert(0, {str(GIMP_HELPERS)!r})\nfrom document import *\n"
                    "image = Gimp.get_images()[0] if Gimp.get_images() else None\nanswer = None\n"
                    f"{code}\nopen({str(reply) + '.new'!r}, 'w').write(json.dumps(answer, default=str))\n"
                    f"os.rename({str(reply) + '.new'!r}, {str(reply)!r})")
        subprocess.run(["gimp-3", "-s", "--batch-interpreter", "python-fu-eval", "-b", prepared], env=self.environment,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=seconds)
        until(reply.exists, seconds, "an answer from inside GIMP")
        return json.loads(reply.read_text())

    def ended(self) -> list[str]:
        """Programs of the desktop that are no longer there."""
        return [process.args[0] for process in self.started if process.poll() is not None]

    def gimp_output(self) -> str:
        self.log.flush()
        return (self.place.folder / "gimp.log").read_text(errors="replace")
