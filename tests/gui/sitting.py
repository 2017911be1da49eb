"""What a sitting is made of: the panel and the dialog, opened and used by keys, and checks that are counted."""
import sys
import time
import traceback

from desktop import until

counts = {True: 0, False: 0}
TITLES = "^(Upscale Layer|Ebene vergrößern)"
PANEL, PREVIEWS = "^Sfumato$", ("Sfumato: not kept yet", "Sfumato: noch nicht behalten")


def check(what, holds):
    counts[bool(holds)] += 1
    print(f"{'ok  ' if holds else 'FAIL'} {what}", flush=True)


def main_window(desk):
    """With an image in it: that of a new one gets its title a moment later."""
    return until(lambda: desk.windows("– GIMP$"), 30, "GIMP's window with an image")[0]


def choose(desk, entry, arrived, seconds=30):
    """Through GIMP's action search, as a user without a mouse would; `arrived`: what is true afterwards."""
    for _ in range(3):
        desk.keys(main_window(desk), "slash")
        until(lambda: desk.windows("^(Search Actions|Aktion)"), 20, "the action search")
        time.sleep(0.5)
        desk.type(entry)
        time.sleep(2)
        desk.xdotool("key", "Return")
        try:
            return until(arrived, seconds, entry)
        except TimeoutError:
            desk.xdotool("key", "Escape")
    raise TimeoutError(f"{entry}: it did not come from the menu")


def open_dialog(desk, entry="Upscale Layer"):
    return choose(desk, entry, lambda: desk.windows(TITLES), 15)[0]


def panel(desk):
    return (desk.windows(PANEL) or [None])[0]


def open_panel(desk, entry="Sfumato…"):
    window = choose(desk, entry, lambda: panel(desk))
    time.sleep(2)
    return window


def previewed(desk):
    return any(name in PREVIEWS for name in layers(desk))


def photo(width, height, *selected):
    """Code for Desktop.inside(): an image on the screen, with nothing to undo."""
    return f"""
picture = make_image({width}, {height})
ground = Gimp.Layer.new(picture, "photo", {width}, {height}, Gimp.ImageType.RGB_IMAGE, 100, Gimp.LayerMode.NORMAL)
picture.insert_layer(ground, None, 0)
ground.merge_filter(Gimp.DrawableFilter.new(ground, "gegl:plasma", ""))
select(picture, {", ".join(map(str, selected))})
picture.undo_disable(); picture.undo_enable()
Gimp.Display.new(picture)
"""


def state(desk):
    return desk.inside("answer = state(image, with_undo=False)")


def same(what, now, then):
    """Compares two states and shows where they differ."""
    check(what, now == then)
    for a, b in zip(now, then):
        if a != b:
            print(f"     now {a}\n     was {b}")


def eventually(look, wanted):
    """Looks until that is what it sees, or for minutes: GIMP may be a while behind the keys, and an engine's first run compiles.
    What it saw last."""
    deadline = time.monotonic() + 180
    while (seen := look()) != wanted and time.monotonic() < deadline:
        time.sleep(0.1)
    return seen


def layers(desk):
    """The names of the layers without what stands in brackets, which tells results apart."""
    return desk.inside("answer = [layer.get_name().split(' (')[0] for layer in image.get_layers()]")


def is_open(desk):
    return bool(desk.windows(TITLES))


def closed(desk, seconds):
    try:
        return until(lambda: not is_open(desk), seconds, "the dialog closing")
    except TimeoutError:
        return False


def pressed_away(desk, dialog):
    for _ in range(5):
        if closed(desk, 1):
            return True
        desk.keys(dialog, "Escape")
    return closed(desk, 1)


def says_something(desk, dialog, height):
    """A sentence in the dialog makes it taller."""
    try:
        return until(lambda: desk.height(dialog) > height, 20, "a sentence in the dialog")
    except TimeoutError:
        return False


def go_through(desk, parts):
    """Each part; an exception is one failure, and the rest goes on."""
    for part in parts:
        try:
            part(desk)
        except Exception:
            traceback.print_exc(file=sys.stdout)
            desk.screenshot(f"failed-{part.__name__}")
            check(f"{part.__name__} to its end", False)
            for window in desk.windows(TITLES):
                pressed_away(desk, window)


def close(output, engine_log):
    """Says how many checks passed, and ends with that as exit code."""
    if counts[False]:
        print(f"GIMP:\n{output}\nengine:\n{engine_log}")
    print(f"{counts[True]} passed, {counts[False]} failed")
    sys.exit(0 if counts[True] and not counts[False] else 1)
