"""A place of its own for one GIMP: profile, home, runtime directory, locale; and an end for what was started there."""
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]


class Scratch:
    def __init__(self, build: Path, locale: str | None = None, display: str | None = None):
        self.folder = Path(tempfile.mkdtemp(prefix="sfumato-gimp-"))
        self.runtime = self.folder / "runtime"
        for name in ("runtime", "home"):
            (self.folder / name).mkdir(mode=0o700)
        subprocess.run([CHECKOUT / "tools/gimp-profile", self.folder / "profile", build / "plug-ins", "quick"], check=True)
        kept = {name: os.environ[name] for name in ("PATH", "SFUMATO_DEVICE", "VK_ICD_FILENAMES", "VK_DRIVER_FILES")
                if name in os.environ}
        self.environment = kept | {
            "GIMP3_DIRECTORY": str(self.folder / "profile"), "HOME": str(self.folder / "home"),
            "XDG_RUNTIME_DIR": str(self.runtime), "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"}
        if display:
            self.environment["DISPLAY"] = display
        if locale:
            self._make_locale(locale)

    def _make_locale(self, name: str) -> None:
        """Compiles it when the machine does not have it: glibc translates nothing in the C locale."""
        locales = self.folder / "locale"
        locales.mkdir()
        language, charset = name.split(".")
        subprocess.run(["localedef", "-i", language, "-f", charset, locales / name], check=True)
        self.environment |= {"LOCPATH": str(locales), "LANG": name}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for pid in self.processes():
            end(pid)
        shutil.rmtree(self.folder, ignore_errors=True)

    def processes(self, program: str | None = None) -> list[int]:
        return processes(self.runtime, program)

    def engine_log(self) -> str:
        return engine_log(self.runtime)


def processes(runtime: Path | str, program: str | None = None) -> list[int]:
    """Those that were started with this runtime directory, oldest first; only those of the program of that name."""
    mark = b"XDG_RUNTIME_DIR=" + os.fsencode(runtime)
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            if mark in (entry / "environ").read_bytes().split(b"\0") and (
                    not program or Path(os.readlink(entry / "exe")).name.removesuffix(" (deleted)") == program):
                found.append(int(entry.name))
        except OSError:
            continue  # ended meanwhile, or not ours
    return sorted(found)


def engine_log(runtime: Path | str) -> str:
    return "\n".join(log.read_text(errors="replace") for log in Path(runtime).rglob("engine.log"))


def last_of_engine(runtime: Path | str) -> str:
    """The last line of the engine's log that is about a run."""
    return next((line for line in reversed(engine_log(runtime).splitlines()) if re.search(r" client \d+: ", line)), "")


def engine_at_work(runtime: Path | str, seconds=60) -> int:
    """Waits until a run has begun and returns the engine's process: however fast the machine is, it has hardly begun."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if re.search(r": \{.*\} on \d+ × \d+$", last_of_engine(runtime)):
            return processes(runtime, "sfumato")[-1]
        time.sleep(0.01)
    raise TimeoutError(f"no run has begun within {seconds} s")


def end(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGTERM)
        for _ in range(20):
            time.sleep(0.05)
            os.kill(pid, 0)
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
