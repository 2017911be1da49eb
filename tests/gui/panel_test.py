#!/usr/bin/env python3
"""panel_test.py BUILD [SCREENSHOTS [PART…]] – the panel in a real GIMP, by keyboard and mouse: open it at a task, fill, cancel, look
through variants, keep, discard, undo, generate with a model while another run waits, the messenger, and what a kill or a closed image
leaves: nothing. PART: a function here; else all."""
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from desktop import Desktop, scratch, until
from sitting import check, choose, close, eventually, go_through, layers, main_window, open_panel, panel, photo, previewed, state

build = Path(sys.argv[1]).resolve()
pictures = Path(sys.argv[2]) if len(sys.argv) > 2 else build / "screenshots" / "panel"
MAKE_PHOTO = photo(480, 360, 200, 150, 80, 60)


def press(desk, *keys):
    desk.keys(panel(desk), *keys)


def settings(desk):
    """What the panel has saved; it does so a moment after a change."""
    time.sleep(1.5)
    return desk.settings.read_text()


def opens_at_its_task(desk):
    open_panel(desk, "Inpaint Selection")
    desk.screenshot("opened")
    check("Inpaint Selection opens the panel", bool(panel(desk)))
    check("… at its task", eventually(lambda: '(task "fill")' in settings(desk), True))
    press(desk, "alt+t", "Up")
    check("another task is chosen", eventually(lambda: '(task "automatic")' in settings(desk), True))
    choose(desk, "Inpaint Selection", lambda: '(task "fill")' in settings(desk))
    check("… and Inpaint Selection sets the panel that is open back", '(task "fill")' in settings(desk))
    press(desk, "alt+t", "Up")
    eventually(lambda: '(task "automatic")' in settings(desk), True)


def stop_engine_at_work(desk):
    press(desk, "alt+f")
    engine = scratch.engine_at_work(desk.place.runtime)
    os.kill(engine, signal.SIGSTOP)
    return engine


def is_cancelled(desk):
    desk.inside("select(image, 40, 30, 400, 300)")
    before = state(desk)
    engine = stop_engine_at_work(desk)
    try:
        desk.screenshot("stopped")
        check("GIMP can be used meanwhile", layers(desk) == ["photo"])
        press(desk, "Escape")
    finally:
        time.sleep(1)
        os.kill(engine, signal.SIGCONT)
    told = lambda: any(line.endswith(": cancelled") for line in desk.place.engine_log().splitlines())
    check("cancelled: the engine ends the run", eventually(told, True))
    check("cancelled: the image is as it was", eventually(lambda: state(desk), before) == before)


def survives_a_killed_engine(desk):
    os.kill(stop_engine_at_work(desk), signal.SIGKILL)
    time.sleep(2)
    desk.screenshot("engine-killed")
    check("engine killed: the image is as it was", layers(desk) == ["photo"])
    desk.inside("select(image, 200, 150, 80, 60)")
    press(desk, "alt+f")
    check("engine killed: a fresh one does the next run", eventually(lambda: previewed(desk), True))
    press(desk, "alt+d")
    eventually(lambda: previewed(desk), False)


def fills_and_keeps(desk):
    before = state(desk)
    press(desk, "alt+f")
    check("fill: a variant is shown in place", eventually(lambda: previewed(desk), True))
    desk.screenshot("variant")
    check("fill: the source is still the active layer", desk.inside("answer = [l.get_name() for l in image.get_selected_layers()]") == ["photo"])
    desk.inside("image.get_layers()[1].set_visible(image.get_layers()[1].get_visible())")
    press(desk, "alt+k")
    check("keep: a layer, and nothing else", eventually(lambda: layers(desk), ["Inpaint", "photo"]) == ["Inpaint", "photo"])
    desk.screenshot("kept")
    desk.keys(main_window(desk), "ctrl+z")
    check("keep: one Ctrl+Z takes all of it back", eventually(lambda: state(desk), before) == before)
    desk.keys(main_window(desk), "ctrl+y")
    check("keep: Ctrl+Y brings it again", eventually(lambda: layers(desk), ["Inpaint", "photo"]) == ["Inpaint", "photo"])
    desk.keys(main_window(desk), "ctrl+z")
    eventually(lambda: state(desk), before)


