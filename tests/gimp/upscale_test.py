"""plug-in-sfumato-upscale end to end: formats, sizes, selections, faults; executed inside GIMP by run.py."""
import os
import signal
import struct
import subprocess
import threading

from gi.repository import Gio

import scratch
from upscaling import *

RGB, GRAY = Gimp.ImageBaseType.RGB, Gimp.ImageBaseType.GRAY


# How far a value may come back from where it was: u8 and u16 exactly; the rest is wider than the float it travels in.
TOLERANCE = {"u8": 0, "u16": 0, "u32": 4e-6, "half": 1e-3, "float": 4e-6, "double": 4e-6}


def try_mode(base, precision, profile_name, profile, alpha):
    component = component_of(precision)
    name = f"{base.value_nick} {precision.lower()} {profile_name}{' alpha' if alpha else ''}"
    image = make_image(24, 18, base, precision, profile)
    source = add_layer(image, "photo", 24, 18, alpha=alpha, precision=precision)
    image.set_resolution(300, 150)
    before = rows_of(source)
    status, layer = upscale(image, [source], target="new-image")
    check(f"{name}: runs {said(layer)}", status == SUCCESS)
    made = layer.get_image()
    check(f"{name}: a new image in the same format", made.get_id() != image.get_id() and made.get_precision()
          == image.get_precision() and made.get_base_type() == base and layer.has_alpha() == alpha
          and tuple(made.get_resolution())[1:] == (300, 150))
    kept = made.get_color_profile()
    check(f"{name}: with the same profile", (kept is None) == (profile is None) and
          (profile is None or bytes(kept.get_icc_profile()) == bytes(profile.get_icc_profile())))
    off = difference(rows_of(layer), repeated(before, 2))
    check(f"{name}: the very values (off by {off:.1g})", off <= TOLERANCE[component])
    check(f"{name}: the source is as it was", rows_of(source) == before and place(source) == (0, 0, 24, 18))


@chapter
def every_mode_precision_and_profile():
    adobe = Gimp.ColorProfile.new_rgb_adobe()
    try_mode(RGB, "U8_NON_LINEAR", "sRGB", None, alpha=False)
    try_mode(RGB, "U8_LINEAR", "sRGB", None, alpha=True)
    try_mode(RGB, "U16_NON_LINEAR", "sRGB", None, alpha=True)
    try_mode(RGB, "U32_PERCEPTUAL", "sRGB", None, alpha=False)
    try_mode(RGB, "HALF_LINEAR", "sRGB", None, alpha=True)
    try_mode(RGB, "FLOAT_LINEAR", "sRGB", None, alpha=True)
    try_mode(RGB, "FLOAT_NON_LINEAR", "AdobeRGB", adobe, alpha=False)
    try_mode(RGB, "U16_NON_LINEAR", "AdobeRGB", adobe, alpha=False)
    try_mode(GRAY, "U8_NON_LINEAR", "gray", None, alpha=True)
    try_mode(GRAY, "U16_NON_LINEAR", "gray", None, alpha=False)
    try_mode(GRAY, "FLOAT_LINEAR", "gray", None, alpha=True)


@chapter
def the_image_scaled_to_match():
    image = make_image(60, 40)
    image.set_resolution(300, 300)
    ground = add_layer(image, "ground", 60, 40)
    source = add_layer(image, "photo", 30, 20, 5, 7)
    before = rows_of(source)
    image.set_selected_layers([source])
    status, layer = upscale(image, [source], scale=2)
    check(f"image: runs {said(layer)}", status == SUCCESS)
    check("image: the canvas has twice the size", size(image) == (120, 80))
    check("image: its layers too", place(ground) == (0, 0, 120, 80) and place(source) == (10, 14, 60, 40))
    check("image: the result lies over its source, directly above it",
          [l.get_id() for l in image.get_layers()] == [layer.get_id(), source.get_id(), ground.get_id()]
          and place(layer) == (10, 14, 60, 40))
    check("image: what the network made of the old pixels", rows_of(layer) == repeated(before, 2))
    check("image: the source is still the active layer", [l.get_id() for l in image.get_selected_layers()] == [source.get_id()])
    check("image: no alpha and no mask where there was none", not layer.has_alpha() and layer.get_mask() is None)
    made = recipe(layer)
    check("image: the recipe", made == {"sfumato": 3, "operation": "upscale", "model": REPEAT.get_path(), "scale": 2.0,
                                        "source": "layer", "made_by": made["made_by"]})


