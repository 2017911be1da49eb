# Runs inside GIMP (tools/in-gimp): the hikers on the dune are selected and filled, as a user would do it. Writes demo.xcf,
# before.png, after.png and side-by-side.png into $OUT and prints their paths.
import os
import time

from gi.repository import Gimp, Gio
from PIL import Image, ImageDraw

PHOTOGRAPH = "/usr/share/backgrounds/budgie/extreme-desert-hike.jpg"
WIDTH = 1600
HIKERS = [(450, 918), (470, 888), (490, 876), (512, 878), (534, 866), (604, 836), (628, 838), (634, 868), (704, 888),
          (706, 908), (612, 916), (566, 926), (562, 942), (500, 952), (460, 950)]


def out(name):
    return os.path.join(os.environ["OUT"], name)


def save(image, name):
    if not Gimp.file_save(Gimp.RunMode.NONINTERACTIVE, image, Gio.File.new_for_path(out(name)), None):
        raise RuntimeError(f"cannot write {out(name)}")


def select(image, outline):
    image.select_polygon(Gimp.ChannelOps.REPLACE, [c for point in outline for c in point])


def inpaint(image, layer):
    procedure = Gimp.get_pdb().lookup_procedure("plug-in-sfumato-inpaint")
    if procedure is None:
        raise RuntimeError("GIMP does not know plug-in-sfumato-inpaint: was the plug-in built?")
    config = procedure.create_config()
    config.set_property("image", image)
    config.set_core_object_array("drawables", [layer])
    config.set_property("method", "patchmatch")
    config.set_property("seed", 1)
    start = time.monotonic()
    result = procedure.run(config)
    if result.index(0) != Gimp.PDBStatusType.SUCCESS:
        raise RuntimeError(f"plug-in-sfumato-inpaint: {result.index(1)}")
    return time.monotonic() - start


def side_by_side():
    before, after = Image.open(out("before.png")).convert("RGB"), Image.open(out("after.png")).convert("RGB")
    ImageDraw.Draw(before).polygon(HIKERS, outline="white", width=2)
    both = Image.new("RGB", (2 * before.width + 8, before.height), "white")
    both.paste(before, (0, 0))
    both.paste(after, (before.width + 8, 0))
    both.save(out("side-by-side.png"))


image = Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, Gio.File.new_for_path(PHOTOGRAPH))
image.scale(WIDTH, round(image.get_height() * WIDTH / image.get_width()))
photograph = image.get_layers()[0]
save(image, "before.png")

select(image, HIKERS)
seconds = inpaint(image, photograph)
added = image.get_layers()[0]
if len(image.get_layers()) != 2 or added.get_mask() is None:
    raise RuntimeError("the result is not one new layer with a layer mask")
save(image, "demo.xcf")

Gimp.Selection.none(image)
save(image, "after.png")
side_by_side()
_, x, y = added.get_offsets()
print(f"filled in {seconds:.1f} s: layer \"{added.get_name()}\", {added.get_width()}x{added.get_height()} at {x},{y}")
for file in ("demo.xcf", "before.png", "after.png", "side-by-side.png"):
    print(out(file))
image.delete()
