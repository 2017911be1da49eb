# Runs inside GIMP (tools/in-gimp) what a user would do: the hikers on the dune are selected and filled, and a small photograph
# of otters is enlarged, and words become a picture. Writes demo.xcf and pictures into $OUT and prints their paths.
import math
import os
import time

from gi.repository import Gimp, Gio
from PIL import Image, ImageDraw

PHOTOGRAPHS = "/usr/share/backgrounds/budgie/"
WIDTH = 1600
HIKERS = [(450, 918), (470, 888), (490, 876), (512, 878), (534, 866), (604, 836), (628, 838), (634, 868), (704, 888),
          (706, 908), (612, 916), (566, 926), (562, 942), (500, 952), (460, 950)]
SMALL = (480, 270)  # of the photograph that is enlarged; the network in the box has not seen it in its training
FACTOR = 2
WORDS, SIDE = "a red apple, 3d icon", 512
DETAIL = (290, 140, 530, 275)  # of the enlarged one, to look at closely


def out(name):
    return os.path.join(os.environ["OUT"], name)


def save(image, name):
    if not Gimp.file_save(Gimp.RunMode.NONINTERACTIVE, image, Gio.File.new_for_path(out(name)), None):
        raise RuntimeError(f"cannot write {out(name)}")


def select(image, outline):
    image.select_polygon(Gimp.ChannelOps.REPLACE, [c for point in outline for c in point])


def load(name, width):
    image = Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, Gio.File.new_for_path(PHOTOGRAPHS + name))
    image.scale(width, round(image.get_height() * width / image.get_width()))
    return image, image.get_layers()[0]


def run(name, image, layer, **arguments):
    """The new layer, and how many seconds it took."""
    procedure = Gimp.get_pdb().lookup_procedure(name)
    if procedure is None:
        raise RuntimeError(f"GIMP does not know {name}: was the plug-in built?")
    config = procedure.create_config()
    config.set_property("image", image)
    config.set_core_object_array("drawables", [layer] if layer else [])
    for argument, value in arguments.items():
        config.set_property(argument, value)
    start = time.monotonic()
    result = procedure.run(config)
    if result.index(0) != Gimp.PDBStatusType.SUCCESS:
        raise RuntimeError(f"{name}: {result.index(1)}")
    return result.index(1), time.monotonic() - start


def side_by_side():
    before, after = Image.open(out("before.png")).convert("RGB"), Image.open(out("after.png")).convert("RGB")
    ImageDraw.Draw(before).polygon(HIKERS, outline="white", width=2)
    both = Image.new("RGB", (2 * before.width + 8, before.height), "white")
    both.paste(before, (0, 0))
    both.paste(after, (before.width + 8, 0))
    both.save(out("side-by-side.png"))


def error(picture, truth):
    """PSNR in dB."""
    pairs = zip(picture.tobytes(), truth.tobytes())
    return 10 * math.log10(255**2 * len(truth.tobytes()) / sum((a - b) ** 2 for a, b in pairs))


def compare_enlarged():
    """Before, Lanczos and ours; above all of it, below the detail. Prints how far both are from the photograph."""
    before, ours = Image.open(out("small.png")).convert("RGB"), Image.open(out("enlarged.png")).convert("RGB")
    lanczos = before.resize(ours.size, Image.Resampling.LANCZOS)
    width, height = ours.size
    sheet = Image.new("RGB", (3 * width + 32, 2 * height + 56), "white")
    write = ImageDraw.Draw(sheet)
    for i, (name, picture) in enumerate((("before", before.resize(ours.size, Image.Resampling.NEAREST)),
                                         ("Lanczos", lanczos), ("Sfumato", ours))):
        x = i * (width + 16)
        write.text((x + 4, 4), f"{name}, {FACTOR}x" if i else name, fill="black", font_size=24)
        sheet.paste(picture, (x, 40))
        close = picture.crop(DETAIL).resize((width, height), Image.Resampling.NEAREST)
        sheet.paste(close, (x, height + 56))
        write.rectangle((x + DETAIL[0], 40 + DETAIL[1], x + DETAIL[2], 40 + DETAIL[3]), outline="white")
    sheet.save(out("enlarged-side-by-side.png"))
    truth = Image.open(out("truth.png")).convert("RGB")
    os.remove(out("truth.png"))
    return error(lanczos, truth), error(ours, truth)


image, photograph = load("extreme-desert-hike.jpg", WIDTH)
save(image, "before.png")
select(image, HIKERS)
added, seconds = run("plug-in-sfumato-inpaint", image, photograph, method="patchmatch", seed=1)
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

image, photograph = load("oakland-zoo-otters.jpg", FACTOR * SMALL[0])
save(image, "truth.png")
image.scale(*SMALL)
save(image, "small.png")
added, seconds = run("plug-in-sfumato-upscale", image, photograph, scale=FACTOR)
if (image.get_width(), added.get_height()) != (FACTOR * SMALL[0], FACTOR * SMALL[1]):
    raise RuntimeError("the image and the new layer do not have the size that was asked for")
save(image, "enlarged.png")
lanczos, ours = compare_enlarged()
print(f"enlarged in {seconds:.1f} s: {SMALL[0]}x{SMALL[1]} to {added.get_width()}x{added.get_height()}; "
      f"PSNR {ours:.2f} dB, Lanczos {lanczos:.2f} dB")
for file in ("small.png", "enlarged.png", "enlarged-side-by-side.png"):
    print(out(file))
image.delete()

image = Gimp.Image.new(SIDE, SIDE, Gimp.ImageBaseType.RGB)
added, seconds = run("plug-in-sfumato-txt2img", image, None, prompt=WORDS, seed=1)
if (added.get_width(), added.get_height()) != (SIDE, SIDE):
    raise RuntimeError("the picture does not have the size of the canvas")
save(image, "from-words.png")
print(f"made from the words \"{WORDS}\" in {seconds:.1f} s: {SIDE}x{SIDE}")
print(out("from-words.png"))
image.delete()
