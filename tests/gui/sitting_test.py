#!/usr/bin/env python3
"""sitting_test.py BUILD LOCALE [SCREENSHOTS] – an artist's sitting in a real GIMP with the keyboard alone: fill, touch up, fill again
from a layer, upscale, Quick Mask, images that are closed too early. In English (C.UTF-8) or German (de_DE.UTF-8)."""
import os
import signal
import sys
import time
from pathlib import Path

from desktop import Desktop, scratch, until
from sitting import check, close, closed, eventually, go_through, layers, main_window, open_dialog, open_panel, panel, photo, previewed

build, locale = Path(sys.argv[1]).resolve(), sys.argv[2]
german = locale.startswith("de")
pictures = Path(sys.argv[3]) if len(sys.argv) > 3 else build / "screenshots" / ("de" if german else "en")
INPAINT, UPSCALE = ("Auswahl füllen", "Ebene vergrößern") if german else ("Inpaint Selection", "Upscale Layer")
FILLED, ENLARGED = ("Gefüllt", "Vergrößert") if german else ("Inpaint", "Upscaled")
KEEP, AGAIN, OK_UPSCALE = ("alt+b", "alt+n", "alt+v") if german else ("alt+k", "alt+l", "alt+u")
MESSAGE = "GIMP Message|GIMP-Meldung|Fehler|Error"

MAKE_PHOTO = photo(640, 480, 200, 150, 120, 90)


def open_photo(desk):
    desk.inside(MAKE_PHOTO)
    until(lambda: desk.windows("– GIMP$"), 20, "the image window")
    time.sleep(1)


def fill(desk, *keys):
    """From the menu to the new layer; what the panel showed is a screenshot."""
    count = len(layers(desk))
    window = open_panel(desk, INPAINT)
    desk.keys(window, *keys, "ctrl+Return")
    shown = eventually(lambda: previewed(desk), True)
    desk.screenshot(f"fill-{count}")
    desk.keys(window, KEEP)
    return shown and eventually(lambda: not previewed(desk) and len(layers(desk)), count + 1) == count + 1


SEEN = """
import hashlib
top = image.get_layers()[0]
_, x, y = top.get_offsets()
seen = Gimp.Layer.new_from_visible(image, image, "seen")
middle = (x + top.get_width() // 2, y + top.get_height() // 2, 20, 20)
answer = [raw(seen, *middle).hex(), raw(top, middle[0] - x, middle[1] - y, 20, 20).hex(), top.has_alpha()]
seen.delete()
"""


