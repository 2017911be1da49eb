#!/usr/bin/env python3
"""dialog_test.py BUILD [SCREENSHOTS] – Upscale Layer… from the menu of a real GIMP, with the keyboard alone.

What must happen while a run is at work happens while the engine is stopped, so that it does not matter how fast the machine is.
"""
import os
import shutil
import signal
import sys
import time
from pathlib import Path

from desktop import Desktop, scratch, until
from sitting import (check, close, closed, eventually, go_through, is_open, layers, main_window, open_dialog, photo, pressed_away, same,
                     says_something, state)

build = Path(sys.argv[1]).resolve()
pictures = Path(sys.argv[2]) if len(sys.argv) > 2 else build / "screenshots"
MODEL = scratch.CHECKOUT / "models/catalog/sfumato-upscale-x2.safetensors"


def canvas(desk):
    return desk.inside("answer = [image.get_width(), image.get_height()] + [layer.get_width() for layer in image.get_layers()]")


def upscales_and_is_undone(desk):
    desk.inside("""
Gimp.Selection.none(image); image.scale(160, 120)
source = image.get_layers()[-1]
source.set_opacity(80); source.set_lock_visibility(True)
""")
    before = state(desk)
    dialog = open_dialog(desk)
    desk.screenshot("upscale-dialog")
    desk.keys(dialog, "alt+u")
    check("upscale: the dialog closes after the run", closed(desk, 120))
    check("upscale: the image is scaled, the layer has arrived", layers(desk)[-2:] == ["Upscaled", "photo"]
          and canvas(desk)[:2] == [320, 240])
    now = desk.inside("source = image.get_layers()[-1]; answer = [source.get_visible(), source.get_lock_visibility()]")
    check(f"upscale: the source is hidden, and its visibility locked as before ({now})", now == [False, True])
    desk.screenshot("upscaled")
    desk.keys(main_window(desk), "ctrl+z")
    same("upscale: one Ctrl+Z takes all of it back", eventually(lambda: state(desk), before), before)
    desk.inside("source = image.get_layers()[-1]; source.set_opacity(100); source.set_lock_visibility(False)")


def upscales_to_a_new_image(desk):
    before, layer = state(desk), canvas(desk)[-1]
    dialog = open_dialog(desk)
    desk.keys(dialog, "alt+m", "End")  # Another file…
    chooser = until(lambda: desk.windows("^Choose a Model"), 20, "the file dialog")[0]
    time.sleep(1)
    desk.type(str(MODEL))
    time.sleep(1)
    desk.keys(chooser, "Return")
    until(lambda: not desk.windows("^Choose a Model"), 20, "the file dialog closing")
    desk.keys(dialog, "alt+t", "Down", "alt+u")
    check("upscale: the dialog closes after the run", closed(desk, 120))
    images = desk.inside("answer = sorted(i.get_width() for i in Gimp.get_images())")
    displays = desk.inside("answer = [n for n in range(1, 9) if Gimp.Display.id_is_valid(n)]")
    check(f"upscale: a new image, which is shown ({images}, displays {displays})", images == [160, 2 * layer] and len(displays) == 2)
    models = desk.inside("answer = [recipe(i.get_layers()[0])['model'] for i in Gimp.get_images() if i.get_width() != 160]")
    check(f"upscale: with the file that was chosen ({models})", models == [str(MODEL)])
    same("upscale: the old one is as it was",
         desk.inside("image = min(Gimp.get_images(), key=lambda i: i.get_width()); answer = state(image, with_undo=False)"), before)
    desk.screenshot("upscaled-new-image")
    desk.inside(f"Gimp.Display.get_by_id({displays[-1]}).delete()")


def choose_first_found(desk, dialog):
    """The list fills when the disk has been looked at; until then, what follows Sfumato's own is Another file…"""
    for _ in range(10):
        desk.keys(dialog, "alt+m", "Home", "Down")
        try:
            chooser = until(lambda: desk.windows("^Choose a Model"), 3, "the file dialog")[0]
        except TimeoutError:
            return
        desk.keys(chooser, "Escape")
    raise TimeoutError("the list has no model that was found")


def upscales_with_a_model_that_was_found(desk):
    found = Path(desk.environment["HOME"]) / "ComfyUI/models/upscale_models/aaa.safetensors"
    found.parent.mkdir(parents=True)
    shutil.copy(MODEL.with_name("sfumato-upscale-x4.safetensors"), found)
    (found.parent / "damaged.pth").write_bytes(b"PK")
    layer = canvas(desk)[-1]
    dialog = open_dialog(desk)
    choose_first_found(desk, dialog)
    desk.screenshot("upscale-found")
    desk.keys(dialog, "alt+u")  # to a new image, as the last time
    check("found: the dialog closes after the run", closed(desk, 120))
    made = take_new_images(desk)
    check(f"found: as many times as large as the model says ({made})", made == [[4 * layer, str(found)]])


def take_new_images(desk):
    """Width and model of each image that an upscale made; closes them."""
    return desk.inside("""
answer = [[i.get_width(), recipe(i.get_layers()[0])["model"]] for i in Gimp.get_images() if i.get_width() != 160]
for n in range(2, 20):
    if Gimp.Display.id_is_valid(n):
        Gimp.Display.get_by_id(n).delete()
""")


