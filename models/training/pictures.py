"""What sfumato-upscale learns from: photographs out of a folder, a few drawn pictures, and how they are made small.

Pictures are uint8 [h, w, 3]. A photograph is shrunk before use, so that the marks of its JPEG compression vanish and
every pixel is sharp. Pairs of a small and a large patch are cut and shrunk anew each time.
"""

import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

Filter = Image.Resampling

# Photographs that no training crop may come from (all of budgie-backgrounds, CC0-1.0): the figures are theirs.
HELD_OUT = ["canyon-wren", "extreme-desert-hike", "lake-sherburne", "oakland-zoo-otters", "perched-osprey", "roman-colosseum"]

SHRINKS = (0.6, 0.45, 0.33)  # of a photograph for training
SHORTEST = 300  # side of a shrunk photograph, pixels


def photographs(folder):
    """Paths of all photographs below folder, sorted."""
    return sorted(path for path in Path(folder).rglob("*") if path.suffix in (".jpg", ".jpeg", ".png"))


def held_out(folder):
    return [path for path in photographs(folder) if path.stem in HELD_OUT]


def training_pictures(folder):
    """The photographs of folder that are not held out, each in several sizes."""
    pictures = []
    for path in photographs(folder):
        if path.stem in HELD_OUT:
            continue
        whole = Image.open(path).convert("RGB")
        for shrink in SHRINKS:
            wide, high = round(whole.width * shrink), round(whole.height * shrink)
            if min(wide, high) >= SHORTEST:
                pictures.append(np.asarray(whole.resize((wide, high), Filter.LANCZOS)))
    return pictures


def drawn_pictures(random, count=96, side=384):
    """Flat colours, gradients, text and line art: what photographs lack."""
    kinds = (draw_flat, draw_gradient, draw_text, draw_lines)
    return [kinds[i % len(kinds)](random, side) for i in range(count)]


def colour(random):
    """Any colour; black and white more often."""
    choice = random.random()
    if choice < 0.2:
        return (0, 0, 0)
    if choice < 0.4:
        return (255, 255, 255)
    return tuple(int(v) for v in random.integers(0, 256, 3))


def draw_flat(random, side):
    image = Image.new("RGB", (side, side), colour(random))
    draw = ImageDraw.Draw(image)
    for x in range(0, side, side // 4):
        for y in range(0, side, side // 4):
            draw.rectangle((x, y, x + side // 4, y + side // 4), colour(random))
    return np.asarray(image)


def draw_gradient(random, side):
    corners = np.array([[colour(random), colour(random)], [colour(random), colour(random)]], np.float32)
    along = np.linspace(0, 1, side, dtype=np.float32) ** random.uniform(0.5, 2)
    rows = corners[0][None] * (1 - along[:, None, None]) + corners[1][None] * along[:, None, None]
    image = rows[:, None, 0] * (1 - along[None, :, None]) + rows[:, None, 1] * along[None, :, None]
    return np.clip(image + random.uniform(0, 1, image.shape), 0, 255).astype(np.uint8)


def draw_text(random, side):
    image = Image.new("RGB", (2 * side, 2 * side), colour(random))
    draw = ImageDraw.Draw(image)
    y = 0
    while y < 2 * side:
        height = int(random.integers(18, 90))
        line = "".join(chr(random.integers(33, 127)) if random.random() > 0.15 else " " for _ in range(80))
        draw.text((int(random.integers(-20, 20)), y), line, colour(random), ImageFont.load_default(height))
        y += int(height * 1.3)
    return np.asarray(image.resize((side, side), Filter.LANCZOS))


def draw_lines(random, side):
    image = Image.new("RGB", (2 * side, 2 * side), colour(random))
    draw = ImageDraw.Draw(image)
    for _ in range(60):
        points = [tuple(int(v) for v in random.integers(0, 2 * side, 2)) for _ in range(3)]
        kind, width = random.integers(0, 4), int(random.integers(2, 14))
        if kind == 0:
            draw.line(points, colour(random), width, "curve")
        elif kind == 1:
            draw.polygon(points, colour(random), colour(random), width)
        else:
            (x, y), radius = points[0], int(random.integers(8, 160))
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), colour(random) if kind == 2 else None, colour(random), width)
    return np.asarray(image.resize((side, side), Filter.LANCZOS))


class Patches:
    """Random pairs of patches. photographs are chosen by their area, drawn pictures for one patch in twelve."""

    MARGIN = 4  # pixels around the small patch, so that shrinking sees beyond its edge
    FILTERS = (Filter.BICUBIC, Filter.LANCZOS, Filter.HAMMING, Filter.BOX)
    SHARES = (0.5, 0.25, 0.1, 0.15)

    def __init__(self, folder, scale, side, seed):
        """side: of the small patch"""
        self.random = np.random.default_rng(seed)
        self.scale, self.side = scale, side
        self.photographs, self.drawn = training_pictures(folder), drawn_pictures(self.random)
        areas = np.array([picture.shape[0] * picture.shape[1] for picture in self.photographs], np.float64)
        self.upto = np.cumsum(areas / areas.sum())

    def batch(self, count):
        """(small [count, side, side, 3], large [count, side*scale, side*scale, 3]), float32 in 0..1"""
        small, large = zip(*(self.pair() for _ in range(count)))
        return np.stack(small).astype(np.float32) / 255, np.stack(large).astype(np.float32) / 255

    def pair(self):
        large = self.busy_crop() if self.random.random() < 0.75 else self.crop()
        turns, mirrored = self.random.integers(0, 4), self.random.random() < 0.5
        large = np.rot90(large[:, ::-1] if mirrored else large, turns)
        small = self.shrunk(np.ascontiguousarray(large))
        inner, outer = self.MARGIN, self.MARGIN * self.scale
        return small[inner:-inner, inner:-inner], large[outer:-outer, outer:-outer]

    def crop(self):
        if self.random.random() < 1 / 12:
            picture = self.drawn[self.random.integers(len(self.drawn))]
        else:
            picture = self.photographs[min(int(np.searchsorted(self.upto, self.random.random())), len(self.photographs) - 1)]
        side = (self.side + 2 * self.MARGIN) * self.scale
        y = self.random.integers(0, picture.shape[0] - side + 1)
        x = self.random.integers(0, picture.shape[1] - side + 1)
        return picture[y : y + side, x : x + side]

    def busy_crop(self):
        """The one with more detail of two: much of a photograph is sky or out of focus."""
        return max(self.crop(), self.crop(), key=lambda crop: np.abs(np.diff(crop[::3, :, 1].astype(np.int16))).mean())

    def shrunk(self, large):
        image = Image.fromarray(large)
        chosen = self.FILTERS[self.random.choice(len(self.FILTERS), p=self.SHARES)]
        image = image.resize((large.shape[1] // self.scale, large.shape[0] // self.scale), chosen)
        choice = self.random.random()
        if choice < 0.05:
            noise = self.random.normal(0, self.random.uniform(0.5, 4), (image.height, image.width, 3))
            return np.clip(np.rint(np.asarray(image) + noise), 0, 255).astype(np.uint8)
        if choice < 0.15:
            file = io.BytesIO()
            image.save(file, "JPEG", quality=int(self.random.integers(80, 99)))
            image = Image.open(file)
        return np.asarray(image)
