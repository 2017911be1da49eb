"""plug-in-sfumato-txt2img and -img2img, and -inpaint by a model, end to end; executed inside GIMP by run.py.

The model is a tiny one with made-up weights: what it makes is no picture of anything, but the same each time.
"""
import os
import struct
import subprocess
import tempfile
from pathlib import Path

from document import *

TXT2IMG, IMG2IMG = "plug-in-sfumato-txt2img", "plug-in-sfumato-img2img"
TINY = Gio.File.new_for_uri("procedural:sd1-tiny")
ASKED = {"model": TINY, "prompt": "a red fox", "steps": 2, "seed": 7}
SMALL = {TXT2IMG: {"width": 96, "height": 72}, PROCEDURE: {"width": 64, "height": 64}, IMG2IMG: {}}


def tiny_file():
    """The same model as a file: Script-Fu takes names of files alone."""
    path = Path(tempfile.gettempdir()) / "sfumato-tiny.safetensors"
    if not path.exists():
        subprocess.run([f"{os.environ['SFUMATO_BUILD_ROOT']}/tests/gimp/write_model", "sd1-tiny", path], check=True)
    return path


def extent(layer):
    _, x, y = layer.get_offsets()
    return x, y, layer.get_width(), layer.get_height()


def photo(width=96, height=72, **options):
    image = make_image(width, height, **options)
    return image, add_layer(image, "photo", width, height, precision=options.get("precision", "U8_NON_LINEAR"))


def made(what, name, image, drawables, **arguments):
    """The new layer; None where there is none."""
    status, layer = run(name, image, drawables, **{**ASKED, **SMALL[name], **arguments})
    check(f"{what}: runs {layer if isinstance(layer, str) else ''}", status == SUCCESS)
    return layer if status == SUCCESS else None


def paint(image, layer, box, colour):
    select(image, *box, ellipse=False)
    Gimp.context_set_foreground(Gegl.Color.new(colour))
    layer.edit_fill(Gimp.FillType.FOREGROUND)


def far_apart(a, b):
    return max(abs(u - v) for u, v in zip(a, b))


@chapter
def words_become_a_layer_of_the_canvas():
    image, source = photo()
    before = raw(source)
    layer = made("txt2img", TXT2IMG, image, [source])
    check("txt2img: on top, where the canvas is", image.get_layers()[0].get_id() == layer.get_id() and extent(layer) == (0, 0, 96, 72))
    check("txt2img: nothing of it is hidden, the source is untouched", layer.get_mask() is None and raw(source) == before)
    check("txt2img: its name tells the seed", layer.get_name() == "Generated (seed 7)")
    asked = recipe(layer)
    check("txt2img: its recipe", (asked["operation"], asked["prompt"], asked["seed"], asked["steps"], asked["model"], asked["width"])
          == ("txt2img", "a red fox", 7, 2, "procedural:sd1-tiny", 96) and asked["made_by"].startswith("Sfumato"))
    check("txt2img: the same again", raw(made("again", TXT2IMG, image, [source])) == raw(layer))
    check("txt2img: another seed", raw(made("another seed", TXT2IMG, image, [source], seed=8)) != raw(layer))
    check("txt2img: other words", raw(made("other words", TXT2IMG, image, [source], prompt="the blue sea")) != raw(layer))
    check("txt2img: the source is still the active layer",
          [item.get_id() for item in image.get_selected_layers()] == [source.get_id()])


@chapter
def no_model_is_needed():
    image, source = photo(200, 150)
    layer = made("txt2img by Sfumato's own model", TXT2IMG, image, [source], model=None, width=0, height=0, prompt="a red apple")
    check("… its size and recipe", (extent(layer), recipe(layer)["model"]) == ((0, 0, 200, 150), "sfumato:draw"))
    check("… is the same again", raw(made("again", TXT2IMG, image, [source], model=None, width=0, height=0, prompt="a red apple")) == raw(layer))
    layer = made("img2img by Sfumato's own model", IMG2IMG, image, [source], model=None, prompt="a red apple")
    check("… its recipe, too", recipe(layer)["model"] == "sfumato:draw")


@chapter
def words_become_a_layer_where_the_selection_is():
    image, source = photo(160, 120)
    select(image, 20, 10, 81, 77)
    layer = made("txt2img, selected", TXT2IMG, image, [source])
    check("txt2img, selected: at its bounds", extent(layer) == (20, 10, 81, 77))
    mask = mask_values(layer)
    check("txt2img, selected: behind its shape", mask[38][40] == 255 and mask[0][0] == 0)
    select(image, 20, 10, 80, 72, ellipse=False)
    layer = made("txt2img, a rectangle", TXT2IMG, image, [source])
    check("txt2img, a rectangle: no mask", extent(layer) == (20, 10, 80, 72) and layer.get_mask() is None)
    layer = made("txt2img, larger", TXT2IMG, image, [source], width=64, height=128)
    check("txt2img, in a size of its own: fitted", extent(layer) == (20, 10, 80, 72) and recipe(layer)["height"] == 128)


