"""Pictures from prompts, and sheets of pictures to look at.

    python sample.py MODEL.safetensors OUT.png PROMPT…      [--seed 1] [--steps 40] [--guidance 4]
"""

import argparse
from pathlib import Path

import checkpoint
import clip_tokens
import dataset
import networks
import torch
from PIL import Image, ImageDraw


@torch.no_grad()
def sample(nets, rows, noise, steps=40, guidance=4.0):
    """rows [n, 77], noise [n, 4, 16, 16] -> pictures [n, 3, 128, 128] in −1 … 1. DDIM on v, trailing timesteps."""
    device, n = noise.device, len(noise)
    empty = torch.full_like(rows, 2)
    empty[:, 0] = 1
    context = nets["text"](torch.cat([empty, rows]))
    alphas = dataset.alphas(device)
    times = (torch.arange(steps, 0, -1, device=device) * 1000 / steps).round().long() - 1
    x = noise
    for i, t in enumerate(times):
        a = alphas[t]
        before = alphas[times[i + 1]] if i + 1 < steps else torch.ones((), device=device)
        v = nets["unet"](torch.cat([x, x]), t.expand(2 * n), context)
        without, with_prompt = v.chunk(2)
        v = without + guidance * (with_prompt - without)
        clean, noise_ = a.sqrt() * x - (1 - a).sqrt() * v, (1 - a).sqrt() * x + a.sqrt() * v
        x = before.sqrt() * clean + (1 - before).sqrt() * noise_
    return nets["vae"].decode(x / networks.LATENT_SCALE).clamp(-1, 1)


def noise(count, seed, device):
    return torch.randn(count, 4, 16, 16, generator=torch.Generator().manual_seed(seed)).to(device)


def sheet(pictures, names, columns=8):
    """Pictures [n, 3, 128, 128] in −1 … 1 with their names under them, as one image."""
    side, line = pictures.shape[-1], 14
    lines = (len(pictures) + columns - 1) // columns
    image = Image.new("RGB", (columns * side, lines * (side + line)), "white")
    draw = ImageDraw.Draw(image)
    data = ((pictures.float().cpu() + 1) * 127.5).round().clamp(0, 255).byte().permute(0, 2, 3, 1).numpy()
    for i, (picture, name) in enumerate(zip(data, names)):
        place = (i % columns * side, i // columns * (side + line))
        image.paste(Image.fromarray(picture), place)
        draw.text((place[0] + 2, place[1] + side + 1), name[:24], fill="black")
    return image


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("prompts", nargs="+")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--guidance", type=float, default=4.0)
    options = parser.parse_args()
    nets, ids, _ = checkpoint.read(options.model)
    rows = encode(options.prompts, ids, clip_tokens.Tokenizer())
    start = noise(len(rows), options.seed, "cpu")
    sheet(sample(nets, rows, start, options.steps, options.guidance), options.prompts).save(options.out)


def encode(prompts, ids, tokenizer):
    """Prompts -> rows [n, 77] of the table with these ids; tokens that it lacks become row 0."""
    row_of = {token: row for row, token in enumerate(ids)}
    rows = torch.full((len(prompts), clip_tokens.LENGTH), row_of[clip_tokens.END])
    rows[:, 0] = row_of[clip_tokens.START]
    for i, prompt in enumerate(prompts):
        tokens = [row_of.get(token, 0) for token in tokenizer(prompt)][: clip_tokens.LENGTH - 2]
        rows[i, 1 : 1 + len(tokens)] = torch.tensor(tokens, dtype=torch.long)
    return rows


if __name__ == "__main__":
    main()