def is_seen(desk):
    """Whether what is seen in the middle of the uppermost layer is that layer."""
    seen, own, has_alpha = desk.inside(SEEN)
    colours = lambda data, size: [data[i:i + 6] for i in range(0, len(data), size)]
    size = 8 if has_alpha else 6
    return colours(own, size) == colours(seen, len(seen) // (20 * 20))


def fills_and_touches_up(desk):
    check("fill: a layer on top", fill(desk) and layers(desk) == [FILLED, "photo"])
    check("fill: it is seen", is_seen(desk))
    desk.inside("select(image, 260, 180, 110, 80)")
    check("touch-up: a layer on top of the first", fill(desk) and layers(desk) == [FILLED, FILLED, "photo"])
    check("touch-up: it is seen", is_seen(desk))
    names = desk.inside("answer = [layer.get_name() for layer in image.get_layers()]")
    check(f"the results can be told apart ({names})", len(set(names)) == 3 and "patchmatch" in names[0])
    desk.screenshot("touched-up")


# With a seed of all 32 bits.
def fills_again_from_a_layer(desk):
    made = desk.inside("""
status, layer = run(PROCEDURE, image, image.get_selected_layers(), seed=4294967295)
image.set_selected_layers([layer]); layer.set_visible(False)
answer = raw(layer).hex()
""")
    check("again from a layer: runs", fill(desk, AGAIN))
    again = desk.inside("top = image.get_layers()[0]; answer = [recipe(top)['seed'], raw(top).hex()]")
    check(f"again from a layer: its seed ({again[0]}), the same pixels", again == [4294967295, made])


def says_that_quick_mask_is_on(desk):
    count = len(layers(desk))
    desk.keys(main_window(desk), "shift+q")
    until(lambda: desk.inside("answer = [c.get_name() for c in image.get_channels()]"), 20, "the Quick Mask")
    open_panel(desk, INPAINT)
    desk.screenshot("quick-mask")
    why = desk.inside("answer = run(PROCEDURE, image, image.get_selected_drawables())[1]")
    for window in desk.windows(MESSAGE):  # GIMP shows the script's error
        desk.keys(window, "Escape")
    check(f"Quick Mask: what a script is told ({why})", ("Die Schnellmaske ist an" if german else "The Quick Mask is on") in why)
    desk.keys(main_window(desk), "shift+q")
    until(lambda: not desk.inside("answer = [c.get_name() for c in image.get_channels()]"), 20, "the Quick Mask's end")
    check("Quick Mask off: the selection it was is filled", fill(desk) and len(layers(desk)) == count + 1)


def enlarges(desk):
    desk.inside("Gimp.Selection.none(image); image.scale(160, 120)")
    dialog = open_dialog(desk, UPSCALE)
    desk.screenshot("upscale")
    desk.keys(dialog, OK_UPSCALE)
    check("upscale: the dialog closes after the run", closed(desk, 120))
    check("upscale: the image is scaled, the layer has arrived",
          desk.inside("answer = image.get_width()") == 320 and ENLARGED in layers(desk))
    desk.screenshot("upscaled")


def close_image(desk):
    """As the user does. GIMP asks whether to save what has changed, so nothing has."""
    desk.inside("image.clean_all()")
    desk.keys(main_window(desk), "ctrl+w")
    return eventually(lambda: desk.inside("answer = len(Gimp.get_images())"), 0) == 0


def quiet(desk, before):
    """No error window, and nothing on GIMP's standard error that is about us."""
    windows = desk.windows(MESSAGE)
    lines = [line for line in desk.gimp_output()[before:].splitlines() if "sfumato" in line.lower()]
    check(f"closed: no error windows {windows}, at most one sentence {lines}", not windows and len(lines) <= 1)


def image_is_closed_under_an_open_dialog(desk):
    before = len(desk.gimp_output())
    open_dialog(desk, UPSCALE)
    check("closed under the dialog: GIMP lets it go", close_image(desk))
    check("closed under the dialog: the dialog goes, too", closed(desk, 20))
    time.sleep(5)
    desk.screenshot("closed-under-dialog")
    quiet(desk, before)


def image_is_closed_during_a_run(desk):
    open_photo(desk)
    desk.inside("image.scale(2400, 1800); select(image, 300, 200, 1800, 1400)")
    before = len(desk.gimp_output())
    desk.keys(open_panel(desk, INPAINT), "ctrl+Return")
    closed_at_work(desk, "fill")
    check("fill, closed during the run: the panel stays", bool(panel(desk)))
    quiet(desk, before)
    open_photo(desk)
    desk.inside("image.scale(2400, 1800)")
    before = len(desk.gimp_output())
    desk.keys(open_dialog(desk, UPSCALE), OK_UPSCALE)
    closed_at_work(desk, "upscale")
    check("upscale, closed during the run: the dialog goes, too", closed(desk, 20))
    quiet(desk, before)


def closed_at_work(desk, what):
    engine = scratch.engine_at_work(desk.place.runtime)
    os.kill(engine, signal.SIGSTOP)
    try:
        check(f"{what}, closed during the run: GIMP lets it go", close_image(desk))
        time.sleep(3)
    finally:
        os.kill(engine, signal.SIGCONT)
    told = lambda: scratch.last_of_engine(desk.place.runtime).split(": ")[-1]
    check(f"{what}, closed during the run: the engine ends it", eventually(told, "cancelled") == "cancelled")
    time.sleep(5)
    desk.screenshot(f"closed-during-{what}")


with Desktop(build, pictures, locale) as desk:
    try:
        open_photo(desk)
        go_through(desk, (fills_and_touches_up, fills_again_from_a_layer, says_that_quick_mask_is_on, enlarges,
                          image_is_closed_under_an_open_dialog, image_is_closed_during_a_run))
    finally:
        output, engine_log, ended = desk.gimp_output(), desk.place.engine_log(), desk.ended()

check(f"GIMP and its desktop are there at the end (gone: {ended})", not ended)
close(output, engine_log)
