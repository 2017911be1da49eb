"""Figures of a network of sfumato-upscale on the held-out photographs, beside Pillow's bicubic and Lanczos.

    python evaluate_upscaler.py PHOTOGRAPHS WEIGHTS.safetensors [--pictures FOLDER]

A held-out photograph is shrunk to half (Lanczos) and then by the network's scale (bicubic, 8 bits); each way to
enlarge that again is compared with the half-size photograph: PSNR over RGB of 8 bits, SSIM over luma (Gaussian
window, sigma 1.5, 11 pixels). Also prints the largest error on flat colours.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.nn import functional

import pictures
import upscaler

Filter = Image.Resampling


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("photographs", type=Path)
    parser.add_argument("weights", type=Path)
    parser.add_argument("--pictures", type=Path, help="folder for PNGs: Lanczos, ours and the original side by side")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    net = upscaler.read(options.weights)
    rows = []
    print("| photograph | bicubic | Lanczos | ours | gain over Lanczos |\n| --- | --- | --- | --- | --- |")
    for path in pictures.held_out(options.photographs):
        large = half_size(path, net.scale)
        small = shrunk(large, net.scale)
        results = [enlarged(small, net.scale, Filter.BICUBIC), enlarged(small, net.scale, Filter.LANCZOS), run(net, small)]
        figures = [(psnr(result, large), ssim(result, large)) for result in results]
        rows.append(figures)
        print_row(path.stem, figures)
        if options.pictures:
            save_strip(options.pictures, f"{path.stem}-x{net.scale}.png", results[1:] + [large])
    print_row("mean", np.mean(rows, axis=0))
    print(f"\nlargest error on flat colours: {flat_error(net) * 255:.2f} of 255")


def print_row(name, figures):
    cells = [f"{decibel:.2f} dB, {similarity:.4f}" for decibel, similarity in figures]
    print(f"| {name} | {' | '.join(cells)} | {figures[2][0] - figures[1][0]:+.2f} dB |", flush=True)


def half_size(path, scale):
    image = Image.open(path).convert("RGB")
    wide, high = image.width // 2 // scale * scale, image.height // 2 // scale * scale
    return np.asarray(image.resize((wide, high), Filter.LANCZOS))


def crops(paths, scale, side):
    """(small, large) of the middle of each photograph."""
    pairs = []
    for path in paths:
        large = half_size(path, scale)
        y, x = (large.shape[0] - side) // 2, (large.shape[1] - side) // 2
        large = large[y : y + side, x : x + side]
        pairs.append((shrunk(large, scale), large))
    return pairs


def shrunk(large, scale):
    image = Image.fromarray(large)
    return np.asarray(image.resize((image.width // scale, image.height // scale), Filter.BICUBIC))


def enlarged(small, scale, chosen):
    image = Image.fromarray(small)
    return np.asarray(image.resize((image.width * scale, image.height * scale), chosen))


@torch.no_grad()
def run(net, small):
    """uint8 [h, w, 3] -> uint8 [h*scale, w*scale, 3]"""
    image = torch.tensor(small).permute(2, 0, 1)[None].float() / 255
    output = net(image.contiguous(memory_format=torch.channels_last))
    return (output[0].clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()


def mean_psnr(net, pairs):
    return float(np.mean([psnr(run(net, small), large) for small, large in pairs]))


def psnr(a, b):
    return 10 * np.log10(255**2 / np.mean((a.astype(np.float64) - b) ** 2))


def ssim(a, b):
    a, b = (torch.tensor(x @ np.array([0.299, 0.587, 0.114]))[None, None] for x in (a, b))
    window = torch.exp(-((torch.arange(11, dtype=a.dtype) - 5) ** 2) / (2 * 1.5**2))
    window = window / window.sum()

    def blur(x):
        return functional.conv2d(functional.conv2d(x, window.view(1, 1, 1, 11)), window.view(1, 1, 11, 1))

    mean_a, mean_b = blur(a), blur(b)
    var_a, var_b, both = blur(a * a) - mean_a**2, blur(b * b) - mean_b**2, blur(a * b) - mean_a * mean_b
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    return float(((2 * mean_a * mean_b + c1) * (2 * both + c2) / ((mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2))).mean())


@torch.no_grad()
def flat_error(net):
    """Largest difference, away from the border, between a flat colour and the net's picture of it."""
    levels = (0, 0.1, 0.25, 0.5, 0.75, 0.9, 1)
    flats = torch.tensor([(r, g, b) for r in levels for g in levels for b in levels])
    reach = len(net.body) // 2 + 1
    small = flats[:, :, None, None].expand(-1, -1, 2 * reach + 1, 2 * reach + 1)
    inside = slice(reach * net.scale, (reach + 1) * net.scale)
    return float((net(small)[:, :, inside, inside] - flats[:, :, None, None]).abs().max())


def save_strip(folder, name, images):
    folder.mkdir(parents=True, exist_ok=True)
    y, x = images[0].shape[0] // 2 - 180, images[0].shape[1] // 2 - 200
    Image.fromarray(np.concatenate([image[y : y + 360, x : x + 400] for image in images], 1)).save(folder / name)


if __name__ == "__main__":
    main()
