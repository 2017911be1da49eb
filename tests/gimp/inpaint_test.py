"""plug-in-sfumato-inpaint end to end; executed inside GIMP by run.py."""
import os
import signal
import struct
import threading

import scratch
from document import *

RGB, GRAY = Gimp.ImageBaseType.RGB, Gimp.ImageBaseType.GRAY


def numbers(data, component):
    """Raw components as numbers; integers scaled to 0..1."""
    code, full = COMPONENTS[component]
    return [v / (full or 1) for v in struct.unpack(f"<{len(data) // struct.calcsize(code)}{code}", data)]


def per_pixel(data, count):
    size = len(data) // count
    return [data[i * size:(i + 1) * size] for i in range(count)]


# How far a value may come back from where it was: u8 and u16 exactly; the rest is wider than the float it travels in.
TOLERANCE = {"u8": 0, "u16": 0, "u32": 4e-6, "half": 1e-3, "float": 4e-6, "double": 4e-6}


def check_delivery(name, image, source, component, before, seen_before):
    """The new layer above `source`: outside its mask nothing that can be seen has changed, and inside something has."""
    layer = image.get_layers()[0]
    width, height = layer.get_width(), layer.get_height()
    _, x, y = layer.get_offsets()
    _, source_x, source_y = source.get_offsets()
    mask = [v for row in mask_values(layer) for v in row]
    check(f"{name}: the source layer is untouched", raw(source) == before)

    ours = per_pixel(raw(layer), width * height)
    theirs = per_pixel(raw(source, x - source_x, y - source_y, width, height), width * height)
    channels = 1 if image.get_base_type() == GRAY else 3
    size = struct.calcsize(COMPONENTS[component][0]) * channels
    outside = [i for i, m in enumerate(mask) if m == 0]
    error = max((abs(a - b) for i in outside
                 for a, b in zip(numbers(ours[i][:size], component), numbers(theirs[i][:size], component))), default=9)
    check(f"{name}: where the mask is 0 the new layer equals the source ({len(outside)} pixels, off by {error:.1g})",
          error <= TOLERANCE[component])
    check(f"{name}: the hole is filled with something else",
          any(ours[i][:size] != theirs[i][:size] for i, m in enumerate(mask) if m == 255))

    canvas = per_pixel(visible(image), image.get_width() * image.get_height())
    at = lambda i: (y + i // width) * image.get_width() + x + i % width
    masked = {at(i) for i, m in enumerate(mask) if m}
    # Under a mask of 0, GIMP's own blending still rounds in the last bits where it must convert to blend.
    rounding = 0 if component == "u8" else max(TOLERANCE[component], 2e-5 if image.get_color_profile() else 0)
    difference = max((abs(a - b) for i, (now, then) in enumerate(zip(canvas, seen_before)) if now != then and i not in masked
                      for a, b in zip(numbers(now, component), numbers(then, component))), default=0)
    check(f"{name}: outside the mask the picture is the same (off by {difference:.1g})", difference <= rounding)
    check(f"{name}: inside, it is not", any(canvas[i] != seen_before[i] for i in masked))


def try_mode(base, precision, profile_name, profile, alpha):
    component = component_of(precision)
    name = f"{base.value_nick} {precision.lower()} {profile_name}{' alpha' if alpha else ''}"
    image = make_image(96, 72, base, precision, profile)
    source = add_layer(image, "photo", 96, 72, alpha=alpha, precision=precision)
    select(image, 30, 24, 25, 19)
    before, seen = raw(source), per_pixel(visible(image), 96 * 72)
    status, why = inpaint(image, [source], source="layer", seed=1)
    check(f"{name}: runs {why}", status == SUCCESS)
    layers = image.get_layers()
    check(f"{name}: one layer more, on top", len(layers) == 2 and layers[1].get_id() == source.get_id())
    check(f"{name}: in the image's own format", Babl.format_get_encoding(layers[0].get_format()).split()[-1]
          == Babl.format_get_encoding(source.get_format()).split()[-1])
    check_delivery(name, image, source, component, before, seen)
    image.delete()


@chapter
def every_mode_precision_and_profile():
    adobe = Gimp.ColorProfile.new_rgb_adobe()
    lab_gray = Gimp.ColorProfile.new_d50_gray_lab_trc()
    curves = ("LINEAR", "NON_LINEAR", "PERCEPTUAL")
    for component in ("U8", "U16", "U32", "HALF", "FLOAT"):
        for curve in curves:
            try_mode(RGB, f"{component}_{curve}", "sRGB", None, alpha=component in ("U16", "FLOAT"))
        try_mode(GRAY, f"{component}_NON_LINEAR", "gray", None, alpha=component in ("U8", "HALF"))
    try_mode(GRAY, "FLOAT_LINEAR", "gray", None, alpha=True)
    try_mode(RGB, "DOUBLE_LINEAR", "sRGB", None, alpha=False)
    for component in ("U8", "U16", "FLOAT"):
        for curve in curves[:2]:
            try_mode(RGB, f"{component}_{curve}", "AdobeRGB", adobe, alpha=False)
            try_mode(GRAY, f"{component}_{curve}", "L* gray", lab_gray, alpha=False)


@chapter
def colours_beyond_white_come_back():
    image = make_image(64, 64, precision="FLOAT_LINEAR")
    source = add_layer(image, "light", 64, 64, precision="FLOAT_LINEAR")
    data = struct.pack("<3f", 12.5, -0.25, 3.0) * (64 * 64)
    target = source.get_buffer()
    target.set(Gegl.Rectangle.new(0, 0, 64, 64), "RGB float", data)
    target.flush()
    select(image, 20, 20, 16, 16)
    status, why = inpaint(image, [source], source="layer", seed=1)
    check(f"high dynamic range: runs {why}", status == SUCCESS)
    values = numbers(pixels(image.get_layers()[0], "RGB float"), "float")
    check("high dynamic range: outside the mask and in the fill", all(
        abs(v - w) < 0.01 * max(1, abs(w)) for i, v in enumerate(values) for w in [(12.5, -0.25, 3.0)[i % 3]]))


@chapter
def layers_at_any_offset():
    for name, width, height, x, y, selection in (
            ("smaller than the canvas", 70, 60, 40, 30, (50, 40, 20, 15)),
            ("larger than the canvas", 200, 180, -40, -30, (50, 40, 20, 15)),
            ("partly off the canvas", 80, 70, -30, 90, (10, 100, 20, 15)),
            ("selection across the layer's border", 70, 60, 40, 30, (25, 20, 40, 30))):
        image = make_image(128, 120)
        image.insert_layer(Gimp.Layer.new(image, "ground", 128, 120, Gimp.ImageType.RGB_IMAGE, 100, Gimp.LayerMode.NORMAL),
                           None, 0)
        source = add_layer(image, "photo", width, height, x, y)
        select(image, *selection)
        before, seen = raw(source), per_pixel(visible(image), 128 * 120)
        status, why = inpaint(image, [source], source="layer", seed=1)
        check(f"{name}: runs {why}", status == SUCCESS)
        layer = image.get_layers()[0]
        _, left, top = layer.get_offsets()
        check(f"{name}: inside the source layer", x <= left and y <= top and left + layer.get_width() <= x + width
              and top + layer.get_height() <= y + height)
        row, column = max(selection[1], y) + 7 - top, max(selection[0], x) + 10 - left
        check(f"{name}: over the selection", mask_values(layer)[row][column] == 255)
        check_delivery(name, image, source, "u8", before, seen)
        area = recipe(layer)["area"]
        check(f"{name}: the recipe's area lies in the layer", x <= area["x"] and y <= area["y"]
              and area["x"] + area["width"] <= x + width and area["y"] + area["height"] <= y + height)


@chapter
def a_group_and_its_neighbours():
    image = make_image(96, 72)
    below = add_layer(image, "below", 96, 72)
    group = Gimp.GroupLayer.new(image, "group")
    image.insert_layer(group, None, 0)
    source = add_layer(image, "photo", 96, 72, parent=group)
    upper = add_layer(image, "upper", 20, 20, parent=group)
    select(image, 30, 24, 25, 19)
    image.set_selected_layers([source])
    status, why = inpaint(image, [source], source="layer", seed=1)
    check(f"in a group: runs {why}", status == SUCCESS)
    names = [child.get_name() for child in group.get_children()]
    check("in a group: directly above the source", names[0] == "upper" and names[2] == "photo" and len(names) == 3)
    check("in a group: the source is still the active layer",
          [layer.get_id() for layer in image.get_selected_layers()] == [source.get_id()])
    image.set_selected_layers([below, upper])
    status, why = inpaint(image, [source], source="layer", seed=1)
    check("two active layers stay active", sorted(layer.get_id() for layer in image.get_selected_layers())
          == sorted([below.get_id(), upper.get_id()]))


@chapter
def a_layer_mask_stands_for_its_layer():
    image = make_image(96, 72)
    source = add_layer(image, "photo", 96, 72)
    source.add_mask(source.create_mask(Gimp.AddMaskType.WHITE))
    select(image, 30, 24, 25, 19)
    status, why = inpaint(image, [source.get_mask()], source="layer", seed=1)
    check(f"a layer mask as drawable: runs {why}", status == SUCCESS and len(image.get_layers()) == 2)


@chapter
def locked_layers():
    for lock in ("content", "position", "visibility"):
        image = make_image(96, 72)
        group = Gimp.GroupLayer.new(image, "group")
        image.insert_layer(group, None, 0)
        source = add_layer(image, "photo", 96, 72, parent=group)
        for item in (source, group):
            getattr(item, f"set_lock_{lock}")(True)
        select(image, 30, 24, 25, 19)
        before = raw(source)
        status, why = inpaint(image, [source], source="layer", seed=1)
        check(f"locked {lock}: a new layer can still be added {why}", status == SUCCESS and len(group.get_children()) == 2)
        check(f"locked {lock}: the source layer is untouched", raw(source) == before)


@chapter
def soft_selections():
    image = make_image(128, 120)
    source = add_layer(image, "photo", 128, 120)
    select(image, 40, 40, 40, 36)
    Gimp.Selection.feather(image, 12)
    selection = raw(image.get_selection())
    before, seen = raw(source), per_pixel(visible(image), 128 * 120)
    status, why = inpaint(image, [source], source="layer", seed=1)
    check(f"soft selection: runs {why}", status == SUCCESS)
    layer = image.get_layers()[0]
    rows = mask_values(layer)
    _, x, y = layer.get_offsets()
    check("soft selection: full in the middle", rows[58 - y][60 - x] == 255)
    check("soft selection: the mask has steps in between", len({v for row in rows for v in row}) > 8)
    check("soft selection: it is still the same", raw(image.get_selection()) == selection)
    check_delivery("soft selection", image, source, "u8", before, seen)


@chapter
def all_that_is_visible():
    image = make_image(96, 72)
    add_layer(image, "below", 96, 72)
    above = add_layer(image, "above", 40, 40, 20, 20, seed=100)
    above.set_opacity(60)
    select(image, 30, 24, 25, 19)
    seen = per_pixel(visible(image), 96 * 72)
    layers = len(image.get_layers())
    status, why = inpaint(image, [above], seed=1, source="visible")
    check(f"source visible: runs {why}", status == SUCCESS and len(image.get_layers()) == layers + 1)
    mask = mask_values(image.get_layers()[0])
    _, x, y = image.get_layers()[0].get_offsets()
    canvas = per_pixel(visible(image), 96 * 72)
    changed = [i for i, (a, b) in enumerate(zip(canvas, seen)) if a != b]
    check("source visible: only what the mask shows has changed", changed and all(
        0 <= i % 96 - x < len(mask[0]) and 0 <= i // 96 - y < len(mask) and mask[i // 96 - y][i % 96 - x] for i in changed))
    check("source visible: in the recipe", recipe(image.get_layers()[0])["source"] == "visible")


@chapter
def refusals():
    refused_sources(PROCEDURE, source="layer")
    image = make_image(96, 72)
    source = add_layer(image, "photo", 40, 40)
    for sources in ("layer", "visible"):
        refused(PROCEDURE, f"no selection, source {sources}", image, [source], "Nothing is selected", source=sources)
    select(image, 10, 10, 20, 15)
    Gimp.Selection.invert(image)
    Gimp.Selection.invert(image)
    image.select_rectangle(Gimp.ChannelOps.SUBTRACT, 0, 0, 96, 72)
    refused(PROCEDURE, "emptied selection", image, [source], "Nothing is selected")
    select(image, 0, 0, 40, 40, ellipse=False)
    refused(PROCEDURE, "nothing left to fill from", image, [source], "Nothing is left to fill from")
    refused(PROCEDURE, "nothing left to fill from in the layer", image, [source], "“photo” is empty around the selection",
            source="layer")


@chapter
def called_from_script_fu():
    image = make_image(96, 72)
    source = add_layer(image, "photo", 96, 72)
    select(image, 30, 24, 25, 19)
    evaluate = Gimp.get_pdb().lookup_procedure("plug-in-script-fu-eval")
    config = evaluate.create_config()
    config.set_property("script", f'(script-fu-use-v3) ({PROCEDURE} #:run-mode RUN-NONINTERACTIVE #:image {image.get_id()} '
                        f'#:drawables (vector {source.get_id()}) #:seed 5 #:context "image" #:source "visible" '
                        f'#:method "patchmatch")')
    result = evaluate.run(config)
    check("Script-Fu: runs", result.index(0) == SUCCESS and len(image.get_layers()) == 2)
    made = recipe(image.get_layers()[0])
    check("Script-Fu: its arguments arrived", (made["seed"], made["context"], made["source"]) == (5, "image", "visible"))


@chapter
def last_values_are_the_panels():
    settings = os.path.join(Gimp.directory(), "plug-in-settings", "sfumato-panel.settings")
    os.makedirs(os.path.dirname(settings), exist_ok=True)
    with open(settings, "w") as file:
        file.write('(context "image")\n(seed 7)\n(lock-seed yes)\n(source "layer")\n')
    image = make_image(96, 72)
    source = add_layer(image, "photo", 96, 72)
    select(image, 30, 24, 25, 19)
    check("the panel's last values: runs", inpaint(image, [source], **{"run-mode": Gimp.RunMode.WITH_LAST_VALS})[0] == SUCCESS)
    made = recipe(image.get_layers()[0])
    check("the panel's last values: they are taken", (made["seed"], made["context"], made["source"]) == (7, "image", "layer"))
    os.remove(settings)


@chapter
def recipes():
    image = make_image(96, 72)
    source = add_layer(image, "photo", 96, 72)
    select(image, 30, 24, 25, 19)
    check("with last values: runs", inpaint(image, [source], **{"run-mode": Gimp.RunMode.WITH_LAST_VALS})[0] == SUCCESS)
    layer = image.get_layers()[0]
    made = recipe(layer)
    check("a random seed is recorded", 0 <= made["seed"] < 2**31)
    check("the recipe says what made it", made["made_by"].startswith("Sfumato ") and made["operation"] == "inpaint")
    on = made["lies_on"]
    check(f"the recipe says on what it lies ({on})", on["width"] >= 25 and on["height"] >= 19 and len(on["hash"]) == 64)

    def lies_on():
        check("runs again", inpaint(image, [source], seed=1)[0] == SUCCESS)
        top = image.get_layers()[0]
        said = recipe(top)["lies_on"]
        image.remove_layer(top)
        return said

    image.remove_layer(layer)
    check("what it lies on is the same as long as nothing is done to it", lies_on() == lies_on())
    then = lies_on()
    for name in ("layer", "visible"):
        check(f"… whether it is read from the {name} or from what is seen",
              inpaint(image, [source], seed=1, source=name)[0] == SUCCESS and recipe(image.get_layers()[0])["lies_on"]["hash"] == then["hash"])
        image.remove_layer(image.get_layers()[0])
    source.set_opacity(50)
    check("… and another one when that has changed", lies_on()["hash"] != then["hash"])
    source.set_opacity(100)
    check("… and the same again when it is as it was", lies_on() == then)
    check("without a recipe there is nothing of it", inpaint(image, [source], keep_recipe=False)[0] == SUCCESS
          and not image.get_layers()[0].get_parasite("sfumato-recipe"))
    image.remove_layer(image.get_layers()[0])
    inpaint(image, [source])
    layer = image.get_layers()[0]
    made = recipe(layer)
    check("the recipe is persistent and undoable", layer.get_parasite("sfumato-recipe").get_flags() == 3)

    path = Gio.File.new_for_path(os.path.join(os.environ["HOME"], "recipe.xcf"))
    Gimp.file_save(Gimp.RunMode.NONINTERACTIVE, image, path, None)
    loaded = Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, path)
    first, again = loaded.get_layers()
    check("the recipe survives XCF", recipe(first) == made)
    check("the layer survives XCF", raw(first) == raw(layer) and raw(first.get_mask()) == raw(layer.get_mask()))
    first.set_visible(False)  # what is filled is what is seen
    status, second = run(PROCEDURE, loaded, [again], **{name: made[name] for name in ("seed", "context", "source", "method")})
    check(f"run again from its recipe: runs {second}", status == SUCCESS and second != first)
    check("run again from its recipe: the same pixels",
          raw(second) == raw(first) and raw(second.get_mask()) == raw(first.get_mask()))
    check("run again from its recipe: the same recipe", recipe(second) == made)
    status, other = run(PROCEDURE, loaded, [again], source="layer", seed=made["seed"] ^ 1)
    check("another seed: other pixels", raw(other) != raw(first))


def big_document():
    """A hole large enough to be at work on for a while."""
    image = make_image(2400, 2000)
    ground = Gimp.Layer.new(image, "photo", 2400, 2000, Gimp.ImageType.RGB_IMAGE, 100, Gimp.LayerMode.NORMAL)
    image.insert_layer(ground, None, 0)
    noise = Gimp.DrawableFilter.new(ground, "gegl:plasma", "")
    ground.merge_filter(noise)
    select(image, 300, 250, 1800, 1500)
    image.clean_all()
    return image, ground


def struck(program):
    """Kills the newest process of that name as soon as the engine is at work."""
    def strike():
        runtime = os.environ["XDG_RUNTIME_DIR"]
        scratch.engine_at_work(runtime)
        os.kill(scratch.processes(runtime, program)[-1], signal.SIGKILL)
    thread = threading.Thread(target=strike)
    thread.start()
    return thread


def small_run_works(after):
    image = make_image(96, 72)
    source = add_layer(image, "photo", 96, 72)
    select(image, 30, 24, 25, 19)
    status, why = inpaint(image, [source], seed=1)
    check(f"{after}: the next run works {why}", status == SUCCESS and len(image.get_layers()) == 2)


@chapter
def cancelled_by_gimp():
    image, source = big_document()
    before = state(image)
    thread = struck("gimp-sfumato")  # what Cancel in GIMP's status bar does
    status, why = inpaint(image, [source], seed=1)
    thread.join()
    check("plug-in killed: not a success", status != SUCCESS)
    check("plug-in killed: the image is as it was", state(image) == before)
    small_run_works("plug-in killed")


@chapter
def killed_engine():
    image, source = big_document()
    before = state(image)
    thread = struck("sfumato")
    status, why = inpaint(image, [source], seed=1)
    thread.join()
    check(f"engine killed: one sentence ({why})", status == ERROR and why and "\n" not in why)
    check("engine killed: the image is as it was", state(image) == before)
    small_run_works("engine killed")


close()
