"""A layer of 4000 × 3000 goes to 8000 × 6000; executed inside GIMP by run.py. Neither the engine nor the plug-in holds all of
it, and the engine's memory is what its plan said."""
import os
import re
import threading
import time

from gi.repository import Gio

import scratch
from document import *

PHOTOGRAPH = "/usr/share/backgrounds/budgie/oakland-zoo-otters.jpg"
WIDTH, HEIGHT = 4000, 3000


def peaks_while(work):
    """What `work` returns, and the most memory in MB that the plug-in and the engine had resident."""
    peaks, done = {}, threading.Event()

    def watch():
        while not done.wait(0.05):
            for program in ("gimp-sfumato", "sfumato"):
                for process in scratch.processes(os.environ["XDG_RUNTIME_DIR"], program):
                    try:
                        status = open(f"/proc/{process}/status").read()
                    except OSError:
                        continue
                    if found := re.search(r"VmHWM:\s+(\d+) kB", status):
                        peaks[program] = max(peaks.get(program, 0), int(found[1]) * 1024 / 1e6)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        return work(), peaks
    finally:
        done.set()
        thread.join()


def small_run():
    """What both programs take before there is a picture to speak of."""
    image = make_image(40, 30)
    return run("plug-in-sfumato-upscale", image, [add_layer(image, "photo", 40, 30)], target="layer")


@chapter
def large_layer():
    _, before = peaks_while(small_run)
    image = Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, Gio.File.new_for_path(PHOTOGRAPH))
    image.scale(WIDTH, HEIGHT)
    source = image.get_layers()[0]
    start = time.monotonic()
    (status, layer), peaks = peaks_while(lambda: run("plug-in-sfumato-upscale", image, [source], scale=2))
    check(f"runs, {time.monotonic() - start:.0f} s", status == Gimp.PDBStatusType.SUCCESS)
    check("the image has twice the size", (image.get_width(), layer.get_height()) == (2 * WIDTH, 2 * HEIGHT))

    told = re.findall(r"planned ([0-9.]+) MB, used ([0-9.]+) MB, pictures ([0-9.]+) MB; (\d+) results",
                      scratch.engine_log(os.environ["XDG_RUNTIME_DIR"]))[-1]
    most, used, pictures, parts = (float(n) for n in told)
    check(f"in {parts:.0f} parts, with what was planned for them: {told} MB", parts > 1 and used <= most)
    planned = most + pictures
    grown = {name: peaks[name] - before[name] for name in peaks}
    check(f"the engine grew by {grown['sfumato']:.0f} MB, {planned:.0f} were planned", grown["sfumato"] <= planned)
    # A part of the picture and of its result, as floats of 16 bytes a pixel.
    host = 16 * (2 ** 24 + 2 ** 24 / 4) / 1e6
    check(f"the plug-in grew by {grown['gimp-sfumato']:.0f} MB", grown["gimp-sfumato"] <= 1.25 * host)

    corner = (WIDTH - 200, HEIGHT - 200, 400, 400)  # where four parts meet; the source was scaled by GIMP
    ours, theirs = raw(layer, *corner), raw(source, *corner)
    off = sum(abs(a - b) for a, b in zip(ours, theirs)) / len(ours)
    check(f"the same picture (off by {off:.2f} of 255)", 0 < off < 2)


close()
