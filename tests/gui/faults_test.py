#!/usr/bin/env python3
"""faults_test.py BUILD [COUNT] [SEED] [KIND…] – faults at random moments of the panel's runs, COUNT of them: the user's layers are
what the user made of them, nothing is left behind, and the next run works. KIND: a fault by its function's name; else all."""
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from desktop import GIMP_HELPERS, Desktop, until
from sitting import PANEL, PREVIEWS, check, close, eventually, main_window, open_panel, panel, photo

build = Path(sys.argv[1]).resolve()
count, seed = int(sys.argv[2]) if len(sys.argv) > 2 else 300, int(sys.argv[3]) if len(sys.argv) > 3 else 1
PREVIEW = PREVIEWS[0]
MAKE_PHOTO = photo(192, 144, 70, 50, 50, 40)
CLOSE_ALL = """[i.clean_all() for i in Gimp.get_images()]
[Gimp.Display.get_by_id(n).delete() for n in range(1, 2000) if Gimp.Display.id_is_valid(n)]"""
# Of every layer that is no preview: what it is and holds.
LAYERS = f"""answer = [[l.get_name(), *l.get_offsets()[1:], l.get_width(), l.get_height(), hashlib.sha256(raw(l)).hexdigest()]
    for l in (image.get_layers() if image else []) if not l.get_name().startswith({PREVIEW!r})]"""


def previews(desk):
    return desk.inside(f"answer = sum(l.get_name().startswith({PREVIEW!r}) for i in Gimp.get_images() for l in i.get_layers())")


def is_at_work(desk):
    """A run has begun in the engine that is alive, and not ended."""
    if not desk.place.processes("sfumato"):
        return False
    begun, ended = set(), set()
    for line in desk.place.engine_log().split(" listens at ")[-1].splitlines():
        if told := re.search(r" client (\d+): (.*)", line):
            (begun if re.search(r"^\{.*\}|^estimate$", told[2]) else ended).add(told[1])
    return bool(begun - ended)


def dismiss(desk):
    for window in desk.windows("GIMP Message|^Sfumato.*Plug-in|Plug-In"):
        desk.keys(window, "Escape")


# ---- What happens, at any moment of a run. Each takes the sitting and leaves the image with the layer "photo".


def cancelled(s):
    s.press("Escape")


def engine_killed(s):
    for pid in s.desk.place.processes("sfumato"):
        os.kill(pid, signal.SIGKILL)


def engine_ended(s):
    for pid in s.desk.place.processes("sfumato"):
        os.kill(pid, signal.SIGTERM)


def panel_killed(s):
    for pid in s.desk.place.processes("gimp-sfumato"):
        os.kill(pid, signal.SIGKILL)


def panel_closed(s):
    s.press("alt+F4")


def image_closed(s):
    s.desk.inside("image.clean_all()")
    s.desk.keys(main_window(s.desk), "ctrl+w")
    eventually(lambda: s.desk.inside("answer = len(Gimp.get_images())"), 0)
    s.make_image()


def canvas_resized(s):
    s.desk.inside("image.resize(200, 150, 4, 3); image.resize(192, 144, -4, -3)")


def image_scaled(s):
    s.desk.inside("image.scale(96, 72)")
    s.renew()


def selection_changed(s):
    s.desk.inside("select(image, 20, 20, 30, 30)")


def selection_dropped(s):
    s.desk.inside("Gimp.Selection.none(image)")


def layer_deleted(s):
    s.desk.inside("image.remove_layer([l for l in image.get_layers() if l.get_name() == 'photo'][0])")
    s.renew()


def layer_painted(s):
    s.desk.inside("image.get_layers()[-1].fill(Gimp.FillType.WHITE)")
    s.expect_now()


def preview_deleted(s):
    s.desk.inside(f"[image.remove_layer(l) for l in image.get_layers() if l.get_name().startswith({PREVIEW!r})]")


def made_grey(s):
    s.desk.inside("image.convert_grayscale()")
    s.renew()


