"""The fill beside its peers: PSNR, SSIM, rim, texture, time and memory over the cases of fill_cases.py.

  python3 fill.py cases FOLDER      writes the cases
  python3 fill.py compare FOLDER    fills them with `sfumato` (on PATH), measures all methods' results, prints the table and
                                    writes results.json and sheet-<kind>.png into FOLDER
"""
import json
import os
import shutil
import sys
from pathlib import Path

import numpy as np
from PIL import Image

import fill_metrics as metrics
from fill_cases import ALL_KINDS, KINDS, STATISTICAL, write_cases
from measure import OtherWork, measured, quiet_now

METHODS = {"sfumato": "sfumato patchmatch", "matchpatch": "G'MIC matchpatch", "resynthesizer": "Resynthesizer"}


def fill_ours(cases):
    def command(case, output):
        return ["sfumato", "inpaint", f"{case}/hole.png", "--mask", f"{case}/mask.png", "-o", output, "--seed", "1"]
    measured(command(cases[0], f"{cases[0]}/sfumato.png"))  # the first run of a build compiles its kernels
    for case in cases:
        other = OtherWork()
        figures = measured(command(case, f"{case}/sfumato.png"))
        figures["other"] = other.percent(figures["cpu"])
        (case / "sfumato.json").write_text(json.dumps(figures))


def pixels(path):
    return np.asarray(Image.open(path).convert("RGB"), dtype=np.float64)


def judge(case, method):
    original, given, filled = (pixels(case / f"{name}.png") for name in ("original", "hole", method))
    hole = np.asarray(Image.open(case / "mask.png")) > 127
    changed, largest = metrics.changed_outside(filled, given, hole)
    return {"case": case.name, "kind": case.name.rsplit("-", 1)[1], "method": method,
            "psnr": metrics.psnr(filled, original, hole), "ssim": metrics.ssim(filled, original, hole),
            "rim": metrics.rim_jump(filled, original, hole), "changed": changed, "largest": largest,
            "texture": metrics.texture_distance(filled, original, hole),
            **json.loads((case / f"{method}.json").read_text())}


def mean(rows, what, of=lambda v: v):
    return float(np.mean([of(row[what]) for row in rows]))


def table(rows, methods):
    lines = ["| method | PSNR dB | SSIM | rim jump | pixels changed outside | wall s | CPU s | peak MiB |",
             "|---|---|---|---|---|---|---|---|"]
    for method in methods:
        own = [row for row in rows if row["method"] == method and row["kind"] in KINDS]
        outside = f"{mean(own, 'changed'):.0f} (up to {max(row['largest'] for row in own)}/255)"
        lines.append(f"| {METHODS[method]} | {mean(own, 'psnr'):.2f} | {mean(own, 'ssim'):.3f} | {mean(own, 'rim', abs):.2f} ({mean(own, 'rim'):+.2f}) "
                     f"| {outside if mean(own, 'changed') else 'none'} | {mean(own, 'wall'):.2f} | {mean(own, 'cpu'):.2f} "
                     f"| {max(row['peak_mib'] for row in own):.0f} |")
    alike = [kind for kind in ALL_KINDS if kind not in STATISTICAL]
    lines += [""] + table_by_kind(rows, methods, "PSNR dB / SSIM / rim jump", alike, lambda own:
                                  f"{mean(own, 'psnr'):.2f} / {mean(own, 'ssim'):.3f} / {mean(own, 'rim', abs):.2f}")
    lines += [""] + table_by_kind(rows, methods, "distance of gradients / of deviations", STATISTICAL, lambda own:
                                  " / ".join(f"{d:.2f}" for d in np.mean([row["texture"] for row in own], axis=0)))
    return "\n".join(lines)


def table_by_kind(rows, methods, what, kinds, cell):
    lines = [f"| {what} | " + " | ".join(kinds) + " |", "|---" * (len(kinds) + 1) + "|"]
    for method in methods:
        cells = [cell([row for row in rows if row["method"] == method and row["kind"] == kind]) for kind in kinds]
        lines.append(f"| {METHODS[method]} | " + " | ".join(cells) + " |")
    return lines


def frame(mask):
    """The square to look at: around the hole, at most 320 px (a scratch is longer), inside the picture."""
    hole = np.argwhere(np.asarray(mask) > 127)
    low, high = hole.min(axis=0), hole.max(axis=0) + 1
    side = min(int((high - low).max()) + 80, 320)
    middle = hole[np.abs(hole - (low + high) / 2).sum(axis=1).argmin()]
    top, left = np.clip(middle - side // 2, 0, np.array(mask.size[::-1]) - side)
    return int(left), int(top), int(left) + side, int(top) + side


def contact_sheet(cases, columns, path):
    """One row a case, one column a picture, cut out around the hole; 240 px a tile."""
    tile, gap = 240, 4
    sheet = Image.new("RGB", ((tile + gap) * len(columns), (tile + gap) * len(cases)), "white")
    for y, case in enumerate(cases):
        box = frame(Image.open(case / "mask.png"))
        for x, column in enumerate(columns):
            picture = Image.open(case / f"{column}.png").convert("RGB").crop(box)
            sheet.paste(picture.resize((tile, tile), Image.LANCZOS), (x * (tile + gap), y * (tile + gap)))
    sheet.save(path)


def compare(folder):
    cases = write_cases(folder)
    before = quiet_now()
    if shutil.which("sfumato"):
        fill_ours(cases)
    else:
        print("sfumato is not on PATH: the peers alone")
        for case in cases:
            (case / "sfumato.json").unlink(missing_ok=True)
    after = quiet_now()
    methods = [m for m in METHODS if all((case / f"{m}.json").exists() for case in cases)]
    rows = [judge(case, method) for case in cases for method in methods]
    (Path(folder) / "results.json").write_text(json.dumps(rows, indent=1))
    for kind in ALL_KINDS:
        contact_sheet([c for c in cases if c.name.endswith(kind)], ["original", "hole", *methods],
                      Path(folder) / f"sheet-{kind}.png")
    photographs = sum(row["kind"] in KINDS for row in rows) // len(methods)
    print(f"{len(cases)} holes, {photographs} of them in photographs of 1024x768 (the first table), {os.cpu_count()} cores; means, but "
          f"peak memory and 'up to' are maxima.\nOther CPU use: {before:.0f} % before, {after:.0f} % after; while each method ran: "
          + ", ".join(f"{METHODS[m]} {mean([r for r in rows if r['method'] == m], 'other'):.0f} %" for m in methods) + ".\n")
    print(table(rows, methods))
    print("\nRim jump: how much the mean luma step across the hole's rim differs from the original's own, in 8-bit levels\n"
          "(in brackets the mean with its sign: - softer than the original's, + harder).\n"
          "Distances: of the hole's histograms from those of a ring around it, in levels; 0 is alike (fill_metrics.py).\n"
          "wall, CPU, memory: the whole process for sfumato and G'MIC; for Resynthesizer its engine's process, without GIMP.")
    print(f"Contact sheets ({', '.join(['original', 'hole', *methods])}): {folder}/sheet-{{{','.join(ALL_KINDS)}}}.png")


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in ("cases", "compare"):
        sys.exit(__doc__)
    write_cases(sys.argv[2]) if sys.argv[1] == "cases" else compare(sys.argv[2])