@chapter
def any_factor():
    for scale, width, height in ((1.5, 59, 41), (3, 117, 81), (1, 39, 27), (4.25, 166, 115)):
        image = make_image(39, 27)
        source = add_layer(image, "photo", 39, 27)
        source.fill(Gimp.FillType.WHITE)
        status, layer = upscale(image, [source], scale=scale)
        check(f"scale {scale}: {size(image)} {said(layer)}", status == SUCCESS and size(image) == (width, height)
              and place(layer) == (0, 0, width, height))
        check(f"scale {scale}: white stays white", set(raw(layer)) == {255})


@chapter
def more_than_twice_without_a_model():
    image = make_image(48, 36)
    source = add_layer(image, "photo", 48, 36)
    for y in range(0, 36, 12):
        for x in range(0, 48, 12):
            image.select_rectangle(Gimp.ChannelOps.REPLACE, x, y, 12, 12)
            Gimp.context_set_foreground(Gegl.Color.new(f"rgb({x / 48}, {y / 36}, {(x + y) / 84})"))
            source.edit_fill(Gimp.FillType.FOREGROUND)
    Gimp.Selection.none(image)
    before = rows_of(source)
    status, layer = upscale(image, [source], model=None, scale=3)
    check(f"scale 3, the network in the box: runs {said(layer)}", status == SUCCESS and size(image) == (144, 108)
          and place(layer) == (0, 0, 144, 108))
    inner = lambda rows: [row[18::36] for row in rows[18::36]]  # in the middle of every square
    off = difference(inner(rows_of(layer)), inner(repeated(before, 3)))
    check(f"scale 3, the network in the box: the colours (off by {off:.2g})", off < 0.04 and
          len({pixel for row in inner(rows_of(layer)) for pixel in row}) == 12)
    made = recipe(layer)
    status, again = upscale(image, [source], target="layer", model=Gio.File.new_for_uri(made["model"]))
    check(f"scale 3, the network in the box: the recipe names it ({made['model']}), and it can be given again {said(again)}",
          made["model"] == "sfumato:upscale-x4" and status == SUCCESS and recipe(again)["model"] == made["model"])


@chapter
def layers_beside_the_canvas():
    for name, x, y in (("partly off the canvas", -11, 25), ("outside the canvas", 70, -60)):
        image = make_image(60, 40)
        add_layer(image, "ground", 60, 40)
        source = add_layer(image, "photo", 33, 21, x, y)
        before = rows_of(source)
        status, layer = upscale(image, [source], scale=2)
        check(f"{name}: whole, at its place {said(layer)}", status == SUCCESS and place(layer) == (2 * x, 2 * y, 66, 42)
              and place(source) == place(layer))
        check(f"{name}: its pixels", rows_of(layer) == repeated(before, 2))


@chapter
def the_old_size():
    image = make_image(60, 40)
    ground = add_layer(image, "ground", 60, 40)
    source = add_layer(image, "photo", 30, 20, 5, 7)
    before = (raw(ground), raw(source))
    status, layer = upscale(image, [source], target="layer", scale=4,
                            model=Gio.File.new_for_uri("procedural:srvgg-x4-tiny"))
    check(f"restored: runs {said(layer)}", status == SUCCESS)
    check("restored: nothing but a layer more", size(image) == (60, 40) and place(layer) == (5, 7, 30, 20)
          and [l.get_name() for l in image.get_layers()] == ["Restored (procedural:srvgg-x4-tiny)", "photo", "ground"])
    check("restored: the network was there", raw(layer) != before[1])
    check("restored: the other layers are as they were", (raw(ground), raw(source)) == before)
    made = recipe(layer)
    check("restored: the recipe", (made["scale"], made["model"]) == (1, "procedural:srvgg-x4-tiny"))


