"""Makes the pictures that sfumato-draw learns from: renders drawings of pinned packages and gives them captions.

    python3 build_pictures.py PACKAGES OUT      (Debian: python3-gi-cairo gir1.2-rsvg-2.0 python3-pil python3-numpy npm)

downloads into PACKAGES what is not there yet, and writes OUT/pictures.bin (WebP pictures of 128 × 128 with alpha, one
behind the other) and OUT/pictures.json (their place, set, captions; what was left out and why). The same packages and
the same librsvg give the same files.
"""

import argparse
import io
import json
import multiprocessing
import tempfile
from collections import Counter
from pathlib import Path

import captions
import gi
import numpy
import sources

gi.require_version("Rsvg", "2.0")
import cairo  # noqa: E402
from gi.repository import GLib, Rsvg  # noqa: E402
from PIL import Image  # noqa: E402

SIZE, OVERSAMPLING = 128, 2
LEAST_COVERED = 0.02  # of the picture's area; what covers less is blank or a hair line
SAME = 4.5  # root of the mean squared difference of two 16 × 16 thumbnails, of 255, below which they are one picture

# How often a picture is drawn while training, by group: what people ask for comes first.
WEIGHTS = {"smileys": 0.8, "people": 0.35, "animals": 1.3, "food": 1.3, "travel": 1.1, "activities": 1.1, "objects": 1.0,
           "symbols": 0.3, "icons": 0.4, "clip art": 0.6}  # fmt: skip
RECOLOURED = {"animals", "food", "travel", "activities", "objects", "clip art"}  # a hue says which thing it is elsewhere


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("packages", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--processes", type=int, default=1)
    options = parser.parse_args()
    options.packages.mkdir(parents=True, exist_ok=True)
    options.out.mkdir(parents=True, exist_ok=True)
    sources.fetch(options.packages)
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        sources.unpack(options.packages, folder)
        wanted = [*emoji_and_icons(folder), *clip_art(folder)]
        with multiprocessing.Pool(options.processes) as pool:
            rendered = []
            for pair in pool.imap(finish, wanted, chunksize=32):
                rendered.append(pair)
                if len(rendered) % 1000 == 0:
                    print(f"{len(rendered)} of {len(wanted)}", flush=True)
    left_out = Counter(f"{entry['set']}: {result}" for entry, result in rendered if isinstance(result, str))
    rendered = [(entry, result) for entry, result in rendered if not isinstance(result, str)]
    kept = distinct(rendered)
    left_out["nearly the same picture twice"] = len(rendered) - len(kept)
    write(options.out, kept, left_out)
    print(f"{len(kept)} pictures: {dict(Counter(entry['set'] for entry, _ in kept))}; left out: {dict(left_out)}")


# ---- What there is


def emoji_and_icons(folder):
    emoji = captions.Emoji(sources.emojibase(folder), sources.char_tables(folder))
    for icon_set in sources.SETS:
        category = sources.categories(folder, icon_set) if icon_set.package == "icon-park" else {}
        for name, svg in sources.icons(folder, icon_set).items():
            if icon_set.kind == "emoji":
                found = emoji.find(name)
            else:
                label = captions.icon_label(name)
                usable = label and (not category or category.get(name) in captions.ICON_PARK)
                found = (label, [], "icons") if usable else None
            if found:
                label, tags, group = found
                yield entry(icon_set.package, label, tags, icon_set.styles, group, svg)


def clip_art(folder):
    root = sources.clip_art_root(folder)
    for path in sorted(root.rglob("*.svg")):
        if found := captions.clip_art(path, root):
            label, tags = found
            yield entry("openclipart", label, tags, sources.CLIP_ART_STYLES, "clip art", path.read_bytes())


def entry(name, label, tags, styles, group, svg):
    return {"set": name, "label": label, "tags": tags[:8], "styles": list(styles), "group": group,
            "weight": WEIGHTS[group], "held_out": captions.is_held_out(label), "svg": svg}  # fmt: skip


# ---- What it looks like


def finish(wanted):
    """(entry, (WebP, thumbnail)), or (entry, why it is left out)."""
    svg = wanted.pop("svg")
    try:
        image = render(svg)
    except GLib.Error as error:
        return wanted, f"librsvg: {error.message[:40]}"
    rgba = numpy.asarray(image)
    if (rgba[..., 3] > 40).mean() < LEAST_COVERED:
        return wanted, "blank"
    if wanted["group"] in RECOLOURED:
        wanted["hue"] = captions.uniform_hue(rgba)
    return wanted, (packed(image, wanted["group"]), thumbnail(image))


def render(svg):
    """The drawing fitted into a square with a small margin, straight alpha."""
    large = SIZE * OVERSAMPLING
    handle = Rsvg.Handle.new_from_data(svg)
    surface = cairo.ImageSurface(cairo.FORMAT_ARGB32, large, large)
    place, margin = Rsvg.Rectangle(), 4 * OVERSAMPLING
    place.x = place.y = margin
    place.width = place.height = large - 2 * margin
    handle.render_document(cairo.Context(surface), place)
    surface.flush()
    bgra = numpy.ndarray((large, large, 4), numpy.uint8, surface.get_data()).astype(numpy.float32)
    bgra = bgra.reshape(SIZE, OVERSAMPLING, SIZE, OVERSAMPLING, 4).mean((1, 3))  # alpha is still multiplied in
    alpha = bgra[..., 3:]
    rgb = bgra[..., 2::-1] * 255 / numpy.maximum(alpha, 1)
    return Image.fromarray(numpy.concatenate([rgb, alpha], 2).round().clip(0, 255).astype(numpy.uint8), "RGBA")


def packed(image, group):
    """The smaller of lossless and lossy WebP; lossless where it costs little more."""
    quality = 62 if group == "clip art" else 74
    lossy, exact = io.BytesIO(), io.BytesIO()
    image.save(lossy, "WEBP", quality=quality, alpha_quality=80, method=4)
    image.save(exact, "WEBP", lossless=True, quality=40, method=3)
    lossy, exact = lossy.getvalue(), exact.getvalue()
    return exact if len(exact) < 1.2 * len(lossy) else lossy


def thumbnail(image):
    white = Image.new("RGBA", image.size, "white")
    white.alpha_composite(image)
    return numpy.asarray(white.convert("RGB").resize((16, 16), Image.BOX), numpy.float32).ravel()


def distinct(rendered):
    """Of pictures that look the same only the first."""
    thumbnails = numpy.stack([result[1] for _, result in rendered])
    squares = (thumbnails**2).sum(1)
    limit = SAME**2 * thumbnails.shape[1]
    kept = numpy.zeros(len(thumbnails), bool)
    for first in range(0, len(thumbnails), 512):
        rows = slice(first, first + 512)
        before = thumbnails[: rows.stop]
        near = squares[rows, None] + squares[None, : rows.stop] - 2 * thumbnails[rows] @ before.T < limit
        for i, row in enumerate(near, first):
            kept[i] = not (row[:i] & kept[:i]).any()
    return [pair for pair, keep in zip(rendered, kept) if keep]


def write(out, kept, left_out):
    table, offset = [], 0
    with open(out / "pictures.bin", "wb") as file:
        for entry_, (data, _) in kept:
            file.write(data)
            table.append({**entry_, "offset": offset, "bytes": len(data)})
            offset += len(data)
    with open(out / "pictures.json", "w") as file:
        json.dump({"size": SIZE, "left_out": left_out, "pictures": table}, file, indent=0)


if __name__ == "__main__":
    main()