def reset_keeps_the_scale_it_had(desk):
    """The network is made for four times; the last run, to which Reset goes back, was of three."""
    layer = canvas(desk)[-1]
    made = []
    for keys in (("alt+a", "3", "Tab"), ("alt+m", "Home", "alt+r", "Return")):
        dialog = open_dialog(desk)
        for key in keys:
            desk.keys(dialog, key)
            time.sleep(0.5)  # Reset opens a list, which moves
        desk.screenshot("upscale-" + keys[-1].lower())
        desk.keys(dialog, "alt+u")
        check("reset: the dialog closes after the run", closed(desk, 120))
        made += take_new_images(desk)
    check(f"reset: to the model and the scale of the last run ({made})", len(made) == 2 and made[0] == made[1]
          and made[0][0] == 3 * layer and made[0][1].endswith("aaa.safetensors"))


def upscale_is_cancelled(desk):
    desk.inside("image.scale(1600, 1200)")
    before = state(desk)
    dialog = open_dialog(desk)
    desk.keys(dialog, "alt+u")
    engine = scratch.engine_at_work(desk.place.runtime)
    os.kill(engine, signal.SIGSTOP)
    try:
        desk.screenshot("upscale-running")
        check("upscale: it is running", is_open(desk))
        desk.keys(dialog, "Escape")
        check("upscale: Escape cancels, and then closes", pressed_away(desk, dialog))
    finally:
        os.kill(engine, signal.SIGCONT)
    same("upscale cancelled: the image is as it was", state(desk), before)


PREPARE = """
image.scale(800, 600)
image.get_layers()[-1].set_offsets(16, 8)
select(image, 200, 160, 400, 300); image.set_selected_layers([image.get_layers()[-1]])
"""


def changed_meanwhile(desk, change, *keys):
    """An upscale during which `change` is done to the image; the dialog, its height while it ran, the image's state then."""
    dialog = open_dialog(desk)
    desk.keys(dialog, *keys, "alt+u")
    engine = scratch.engine_at_work(desk.place.runtime)
    os.kill(engine, signal.SIGSTOP)
    try:
        desk.inside(change)
        before, height = state(desk), desk.height(dialog)
    finally:
        os.kill(engine, signal.SIGCONT)
    return dialog, height, before


def refuses_what_fits_no_more(desk):
    adobe, srgb = (f"image.convert_color_profile(Gimp.ColorProfile.new_rgb_{name}(), 0, False)" for name in ("adobe", "srgb"))
    for what, change in (("the canvas larger", "image.resize(880, 660, 40, 30)"), ("the image scaled", "image.scale(400, 300)"),
                         ("the layer moved", "image.get_layers()[-1].set_offsets(3, 3)"),
                         ("another profile", adobe),
                         ("another precision", "image.convert_precision(Gimp.Precision.U16_NON_LINEAR)")):
        desk.inside(PREPARE)
        dialog, height, before = changed_meanwhile(desk, change)
        check(f"{what} meanwhile: the dialog stays and says it", says_something(desk, dialog, height))
        desk.screenshot("changed-" + what.split()[-1])
        same(f"{what} meanwhile: the image is left as it was", state(desk), before)
        check(f"{what} meanwhile: Escape closes", pressed_away(desk, dialog))
    desk.inside(f"{srgb}; image.convert_precision(Gimp.Precision.U8_NON_LINEAR)")


def takes_the_selection_as_it_was(desk):
    desk.inside(PREPARE + "old = image.duplicate(); old.scale(1600, 1200)\n"
                "open(os.path.expanduser('~/old-selection'), 'wb').write(pixels(old.get_selection(), 'Y u8')); old.delete()")
    changed_meanwhile(desk, "Gimp.Selection.none(image)", "alt+y")
    check("selection gone meanwhile: the dialog closes", closed(desk, 60))
    off, most = desk.inside("""
old = open(os.path.expanduser('~/old-selection'), 'rb').read()
layer = next(layer for layer in image.get_layers() if layer.get_name().startswith("Upscaled"))
_, x, y = layer.get_offsets()
rows = mask_values(layer)
answer = [sum(abs(value - old[(y + j) * 1600 + x + i]) for j, row in enumerate(rows) for i, value in enumerate(row))
          / (len(rows) * len(rows[0])), max(map(max, rows))]
""")
    check(f"selection gone meanwhile: the mask is the one that was (off by {off:.2f} of 255)", most == 255 and off < 1)
    desk.inside("image.scale(160, 120)")


with Desktop(build, pictures) as desk:
    try:
        desk.inside(photo(800, 600, 300, 200, 60, 50))
        until(lambda: desk.windows("– GIMP$"), 20, "the image window")
        go_through(desk, (upscales_and_is_undone, refuses_what_fits_no_more, takes_the_selection_as_it_was,
                          upscales_to_a_new_image, upscales_with_a_model_that_was_found,
                          reset_keeps_the_scale_it_had, upscale_is_cancelled))
    finally:
        output, engine_log, ended = desk.gimp_output(), desk.place.engine_log(), desk.ended()

clashes = [line for line in output.splitlines() if "mnemonic" in line]
check(f"every key in the dialog means one thing {clashes}", not clashes)
check(f"GIMP and its desktop are there at the end (gone: {ended})", not ended)

close(output, engine_log)