def marks_what_is_outdated(desk):
    """A kept layer over a source that is seen otherwise."""
    press(desk, "alt+f")
    eventually(lambda: previewed(desk), True)
    press(desk, "alt+k")
    eventually(lambda: layers(desk), ["Inpaint", "photo"])
    activate = lambda number: (desk.inside(f"image.set_selected_layers([image.get_layers()[{number}]])"), time.sleep(2))
    activate(0)
    height = desk.height(panel(desk))
    desk.screenshot("of-now")
    activate(1)
    desk.inside("image.get_layers()[1].set_opacity(50)")
    activate(0)
    check("outdated: a sentence more", eventually(lambda: desk.height(panel(desk)) > height, True))
    desk.screenshot("outdated")
    made = desk.inside("answer = recipe(image.get_layers()[0])")
    check(f"outdated: by what the recipe says ({made.get('lies_on')})", made["lies_on"]["width"] >= 80)
    desk.keys(main_window(desk), "ctrl+z", "ctrl+z")
    eventually(lambda: layers(desk), ["photo"])


def discards(desk):
    before = state(desk)
    press(desk, "alt+f")
    check("discard: a variant is shown", eventually(lambda: previewed(desk), True))
    press(desk, "alt+b")
    hidden = lambda: desk.inside("answer = [l.get_visible() for l in image.get_layers()]")
    check("before: the variant is hidden while the button is down", eventually(hidden, [False, True]) == [False, True])
    press(desk, "alt+b")
    check("before: and seen again", eventually(hidden, [True, True]) == [True, True])
    press(desk, "alt+d")
    check("discard: the image is as it was", eventually(lambda: state(desk), before) == before)


def expands(desk):
    desk.inside("image.get_layers()[0].resize(480, 360, 0, 0); image.resize(600, 360, 0, 0); Gimp.Selection.none(image)")
    press(desk, "alt+t", "Down", "Down", "Down")
    time.sleep(1)
    desk.screenshot("expand")
    press(desk, "alt+x")
    check("expand: a variant is shown in place", eventually(lambda: previewed(desk), True))
    press(desk, "alt+k")
    check("expand: kept", eventually(lambda: layers(desk), ["Inpaint", "photo"]) == ["Inpaint", "photo"])
    desk.screenshot("expanded")
    x, y, width, height = place = desk.inside("answer = [*image.get_layers()[0].get_offsets()[1:], "
                                              "image.get_layers()[0].get_width(), image.get_layers()[0].get_height()]")
    check(f"expand: what was empty is filled, to the last pixel, and blends in (x, y, width, height: {place})",
          470 <= x <= 480 and x + width == 600 and (y, height) == (0, 360))
    time.sleep(2)
    said = desk.place.engine_log()
    check("expand: how long it takes could be told", "Nothing is left to fill from" not in said)
    press(desk, "alt+t", "Up", "Up", "Up")
    desk.keys(main_window(desk), "ctrl+z", "ctrl+z", "ctrl+z")
    eventually(lambda: desk.inside("answer = [image.get_width(), len(image.get_layers())]"), [480, 1])
    desk.inside("select(image, 200, 150, 80, 60)")


