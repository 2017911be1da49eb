"""drivers_test.py BUILD [--long] [CHIP…]: the engine on GPUs that are not there, with the real drivers of their vendors
(absent_gpu/absent_gpu.h). Nothing is computed; devices, plans, kernels, submissions, memory and every way in which a driver
can fail are as on a machine that has the chip. Without CHIP: one of each vendor. --long: larger work, and all chips."""
import os
import re
import subprocess
import sys
import time
from pathlib import Path

from machine import ALL_CHIPS, Machine

WITHOUT_OWN_MEMORY = {"tgl", "adl", "uhd770", "mtl", "arl", "lnl", "ptl"}

LOST = "The GPU driver stopped answering"
HANGS = "The GPU did not finish a piece of work within two minutes"
NO_MEMORY = r"The GPU is out of memory|of GPU memory are needed, but .* could not give them"
FLAT = "decoded a flat picture"
WRONG = "computes wrongly even with the plainest kernels"


def right_kernels():
    """Every question that the self-check may ask (compute/self_check_questions.cpp), answered."""
    names = ["gemm", "conv2d", "attention", "group_norm", "softmax"]
    names += [f"attention {size}" for size in range(8, 520, 8)]
    for m in 256, 128, 64, 32:
        for n in 160, 128, 96, 64, 48, 32, 16:
            for k in 32, 16:
                names += [f"gemm {m}x{n}x{k}", f"gemm {m}x{n}x{k} by subgroups"]
    return "".join(f"right {path} {name}\n" for path in ("nv2", "khr", "scalar") for name in names)


class Ended:
    def __init__(self, process, seconds):
        self.code, self.out, self.seconds = process.returncode, process.stdout, seconds
        lines = process.stderr.splitlines()
        self.reached_fault = any(line.startswith("absent_gpu: the fault is now") for line in lines)
        self.unanswered = [line for line in lines if line.startswith("absent_gpu: ") and "UNKNOWN" in line]
        self.sentences = [line for line in lines if line.startswith("sfumato: ")]
        self.text = process.stdout + process.stderr

    def explain(self):
        return f"exit status {self.code} after {self.seconds:.1f} s:\n{self.text}"


class Workplace(Machine):
    """One with pictures to work on."""

    def __init__(self, build, chip, is_long):
        super().__init__(build, chip)
        self.is_long = is_long
        self.picture, self.result = self.folder / "in.png", self.folder / "out.png"

    def write_picture(self, size):
        from PIL import Image
        noise = os.urandom(size * size * 3)
        Image.frombytes("RGB", (size, size), noise).save(self.picture)

    def run(self, *arguments, **options):
        began = time.monotonic()
        process = subprocess.run([self.build / "cli/sfumato", *map(str, arguments)], env=self.environment(**options),
                                 capture_output=True, text=True, timeout=600, cwd=self.folder)
        return Ended(process, time.monotonic() - began)

    def upscale(self, model="srvgg-x4", **options):
        self.result.unlink(missing_ok=True)
        return self.run("upscale", self.picture, "-o", self.result, "--model", f"procedural:{model}", **options)

    def txt2img(self, model="sd1-tiny", size=64, **options):
        self.result.unlink(missing_ok=True)
        return self.run("txt2img", "--model", f"procedural:{model}", "--prompt", "a fox", "--width", size, "--height", size,
                        "--steps", 2, "--seed", 1, "-o", self.result, **options)

    def check_file(self):
        return next((self.folder / "sfumato").glob("self-check-*.txt"))

    def believe_kernels(self):
        """As if the self-check had found every kernel right."""
        file = self.check_file()
        file.write_text(file.read_text().splitlines()[0] + "\n" + right_kernels())


class Wrong(Exception):
    pass


def expect(condition, what, ended=None):
    if not condition:
        raise Wrong(what + ("; " + ended.explain() if ended else ""))


def expect_sentence(ended, pattern):
    expect(ended.code == 1, "it must fail", ended)
    expect(len(ended.sentences) == 1 and re.search(pattern, ended.sentences[0]), f"one sentence with \"{pattern}\" is wanted", ended)


# ---- Tests, in this order: the first ones leave the cache as the later ones need it.

def device_is_found_and_known_to_compute_wrongly(m):
    e = m.run("devices")
    expect(e.code == 0 and WRONG in e.out, "the device must be listed, with what is wrong", e)
    expect(not e.unanswered, "the drivers' calls must all be known", e)
    expect_sentence(m.upscale(), WRONG)
    expect(not m.result.exists(), "nothing may be written")


def crash_twice_leads_to_plainer_kernels(m):
    file = m.check_file()
    file.write_text(file.read_text().splitlines()[0] + "\n")
    for _ in range(2):
        e = m.run("devices", fault=f"crash@{FIRST_QUESTION[m.driver]}")
        expect(e.code != 0 and e.reached_fault, "it must have been killed", e)
    begun = [line for line in file.read_text().splitlines() if line.startswith(("begun ", "again "))]
    expect(len(begun) == 1 and begun[0].startswith("again "), f"the file must tell the question that killed it twice, not {begun}")
    path, question = begun[0].split(" ", 3)[2:]
    others = "".join(line + "\n" for line in right_kernels().splitlines() if line != f"right {path} {question}")
    file.write_text(file.read_text().splitlines()[0] + "\n" + others + begun[0] + "\n")
    e = m.run("devices")
    wanted = WRONG if path == "scalar" else f"wrong with {path} kernels: {question}; the scalar ones are used"
    expect(e.code == 0 and wanted in e.out, f"\"{wanted}\" is wanted", e)


