"""Writes a few valid inputs for the fuzzers into a folder each in DIR, so that a short run gets past the front door."""
import json, pathlib, struct, sys, zlib

request = {"sfumato": 1, "operation": "inpaint", "method": "patchmatch", "seed": 42, "context": "automatic", "source": "layer",
           "area": {"x": 0, "y": 0, "width": 2, "height": 1}}


def frame(head, floats=()):
    text = json.dumps(head).encode()
    return b"SFUM" + struct.pack("<IIIQ", 1, len(text), 0, 4 * len(floats)) + text + struct.pack(f"<{len(floats)}f", *floats)


def blobs(a, b):
    return [{"name": a, "shape": [1, 2, 4]}, {"name": b, "shape": [1, 2]}]


def png(*chunks):
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in ((b"IHDR", bytes(13)), *chunks, (b"IEND", b"")))


prompt = "a ((cat:1.3), [sitting]) BREAK \\(don't\\) 16:9 <|endoftext|>, é 桜, (" + "word, " * 90 + ":1.2)"
floats = [0.5] * 8 + [0, 1]
seeds = {
    "png_text": [png(chunk) for chunk in (
        (b"tEXt", b"Comment\0{}"), (b"zTXt", b"Comment\0\0" + zlib.compress(b"{}")), (b"iTXt", b"Comment\0\0\0en\0\0{}"),
        (b"iTXt", b"Comment\0\1\0\0\0" + zlib.compress(b"{}")))],
    "prompt": [bytes([vocabulary]) + prompt.encode() for vocabulary in (0, 1, 255)],
    "request": [json.dumps(request).encode(), b'{"sfumato": 1}'],
    "protocol": [bytes([piece]) + stream for piece in (0, 6, 255) for stream in (
        frame({"type": "hello", "version": "0.1.0", "build": "x"}),
        frame({"type": "run", "request": request, "blobs": blobs("picture", "selection")}, floats),
        frame({"type": "result", "x": 0, "y": 0, "seconds": 1.5, "blobs": blobs("filled", "composite")}, floats) + frame({"type": "bye"}),
    )],
}
for name, inputs in seeds.items():
    folder = pathlib.Path(sys.argv[1]) / name
    folder.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(inputs):
        (folder / f"seed-{number}").write_bytes(data)
