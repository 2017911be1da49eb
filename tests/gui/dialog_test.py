#!/usr/bin/env python3
"""dialog_test.py BUILD [SCREENSHOTS] – Inpaint Selection… from the menu of a real GIMP, with the keyboard alone."""
import os
import sys
import time
import traceback
from pathlib import Path

from desktop import Desktop, until

build = Path(sys.argv[1]).resolve()
pictures = Path(sys.argv[2]) if len(sys.argv) > 2 else build / "screenshots"
counts = {True: 0, False: 0}
TITLE = "^Inpaint Selection"


def check(what, holds):
    counts[bool(holds)] += 1
    print(f"{'ok  ' if holds else 'FAIL'} {what}", flush=True)


def main_window(desk):
    return desk.windows("– GIMP$")[0]


def open_dialog(desk):
    """Through GIMP's action search, as a user without a mouse would."""
    for _ in range(3):
        desk.keys(main_window(desk), "slash")
        time.sleep(1)
        desk.type("Inpaint Selection")
        time.sleep(1)
        desk.xdotool("key", "Return")
        try:
            return until(lambda: desk.windows(TITLE), 15, "the dialog")[0]
        except TimeoutError:
            desk.xdotool("key", "Escape")
    raise TimeoutError("the dialog did not open from the menu")


def state(desk):
    return desk.inside("answer = state(image, with_undo=False)")


def same(what, now, then):
    """Compares two states and shows where they differ."""
    check(what, now == then)
    for a, b in zip(now, then):
        if a != b:
            print(f"     now {a}\n     was {b}")


def layers(desk):
    return desk.inside("answer = [layer.get_name() for layer in image.get_layers()]")


def closed(desk, seconds):
    try:
        return until(lambda: not desk.windows(TITLE), seconds, "the dialog closing")
    except TimeoutError:
        return False


def runs_and_is_undone(desk):
    before = state(desk)
    dialog = open_dialog(desk)
    time.sleep(1)
    desk.screenshot("dialog")
    desk.keys(dialog, "alt+i")
    check("the dialog closes after the run", closed(desk, 60))
    check("the layer has arrived", layers(desk) == ["Inpaint", "photo"])
    time.sleep(2)
    desk.screenshot("result")
    delivered = state(desk)
    desk.keys(main_window(desk), "ctrl+z")
    time.sleep(1)
    same("one Ctrl+Z takes all of it back", state(desk), before)
    desk.keys(main_window(desk), "ctrl+y")
    time.sleep(1)
    same("Ctrl+Y brings all of it again", state(desk)[:2], delivered[:2])  # and GIMP makes the new layer the active one
    desk.keys(main_window(desk), "ctrl+z")
    time.sleep(1)


def is_cancelled(desk):
    desk.inside("select(image, 100, 60, 600, 480)")
    before = state(desk)
    dialog = open_dialog(desk)
    desk.keys(dialog, "alt+i")
    time.sleep(2)
    desk.screenshot("running")
    check("GIMP can be used meanwhile", layers(desk) == ["photo"])
    check("it is still running", desk.windows(TITLE))
    desk.keys(dialog, "Escape")
    time.sleep(0.7)
    desk.screenshot("cancelled")
    desk.keys(dialog, "Escape")  # closes the dialog only when nothing runs any more
    check("Escape cancels within a second, and then closes", closed(desk, 3))
    same("cancelled: the image is as it was", state(desk), before)


def says_what_is_wrong(desk):
    desk.inside("Gimp.Selection.none(image)")
    before = state(desk)
    dialog = open_dialog(desk)
    desk.keys(dialog, "alt+i")
    time.sleep(2)
    desk.screenshot("error")
    check("with an error the dialog stays", desk.windows(TITLE))
    same("error: the image is as it was", state(desk), before)
    desk.inside("select(image, 300, 200, 60, 50)")
    desk.keys(dialog, "alt+i")
    check("the same dialog then works", closed(desk, 60) and len(layers(desk)) == 2)
    desk.keys(main_window(desk), "ctrl+z")
    time.sleep(1)


def survives_a_killed_engine(desk):
    desk.inside("select(image, 100, 60, 600, 480)")
    before = state(desk)
    dialog = open_dialog(desk)
    desk.keys(dialog, "alt+i")
    time.sleep(2)
    os.kill(desk.place.processes("sfumato")[-1], 9)
    time.sleep(1)
    desk.screenshot("engine-killed")
    check("engine killed: the dialog stays", desk.windows(TITLE))
    same("engine killed: the image is as it was", state(desk), before)
    desk.inside("select(image, 300, 200, 60, 50)")
    desk.keys(dialog, "alt+i")
    check("engine killed: run again, a fresh one does it", closed(desk, 60) and len(layers(desk)) == 2)


with Desktop(build, pictures) as desk:
    try:
        desk.inside("""
picture = make_image(800, 600)
ground = Gimp.Layer.new(picture, "photo", 800, 600, Gimp.ImageType.RGB_IMAGE, 100, Gimp.LayerMode.NORMAL)
picture.insert_layer(ground, None, 0)
ground.merge_filter(Gimp.DrawableFilter.new(ground, "gegl:plasma", ""))
select(picture, 300, 200, 60, 50)
picture.undo_disable(); picture.undo_enable()
Gimp.Display.new(picture)
""")
        until(lambda: desk.windows("– GIMP$"), 20, "the image window")
        for part in (runs_and_is_undone, is_cancelled, says_what_is_wrong, survives_a_killed_engine):
            try:
                part(desk)
            except Exception:
                traceback.print_exc(file=sys.stdout)
                desk.screenshot(f"failed-{part.__name__}")
                check(f"{part.__name__} to its end", False)
                for window in desk.windows(TITLE):
                    desk.keys(window, "Escape", "Escape")
    finally:
        output, engine_log = desk.gimp_output(), desk.place.engine_log()

if counts[False]:
    print(f"GIMP:\n{output}\nengine:\n{engine_log}")
print(f"{counts[True]} passed, {counts[False]} failed")
sys.exit(0 if counts[True] and not counts[False] else 1)
