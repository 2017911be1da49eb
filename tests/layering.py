"""The house's order, held by a test: each folder includes only itself and what stands below it; libgimp is known in
plugin/ and ui/ alone, Vulkan in compute/ alone; every header compiles by itself.

layering.py SOURCE_ROOT BUILD_ROOT COMPILER [FLAG…]
"""
import concurrent.futures
import pathlib
import re
import subprocess
import sys

ORDER = ["shaders", "compute", "request", "models", "pictures", "engine", "cli", "ui", "plugin"]  # bottom-up
MODELS = ["files", "networks", "names", "library", "text", "sampling", "nets", "pipelines", "eval"]  # rooms of models/

source, build, *compiler = sys.argv[1:]
source = pathlib.Path(source)
failures = 0


def check(ok, sentence):
    global failures
    if not ok:
        failures += 1
        print(f"FAILED: {sentence}")


def includes(file):
    return re.findall(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', file.read_text(), re.MULTILINE)


def compiles_alone(header):
    command = [*compiler, "-std=c++20", "-fsyntax-only", "-x", "c++", f"-I{source}", f"-I{build}/shaders", str(header)]
    done = subprocess.run(command, capture_output=True, text=True)
    return header, done.returncode == 0, done.stderr


files = [f for folder in ORDER for f in sorted((source / folder).rglob("*")) if f.suffix in {".h", ".cpp"}]
check(len(files) > 20, "the folders were not found")
for file in files:
    name = file.relative_to(source)
    folder = name.parts[0]
    for include in includes(file):
        below = include.split("/")[0]
        if below in ORDER and "/" in include:
            # kernels.h is C++ too: it takes its types from compute/.
            shared = str(name) == "shaders/kernels.h" and include == "compute/kernel_types.h"
            check(shared or ORDER.index(below) <= ORDER.index(folder), f"{name} includes {include}, which stands above it")
        room, other = (re.findall(r"^models/(\w+)/", str(path)) for path in (name, include))
        if room and other:
            check(MODELS.index(other[0]) <= MODELS.index(room[0]), f"{name} includes {include}, which stands above it")
        check(not include.startswith("libgimp") or folder in {"plugin", "ui"}, f"{name} includes {include}: GIMP is known in plugin/ and ui/ only")
        check(not include.startswith(("vulkan", "vk_mem")) or folder == "compute", f"{name} includes {include}: Vulkan is known in compute/ only")
        inner = {"compute/cache_key.h", "compute/vulkan.h", "compute/memory.h", "compute/recorder.h"}
        check(include not in inner or folder == "compute", f"{name} includes {include}: it is compute/'s own")

# The build has shown it of a header that its own .cpp includes before anything else.
def is_shown_by_the_build(header):
    own = header.with_suffix(".cpp")
    return own.exists() and includes(own)[:1] == [str(header.relative_to(source))]


headers = [f for f in files if f.suffix == ".h" and not is_shown_by_the_build(f)]
with concurrent.futures.ThreadPoolExecutor(2) as pool:
    for header, ok, message in pool.map(compiles_alone, headers):
        check(ok, f"{header.relative_to(source)} does not compile by itself:\n{message}")

print(f"{len(files)} files, {len(headers)} headers compiled alone, {failures} failures")
sys.exit(failures > 0)
