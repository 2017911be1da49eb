"""The same plug-in for a German user; executed inside GIMP by run.py."""
import os

from document import *


@chapter
def speaks_german():
    procedure = Gimp.get_pdb().lookup_procedure(PROCEDURE)
    check(f"menu entry: {procedure.get_menu_label()}", procedure.get_menu_label() == "Auswahl _füllen …")
    image = make_image(96, 72)
    source = add_layer(image, "Foto", 40, 40)
    status, why = inpaint(image, [source])
    check(f"nothing selected: {why}", why.startswith("Nichts ist ausgewählt."))
    select(image, 60, 50, 20, 10)
    status, why = inpaint(image, [source], source="layer")
    check(f"outside the layer: {why}", "außerhalb der Ebene „Foto“" in why)
    select(image, 10, 10, 15, 12)
    status, why = inpaint(image, [source])
    check(f"runs {why}", status == Gimp.PDBStatusType.SUCCESS)
    made = image.get_layers()[0]
    check(f"the layer's name: {made.get_name()}", made.get_name() == f"Gefüllt (patchmatch, Startwert {recipe(made)['seed']})")
    check("the recipe is the same in every language", recipe(image.get_layers()[0])["method"] == "patchmatch")

    label = Gimp.get_pdb().lookup_procedure("plug-in-sfumato-upscale").get_menu_label()
    check(f"menu entry: {label}", label == "Ebene ver_größern …")
    status, layer = run("plug-in-sfumato-upscale", image, [source])
    check("the enlarged layer's name", status == Gimp.PDBStatusType.SUCCESS and
          layer.get_name() == "Vergrößert (×2, sfumato:upscale-x2)")


@chapter
def what_the_engine_says_is_german():
    image = make_image(96, 72)
    source = add_layer(image, "Foto", 96, 72)
    image.select_rectangle(Gimp.ChannelOps.REPLACE, 0, 0, 96, 72)
    status, why = inpaint(image, [source])
    check(f"nothing left: {why}", why.startswith("Es bleibt nichts, woraus gefüllt werden könnte: Alles in Reichweite"))

    def with_model(name, content):
        path = os.path.join(os.environ["HOME"], name)
        if content is not None:
            with open(path, "wb") as file:
                file.write(content)
        return run("plug-in-sfumato-upscale", image, [source], model=Gio.File.new_for_path(path))[1]

    # A sentence of the system's, one within another, and one with numbers.
    missing = with_model("nirgends.pth", None)
    is_german = os.path.exists("/usr/share/locale/de/LC_MESSAGES/libc.mo")  # else the system itself speaks English
    reason = "Datei oder Verzeichnis nicht gefunden" if is_german else "No such file or directory"
    check(f"no such file: {missing}", missing.endswith(f"nirgends.pth“ lässt sich nicht öffnen: {reason}."))
    header = b'{"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}, "b": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}}'
    unknown = with_model("unbekannt.safetensors", len(header).to_bytes(8, "little") + header + bytes(8))
    check(f"unknown tensors: {unknown}", "ist nicht zu gebrauchen: kein Tensor gehört zu einem Netz, das hier bekannt ist." in unknown)
    cut = with_model("kurz.safetensors", len(header).to_bytes(8, "little") + header + bytes(5))
    check(f"cut off: {cut}", "ist abgeschnitten: Der Tensor" in cut and "bitte die Datei neu holen" in cut)
    status, why = inpaint(image, [source], source="nirgends")
    check(f"a wrong choice: {why}", why == 'Das Argument „source“ muss "layer" oder "visible" sein, nicht "nirgends".')


close()