@chapter
def sixteen_bits_stay_sixteen():
    image = make_image(64, 16, GRAY, "U16_NON_LINEAR")
    source = add_layer(image, "ramp", 64, 16, precision="U16_NON_LINEAR")
    values = [20000 + 5 * x for _ in range(16) for x in range(64)]  # all within two steps of 8 bits
    target = source.get_buffer()
    target.set(Gegl.Rectangle.new(0, 0, 64, 16), Babl.format_get_encoding(source.get_format()), struct.pack("<1024H", *values))
    target.flush()
    status, layer = upscale(image, [source], scale=1.5)  # the network, then Lanczos
    row = [round(pixel[0] * 65535) for pixel in rows_of(layer)[12]]
    wanted = [20000 + 5 * ((x + 0.5) / 1.5 - 0.5) for x in range(96)]
    off = max(abs(a - b) for a, b in list(zip(row, wanted))[6:-6])
    check(f"a ramp of 16 bits: {len(set(row))} steps, off by {off:.1f}", status == SUCCESS and len(set(row)) > 90 and off < 4)


def png(name):
    return os.path.join(os.environ["HOME"], name)


@chapter
def the_same_as_on_the_command_line():
    for precision, alpha in (("U8_NON_LINEAR", False), ("U16_NON_LINEAR", True)):
        image = make_image(70, 50, precision=precision)
        source = add_layer(image, "photo", 70, 50, alpha=alpha, precision=precision)
        Gimp.file_save(Gimp.RunMode.NONINTERACTIVE, image, Gio.File.new_for_path(png("in.png")), None)
        status, layer = upscale(image, [source], model=None, scale=1.5)  # the network in the box
        engine = scratch.processes(os.environ["XDG_RUNTIME_DIR"], "sfumato")[-1]
        subprocess.run([os.readlink(f"/proc/{engine}/exe"), "upscale", png("in.png"), "-o", png("out.png"), "--scale", "1.5"],
                       check=True, capture_output=True)
        other = Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, Gio.File.new_for_path(png("out.png")))
        off = difference(rows_of(layer), rows_of(other.get_layers()[0]))
        check(f"{precision.lower()}: as on the command line (off by {off:.2g}) {said(layer)}",
              status == SUCCESS and off == 0)


@chapter
def colours_beyond_white():
    image = make_image(40, 30, precision="FLOAT_LINEAR")
    source = add_layer(image, "light", 40, 30, precision="FLOAT_LINEAR")
    target = source.get_buffer()
    target.set(Gegl.Rectangle.new(0, 0, 40, 30), "RGB float", struct.pack("<3f", 12.5, -0.25, 3.0) * (40 * 30))
    target.flush()
    status, layer = upscale(image, [source])
    check("high dynamic range", status == SUCCESS and all(
        abs(v - w) < 0.01 * abs(w) for row in rows_of(layer) for pixel in row for v, w in zip(pixel, (12.5, -0.25, 3.0))))


