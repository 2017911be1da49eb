"""What plug-in-sfumato-upscale makes looks as its source did: alpha, masks, modes, visibility, effects; executed inside
GIMP by run.py."""
from gi.repository import Gio

from upscaling import *


@chapter
def layers_that_are_seen_through():
    image = make_image(60, 40)
    ground = add_layer(image, "ground", 60, 40)
    source = add_layer(image, "photo", 40, 30, 4, 6, alpha=True)
    image.select_rectangle(Gimp.ChannelOps.REPLACE, 0, 0, 20, 40)
    source.edit_clear()
    Gimp.Selection.none(image)
    source.set_opacity(60)
    source.set_mode(Gimp.LayerMode.MULTIPLY)
    before = rows_of(source)
    status, layer = upscale(image, [source])
    check(f"seen through: runs {said(layer)}", status == SUCCESS and layer.has_alpha())
    check("seen through: alpha where it was", [[p[3] for p in row] for row in rows_of(layer)]
          == [[p[3] for p in row] for row in repeated(before, 2)])
    check("seen through: the source is hidden, and the result blended as it was", not source.get_visible() and
          layer.get_visible() and layer.get_opacity() == 60 and layer.get_mode() == Gimp.LayerMode.MULTIPLY)

    image = make_image(60, 40)
    source = add_layer(image, "photo", 60, 40)
    image.select_rectangle(Gimp.ChannelOps.REPLACE, 10, 10, 20, 12)
    source.add_mask(source.create_mask(Gimp.AddMaskType.SELECTION))
    Gimp.Selection.none(image)
    status, layer = upscale(image, [source], target="layer")
    check("a layer mask is taken along", status == SUCCESS and mask_values(layer) == mask_values(source))
    status, layer = upscale(image, [source])
    rows = mask_values(layer)
    check("and scaled", status == SUCCESS and rows[32][40] == 255 and rows[5][40] == 0 and rows[32][100] == 0)


def seen(image, x, y):
    """Red, green, blue and alpha; GIMP's own pick_color looks through no mask where there is one layer."""
    copy = Gimp.Layer.new_from_visible(image, image, "seen")
    colour = copy.get_pixel(x, y)
    copy.delete()
    return tuple(colour.get_rgba())


def flat_layer(image, name, colour, **arguments):
    layer = add_layer(image, name, image.get_width(), image.get_height(), **arguments)
    Gimp.context_set_foreground(Gegl.Color.new(colour))
    layer.fill(Gimp.FillType.FOREGROUND)
    return layer


BLENDINGS = (
    (Gimp.LayerMode.MULTIPLY, Gimp.LayerColorSpace.RGB_LINEAR, Gimp.LayerColorSpace.RGB_PERCEPTUAL, Gimp.LayerCompositeMode.CLIP_TO_BACKDROP),
    (Gimp.LayerMode.SCREEN, Gimp.LayerColorSpace.RGB_LINEAR, Gimp.LayerColorSpace.AUTO, Gimp.LayerCompositeMode.UNION),
    (Gimp.LayerMode.NORMAL, Gimp.LayerColorSpace.AUTO, Gimp.LayerColorSpace.RGB_PERCEPTUAL, Gimp.LayerCompositeMode.INTERSECTION),
    (Gimp.LayerMode.NORMAL, Gimp.LayerColorSpace.AUTO, Gimp.LayerColorSpace.AUTO, Gimp.LayerCompositeMode.CLIP_TO_BACKDROP))


def blending(layer):
    return layer.get_mode(), layer.get_blend_space(), layer.get_composite_space(), layer.get_composite_mode()


@chapter
def what_is_blended_with_what_is_below():
    for opacity, (mode, blend_space, composite_space, composite_mode) in zip((60, 60, 60, 100), BLENDINGS):
        image = make_image(20, 12)
        ground = flat_layer(image, "ground", "rgb(0.8, 0.4, 0.2)", alpha=True)
        select(image, 0, 0, 8, 12, ellipse=False)
        ground.edit_clear()
        Gimp.Selection.none(image)
        source = flat_layer(image, "photo", "rgb(0.3, 0.6, 0.7)")
        source.set_opacity(opacity)
        source.set_mode(mode)
        source.set_blend_space(blend_space)
        source.set_composite_space(composite_space)
        source.set_composite_mode(composite_mode)
        name = f"{mode.value_nick}, {composite_mode.value_nick}, {opacity} %"
        wanted, before = blending(source), [seen(image, 4, 6), seen(image, 14, 6)]
        status, layer = upscale(image, [source], target="layer")
        check(f"{name}: the result is blended the same {said(layer)}", status == SUCCESS and blending(layer) == wanted)
        check(f"{name}: what is seen stays the same", difference([before], [[seen(image, 4, 6), seen(image, 14, 6)]]) < 0.006)


