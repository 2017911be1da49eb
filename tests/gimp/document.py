"""Inside GIMP: documents to try things on, their state down to the last byte, and checks that are counted."""
import hashlib
import json
import random
import traceback

from gi.repository import Babl, Gegl, Gimp

PROCEDURE = "plug-in-sfumato-inpaint"
SUCCESS, ERROR = Gimp.PDBStatusType.SUCCESS, Gimp.PDBStatusType.EXECUTION_ERROR
counts = {True: 0, False: 0}


def check(what, holds):
    counts[bool(holds)] += 1
    print(f"{'ok  ' if holds else 'FAIL'} {what}", flush=True)


def chapter(function):
    """Runs it at once; an exception is one failure, and the rest goes on."""
    try:
        function()
    except Exception:
        traceback.print_exc()
        check(f"{function.__name__} to its end", False)
    for image in Gimp.get_images():
        image.delete()


def close():
    print(f"{counts[True]} passed, {counts[False]} failed", flush=True)


def run(name, image, drawables, **arguments):
    """Status, and the new layer, or the sentence when it is an error."""
    procedure = Gimp.get_pdb().lookup_procedure(name)
    config = procedure.create_config()
    config.set_property("image", image)
    config.set_core_object_array("drawables", drawables)
    for argument, value in arguments.items():
        config.set_property(argument.replace("_", "-"), value)
    result = procedure.run(config)
    return result.index(0), (result.index(1) if result.length() > 1 else None)


def inpaint(image, drawables, **arguments):
    """Status and, when it is an error, the sentence."""
    status, what = run(PROCEDURE, image, drawables, **arguments)
    return status, what if isinstance(what, str) else ""


def raw(drawable, x=0, y=0, width=None, height=None):
    """Bytes in the drawable's own format, untouched by any conversion."""
    area = Gegl.Rectangle.new(x, y, width or drawable.get_width(), height or drawable.get_height())
    return drawable.get_buffer().get(area, 1.0, None, Gegl.AbyssPolicy.NONE)


def pixels(drawable, format):
    area = Gegl.Rectangle.new(0, 0, drawable.get_width(), drawable.get_height())
    return drawable.get_buffer().get(area, 1.0, format, Gegl.AbyssPolicy.NONE)


def visible(image):
    """What is seen, as bytes in the image's own format."""
    copy = Gimp.Layer.new_from_visible(image, image, "seen")
    seen = raw(copy)
    copy.delete()
    return seen


def state(image, with_undo=True):
    """Everything about an image that a run must not change."""
    def of(item):
        return (item.get_id(), item.get_name(), tuple(item.get_offsets()), item.get_visible(), item.get_lock_visibility(),
                item.get_parasite_list(),
                hashlib.sha256(raw(item)).hexdigest(),
                hashlib.sha256(raw(item.get_mask())).hexdigest() if item.get_mask() else None,
                [of(child) for child in item.get_children()] if item.is_group() else None)

    return ([of(layer) for layer in image.get_layers()], hashlib.sha256(raw(image.get_selection())).hexdigest(),
            [item.get_id() for item in image.get_selected_layers()], [item.get_id() for item in image.get_channels()],
            [item.get_id() for item in image.get_paths()],
            # GIMP keeps the arguments of the last run with the image.
            [name for name in image.get_parasite_list() if not name.startswith("GimpProcedureConfigRun-")],
            image.is_dirty() if with_undo else None)  # an undo step would make a clean image dirty


def refused(name, what, image, drawables, fragment, **arguments):
    """The procedure says why in one sentence, and has changed nothing."""
    image.clean_all()
    before, images = state(image), len(Gimp.get_images())
    status, why = run(name, image, drawables, **arguments)
    check(f"{what}: one sentence ({why})", status == ERROR and fragment in why and "\n" not in why)
    check(f"{what}: the image is as it was", state(image) == before and len(Gimp.get_images()) == images)