@chapter
def only_the_selection():
    image = make_image(120, 90)
    source = add_layer(image, "photo", 100, 80, 10, 5)
    before, old = raw(source), rows_of(source)
    select(image, 40, 30, 24, 20)
    status, layer = upscale(image, [source], target="layer", selection_only=True)
    check(f"selection, old size: runs {said(layer)}", status == SUCCESS)
    x, y, width, height = place(layer)
    rows = mask_values(layer)
    check("selection, old size: the mask is the selection",
          [row[x:x + width] for row in ([pixels(image.get_selection(), "Y u8")[i:i + 120] for i in range(0, 120 * 90, 120)][y:y + height])]
          == rows and max(map(max, rows)) == 255)
    check("selection, old size: with a little around it", x < 40 and y < 30 and x + width > 64 and y + height > 50)
    check("selection, old size: the area is in the recipe", recipe(layer)["area"] == {"x": x, "y": y, "width": width, "height": height})
    check("selection, old size: the source is as it was, and seen", raw(source) == before and source.get_visible())

    status, layer = upscale(image, [source], target="new-image", selection_only=True)
    check("selection, new image: its rectangle", status == SUCCESS and size(layer.get_image()) == (48, 40)
          and place(layer) == (0, 0, 48, 40))
    check("selection, new image: its pixels", rows_of(layer) == repeated([row[30:54] for row in old[25:45]], 2))

    status, layer = upscale(image, [source], selection_only=True)
    x, y, width, height = place(layer)
    rows = mask_values(layer)
    check("selection, scaled image: at its place", status == SUCCESS and size(image) == (240, 180)
          and x <= 80 and y <= 60 and x + width >= 128 and y + height >= 100)
    check("selection, scaled image: the mask is the scaled selection", rows[80 - y][104 - x] == 255 and rows[61 - y][81 - x] == 0)
    check("selection, scaled image: what is over the source", rows_of(layer)[80 - y][104 - x] == old[35][42])

    image = make_image(60, 40)
    source = add_layer(image, "photo", 60, 40, -10, 0)
    select(image, 0, 0, 20, 40, ellipse=False)
    source.add_mask(source.create_mask(Gimp.AddMaskType.SELECTION))
    select(image, 10, 0, 30, 40, ellipse=False)
    both = [bytes(255 * (20 <= x < 30) for x in range(60))] * 40
    status, layer = upscale(image, [source], target="layer", selection_only=True)
    x = place(layer)[0] - place(source)[0]
    check("selection, masked layer: where both are", status == SUCCESS and
          mask_values(layer) == [row[x:x + layer.get_width()] for row in both])
    source.set_apply_mask(False)
    status, layer = upscale(image, [source], target="layer", selection_only=True)
    check("selection, its mask switched off: the selection", status == SUCCESS and layer.get_apply_mask() and
          mask_values(layer) == [bytes(255 * (20 <= x + i < 50) for i in range(layer.get_width()))] * 40)

    image = make_image(60, 40)
    source = add_layer(image, "photo", 30, 20, 5, 7)
    status, layer = upscale(image, [source], target="new-image", selection_only=True)
    check("nothing selected: all of it", status == SUCCESS and size(layer.get_image()) == (60, 40))


