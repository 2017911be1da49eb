"""The same plug-in for a German user; executed inside GIMP by run.py."""
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
    status, why = inpaint(image, [source])
    check(f"outside the layer: {why}", "außerhalb der Ebene „Foto“" in why)
    select(image, 10, 10, 15, 12)
    status, why = inpaint(image, [source])
    check(f"runs {why}", status == Gimp.PDBStatusType.SUCCESS)
    check("the layer's name", image.get_layers()[0].get_name() == "Gefüllt")
    check("the recipe is the same in every language", recipe(image.get_layers()[0])["method"] == "patchmatch")

    label = Gimp.get_pdb().lookup_procedure("plug-in-sfumato-upscale").get_menu_label()
    check(f"menu entry: {label}", label == "Ebene ver_größern …")
    status, layer = run("plug-in-sfumato-upscale", image, [source])
    check("the enlarged layer's name", status == Gimp.PDBStatusType.SUCCESS and layer.get_name() == "Vergrößert")


close()
