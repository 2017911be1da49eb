"""How well what a model made is fitted into a picture: what `sfumato inpaint --model` does after its networks, beside how
two other programs composite.

  python3 seam.py FIT_FILES FOLDER    FIT_FILES: the program of seam/fit_files.cpp; prints the table, and writes all pictures
                                      and sheet-<error>.png into FOLDER

No network runs: what "was made" is the photograph itself with a known error, so that the original is the right result
everywhere. The settings of the others are written after what their sources say, and only the compositing is theirs:
  paste         A1111: a Gaussian blur (sigma 4) of the selection blends, colours stay as they were made
  mean-match    Krita AI Diffusion: the selection grown by 4 px and our edge, its far rim blurred; mean and deviation in Lab
                matched over the crop, with the selection's pixels as zeros
"""
import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image

import fill_metrics as metrics
from fill_cases import CASES, hole, photograph

SIDE = 512
METHODS = {"sfumato": "sfumato", "paste": "paste with a blurred mask", "mean_match": "grown mask, mean and deviation"}


# ---- Colours

def linear(rgb):
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def lab(picture):
    """CIE L*a*b* (D65) of sRGB in 8-bit levels."""
    to_xyz = np.array([[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]])
    xyz = linear(picture / 255) @ to_xyz.T / np.array([0.95047, 1, 1.08883])
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.stack([116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], axis=-1)


def from_lab(values):
    f = (values[..., 0] + 16) / 116
    f = np.stack([f + values[..., 1] / 500, f, f - values[..., 2] / 200], axis=-1)
    xyz = np.where(f > 6 / 29, f**3, 3 * (6 / 29) ** 2 * (f - 4 / 29)) * np.array([0.95047, 1, 1.08883])
    to_rgb = np.array([[3.2404542, -1.5371385, -0.4985314], [-0.9692660, 1.8760108, 0.0415560], [0.0556434, -0.2040259, 1.0572252]])
    rgb = np.clip(xyz @ to_rgb.T, 0, 1)
    return 255 * np.where(rgb <= 0.0031308, 12.92 * rgb, 1.055 * rgb ** (1 / 2.4) - 0.055)


def delta_e(a, b):
    """CIEDE2000 of each pixel (Sharma, Wu, Dalal 2005)."""
    (l1, a1, b1), (l2, a2, b2) = (np.moveaxis(lab(p), -1, 0) for p in (a, b))
    mean_c7 = ((np.hypot(a1, b1) + np.hypot(a2, b2)) / 2) ** 7
    g = 1.5 - 0.5 * np.sqrt(mean_c7 / (mean_c7 + 25.0**7))
    c1, c2 = np.hypot(g * a1, b1), np.hypot(g * a2, b2)
    h1, h2 = (np.degrees(np.arctan2(b, g * a)) % 360 for a, b in ((a1, b1), (a2, b2)))
    turn = np.where(c1 * c2 == 0, 0, (h2 - h1 + 180) % 360 - 180)
    hue = np.radians(np.where(c1 * c2 == 0, h1 + h2, (h1 + turn / 2) % 360))
    t = (1 - 0.17 * np.cos(hue - np.radians(30)) + 0.24 * np.cos(2 * hue) + 0.32 * np.cos(3 * hue + np.radians(6))
         - 0.20 * np.cos(4 * hue - np.radians(63)))
    light, chroma = (l1 + l2) / 2, (c1 + c2) / 2
    s_l = 1 + 0.015 * (light - 50) ** 2 / np.sqrt(20 + (light - 50) ** 2)
    s_c, s_h = 1 + 0.045 * chroma, 1 + 0.015 * chroma * t
    rotation = -2 * np.sqrt(chroma**7 / (chroma**7 + 25.0**7)) * np.sin(
        np.radians(60 * np.exp(-(((np.degrees(hue) - 275) / 25) ** 2))))
    d_l, d_c, d_h = (l2 - l1) / s_l, (c2 - c1) / s_c, 2 * np.sqrt(c1 * c2) * np.sin(np.radians(turn) / 2) / s_h
    return np.sqrt(np.maximum(d_l**2 + d_c**2 + d_h**2 + rotation * d_c * d_h, 0))


# ---- What was made

def blurred(values, sigma):
    """A Gaussian, edges repeated; [h, w] or [h, w, channels]."""
    if values.ndim == 3:
        return np.stack([blurred(values[..., c], sigma) for c in range(values.shape[2])], axis=-1)
    return metrics.blur(values, sigma, reach=max(1, int(np.ceil(3 * sigma))))


def ramp(picture):
    down, across = np.mgrid[: picture.shape[0], : picture.shape[1]] / SIDE - 0.5
    return picture + 24 * (down + across)[..., None]


ERRORS = {
    "none": lambda p: p,
    "offset": lambda p: p + np.array([10.0, 3, -5]),
    "gain": lambda p: 127.5 + 0.9 * (p - 127.5),
    "ramp": ramp,
    "soft": lambda p: blurred(p, 1.2),
    "shifted": lambda p: np.roll(p, 3, axis=1),
}


