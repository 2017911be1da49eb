#!/usr/bin/env python3
"""smoke_test.py SFUMATO – the training of sfumato-draw still runs: three steps of tiny networks on drawings made here, stopped and
gone on with, packed, opened and drawn with.

Needs PyTorch, safetensors, gguf, Pillow, NumPy: in the Python that SFUMATO_TORCH names, else it is skipped.
"""
import io
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

SKIPPED = 77
TRAINING = Path(__file__).parents[3] / "models/training/text_to_image"
LABELS = ("ball", "box", "red apple", "green leaf", "star", "moon")
counts = {True: 0, False: 0}


def check(what, holds):
    counts[bool(holds)] += 1
    print(f"{'ok  ' if holds else 'FAIL'} {what}", flush=True)


def make_data(folder):
    """As build_pictures.py leaves it."""
    from PIL import Image, ImageDraw
    table, offset = [], 0
    with open(folder / "pictures.bin", "wb") as file:
        for i in range(24):
            image = Image.new("RGBA", (128, 128))
            shape = ImageDraw.Draw(image)
            (shape.ellipse, shape.rectangle)[i % 2]((10 + i, 20, 90 + i, 100), fill=(40 + 9 * i, 200 - 7 * i, 30 * (i % 8), 255))
            data = io.BytesIO()
            image.save(data, "WEBP", lossless=True)
            file.write(data.getvalue())
            label = LABELS[i % len(LABELS)]
            table.append({"set": f"set {i // 6}", "label": label, "tags": ["round", "toy"], "styles": ["flat icon", "flat"], "group": "objects",
                          "weight": 1.0, "held_out": label == "moon", "hue": 20 * i % 360 if i % 3 else None,
                          "offset": offset, "bytes": len(data.getvalue())})  # fmt: skip
            offset += len(data.getvalue())
    (folder / "pictures.json").write_text(json.dumps({"size": 128, "left_out": {}, "pictures": table}))


def run(*command):
    return subprocess.run([str(part) for part in command], capture_output=True, text=True)


def main():
    python = os.environ.get("SFUMATO_TORCH")
    if not python:
        print("skipped: SFUMATO_TORCH names no Python with PyTorch")
        sys.exit(SKIPPED)
    sfumato = sys.argv[1]
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        make_data(folder)
        train = (python, TRAINING / "train.py", folder, folder / "run", "--sizes", "smoke", "--steps", "3", "--minutes", "5", "--variants", "2")
        first = run(*train)
        check(f"it trains {first.stderr[-300:] if first.returncode else ''}", first.returncode == 0)
        check("it goes on", "goes on" in run(*train).stdout)
        made, packed = folder / "run/sfumato-draw.safetensors", folder / "draw.gguf"
        check("it packs", run(python, TRAINING / "pack.py", made, packed).returncode == 0)
        begun = run(python, TRAINING / "train.py", folder, folder / "run2", "--start", packed, "--steps", "1", "--minutes", "5", "--variants", "2")
        check(f"it begins with a packed model {begun.stderr[-300:] if begun.returncode else ''}", begun.returncode == 0 and "vae step" not in begun.stdout)
        for file in (made, packed):
            info = run(sfumato, "models", "info", file).stdout
            check(f"{file.suffix} is what it should be", info.startswith("sfumato-draw") and "predicts v" in info)
            picture = folder / f"{file.suffix}.png"
            drawn = run(sfumato, "txt2img", "-o", picture, "--model", file, "--prompt", "red apple", "--steps", "2", "--width", "128", "--height", "128")
            check(f"{file.suffix} draws {drawn.stderr if drawn.returncode else ''}", drawn.returncode == 0 and picture.exists())
        check("it is sampled from", run(python, TRAINING / "sample.py", packed, folder / "s.png", "red apple", "--steps", "2").returncode == 0)
        known = run(python, TRAINING / "recognise.py", "make", packed, folder, folder / "known", "--steps", "2")
        check(f"it can be judged {known.stderr[-300:]}", known.returncode == 0 and (folder / "known/choices.txt").exists())
    print(f"{counts[True]} passed, {counts[False]} failed")
    sys.exit(counts[False] > 0)


main()
