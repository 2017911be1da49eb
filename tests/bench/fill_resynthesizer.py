# Batch code for GIMP's python-fu-eval: fills the hole of every folder named in $CASES with Resynthesizer's engine, the way
# its heal-selection script calls it: what may be copied is a ring of 50 px around the hole.
import os

from gi.repository import Gegl, Gimp, Gio

RING = 50
white = Gegl.Color.new("white")


def load(case):
    """The picture with its mask as a second, lower layer: (image, picture layer, mask layer)."""
    image = Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, Gio.File.new_for_path(f"{case}/hole.png"))
    picture = image.get_layers()[0]
    mask = Gimp.file_load_layer(Gimp.RunMode.NONINTERACTIVE, image, Gio.File.new_for_path(f"{case}/mask.png"))
    image.insert_layer(mask, None, 1)
    return image, picture, mask


def heal(case):
    image, picture, mask = load(case)
    image.select_color(Gimp.ChannelOps.REPLACE, mask, white)

    corpus_image, corpus, corpus_mask = load(case)
    corpus_image.select_color(Gimp.ChannelOps.REPLACE, corpus_mask, white)
    Gimp.Selection.grow(corpus_image, RING)
    corpus_image.select_color(Gimp.ChannelOps.SUBTRACT, corpus_mask, white)
    _, _, left, top, right, bottom = Gimp.Selection.bounds(corpus_image)
    corpus_image.crop(right - left, bottom - top, left, top)

    procedure = Gimp.get_pdb().lookup_procedure("plug-in-resynthesizer")
    config = procedure.create_config()
    config.set_property("image", image)
    config.set_core_object_array("drawables", [picture])
    config.set_property("use-context", 1)
    config.set_property("corpus", corpus.get_id())
    config.set_property("autism", 0.117)
    config.set_property("neighbourhood", 16)
    config.set_property("trys", 500)
    result = procedure.run(config)
    if result.index(0) != Gimp.PDBStatusType.SUCCESS:
        raise RuntimeError(f"{case}: {result.index(1)}")

    image.remove_layer(mask)
    Gimp.Selection.none(image)
    Gimp.file_save(Gimp.RunMode.NONINTERACTIVE, image, Gio.File.new_for_path(f"{case}/resynthesizer.png"), None)
    corpus_image.delete()
    image.delete()


Gimp.context_set_antialias(False)
Gimp.context_set_feather(False)
Gimp.context_set_sample_threshold(0.0)
for folder in os.environ["CASES"].split("\n"):
    heal(folder)