@chapter
def all_that_is_visible():
    image = make_image(40, 30)
    below = add_layer(image, "below", 40, 30)
    above = add_layer(image, "above", 20, 20, 10, 5, seed=100)
    above.set_opacity(60)
    seen = visible(image)
    status, layer = upscale(image, [below], source="visible")
    check(f"visible: on top, as large as the canvas {said(layer)}", status == SUCCESS and place(layer) == (0, 0, 80, 60)
          and image.get_layers()[0].get_id() == layer.get_id())
    then = [seen[i:i + len(seen) // 1200] for i in range(0, len(seen), len(seen) // 1200)]
    now = rows_of(layer)
    check("visible: what was seen", all(tuple(v / 255 for v in then[y * 40 + x][:3]) == now[2 * y][2 * x][:3]
                                        for y in range(30) for x in range(40)))


@chapter
def groups_masks_and_locks():
    image = make_image(60, 40)
    group = Gimp.GroupLayer.new(image, "group")
    image.insert_layer(group, None, 0)
    source = add_layer(image, "photo", 60, 40, parent=group)
    add_layer(image, "upper", 20, 20, parent=group)
    for item in (source, group):
        for lock in ("content", "position", "visibility"):
            getattr(item, f"set_lock_{lock}")(True)
    before = raw(source)
    status, layer = upscale(image, [source], target="layer")
    check(f"in a locked group: directly above its source {said(layer)}", status == SUCCESS and
          [l.get_name() for l in group.get_children()] == ["upper", "Restored (repeat-x2)", "photo"])
    check("locked: the source is as it was", raw(source) == before)
    status, layer = upscale(image, [source])
    check(f"locked: the image is scaled all the same {said(layer)}", status == SUCCESS and size(image) == (120, 80)
          and place(source) == (0, 0, 120, 80))


@chapter
def refusals():
    refused_sources(UPSCALE, model=REPEAT, selection_only=True)
    image = make_image(96, 72)
    source = add_layer(image, "photo", 40, 40)
    for target in ("image", "new-image", "layer"):
        refused(UPSCALE, f"no such model, {target}", image, [source], "missing.pth", target=target,
                model=Gio.File.new_for_path("/nonexistent/missing.pth"))
    broken = os.path.join(os.environ["HOME"], "broken.safetensors")
    open(broken, "wb").write(b"\xff" * 4000)
    refused(UPSCALE, "a damaged model", image, [source], "broken.safetensors", model=Gio.File.new_for_path(broken))
    refused(UPSCALE, "no upscaler", image, [source], "is no upscaler", model=Gio.File.new_for_uri("procedural:sd1-tiny"))
    refused(UPSCALE, "a model elsewhere", image, [source], "not on this computer",
            model=Gio.File.new_for_uri("https://example.org/x.pth"))
    big = make_image(40000, 100)
    refused(UPSCALE, "more than GIMP can hold", big, [add_layer(big, "photo", 4, 4)], "smaller scale", model=REPEAT, scale=16)


@chapter
def called_from_script_fu():
    image = make_image(30, 20)
    source = add_layer(image, "photo", 30, 20)
    evaluate = Gimp.get_pdb().lookup_procedure("plug-in-script-fu-eval")
    config = evaluate.create_config()
    config.set_property("script", f'(script-fu-use-v3) ({UPSCALE} #:run-mode RUN-NONINTERACTIVE #:image {image.get_id()} '
                        f'#:drawables (vector {source.get_id()}) #:model "{REPEAT.get_path()}" #:scale 3 #:target "image")')
    result = evaluate.run(config)
    check("Script-Fu: runs", result.index(0) == SUCCESS and size(image) == (90, 60))
    made = recipe(image.get_layers()[0])
    check("Script-Fu: its arguments arrived", (made["scale"], made["model"]) == (3, REPEAT.get_path()))


def slow_run():
    """At work on for a while."""
    image = make_image(1600, 1200)
    source = Gimp.Layer.new(image, "photo", 1600, 1200, Gimp.ImageType.RGB_IMAGE, 100, Gimp.LayerMode.NORMAL)
    image.insert_layer(source, None, 0)
    source.merge_filter(Gimp.DrawableFilter.new(source, "gegl:plasma", ""))
    image.clean_all()
    return image, source


@chapter
def killed_in_the_middle():
    for program in ("gimp-sfumato", "sfumato"):  # the first is what Cancel in GIMP's status bar does
        image, source = slow_run()
        before = state(image)
        def strike():
            runtime = os.environ["XDG_RUNTIME_DIR"]
            scratch.engine_at_work(runtime)
            os.kill(scratch.processes(runtime, program)[-1], signal.SIGKILL)
        thread = threading.Thread(target=strike)
        thread.start()
        status, why = upscale(image, [source], model=Gio.File.new_for_uri("procedural:srvgg-x4-tiny"), scale=4)
        thread.join()
        check(f"{program} killed: no success ({why})", status != SUCCESS)
        check(f"{program} killed: the image is as it was", state(image) == before)
        image = make_image(30, 20)
        status, layer = upscale(image, [add_layer(image, "photo", 30, 20)])
        check(f"{program} killed: the next run works {said(layer)}", status == SUCCESS)


close()