def model_truncated(s):
    os.truncate(s.model, s.model.stat().st_size // 2)
    s.after.append(s.put_model)


def model_deleted(s):
    s.model.unlink()
    s.after.append(s.put_model)


def run_again(s):
    s.press("ctrl+Return", "ctrl+Return")


def undone(s):
    s.desk.keys(main_window(s.desk), "ctrl+z")
    s.desk.keys(main_window(s.desk), "ctrl+y")


def looked_through(s):
    s.press("ctrl+Page_Down", "alt+b", "alt+b", "ctrl+Page_Up")


def gimp_killed(s):
    s.desk.kill_gimp()
    until(lambda: not s.desk.place.processes("gimp-sfumato"), 30, "the end of the panel whose GIMP is gone")
    s.desk.start_gimp()
    s.make_image()
    until(lambda: s.desk.windows("– GIMP$"), 60, "the image window")


def second_gimp_started(s):
    """Another GIMP on the same screen opens a panel of its own, with the same engine, and goes."""
    code = (f"import sys; sys.path.insert(0, {str(GIMP_HELPERS)!r})\nfrom document import *\n{MAKE_PHOTO}\n"
            "run('plug-in-sfumato', picture, [], **{'run-mode': Gimp.RunMode.INTERACTIVE})")
    had = len(s.desk.windows(PANEL))
    other = subprocess.Popen(["gimp-3", "-n", "-s", "--batch-interpreter", "python-fu-eval", "-b", code], env=s.desk.environment,
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until(lambda: len(s.desk.windows(PANEL)) > had, 240, "the second panel")
        time.sleep(2)
    finally:
        other.kill()
        other.wait()
    until(lambda: len(s.desk.windows(PANEL)) <= had, 30, "the second panel's end")


def disk_full(s):
    """Where the engine keeps what it has learnt, and the panel its settings."""
    s.disk.fill()
    s.after.append(s.disk.free)
    s.press("ctrl+Return")


FAULTS = [cancelled, engine_killed, engine_ended, panel_killed, panel_closed, image_closed, canvas_resized, image_scaled, selection_changed,
          selection_dropped, layer_deleted, layer_painted, preview_deleted, made_grey, model_truncated, model_deleted, run_again, undone,
          looked_through, gimp_killed, second_gimp_started, disk_full]  # fmt: skip


class SmallDisk:
    """A file system of its own at each of these folders, small enough to be filled. Only root may mount them."""

    def __init__(self, *folders):
        self.folders = []
        for folder in folders:
            folder.mkdir(parents=True, exist_ok=True)
            mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "sfumato", folder], capture_output=True)
            if mounted.returncode == 0:
                self.folders.append(folder)
        self.is_there = len(self.folders) == len(folders)

    def fill(self):
        for folder in self.folders:
            with open(folder / "full", "wb", buffering=0) as file:
                try:
                    while file.write(bytes(4096)) > 0:
                        pass
                except OSError:
                    pass

    def free(self):
        for folder in self.folders:
            (folder / "full").unlink(missing_ok=True)

    def end(self):
        for folder in self.folders:
            subprocess.run(["umount", "-l", folder], check=True)