def chooses_a_model_and_queues(desk):
    press(desk, "alt+p")
    desk.type("a red fox")
    time.sleep(1)
    desk.screenshot("no-model")
    runs = desk.place.engine_log().count('"operation":"inpaint"')
    press(desk, "alt+g")
    time.sleep(3)
    check("words without a model: nothing is filled that is not asked for", desk.place.engine_log().count('"operation":"inpaint"') == runs)
    press(desk, "alt+y", "Down")
    press(desk, "alt+m", "Down")
    time.sleep(2)
    desk.screenshot("model")
    press(desk, "alt+f")
    press(desk, "alt+f")
    desk.screenshot("running")
    check("diffusion: a variant is shown", eventually(lambda: previewed(desk), True))
    told = lambda: sum("inpaint" in line and "diffusion" in line for line in desk.place.engine_log().splitlines())
    check("diffusion: two runs by the model", until(lambda: told() >= 2, 300, "the second run"))
    time.sleep(5)
    desk.screenshot("diffusion")
    press(desk, "ctrl+Page_Down")
    time.sleep(1)
    desk.screenshot("diffusion-next")
    press(desk, "alt+k")
    check("diffusion: kept", eventually(lambda: layers(desk)[-2:], ["Inpaint", "photo"]) == ["Inpaint", "photo"])
    made = desk.inside("answer = recipe([l for l in image.get_layers() if l.get_name().startswith('Inpaint')][0])")
    check(f"diffusion: its recipe ({made['method']}, {made['prompt']})", made["method"] == "diffusion")
    check("diffusion: the words and, behind them, the style's", made["prompt"].startswith("a red fox, photograph, "))


def is_told_to_generate(desk):
    runs = lambda: desk.place.engine_log().count('"operation":"inpaint"')
    before = runs()
    choose(desk, "Generate with the Panel", lambda: runs() > before)
    check("the messenger: a run has begun", runs() > before)
    time.sleep(3)
    # Whoever has found the socket and says something else is not listened to.
    for said in (b"", b"hello", b"sfumato panel 1 generate 99999999999\n", os.urandom(5000)):
        with socket.socket(socket.AF_UNIX) as other:
            other.connect(str(next(desk.place.runtime.rglob("panel-*.sock"))))
            try:
                other.sendall(said)
            except BrokenPipeError:
                pass
    time.sleep(2)
    check("hostile messages: the panel is still there", bool(panel(desk)) and runs() == before + 1)


def last_run(desk):
    """The request of the last inpaint, as the engine's log has it."""
    told = [line for line in desk.place.engine_log().splitlines() if '"operation":"inpaint"' in line]
    return told[-1] if told else ""


def is_killed(desk):
    until(lambda: previewed(desk), 60, "a variant")
    press(desk, "alt+p", "ctrl+End")
    desk.type(" at dawn")
    time.sleep(3)
    pid = desk.place.processes("gimp-sfumato")[-1]
    os.kill(pid, signal.SIGKILL)
    until(lambda: not panel(desk), 20, "the panel's end")
    for window in desk.windows("GIMP Message"):
        desk.keys(window, "Escape")
    check("killed: its preview is left behind", previewed(desk))
    open_panel(desk)
    check("killed: and removed at the next start", eventually(lambda: previewed(desk), False) is False)
    desk.screenshot("again")
    press(desk, "alt+f")
    check("killed: the words are those of before", eventually(lambda: "a red fox at dawn" in last_run(desk), True))
    until(lambda: previewed(desk), 60, "a variant")
    press(desk, "alt+d", "alt+d", "alt+d")


def image_is_closed(desk):
    press(desk, "alt+f")
    until(lambda: previewed(desk), 60, "a variant")
    desk.inside("image.clean_all()")
    desk.keys(main_window(desk), "ctrl+w")
    check("closed image: GIMP lets it go", eventually(lambda: desk.inside("answer = len(Gimp.get_images())"), 0) == 0)
    time.sleep(2)
    desk.screenshot("no-image")
    check("closed image: the panel stays", bool(panel(desk)))
    desk.inside(MAKE_PHOTO)
    time.sleep(3)
    check("the next image is taken", eventually(lambda: (press(desk, "alt+f"), previewed(desk))[1], True))


def keeps_its_words(desk):
    press(desk, "alt+d")
    desk.keys(panel(desk), "alt+F4")
    check("closed: the window goes, and its preview", eventually(lambda: bool(panel(desk)) or previewed(desk), False) is False)
    kept = desk.inside("answer = [bytes(image.get_parasite(name).get_data()).decode(errors='replace') for name in image.get_parasite_list()]")
    check(f"closed: the image has no words in it ({kept})", "fox" not in str(kept))
    open_panel(desk)
    desk.screenshot("reopened")
    press(desk, "alt+f")
    check("reopened: the words are those of before", eventually(lambda: "a red fox at dawn" in last_run(desk), True))


