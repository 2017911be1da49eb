#!/usr/bin/env python3
"""faults_test.py BUILD [COUNT] [SEED] – faults at random moments of the panel's runs, COUNT of them: the user's layers are what the
user made of them, nothing is left behind, and the next run works."""
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from desktop import Desktop, until
from sitting import check, choose, close, eventually, main_window, photo

build = Path(sys.argv[1]).resolve()
count, seed = int(sys.argv[2]) if len(sys.argv) > 2 else 300, int(sys.argv[3]) if len(sys.argv) > 3 else 1
PANEL, PREVIEW = "^Sfumato$", "Sfumato: not kept yet"
MAKE_PHOTO = photo(192, 144, 70, 50, 50, 40)
CLOSE_ALL = """[i.clean_all() for i in Gimp.get_images()]
[Gimp.Display.get_by_id(n).delete() for n in range(1, 2000) if Gimp.Display.id_is_valid(n)]"""
# Of every layer that is no preview: what it is and holds.
LAYERS = f"""answer = [[l.get_name(), *l.get_offsets()[1:], l.get_width(), l.get_height(), hashlib.sha256(raw(l)).hexdigest()]
    for l in (image.get_layers() if image else []) if not l.get_name().startswith({PREVIEW!r})]"""


def panel(desk):
    return (desk.windows(PANEL) or [None])[0]


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


FAULTS = [cancelled, engine_killed, engine_ended, panel_killed, panel_closed, image_closed, canvas_resized, image_scaled, selection_changed,
          selection_dropped, layer_deleted, layer_painted, preview_deleted, made_grey, model_truncated, model_deleted, run_again, undone,
          looked_through]  # fmt: skip


class Sitting:
    def __init__(self, desk):
        self.desk, self.after = desk, []
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
        dismiss(self.desk)
        if not panel(self.desk):
            choose(self.desk, "Sfumato…", lambda: panel(self.desk))
            time.sleep(1)

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
        self.open_panel()
        left, kept = self.discard_all(), self.desk.inside(LAYERS) == self.expected
        for undo in self.after:
            undo()
        self.after.clear()
        return left == 0 and kept

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
    try:
        sitting = Sitting(desk)
        check("a run without faults", sitting.works())
        for number in range(count):
            fault, wait = FAULTS[number % len(FAULTS)], random.choice([0, 0.2, 0.5, 1, 2, 4]) * random.random()
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
        output, engine_log, ended = desk.gimp_output(), desk.place.engine_log(), desk.ended()

print(", ".join(f"{number} × {name}" for name, number in done.items()))
check(f"GIMP and its desktop are there at the end (gone: {ended})", not ended)
close(output, engine_log)