@chapter
def an_empty_image_gets_its_first_layer():
    image = make_image(64, 64)
    layer = made("no layer yet", TXT2IMG, image, [])
    check("no layer yet: now there is one", layer and len(image.get_layers()) == 1)


@chapter
def a_layer_is_made_anew():
    image = make_image(128, 120)
    add_layer(image, "ground", 128, 120)
    source = add_layer(image, "photo", 80, 84, 40, 30, seed=100)
    before = raw(source)
    layer = made("img2img", IMG2IMG, image, [source], strength=0.6)
    check("img2img: over the layer", extent(layer) == (40, 30, 80, 84) and layer.get_mask() is None)
    check("img2img: directly above it", [item.get_name() for item in image.get_layers()] == ["Refined (seed 7)", "photo", "ground"])
    check("img2img: the source is untouched", raw(source) == before and pixels(layer, "R'G'B' u8") != pixels(source, "R'G'B' u8"))
    check("img2img: its recipe", (recipe(layer)["operation"], recipe(layer)["strength"]) == ("img2img", 0.6))
    layer = made("img2img, all", IMG2IMG, image, [source], source="visible")
    check("img2img, all that is visible: on top, of the canvas's size", extent(layer) == (0, 0, 128, 120)
          and image.get_layers()[0].get_id() == layer.get_id())
    select(image, 50, 40, 70, 75)
    layer = made("img2img, selected", IMG2IMG, image, [source])
    check("img2img, selected: what lies in the layer", extent(layer) == (50, 40, 70, 74) and mask_values(layer)[0][0] == 0)