def refused_sources(name, **arguments):
    """What no procedure that reads the selection of a layer can do anything with."""
    image = make_image(96, 72)
    source = add_layer(image, "photo", 40, 40)
    select(image, 60, 50, 20, 10)
    refused(name, "selection outside the layer", image, [source], "outside the layer “photo”", **arguments)
    select(image, 10, 10, 20, 15)
    refused(name, "two layers", image, [source, add_layer(image, "second", 40, 40)], "Several layers are active", **arguments)
    channel = Gimp.Channel.new(image, "a channel", 96, 72, 50, Gegl.Color.new("red"))
    image.insert_channel(channel, None, 0)
    refused(name, "a channel", image, [channel], "The channel “a channel” is active, not a layer", **arguments)
    refused(name, "no layer is active", image, [], "No layer is active", **arguments)
    group = Gimp.GroupLayer.new(image, "the group")
    image.insert_layer(group, None, 0)
    add_layer(image, "inside", 40, 40, parent=group)
    refused(name, "a group", image, [group], "“the group” is a layer group", **arguments)
    Gimp.edit_copy([source])
    Gimp.edit_paste(source, True)
    refused(name, "a floating selection", image, [source], "floating selection", **arguments)

    # So the channel is called that GIMP makes when Quick Mask is switched on.
    image = make_image(96, 72)
    source = add_layer(image, "photo", 96, 72)
    mask = Gimp.Channel.new(image, "Qmask", 96, 72, 50, Gegl.Color.new("red"))
    image.insert_channel(mask, None, 0)
    for active in ([mask], [source]):
        refused(name, f"Quick Mask, active {active[0].get_name()}", image, active, "The Quick Mask is on", **arguments)
    image = make_image(96, 72)
    refused(name, "an image without layers", image, [], "This image has no layer", **arguments)

    image = make_image(96, 72)
    source = add_layer(image, "photo", 96, 72)
    select(image, 30, 24, 25, 19)
    image.convert_indexed(Gimp.ConvertDitherType.NONE, Gimp.ConvertPaletteType.GENERATE, 16, False, False, "")
    refused(name, "indexed", image, [source], "Image ▸ Mode ▸ RGB", **arguments)


# The components of a texture that is different everywhere, yet has structure; in 0..1.
def texture(x, y, channel):
    wave = 0.5 + 0.3 * (((x * (3 + channel) + y * 5) % 31) / 31 - 0.5)
    return min(1.0, max(0.0, wave + 0.25 * (random.Random(x * 7919 + y * 104729 + channel).random() - 0.5)))


COMPONENTS = {"u8": ("B", 255), "u16": ("H", 65535), "u32": ("I", 4294967295), "half": ("e", None), "float": ("f", None),
              "double": ("d", None)}


def component_of(precision):
    """'U16_LINEAR' → 'u16'."""
    return precision.split("_")[0].lower()


def make_image(width, height, base=Gimp.ImageBaseType.RGB, precision="U8_NON_LINEAR", profile=None):
    image = Gimp.Image.new_with_precision(width, height, base, getattr(Gimp.Precision, precision))
    if profile and not image.set_color_profile(profile):
        raise RuntimeError("the profile was refused")
    return image


def add_layer(image, name, width, height, x=0, y=0, alpha=False, precision="U8_NON_LINEAR", parent=None, seed=0):
    """A layer filled with texture, different in every pixel and every component."""
    import struct
    gray = image.get_base_type() == Gimp.ImageBaseType.GRAY
    kind = {(False, False): Gimp.ImageType.RGB_IMAGE, (False, True): Gimp.ImageType.RGBA_IMAGE,
            (True, False): Gimp.ImageType.GRAY_IMAGE, (True, True): Gimp.ImageType.GRAYA_IMAGE}[gray, alpha]
    layer = Gimp.Layer.new(image, name, width, height, kind, 100, Gimp.LayerMode.NORMAL)
    image.insert_layer(layer, parent, 0)
    layer.set_offsets(x, y)
    channels = (1 if gray else 3) + alpha
    code, full = COMPONENTS[component_of(precision)]
    values = [texture(i + seed, j, c) for j in range(height) for i in range(width) for c in range(channels)]
    data = struct.pack(f"<{len(values)}{code}", *([round(v * full) for v in values] if full else values))
    target = layer.get_buffer()
    target.set(Gegl.Rectangle.new(0, 0, width, height), Babl.format_get_encoding(layer.get_format()), data)
    target.flush()
    layer.update(0, 0, width, height)
    return layer


def select(image, x, y, width, height, ellipse=True):
    if ellipse:
        image.select_ellipse(Gimp.ChannelOps.REPLACE, x, y, width, height)
    else:
        image.select_rectangle(Gimp.ChannelOps.REPLACE, x, y, width, height)


def recipe(layer):
    return json.loads(bytes(layer.get_parasite("sfumato-recipe").get_data()).rstrip(b"\0").decode())


def mask_values(layer):
    """The layer mask as rows of 0..255."""
    data, width = pixels(layer.get_mask(), "Y u8"), layer.get_width()
    return [data[i:i + width] for i in range(0, len(data), width)]