def runs_on_its_device(desk):
    """The engine is asked for the device that the panel has, be it one that is gone."""
    desk.keys(panel(desk), "alt+F4")
    until(lambda: not panel(desk), 30, "the panel's end")
    desk.settings.write_text(desk.settings.read_text() + '(device "gone with the wind")\n')
    open_panel(desk)
    press(desk, "alt+a")
    time.sleep(3)
    desk.screenshot("advanced")
    press(desk, "ctrl+Return")
    said = 'No Vulkan device is called "gone with the wind"'
    check("device: the engine looks for it", eventually(lambda: said in desk.place.engine_log(), True))
    time.sleep(1)
    desk.screenshot("no-device")
    desk.keys(panel(desk), "alt+F4")
    until(lambda: not panel(desk), 30, "the panel's end")
    check("device: it is remembered", '(device "gone with the wind")' in desk.settings.read_text())
    desk.settings.write_text(desk.settings.read_text().replace("gone with the wind", ""))
    open_panel(desk)
    press(desk, "ctrl+Return")
    check("device: without one the next run works", eventually(lambda: previewed(desk), True))


def offers_few_steps(desk):
    """A model that is made for few steps, by its name; and one that is not."""
    models = desk.place.folder / "home/.local/share/sfumato/models"
    fast = models / "sdxl_lightning_4step.safetensors"
    fast.symlink_to(models / "tiny.safetensors")
    desk.keys(panel(desk), "alt+F4")
    until(lambda: not panel(desk), 30, "the panel's end")
    before = desk.settings.read_text()
    without = "\n".join(line for line in before.splitlines() if not line.startswith(("(model", "(task", "(prompt", "(steps")))
    desk.settings.write_text(without + '\n(prompt "a fox")\n(task "generate")\n' + f'(model "{fast.as_uri()}")\n')
    open_panel(desk)
    desk.screenshot("few-steps-offered")
    press(desk, "alt+w")
    said = ("(steps 4)", "(cfg 1", '(sampler "euler")', '(scheduler "trailing")')
    check("few steps: taken with one key", eventually(lambda: all(word in settings(desk) for word in said), True))
    desk.screenshot("few-steps-taken")
    desk.keys(panel(desk), "alt+F4")
    until(lambda: not panel(desk), 30, "the panel's end")
    desk.settings.write_text(desk.settings.read_text().replace(fast.name, "tiny.safetensors"))
    open_panel(desk)
    press(desk, "alt+w")
    kept = lambda: all(word not in settings(desk) for word in ("(steps 4)", "(cfg 1", '(sampler "euler")', "trailing"))
    check("few steps: the usual ones are offered to an ordinary model", eventually(kept, True))
    desk.screenshot("usual-steps-taken")
    desk.settings.write_text(before)


with Desktop(build, pictures) as desk:
    try:
        desk.inside(MAKE_PHOTO)
        until(lambda: desk.windows("– GIMP$"), 60, "the image window")
        models = desk.place.folder / "home/.local/share/sfumato/models"
        models.mkdir(parents=True)
        # A run of seconds.
        desk.settings = desk.place.folder / "profile/plug-in-settings/sfumato-panel.settings"
        desk.settings.parent.mkdir(exist_ok=True)
        desk.settings.write_text("(steps 3)\n(width 64)\n(height 64)\n(detail 0)\n")
        subprocess.run([build / "tests/gimp/write_model", "sd1-tiny", models / "tiny.safetensors"], check=True)
        time.sleep(1)
        parts = (opens_at_its_task, fills_and_keeps, is_cancelled, survives_a_killed_engine, marks_what_is_outdated, discards, expands,
                 chooses_a_model_and_queues, is_told_to_generate, is_killed, image_is_closed, keeps_its_words, runs_on_its_device, offers_few_steps)  # fmt: skip
        go_through(desk, [p for p in parts if not sys.argv[3:] or p.__name__ in sys.argv[3:]])
    finally:
        output, engine_log, ended = desk.gimp_output(), desk.place.engine_log(), desk.ended()

check(f"GIMP and its desktop are there at the end (gone: {ended})", not ended)
close(output, engine_log)