@chapter
def sources_whose_visibility_is_locked():
    image = make_image(20, 12)
    group = Gimp.GroupLayer.new(image, "group")
    image.insert_layer(group, None, 0)
    source = add_layer(image, "photo", 20, 12, parent=group)
    source.set_opacity(50)
    for item in (source, group):
        item.set_lock_visibility(True)
    status, layer = upscale(image, [source])
    check(f"visibility locked: the source is hidden, and locked again {said(layer)}", status == SUCCESS
          and not source.get_visible() and source.get_lock_visibility() and group.get_lock_visibility())
    check("visibility locked: it is seen once", abs(seen(image, 20, 12)[3] - 0.5) < 0.01)


@chapter
def hidden_sources():
    for alpha in (False, True):
        for target in ("image", "layer", "new-image"):
            image = make_image(20, 12)
            source = add_layer(image, "photo", 20, 12, alpha=alpha)
            source.set_visible(False)
            status, layer = upscale(image, [source], target=target)
            check(f"hidden{', alpha' if alpha else ''}, {target}: the result is seen, the source is not {said(layer)}",
                  status == SUCCESS and layer.get_visible() and not source.get_visible())


@chapter
def new_images_look_like_their_source():
    image = make_image(60, 40)
    add_layer(image, "ground", 60, 40)
    source = add_layer(image, "photo", 48, 34, 8, 3, seed=50)
    before = rows_of(source)
    select(image, 12, 6, 30, 24)
    source.add_mask(source.create_mask(Gimp.AddMaskType.SELECTION))
    Gimp.Selection.none(image)
    source.set_opacity(30)
    source.set_mode(Gimp.LayerMode.MULTIPLY)
    source.append_filter(Gimp.DrawableFilter.new(source, "gegl:invert", ""))
    copy = image.duplicate()
    status, wanted = upscale(copy, [copy.get_layers()[0]])
    status, layer = upscale(image, [source], target="new-image")
    made = layer.get_image()
    check(f"new image: what the mask hid is hidden {said(layer)}", status == SUCCESS and seen(made, 1, 1)[3] == 0
          and mask_values(layer) == mask_values(wanted) and max(map(max, mask_values(layer))) == 255)
    check("new image: as opaque as the source, and alone", layer.get_opacity() == 30 and layer.get_mode() == Gimp.LayerMode.NORMAL
          and abs(seen(made, 40, 30)[3] - 0.3) < 0.01 and len(made.get_layers()) == 1)
    check("new image: all of it, nothing else", place(layer) == (0, 0, 96, 68) and size(made) == (96, 68))
    check("new image: named as elsewhere, with its recipe", layer.get_name() == wanted.get_name() == "Upscaled (×2, repeat-x2)"
          and recipe(layer) == recipe(wanted))
    check("new image: the source is as it was, and seen", rows_of(source) == before and source.get_visible())
    source.set_apply_mask(False)
    status, layer = upscale(image, [source], target="new-image")
    check(f"new image, the mask switched off: no mask {said(layer)}", status == SUCCESS and not layer.get_mask())


@chapter
def new_images_of_a_selection():
    image = make_image(60, 40)
    source = add_layer(image, "photo", 50, 40)
    select(image, 20, 6, 40, 30)  # its right part beside the layer
    status, layer = upscale(image, [source], target="new-image", selection_only=True)
    made = layer.get_image()
    check(f"selection, new image: its bounds {said(layer)}", status == SUCCESS and place(layer) == (0, 0, 60, 60) and size(made) == (60, 60))
    rows = mask_values(layer)
    check("selection, new image: its shape", seen(made, 0, 0)[3] == 0 and seen(made, 1, 58)[3] == 0 and seen(made, 40, 30)[3] == 1
          and rows[30][59] == 255 and rows[1][5] == 0)
    status, other = upscale(image, [source], selection_only=True)
    _, x, y = other.get_offsets()
    same = [row[40 - x:][:60] for row in mask_values(other)[12 - y:][:60]]
    check("selection, new image: the mask as in the scaled image", [row[1:-1] for row in rows[1:-1]] == [row[1:-1] for row in same[1:-1]])


@chapter
def layers_with_effects():
    image = make_image(40, 30)
    source = add_layer(image, "photo", 40, 30)
    source.append_filter(Gimp.DrawableFilter.new(source, "gegl:invert", ""))
    before, seen = raw(source), visible(image)
    select(image, 10, 8, 12, 9)  # effects were there before it
    refused(UPSCALE, "effects, no such model", image, [source], "missing.pth", model=Gio.File.new_for_path("/nonexistent/missing.pth"))
    status, layer = upscale(image, [source], target="new-image")
    check("effects: the image does not count as modified", not image.is_dirty())
    pixel = len(seen) // 1200
    check("effects: what was seen is enlarged", status == SUCCESS and rows_of(layer) == repeated(
        [[tuple(v / 255 for v in seen[(y * 40 + x) * pixel:][:3]) for x in range(40)] for y in range(30)], 2))
    check("effects: they stay on the source", len(source.get_filters()) == 1 and raw(source) == before)
    source.set_offsets(7, -4)
    source.add_mask(source.create_mask(Gimp.AddMaskType.SELECTION))
    status, layer = upscale(image, [source], target="layer")
    check("effects: at its place, with its mask", status == SUCCESS and place(layer) == (7, -4, 40, 30)
          and mask_values(layer) == mask_values(source) and max(map(max, mask_values(layer))) == 255)


close()
