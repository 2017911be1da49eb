"""The pictures and holes of `./run bench fill`: ten crops of 1024x768 (budgie-backgrounds, CC0) with four holes each; more
holes over skies, at the border, and over lines; and three textures of 512x512 with three holes each (textures/: pictures of
scikit-image, which took them from CC0Textures and, grass, from DeviantArt; CC0).

The tables are fixed, so that figures of different days can be compared; a change here starts a new series in LOG.md.
"""
from pathlib import Path

from PIL import Image, ImageDraw

PHOTOGRAPHS = Path("/usr/share/backgrounds/budgie")
SIZE = (1024, 768)
BLANK = (255, 0, 255)  # what stands in the hole: a colour that no photograph has, so that every leak is seen
OVERSAMPLED = 4  # holes are drawn this much larger, then thresholded: hard masks, clean outlines

# An object's outline (a figure with one arm out) in units of its height, around its centre.
FIGURE = [(-0.08, -0.50), (0.08, -0.48), (0.13, -0.36), (0.09, -0.26), (0.24, -0.18), (0.46, -0.30), (0.50, -0.22),
          (0.28, -0.02), (0.22, 0.14), (0.27, 0.48), (0.10, 0.50), (0.02, 0.22), (-0.08, 0.49), (-0.26, 0.47),
          (-0.20, 0.10), (-0.27, -0.14), (-0.10, -0.26), (-0.14, -0.38)]

# photograph: left edge of the crop, then round (x, y, radius), scratch (points), object (x, y, height), border (x, y, w, h)
CASES = {
    "blue-periwinkle": (64, (700, 300, 60), [(60, 120), (260, 260), (480, 380), (700, 330), (900, 180)],
                        (350, 480, 190), (-20, 300, 160, 150)),
    "canyon-wren": (260, (450, 440, 60), [(100, 250), (350, 330), (600, 420), (880, 600)],
                    (700, 600, 190), (300, 660, 220, 130)),
    "extreme-desert-hike": (60, (680, 520, 60), [(80, 700), (300, 560), (520, 420), (800, 300)],
                            (780, 620, 190), (-20, 380, 170, 150)),
    "lake-sherburne": (200, (250, 330, 55), [(60, 230), (300, 420), (560, 380), (900, 560)],
                       (640, 440, 190), (880, 520, 170, 150)),
    "oakland-zoo-otters": (180, (700, 470, 55), [(120, 200), (350, 330), (600, 420), (880, 560)],
                           (250, 600, 180), (700, 660, 220, 130)),
    "ocean-waves": (300, (400, 420, 60), [(80, 180), (350, 260), (600, 470), (900, 640)],
                    (780, 620, 200), (-20, 260, 160, 160)),
    "perched-osprey": (260, (480, 160, 60), [(120, 240), (330, 560), (620, 530), (950, 430)],
                       (800, 470, 190), (-20, 500, 160, 170)),
    "roman-colosseum": (40, (640, 300, 50), [(120, 120), (380, 240), (600, 520), (860, 660)],
                        (300, 600, 180), (430, -20, 220, 130)),
    "tea-gardens": (64, (330, 330, 55), [(60, 300), (320, 240), (640, 420), (940, 560)],
                    (560, 600, 190), (-20, 560, 170, 150)),
    "abstract-spiral": (320, (640, 180, 55), [(80, 80), (340, 250), (600, 360), (940, 520)],
                        (330, 520, 180), (500, -20, 200, 130)),
}
KINDS = ("round", "scratch", "object", "border")

# kind: (photograph, left edge of the crop, outline, shape)
MORE = {
    "sky": [("beacon-street-sunset", 0, "border", (300, -20, 240, 160)), ("extreme-desert-hike", 60, "border", (420, -20, 240, 170)),
            ("canyon-wren", 260, "border", (600, -20, 220, 160)), ("tea-gardens", 64, "border", (560, -20, 240, 150)),
            ("roman-colosseum", 340, "border", (880, 200, 170, 200))],
    "lines": [("high-trestle-trail", 64, "round", (300, 455, 50)), ("high-trestle-trail", 64, "round", (688, 137, 45)),
              ("waves-midnight", 170, "round", (500, 400, 60)), ("lake-sherburne", 200, "round", (512, 578, 55)),
              ("beacon-street-sunset", 200, "round", (333, 520, 45))],
}
TEXTURES = ("brick", "gravel", "grass")
TEXTURE_HOLES = [("round", (260, 255, 68)), ("object", (250, 250, 220)), ("border", (380, 180, 160, 150))]
STATISTICAL = ("gravel", "grass")  # no measure pixel by pixel fits these: something flat and grey would do well
ALL_KINDS = (*KINDS, *MORE, *TEXTURES)


def photograph(name, left):
    picture = Image.open(PHOTOGRAPHS / f"{name}.jpg").convert("RGB")
    picture = picture.resize((round(picture.width * SIZE[1] / picture.height), SIZE[1]), Image.LANCZOS)
    return picture.crop((left, 0, left + SIZE[0], SIZE[1]))


def hole(outline, shape, size=SIZE):
    """An 8-bit mask, 255 inside the hole."""
    s = OVERSAMPLED
    mask = Image.new("L", (size[0] * s, size[1] * s))
    draw = ImageDraw.Draw(mask)
    if outline == "round":
        x, y, r = shape
        draw.ellipse([(x - r) * s, (y - r) * s, (x + r) * s, (y + r) * s], fill=255)
    elif outline == "scratch":
        draw.line([(x * s, y * s) for x, y in shape], fill=255, width=5 * s, joint="curve")
    elif outline == "object":
        x, y, height = shape
        draw.polygon([((x + u * height) * s, (y + v * height) * s) for u, v in FIGURE], fill=255)
    else:
        x, y, w, h = shape
        draw.rounded_rectangle([x * s, y * s, (x + w) * s, (y + h) * s], 30 * s, fill=255)
    return mask.resize(size, Image.BOX).point(lambda v: 255 if v >= 128 else 0)


def pictures_and_holes():
    """(name, original, mask) of every case, in the table's order."""
    for name, (left, *shapes) in CASES.items():
        for kind, shape in zip(KINDS, shapes):
            yield f"{name}-{kind}", photograph(name, left), hole(kind, shape)
    for kind, cases in MORE.items():
        for i, (name, left, outline, shape) in enumerate(cases):
            yield f"{name}-{i}-{kind}", photograph(name, left), hole(outline, shape)
    for kind in TEXTURES:
        for outline, shape in TEXTURE_HOLES:
            texture = Image.open(Path(__file__).parent / "textures" / f"{kind}.jpg").convert("RGB")
            yield f"{outline}-{kind}", texture, hole(outline, shape, texture.size)


def write_cases(folder):
    """Writes original.png, hole.png (blanked) and mask.png for every case into folder/<picture>-<kind>/; returns the folders
    in the table's order. Files that are there already and equal are left alone."""
    folders = []
    for name, original, mask in pictures_and_holes():
        case = Path(folder) / name
        case.mkdir(parents=True, exist_ok=True)
        blanked = original.copy()
        blanked.paste(BLANK, mask=mask)
        for file, picture in (("original.png", original), ("mask.png", mask), ("hole.png", blanked)):
            write_if_changed(case / file, picture)
        folders.append(case)
    return folders


def write_if_changed(path, picture):
    if path.exists():
        with Image.open(path) as before:
            if before.mode == picture.mode and before.tobytes() == picture.tobytes():
                return
    picture.save(path)
