"""What a training has come to: sheets to look at, figures."""

import random

import captions
import dataset
import networks
import sample
import torch


def known_prompts(table, count=64, seed=5):
    """Prompts of labels that at least four sets draw, half of them with a style."""
    sets = {}
    for entry in table:
        if entry["group"] in dataset.CORE_GROUPS and not entry["held_out"] and len(entry["label"].split()) <= 2:
            sets.setdefault(entry["label"], set()).add(entry["set"])
    labels = sorted(label for label, found in sets.items() if len(found) >= 4) or sorted(sets)
    random.Random(seed).shuffle(labels)
    styles = ["", ", 3d icon", ", flat icon", ", emoji"]
    return [label + styles[i % 4] for i, label in enumerate(labels[:count])]


def held_out_prompts(table, count=32, seed=5):
    labels = sorted({entry["label"] for entry in table if entry["held_out"]})
    random.Random(seed).shuffle(labels)
    return labels[:count]


def pictures_of(nets, prompts, ids, tokenizer, device, seed, steps, guidance=4.0):
    rows = sample.encode(prompts, ids, tokenizer).to(device)
    return sample.sample(nets, rows, sample.noise(len(prompts), seed, device), steps, guidance)


@torch.no_grad()
def vae_psnr(vae, pictures, count=256):
    """Mean PSNR in dB over held-out pictures on white, through the latents' means; and the last 16 beside themselves."""
    index = (pictures.held_out if len(pictures.held_out) else pictures.learnt)[:count]
    figures, pairs = [], []
    for rows in index.split(64):
        originals = pictures.on_white(rows)
        decoded = vae.decode(vae.encode(originals)[0]).clamp(-1, 1)
        errors = ((decoded - originals) / 2).square().mean((1, 2, 3)).clamp(min=1e-10)
        figures.append(-10 * errors.log10())
        pairs = [picture for pair in zip(originals[:16], decoded[:16]) for picture in pair]
    return torch.cat(figures).mean().item(), torch.stack(pairs)


def nearest(made, pictures):
    """Beside each made picture the training picture (on white) that differs least; [2n, 3, 128, 128] and names."""
    small = torch.nn.functional.avg_pool2d(made, 4).flatten(1)
    best = torch.full((len(made),), float("inf"), device=made.device)
    which = torch.zeros(len(made), dtype=torch.long, device=made.device)
    for rows in pictures.learnt.split(512):
        thumbnails = torch.nn.functional.avg_pool2d(pictures.on_white(rows), 4).flatten(1)
        distance, at = torch.cdist(small, thumbnails).min(1)
        closer = distance < best
        best, which = torch.where(closer, distance, best), torch.where(closer, rows[at], which)
    names = [f"{pictures.table[i]['label']} ({pictures.table[i]['set']})" for i in which.tolist()]
    return torch.stack([picture for pair in zip(made, pictures.on_white(which)) for picture in pair]), names


def judge(nets, pictures, ids, tokenizer, out, seed, steps, everything):
    """Writes out/known.webp (64 known prompts), and when everything is wanted out/others.webp (64 composed prompts, 32
    held-out labels, 16 pictures beside their nearest training pictures, 16 held-out pictures through the VAE)."""
    device = pictures.device
    known = known_prompts(pictures.table)
    made = pictures_of(nets, known, ids, tokenizer, device, seed, steps)
    sample.sheet(made, known).save(out / "known.webp", quality=92)
    if not everything:
        return {}
    figure, pairs = vae_psnr(nets["vae"], pictures)
    unknown = held_out_prompts(pictures.table)
    others = pictures_of(nets, captions.COMPOSED + unknown, ids, tokenizer, device, seed, steps)
    beside, names = nearest(made[:16], pictures)
    names = [name for pair in zip(known[:16], names) for name in pair]
    all_names = captions.COMPOSED + unknown + names + ["held-out picture", "through the VAE"] * (len(pairs) // 2)
    sample.sheet(torch.cat([others, beside, pairs]), all_names).save(out / "others.webp", quality=92)
    sizes = {part: networks.parameters(net) for part, net in nets.items()}
    return {"vae_psnr_held_out": round(figure, 2), "parameters": sizes}
