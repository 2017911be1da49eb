# Runs inside GIMP with a window (tools/gui): opens a photograph with a selection and calls the procedure as the menu does.
from gi.repository import Gimp, Gio

image = Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, Gio.File.new_for_path("/usr/share/backgrounds/budgie/canyon-wren.jpg"))
image.scale(1600, 900)
image.select_polygon(Gimp.ChannelOps.REPLACE, [545, 385, 570, 310, 600, 235, 630, 205, 690, 203, 770, 192, 750, 225, 700, 265, 690, 385])
Gimp.Display.new(image)
procedure = Gimp.get_pdb().lookup_procedure("plug-in-sfumato-inpaint")
if procedure is None:
    raise RuntimeError("GIMP does not know plug-in-sfumato-inpaint: was the plug-in built?")
config = procedure.create_config()
config.set_property("run-mode", Gimp.RunMode.INTERACTIVE)
config.set_property("image", image)
config.set_core_object_array("drawables", image.get_selected_layers())
procedure.run(config)