# ---- How others composite

def paste(given, made, selection):
    weight = blurred(selection.astype(float), 4)[..., None]
    return given + weight * (made - given)


def mean_match(given, made, selection):
    box = np.argwhere(selection)
    edge = int(max(0.1 * np.hypot(*(box.max(axis=0) - box.min(axis=0) + 1)), 32))
    known = ~selection[..., None]
    target, found = lab(given) * known, lab(made) * known
    own = lab(made)
    matched = np.empty_like(own)
    for c in range(3):
        scale = target[..., c].std() / max(found[..., c].std(), 1e-6)
        matched[..., c] = (own[..., c] - found[..., c].mean()) * scale + target[..., c].mean()
    seen = metrics.box(selection.astype(float), 4 + edge - edge // 4) > 1e-9
    weight = blurred(seen.astype(float), edge / 8)[..., None]
    weight = np.where(selection[..., None], 1, weight)
    return given + weight * (from_lab(matched) - given)


# ---- The measures

def grain(picture, where):
    y = metrics.luma(picture)
    return float((y - blurred(y, 1.0))[where].std())


def judge(result, original, selection):
    near, far = (metrics.box(selection.astype(float), radius) > 1e-9 for radius in (48, 72))
    inner = metrics.box((~selection).astype(float), 12) < 1e-9
    seam = near & ~inner
    error = delta_e(result, original)
    steps = [np.abs(np.gradient(metrics.luma(result), axis=a) - np.gradient(metrics.luma(original), axis=a)) for a in (0, 1)]
    return {"seam ΔE00": float(error[seam].mean()), "gradient": float(sum(s[seam].mean() for s in steps) / 2),
            "inside ΔE00": float(error[selection].mean()), "outside ΔE00": float(error[~far].mean()),
            "grain": grain(result, selection) / grain(original, selection)}


MEASURES = ("seam ΔE00", "gradient", "inside ΔE00", "outside ΔE00", "grain")


def crop_around(mask):
    rows = np.argwhere(np.asarray(mask) > 127)
    middle = (rows.min(axis=0) + rows.max(axis=0)) // 2
    top, left = np.clip(middle - SIDE // 2, 0, np.array(mask.size[::-1]) - SIDE)
    return int(left), int(top), int(left) + SIDE, int(top) + SIDE


def cases():
    for name, (left, _, _, shape, _) in CASES.items():
        mask = hole("object", shape)
        box = crop_around(mask)
        yield name, photograph(name, left).crop(box), mask.crop(box)


def save(values, path):
    Image.fromarray(np.clip(np.rint(values), 0, 255).astype(np.uint8)).save(path)


def compare(fit_files, folder):
    folder.mkdir(parents=True, exist_ok=True)
    rows, sheets = [], {}
    for name, photo, mask in cases():
        original, selection = np.asarray(photo, dtype=float), np.asarray(mask) > 127
        photo.save(folder / "given.png"), mask.save(folder / "mask.png")
        for error, of in ERRORS.items():
            save(of(original), folder / "made.png")
            made = np.asarray(Image.open(folder / "made.png"), dtype=float)
            subprocess.run([fit_files, *(str(folder / f"{f}.png") for f in ("given", "made", "mask"))]
                           + [str(folder / "sfumato.png")], check=True)
            results = {"sfumato": np.asarray(Image.open(folder / "sfumato.png").convert("RGB"), dtype=float),
                       "paste": paste(original, made, selection), "mean_match": mean_match(original, made, selection)}
            for method, result in results.items():
                result = np.clip(np.rint(result), 0, 255)
                rows.append({"error": error, "method": method, **judge(result, original, selection)})
                sheets.setdefault(error, []).append(result)
    for error, pictures in sheets.items():
        columns = len(METHODS)
        save(np.vstack([np.hstack(pictures[i:i + columns]) for i in range(0, len(pictures), columns)])[::2, ::2],
             folder / f"sheet-{error}.png")
    return rows


def table(rows):
    lines = []
    for measure in MEASURES:
        lines += [f"| {measure} | " + " | ".join(ERRORS) + " |", "|---" * (len(ERRORS) + 1) + "|"]
        for method, words in METHODS.items():
            own = {e: [r[measure] for r in rows if r["method"] == method and r["error"] == e] for e in ERRORS}
            lines.append(f"| {words} | " + " | ".join(f"{np.mean(v):.2f}" for v in own.values()) + " |")
        lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    print(table(compare(sys.argv[1], Path(sys.argv[2]))))
    print("Means over ten crops of 512x512. Seam: within 48 px outside and 12 px inside the selection's rim. Gradient: mean\n"
          "difference of luma's steps to the original's there, in 8-bit levels. Outside: beyond 72 px. Grain: deviation of what a\n"
          "blur takes away, inside, to the original's: 1 is alike.\n"
          f"Contact sheets ({', '.join(METHODS.values())}): {sys.argv[2]}/sheet-{{{','.join(ERRORS)}}}.png")
