"""Fills the cases with the peers: python3 fill_peers.py CASES_FOLDER [--fresh]. Runs in the peers' environment (GIMP with
Resynthesizer, G'MIC), standard library only. A result that was made from the same files by the same commands is kept,
unless --fresh. Writes <case>/<method>.png and <method>.json {wall, cpu, peak_mib, key, other}."""
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

from measure import OtherWork, measured

here = Path(__file__).resolve().parent


def key(case, recipe):
    """What a result depends on."""
    digest = hashlib.sha256(recipe.encode())
    for file in ("hole.png", "mask.png"):
        digest.update((case / file).read_bytes())
    return digest.hexdigest()


def wanted(cases, method, recipe, fresh):
    def kept(case):
        record = case / f"{method}.json"
        return record.exists() and (case / f"{method}.png").exists() and \
            json.loads(record.read_text())["key"] == key(case, recipe)
    return [case for case in cases if fresh or not kept(case)]


def record(case, method, recipe, figures):
    (case / f"{method}.json").write_text(json.dumps({**figures, "key": key(case, recipe)}))


def matchpatch(cases, fresh):
    """G'MIC's inpaint_matchpatch with its defaults: a whole process for each picture. Rounded before saving: it computes in
    float and saving cuts 17.9999 to 17, which would put a level of error on every pixel."""
    def command(case):
        return ["gmic", "-v", "0", f"{case}/hole.png", f"{case}/mask.png", "+inpaint_matchpatch[0]", "[1]", "-round[-1]",
                "-o[-1]", f"{case}/matchpatch.png"]
    recipe = " ".join(command("CASE"))
    for case in wanted(cases, "matchpatch", recipe, fresh):
        other = OtherWork()
        figures = measured(command(case))
        figures["other"] = other.percent(figures["cpu"])
        record(case, "matchpatch", recipe, figures)
        print(f"matchpatch {case.name}: {figures['wall']:.1f} s", flush=True)


# Takes the place of the plug-in's executable: starts it and notes what it used.
METER = """#!/usr/bin/python3
import json, os, sys, time
start = time.monotonic()
child = os.fork()
if child == 0:
    os.execv({engine!r}, [{engine!r}] + sys.argv[1:])
_, status, usage = os.wait4(child, 0)
if "-run" in sys.argv:
    with open({log!r}, "a") as log:
        print(json.dumps({{"wall": time.monotonic() - start, "cpu": usage.ru_utime + usage.ru_stime,
                           "peak_mib": usage.ru_maxrss / 1024}}), file=log)
sys.exit(os.waitstatus_to_exitcode(status) & 127)
"""


def resynthesizer(cases, fresh):
    """Resynthesizer's engine as heal-selection calls it, all cases in one GIMP; only the engine's process is measured."""
    batch = (here / "fill_resynthesizer.py").read_text()
    cases = wanted(cases, "resynthesizer", batch, fresh)
    if not cases:
        return
    stock = Path(subprocess.check_output(["sh", "-c", "ls -d /usr/lib/*/gimp/3.0/plug-ins"], text=True).strip())
    profile = cases[0].parent / "gimp-profile"
    log = profile / "engine.log"
    plug_ins = profile / "bench-plug-ins"
    (plug_ins / "resynthesizer").mkdir(parents=True, exist_ok=True)
    meter = plug_ins / "resynthesizer/resynthesizer"
    meter.write_text(METER.format(engine=str(stock / "resynthesizer/resynthesizer"), log=str(log)))
    meter.chmod(0o755)
    for name in ("python-eval", "file-png"):
        link = plug_ins / name
        if not link.is_symlink():
            link.symlink_to(stock / name)
    (profile / "gimprc").write_text(f'(config-version "3.2.0")\n(check-updates no)\n(plug-in-path "{plug_ins}")\n')
    log.unlink(missing_ok=True)

    environment = {**os.environ, "GIMP3_DIRECTORY": str(profile), "HOME": str(profile),
                   "CASES": "\n".join(map(str, cases))}
    other = OtherWork()
    gimp = measured(["gimp-console-3", "-n", "-i", "-d", "-f", "--quit", "--batch-interpreter", "python-fu-eval",
                     "-b", batch], environment)
    lines = log.read_text().splitlines() if log.exists() else []
    if len(lines) != len(cases):
        raise RuntimeError(f"Resynthesizer answered {len(lines)} of {len(cases)} cases; is gimp-plugin-registry there?")
    for case, line in zip(cases, lines):
        record(case, "resynthesizer", batch, {**json.loads(line), "other": other.percent(gimp["cpu"])})
    print(f"resynthesizer: {len(cases)} cases in {gimp['wall']:.0f} s", flush=True)


def main():
    cases = sorted(path.parent for path in Path(sys.argv[1]).glob("*/hole.png"))
    fresh = "--fresh" in sys.argv
    resynthesizer(cases, fresh)
    matchpatch(cases, fresh)


main()