@chapter
def a_selection_is_filled_by_a_model():
    for precision in ("U8_NON_LINEAR", "U16_LINEAR", "FLOAT_NON_LINEAR"):
        image, source = photo(160, 120, precision=precision)
        select(image, 60, 44, 30, 25)
        before, seen = raw(source), visible(image)
        layer = made(f"fill {precision}", PROCEDURE, image, [source], edge=4)
        asked, mask = recipe(layer), mask_values(layer)
        check(f"fill {precision}: by diffusion", (asked["method"], asked["edge"], asked["prompt"]) == ("diffusion", 4, "a red fox"))
        x, y, width, height = extent(layer)
        check(f"fill {precision}: at most as far beyond the selection as was asked",
              56 <= x and 40 <= y and x + width <= 94 and y + height <= 73)
        check(f"fill {precision}: full in the middle, the source is untouched", mask[56 - y][75 - x] == 255 and raw(source) == before)
        now = visible(image)
        size = len(now) // (160 * 120)
        changed = [i for i in range(160 * 120) if now[i * size:(i + 1) * size] != seen[i * size:(i + 1) * size]]
        shown = lambda i: (0 <= i % 160 - x < width and 0 <= i // 160 - y < height and mask[i // 160 - y][i % 160 - x])
        if precision.startswith("FLOAT"):  # GIMP's blending changes the last bits of floats under a mask's zeros
            floats = lambda data: struct.unpack(f"{len(data) // 4}f", data)
            changed = [i for i in changed if far_apart(*(floats(p[i * size:(i + 1) * size]) for p in (now, seen))) > 1e-6]
        check(f"fill {precision}: only what the mask shows has changed ({len(changed)} pixels)", changed and all(map(shown, changed)))
    layer = made("fill without a model", PROCEDURE, image, [source], model=None)
    check("fill without a model: patches", recipe(layer)["method"] == "patchmatch" and "prompt" not in recipe(layer))
    layer = made("LaMa", PROCEDURE, image, [source], model=Gio.File.new_for_uri("procedural:lama-tiny"), method="lama")
    check("LaMa: its recipe", (recipe(layer)["method"], recipe(layer)["model"]) == ("lama", "procedural:lama-tiny") and "prompt" not in recipe(layer))
    layer = made("patches with a model", PROCEDURE, image, [source], method="patchmatch")
    check("patches with a model: patches", recipe(layer)["method"] == "patchmatch")


@chapter
def a_layer_need_not_tell_how_it_was_made():
    image, source = photo()
    for name in (TXT2IMG, IMG2IMG):
        layer = made(f"{name} without a recipe", name, image, [source], **{"keep-recipe": False})
        check(f"{name} without a recipe: it has none", layer.get_parasite("sfumato-recipe") is None)
    select(image, 40, 30, 30, 25)
    layer = made("fill without a recipe", PROCEDURE, image, [source], **{"keep-recipe": False})
    check("fill without a recipe: it has none", layer.get_parasite("sfumato-recipe") is None)


@chapter
def later_families_in_gimp():
    image, source = photo(160, 120)
    select(image, 60, 44, 30, 25)
    for family in ("Stable Diffusion XL", "Stable Diffusion 3"):
        model = Gio.File.new_for_uri("procedural:sdxl-tiny" if family.endswith("XL") else "procedural:sd3-tiny")
        layer = made(f"fill by {family}", PROCEDURE, image, [source], model=model, sampler="euler", edge=4)
        check(f"fill by {family}: by diffusion", recipe(layer)["method"] == "diffusion")
        layer = made(f"{family} from words", TXT2IMG, image, [source], model=model, sampler="euler", width=64, height=64)
        check(f"{family} from words: there is something to see", len(set(raw(layer))) > 30)
        layer.set_visible(False)


# What a request holds beside the pictures, and values that are not the defaults.
EVERYTHING = {"negative-prompt": "fog", "steps": 3, "cfg": 5.5, "sampler": "euler_a", "scheduler": "karras", "rng": "cuda",
              "clip-skip": 2, "prediction": "v", "zero-terminal-snr": True, "dtype": "fp32", "precision": "fp32",
              "encode-precision": "fp32", "decode-precision": "fp32", "encode-tile": 512, "decode-tile": 512,
              "vae": Gio.File.new_for_uri("procedural:sd1-tiny"), "text-encoder": Gio.File.new_for_uri("procedural:sd1-tiny")}
OWN = {TXT2IMG: {"width": 64, "height": 72}, IMG2IMG: {"strength": 0.5, "strength-rule": "fewer_steps"},
       PROCEDURE: {"strength": 0.5, "strength-rule": "fewer_steps", "edge": 3, "mask-cells": "mean", "quality": "high", "detail": 0.3, "sampler": "euler", "width": 64, "height": 64,
                   "context": "selection", "source": "layer"}}


@chapter
def every_field_is_an_argument():
    for name, own in OWN.items():
        image, source = photo()
        select(image, 20, 4, 64, 64, ellipse=False)
        asked = {**EVERYTHING, **own}
        layer = made(f"{name} with everything", name, image, [source], **asked)
        if not layer:
            continue
        written, shown = recipe(layer), lambda value: value.get_uri() if isinstance(value, Gio.File) else value
        other = {key for key, value in asked.items() if written.get(key.replace("-", "_"), None) != shown(value)
                 and not key.endswith("-tile")}  # the recipe has those that were needed
        check(f"{name}: what was asked is in the recipe {sorted((key, written.get(key.replace('-', '_'))) for key in other)}", not other)
        layer.set_visible(False)
        file = lambda key, value: Gio.File.new_for_uri(value) if key in ("model", "vae", "text_encoder") else value
        arguments = {spec.get_name() for spec in Gimp.get_pdb().lookup_procedure(name).get_arguments()}
        again = {key: file(key, value) for key, value in written.items() if key.replace("_", "-") in arguments}
        status, second = run(name, image, [source], **again)
        check(f"{name}: its recipe makes the same pixels {second if isinstance(second, str) else ''}",
              status == SUCCESS and raw(second) == raw(layer))
        left_out = {key for key in written if key.replace("_", "-") not in arguments}
        check(f"{name}: every field of its recipe is an argument {left_out}",
              left_out <= {"sfumato", "operation", "made_by", "lies_on", "area", "batch"})


@chapter
def colours_mean_the_same_in_any_profile():
    made_in = {}
    for name, profile in (("sRGB", None), ("Adobe RGB", Gimp.ColorProfile.new_rgb_adobe())):
        for precision in ("FLOAT_NON_LINEAR", "FLOAT_LINEAR"):
            image = make_image(64, 64, precision=precision, profile=profile)
            layer = made(f"txt2img in {name} {precision}", TXT2IMG, image, [])
            # babl takes the image's space to sRGB's.
            made_in[name, precision] = list(pixels(layer, "R'G'B' u8"))
    first = made_in["sRGB", "FLOAT_NON_LINEAR"]
    for where, colours in made_in.items():
        error = far_apart(first, colours)
        check(f"{where}: the colours of sRGB (off by {error} of 255)", error <= 2)
    check("they are many", len(set(first)) > 30)


@chapter
def run_modes_and_script_fu():
    image, source = photo()
    for name in (TXT2IMG, IMG2IMG):
        status, why = run(name, image, [source], **{"run-mode": Gimp.RunMode.WITH_LAST_VALS})
        check(f"{name} with last values, of which there are none: one sentence ({why})", status == ERROR and "\n" not in why)
        layer = made(f"{name}, a seed of its own", name, image, [source], seed=-1)
        check(f"{name}: it is recorded", 0 <= recipe(layer)["seed"] < 2**31)
        evaluate = Gimp.get_pdb().lookup_procedure("plug-in-script-fu-eval")
        config = evaluate.create_config()
        count = len(image.get_layers())
        config.set_property("script", f'(script-fu-use-v3) ({name} #:run-mode RUN-NONINTERACTIVE #:image {image.get_id()} '
                            f'#:drawables (vector {source.get_id()}) #:seed 5 #:model "{tiny_file()}" #:steps 1 '
                            f'#:prompt "a fox" #:sampler "euler")')
        result = evaluate.run(config)
        check(f"{name} from Script-Fu: runs", result.index(0) == SUCCESS and len(image.get_layers()) == count + 1)
        asked = recipe(next(layer for layer in image.get_layers() if layer.get_name().endswith("(seed 5)")))
        check(f"{name} from Script-Fu: its arguments arrived", (asked["seed"], asked["steps"], asked["sampler"]) == (5, 1, "euler"))
        next(layer for layer in image.get_layers() if layer.get_name().endswith("(seed 5)")).set_name("seen")


@chapter
def a_lama_is_found_by_itself():
    file = os.path.join(os.environ["HOME"], ".local/share/sfumato/models/lama-tiny.safetensors")
    os.makedirs(os.path.dirname(file), exist_ok=True)
    image, source = photo()
    select(image, 30, 24, 25, 19)
    nobody = {"model": None, "prompt": ""}
    layer = made("no LaMa", PROCEDURE, image, [source], **nobody)
    check("no LaMa: patches", recipe(layer)["method"] == "patchmatch")
    subprocess.run([f"{os.environ['SFUMATO_BUILD_ROOT']}/tests/gimp/write_model", "lama-tiny", file], check=True)
    try:
        layer = made("a LaMa is there", PROCEDURE, image, [source], **nobody)
        check("a LaMa is there: it is taken", (recipe(layer)["method"], recipe(layer)["model"]) == ("lama", file))
        again = made("again by its recipe", PROCEDURE, image, [source], model=Gio.File.new_for_path(file), method="lama", prompt="")
        check("again by its recipe: the same", raw(again) == raw(layer))
        layer = made("patches are asked for", PROCEDURE, image, [source], method="patchmatch", **nobody)
        check("patches are asked for: they are taken", recipe(layer)["method"] == "patchmatch")
    finally:
        os.remove(file)
    layer = made("it is gone", PROCEDURE, image, [source], **nobody)
    check("it is gone: patches", recipe(layer)["method"] == "patchmatch")


@chapter
def a_stroke_grows_to_its_object():
    image, source = photo(160, 120)
    paint(image, source, (0, 0, 160, 120), "#3070b0")
    paint(image, source, (50, 40, 60, 50), "#c03020")
    select(image, 62, 60, 36, 10, ellipse=False)
    layer = made("object", PROCEDURE, image, [source], model=None, prompt="", object=True)
    x, y, width, height = extent(layer)
    check("object: all of it is within the layer", x <= 50 and y <= 40 and x + width >= 110 and y + height >= 90)
    mask = mask_values(layer)
    at = lambda u, v: mask[v - y][u - x]
    check("object: its corners are filled", min(at(51, 41), at(108, 41), at(51, 88), at(108, 88)) == 255)
    check("object: what is far from it is not", (x > 30 or y > 20 or at(30, 20) == 0) and recipe(layer)["object"] is True)
    made_of = raw(layer)
    middle = made_of[4 * ((65 - y) * width + 80 - x):][:3]
    check(f"object: it is gone {list(middle)}", abs(middle[0] - 0x30) < 12 and abs(middle[2] - 0xb0) < 12)


@chapter
def refusals():
    image, source = photo()
    for name in (TXT2IMG, IMG2IMG):
        refused(name, f"{name}, no such file", image, [source], "/nowhere.safetensors",
                model=Gio.File.new_for_path("/nowhere.safetensors"))
        refused(name, f"{name}, no such sampler", image, [source], "The argument “sampler” must be", sampler="best", model=TINY)
    refused(TXT2IMG, "a width that is no multiple of 8", image, [source], "The argument “width” must be", width=70, model=TINY)
    refused(IMG2IMG, "no such source", image, [source], "The argument “source” must be", source="all", model=TINY)
    select(image, 30, 24, 25, 19)
    refused(PROCEDURE, "diffusion without a model", image, [source], "model", method="diffusion")
    refused_sources(IMG2IMG, model=TINY)


close()
