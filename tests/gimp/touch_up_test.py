"""What is filled is what is seen, and what was filled is seen; executed inside GIMP by run.py."""
import math
import os
import struct
import subprocess

import scratch
from document import *


def picture():
    image = make_image(128, 96)
    return image, add_layer(image, "photo", 128, 96)


def names(layers):
    return [layer.get_name().split(" (")[0] for layer in layers]


def seen_under(image, layer):
    """Whether what is seen is the layer, wherever its mask is full."""
    canvas, own = visible(image), pixels(layer, "R'G'B' u8")
    _, left, top = layer.get_offsets()
    width = layer.get_width()
    full = [(x, y) for y, row in enumerate(mask_values(layer)) for x, value in enumerate(row) if value == 255]
    at = lambda data, x, y, wide, size: data[(y * wide + x) * size:(y * wide + x) * size + 3]
    size = len(canvas) // (image.get_width() * image.get_height())
    return full and all(at(canvas, left + x, top + y, image.get_width(), size) == at(own, x, y, width, 3) for x, y in full)


@chapter
def a_touch_up_is_seen():
    image, source = picture()
    select(image, 40, 30, 30, 24)
    check("first", inpaint(image, [source], seed=1)[0] == SUCCESS)
    first = image.get_layers()[0]
    check("first: seen", seen_under(image, first))
    select(image, 55, 36, 26, 20)  # half of it in the first
    check("touch-up", inpaint(image, [source], seed=2)[0] == SUCCESS)
    second = image.get_layers()[0]
    check("touch-up: on top of the first", [layer.get_id() for layer in image.get_layers()]
          == [second.get_id(), first.get_id(), source.get_id()])
    check("touch-up: seen", seen_under(image, second))
    # It was made from what was seen: where its mask is 0 it is the first one, not the photograph.
    _, x, y = second.get_offsets()
    _, a, b = first.get_offsets()
    own, theirs = pixels(second, "R'G'B' u8"), pixels(first, "R'G'B' u8")
    mask, inside = mask_values(second), mask_values(first)
    both = [(i, j) for j in range(second.get_height()) for i in range(second.get_width())
            if mask[j][i] == 0 and 0 <= x + i - a < first.get_width() and 0 <= y + j - b < first.get_height()
            and inside[y + j - b][x + i - a] == 255]
    same = lambda i, j: own[3 * (j * second.get_width() + i):][:3] == theirs[3 * ((y + j - b) * first.get_width() + x + i - a):][:3]
    check(f"touch-up: it was made of what was seen ({len(both)} pixels)", both and all(same(i, j) for i, j in both))


@chapter
def of_a_layer_too():
    image, source = picture()
    group = Gimp.GroupLayer.new(image, "group")
    image.insert_layer(group, None, 0)
    image.reorder_item(source, group, 0)
    add_layer(image, "upper", 20, 20, parent=group)
    select(image, 40, 30, 30, 24)
    for seed in (1, 2):
        check(f"of a layer, seed {seed}", inpaint(image, [source], source="layer", seed=seed)[0] == SUCCESS)
    children = group.get_children()
    check(f"of a layer: above its earlier results, in the group ({names(children)})",
          names(children) == ["upper", "Inpaint", "Inpaint", "photo"] and recipe(children[1])["seed"] == 2)
    check("of a layer: seen", seen_under(image, children[1]))
    check("of all: runs", inpaint(image, [source], seed=3)[0] == SUCCESS)
    check(f"of all: on top of the stack ({names(image.get_layers())})", names(image.get_layers()) == ["Inpaint", "group"])


@chapter
def names_tell_results_apart():
    image, source = picture()
    select(image, 40, 30, 30, 24)
    for seed in (7, 4294967295):
        inpaint(image, [source], seed=seed)
    made = [layer.get_name() for layer in image.get_layers()[:2]]
    check(f"names: {made}", made == ["Inpaint (patchmatch, seed 4294967295)", "Inpaint (patchmatch, seed 7)"])


# The case of a report: an empty layer is active, the picture lies below.
@chapter
def an_empty_layer_is_active():
    image, source = picture()
    select(image, 40, 30, 20, 20)
    check("the picture alone", inpaint(image, [source], seed=1)[0] == SUCCESS)
    wanted = raw(image.get_layers()[0])
    image, source = picture()
    empty = Gimp.Layer.new(image, "empty", 128, 96, Gimp.ImageType.RGBA_IMAGE, 100, Gimp.LayerMode.NORMAL)
    image.insert_layer(empty, None, 0)
    select(image, 40, 30, 20, 20)
    refused(PROCEDURE, "an empty layer", image, [empty], "The layer “empty” is empty around the selection", source="layer")
    status, why = inpaint(image, [empty], seed=1)
    check(f"an empty layer is active: the picture below is filled {why}", status == SUCCESS and raw(image.get_layers()[0]) == wanted)