def upscaling_goes_through(m):
    m.believe_kernels()
    e = m.upscale()
    expect(e.code == 0 and m.result.exists(), "it must end", e)
    planned, used = re.search(r"planned ([\d.]+) MB, used ([\d.]+) MB", e.text).groups()
    expect(planned == used, f"planned {planned} MB must be what was used, {used} MB")


def steps_go_through(m):
    for model in ["sd1-tiny", "sdxl-tiny", "sd3-tiny"] if m.is_long else ["sd1-tiny"]:
        e = m.txt2img(model)
        expect(e.code == 0 or (e.code == 1 and FLAT in e.text), f"{model} must come to its end, which is flat", e)


def little_memory_means_smaller_tiles(m):
    if m.chip in WITHOUT_OWN_MEMORY:
        return
    most = 0
    for memory in [1024, 2048, 4096, 8192, 16384] if m.is_long else [1024]:
        m.write_picture(1024 if m.is_long else 512)
        e = m.upscale("rrdbnet-x4", memory=memory)
        found = re.search(r"needs ([\d.]+) GB, [\d.]+ GB free: (one|\d+) tiles? of", e.text)
        expect(e.code == 0 and found, f"with {memory} MiB it must go through", e)
        expect(memory > 1024 or found[2] != "one", "1 GiB must mean several tiles", e)
        expect(float(found[1]) >= most, f"{memory} MiB must not mean smaller tiles than less", e)
        most = float(found[1])
    m.write_picture(64)


def lost_device_ends_in_a_sentence(m):
    for at in 1, 2, 5, 9, 14:
        e = m.upscale(fault=f"lost@{at}")
        if e.reached_fault:
            expect_sentence(e, LOST + r"|error -\d+ in vkCreateDevice")
            expect(not m.result.exists(), "nothing may be written")
        else:
            expect(e.code == 0, "without a fault it must end", e)
    expect(m.upscale(fault="lost@2").reached_fault, "the fault must have come")


def hanging_device_ends_in_a_sentence(m):
    for at in 2, 6:
        e = m.upscale(fault=f"hang@{at}")
        expect(e.reached_fault, "the fault must have come", e)
        expect_sentence(e, HANGS + "|" + LOST + r"|in vkCreateDevice")
        expect(e.seconds < 150 and not m.result.exists(), "it must end, and nothing may be written", e)


def lack_of_memory_ends_in_a_sentence(m):
    for at in 1, 2, 3, 4, 6, 8:
        e = m.upscale(fault=f"memory@{at}")
        if e.reached_fault and e.code != 0:
            expect_sentence(e, NO_MEMORY)
            expect(not m.result.exists(), "nothing may be written")
        else:
            expect(e.code == 0, "without a fault it must end", e)
    expect(m.upscale(fault="memory@1").reached_fault, "the fault must have come")


def old_kernel_ends_in_a_sentence_or_the_software_device(m):
    e = m.upscale(fault="kernel@1")
    expect(e.reached_fault, "the fault must have come", e)
    expect_sentence(e, "No Vulkan driver can use the GPU here|No Vulkan device is found")
    e = m.run("devices", fault="kernel@1", software=True)
    expect(e.code == 0 and "llvmpipe" in e.out and "discrete" not in e.out, "the software device must be taken", e)


TESTS = [device_is_found_and_known_to_compute_wrongly, crash_twice_leads_to_plainer_kernels, upscaling_goes_through, steps_go_through,
         little_memory_means_smaller_tiles, lost_device_ends_in_a_sentence, hanging_device_ends_in_a_sentence,
         lack_of_memory_ends_in_a_sentence, old_kernel_ends_in_a_sentence_or_the_software_device]
# Submissions of a driver for itself come before ours.
FIRST_QUESTION = {"intel": 3, "nouveau": 3, "radeon": 1}


def main():
    build, chips = Path(sys.argv[1]).resolve(), [a for a in sys.argv[2:] if a != "--long"]
    is_long = "--long" in sys.argv
    for chip in chips:
        if chip not in ALL_CHIPS:
            sys.exit(f"no chip '{chip}'; there are {' '.join(ALL_CHIPS)}")
    passed, failed, skipped = 0, 0, []
    for chip in chips or (ALL_CHIPS if is_long else ["navi31", "b580", "ga102"]):
        m = Workplace(build, chip, is_long)
        if not m.manifest.exists():
            skipped.append(f"skipped {chip}: {m.manifest} is not there (mesa-vulkan-drivers)")
            continue
        m.write_picture(64)
        for test in TESTS:
            began = time.monotonic()
            try:
                test(m)
                passed += 1
                print(f"{chip}: {test.__name__} ({time.monotonic() - began:.1f} s)", flush=True)
            except Wrong as e:
                failed += 1
                print(f"{chip}: {test.__name__} FAILED: {e}", flush=True)
    for line in skipped:
        print(line)
    print(f"{passed} passed, {failed} failed" + (f", {len(skipped)} skipped" if skipped else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
