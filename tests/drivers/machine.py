"""A machine with a GPU that is not there (absent_gpu/absent_gpu.h): its chip, and the environment in which programs find it."""
import os
import tempfile
from pathlib import Path

# By Mesa's driver; absent_gpu/chips.cpp has what they are.
CHIPS = {"radeon": "vega10 navi10 navi21 navi31 navi33 phoenix gfx1151 gfx1200 gfx1201".split(),
         "intel": "tgl adl uhd770 a770 mtl arl lnl b580 ptl".split(),
         "nouveau": "gp104 tu102 tu116 ga102 ga106 ad102 gb202".split()}
ALL_CHIPS = sum(CHIPS.values(), [])
MANIFESTS = Path("/usr/share/vulkan/icd.d")


def driver_of(chip):
    return next(driver for driver, chips in CHIPS.items() if chip in chips)


class Machine:
    """One with this chip and a fresh cache."""

    def __init__(self, build, chip):
        self.build, self.chip, self.driver = build, chip, driver_of(chip)
        self.manifest = MANIFESTS / f"{self.driver}_icd.json"
        self.scratch = tempfile.TemporaryDirectory(prefix=f"drivers-{chip}-")
        self.folder = Path(self.scratch.name)

    def environment(self, fault=None, memory=None, software=False):
        drivers = [str(self.manifest)] + ([str(MANIFESTS / "lvp_icd.json")] if software else [])
        environment = {**os.environ, "ABSENT_GPU": self.chip, "LD_PRELOAD": str(self.build / "tests/drivers/absent_gpu/libabsent_gpu.so"),
                       "VK_DRIVER_FILES": ":".join(drivers), "VK_LOADER_LAYERS_DISABLE": "*", "MESA_SHADER_CACHE_DISABLE": "true",
                       "XDG_CACHE_HOME": str(self.folder), "XDG_RUNTIME_DIR": str(self.folder)}
        for ours in "SFUMATO_VALIDATE", "SFUMATO_DEVICE", "SFUMATO_MATRIX", "SFUMATO_BUDGET":
            environment.pop(ours, None)
        if fault:
            environment["ABSENT_GPU_FAULT"] = fault
        if memory:
            environment["ABSENT_GPU_MEMORY"] = str(memory)
        return environment