# The case of a report: pictures of renderers have pixels that are no numbers.
@chapter
def pixels_that_are_no_numbers():
    for where, x, y in (("in the hole", 48, 38), ("beside it", 20, 20), ("at its rim", 60, 40)):
        for value in (math.nan, math.inf):
            image = make_image(100, 80, precision="FLOAT_LINEAR")
            source = add_layer(image, "render", 100, 80, precision="FLOAT_LINEAR")
            target = source.get_buffer()
            target.set(Gegl.Rectangle.new(x, y, 1, 1), Babl.format_get_encoding(source.get_format()), struct.pack("<3f", value, 0, 0))
            target.flush()
            source.update(0, 0, 100, 80)
            select(image, 40, 30, 20, 20)
            for sources in ("layer", "visible"):
                status, why = inpaint(image, [source], source=sources, seed=1)
                made = struct.unpack(f"<{len(pixels(image.get_layers()[0], 'RGBA float')) // 4}f", pixels(image.get_layers()[0], "RGBA float"))
                check(f"{value} {where}, {sources}: filled {why}", status == SUCCESS and all(map(math.isfinite, made)))


@chapter
def the_same_seed_on_the_command_line():
    image, source = picture()
    select(image, 40, 30, 30, 24, ellipse=False)
    home = os.environ["HOME"]
    paths = {name: os.path.join(home, name + ".png") for name in ("photo", "hole", "filled")}
    Gimp.file_save(Gimp.RunMode.NONINTERACTIVE, image, Gio.File.new_for_path(paths["photo"]), None)
    hole = Gimp.Image.new(128, 96, Gimp.ImageBaseType.GRAY)
    white = Gimp.Layer.new(hole, "hole", 128, 96, Gimp.ImageType.GRAY_IMAGE, 100, Gimp.LayerMode.NORMAL)
    hole.insert_layer(white, None, 0)
    Gimp.context_set_foreground(Gegl.Color.new("black"))
    white.fill(Gimp.FillType.FOREGROUND)
    select(hole, 40, 30, 30, 24, ellipse=False)
    Gimp.context_set_foreground(Gegl.Color.new("white"))
    white.edit_fill(Gimp.FillType.FOREGROUND)
    Gimp.Selection.none(hole)
    Gimp.file_save(Gimp.RunMode.NONINTERACTIVE, hole, Gio.File.new_for_path(paths["hole"]), None)
    inpaint(image, [source], seed=0)  # starts the engine
    engine = os.readlink(f"/proc/{scratch.processes(os.environ['XDG_RUNTIME_DIR'], 'sfumato')[-1]}/exe")
    results = set()
    for seed in (0, 1, 2**31, 2**32 - 1):
        status, why = inpaint(image, [source], source="layer", seed=seed)
        layer = image.get_layers()[0]
        for other in image.get_layers()[:-1]:
            other.set_visible(other.get_id() == layer.get_id())
        check(f"seed {seed}: runs, and is in the recipe {why}", status == SUCCESS and recipe(layer)["seed"] == seed)
        subprocess.run([engine, "inpaint", paths["photo"], "--mask", paths["hole"], "-o", paths["filled"], "--seed", str(seed)],
                       check=True, capture_output=True)
        other = Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, Gio.File.new_for_path(paths["filled"]))
        left, top, width = 42, 32, 26  # where the mask is full
        inside = lambda data, size: [data[(y * 128 + x) * size:][:3] for y in range(top, top + 20) for x in range(left, left + width)]
        ours, theirs = visible(image), raw(other.get_layers()[0])
        own = inside(ours, len(ours) // (128 * 96))
        check(f"seed {seed}: the same pixels on the command line", own == inside(theirs, len(theirs) // (128 * 96)))
        results.add(tuple(own))
    check("each seed has pixels of its own", len(results) == 4)


@chapter
def wrong_choices_are_errors():
    image, source = picture()
    select(image, 40, 30, 30, 24)
    for argument in ("source", "context", "method"):
        refused(PROCEDURE, f"a wrong {argument}", image, [source], f"The argument “{argument}” must be", **{argument: "nonsense"})
    refused("plug-in-sfumato-upscale", "a wrong target", image, [source], "The argument “target” must be", target="nonsense")
    # Numbers GIMP itself checks.
    script_fu = Gimp.get_pdb().lookup_procedure("plug-in-script-fu-eval")
    for argument, why in (('#:source "nonsense"', "must be"), (f"#:seed {2**32}", "out of range")):
        config = script_fu.create_config()
        call = f"(plug-in-sfumato-inpaint #:image {image.get_id()} #:drawables (vector {source.get_id()}) {argument})"
        config.set_property("script", call)
        result = script_fu.run(config)
        told = result.index(1) if result.length() > 1 else ""
        check(f"Script-Fu, {argument}: {told}", result.index(0) != SUCCESS and why in told)


close()