class Sitting:
    def __init__(self, desk):
        self.desk, self.after = desk, []
        self.disk = SmallDisk(desk.place.folder / "home/.cache/sfumato", desk.place.folder / "profile/plug-in-settings")
        self.model = desk.place.folder / "home/.local/share/sfumato/models/tiny.safetensors"
        self.model.parent.mkdir(parents=True)
        self.put_model()
        self.make_image()
        until(lambda: desk.windows("– GIMP$"), 60, "the image window")
        self.open_panel()
        self.take_settings()

    def put_model(self):
        subprocess.run([build / "tests/gimp/write_model", "sd1-tiny", self.model], check=True)

    def take_settings(self):
        """Those of a run of a few seconds, from a layer's recipe."""
        recipe = {"sfumato": 2, "operation": "inpaint", "method": "diffusion", "model": str(self.model), "prompt": "a fox", "seed": 1,
                  "steps": 12, "width": 128, "height": 128, "source": "visible"}  # fmt: skip
        self.desk.inside(f"recipe = Gimp.Parasite.new('sfumato-recipe', 1, list(json.dumps({recipe!r}).encode()))\n"
                         "image.get_layers()[0].attach_parasite(recipe)")
        time.sleep(1)
        self.press("alt+l")
        self.make_image()

    def press(self, *keys):
        if window := panel(self.desk):
            self.desk.keys(window, *keys)

    def open_panel(self):
        """Whether it was not open: then it has removed what others have left."""
        dismiss(self.desk)
        if panel(self.desk):
            return False
        open_panel(self.desk)
        return True

    def make_image(self):
        # A question whether to save that outlives its image takes GIMP down (3.0.4: gimp_image_get_dirty_time).
        for question in self.desk.windows("^Close "):
            self.desk.keys(question, "Escape")
        self.desk.inside(CLOSE_ALL)
        until(lambda: not self.desk.inside("answer = len(Gimp.get_images())"), 30, "the images' end")
        self.desk.inside(MAKE_PHOTO)
        self.expect_now()

    def renew(self):
        """The image has become another: after this round there is a new one."""
        self.expect_now()
        self.after.append(self.make_image)

    def expect_now(self):
        self.expected = self.desk.inside(LAYERS)

    def round(self, fault, wait):
        self.desk.inside("select(image, 70, 50, 50, 40)")
        self.expect_now()
        self.press("ctrl+Return")
        time.sleep(wait)
        fault(self)
        time.sleep(0.5)
        idle = lambda: not is_at_work(self.desk)
        until(lambda: idle() and time.sleep(1) is None and idle(), 120, "the end of the run")  # another one may wait
        dismiss(self.desk)
        time.sleep(0.5)
        is_new = self.open_panel()
        left, kept = self.discard_all(), self.desk.inside(LAYERS) == self.expected
        for undo in self.after:
            undo()
        self.after.clear()
        sockets = len(list(self.desk.place.runtime.rglob("panel-*.sock")))
        return left == 0 and kept and not (is_new and sockets != 1)

    def discard_all(self):
        """What the panel has made, and what it still makes. How many previews are left."""
        deadline = time.monotonic() + 120
        while (left := previews(self.desk)) and time.monotonic() < deadline:
            self.press("alt+d")
            time.sleep(0.3)
        return left

    def works(self):
        """A run to its end."""
        self.desk.inside("select(image, 70, 50, 50, 40)")
        time.sleep(1)
        self.press("ctrl+Return")
        try:
            shown = until(lambda: previews(self.desk) > 0 and not is_at_work(self.desk), 240, "a variant")
        except TimeoutError:
            shown = False
        return self.discard_all() == 0 and shown


random.seed(seed)
done = Counter()
with Desktop(build, build / "screenshots" / "faults") as desk:
    sitting = None
    try:
        sitting = Sitting(desk)
        check("a run without faults", sitting.works())
        kinds = [f for f in FAULTS if not sys.argv[4:] or f.__name__ in sys.argv[4:]]
        if disk_full in kinds and not sitting.disk.is_there:
            print("disk full: left out, since no file system can be mounted here")
            kinds.remove(disk_full)
        for number in range(count):
            fault, wait = kinds[number % len(kinds)], random.choice([0, 0.2, 0.5, 1, 2, 4]) * random.random()
            name = f"{number}: {fault.__name__.replace('_', ' ')} after {wait:.2f} s"
            try:
                right = sitting.round(fault, wait)
            except Exception as e:
                right, name = False, f"{name} ({type(e).__name__}: {e})"
            if not right:
                desk.screenshot(f"fault-{number}")
            check(name, right)
            if number % 4 == 3:
                check(f"{number}: the next run works", sitting.works())
            done[fault.__name__] += 1
    finally:
        if sitting:
            sitting.disk.end()
        output, engine_log, ended = desk.gimp_output(), desk.place.engine_log(), desk.ended()

print(", ".join(f"{number} × {name}" for name, number in done.items()))
check(f"GIMP and its desktop are there at the end (gone: {ended})", not ended)
close(output, engine_log)
