"""Trains one network of sfumato-upscale on a CPU. See README.md; stopped and started again, it goes on where it was.

    python train_upscaler.py PHOTOGRAPHS RUN --scale 2 --minutes 60 [--start OTHER.safetensors]

writes RUN/state.pt (everything, to go on) and RUN/weights.safetensors (running average of the weights, fp16).
"""

import argparse
import copy
import math
import time
from pathlib import Path

import torch

import evaluate_upscaler
import pictures
import upscaler


def main():
    options = parse()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    options.run.mkdir(parents=True, exist_ok=True)
    net = upscaler.Upscaler(options.scale, options.features, options.convolutions).to(memory_format=torch.channels_last)
    if options.start:
        upscaler.start_from(net, upscaler.read(options.start))
    training = Training(net, options)
    training.load()
    patches = pictures.Patches(options.photographs, options.scale, options.patch, (options.seed, training.step))
    held_out = evaluate_upscaler.crops(pictures.held_out(options.photographs), options.scale, 192)
    print(f"{sum(value.numel() for value in net.parameters())} parameters, {len(patches.photographs)} pictures", flush=True)
    while training.progress() < 1:
        loss = training.learn(*patches.batch(options.batch))
        if training.step % 100 == 0:
            print(f"step {training.step} minute {training.seconds / 60:.1f} loss {loss:.5f}", flush=True)
        if training.step % 1000 == 0 or training.progress() >= 1:
            training.save()
            figure = evaluate_upscaler.mean_psnr(training.average, held_out)
            print(f"step {training.step}: {figure:.3f} dB on held-out crops", flush=True)


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("photographs", type=Path, help="folder of photographs, searched with its sub-folders")
    parser.add_argument("run", type=Path, help="folder for checkpoints and weights")
    parser.add_argument("--scale", type=int, default=2)
    parser.add_argument("--features", type=int, default=48)
    parser.add_argument("--convolutions", type=int, default=8)
    parser.add_argument("--start", type=Path, help="weights of a network of the same width to begin with")
    parser.add_argument("--minutes", type=float, default=60, help="training time; the learning rate falls to zero over it")
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--patch", type=int, default=48, help="side of the small patches")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--bfloat16", action="store_true", help="convolutions in bfloat16, weights in float32")
    return parser.parse_args()


class Training:
    """The network, its optimiser and the running average of its weights."""

    WARM_UP = 0.01  # share of the time
    KEEP = 0.999  # of the average, per step

    def __init__(self, net, options):
        self.net, self.options = net, options
        self.average = copy.deepcopy(net).eval()
        self.optimiser = torch.optim.Adam(net.parameters(), lr=options.rate, betas=(0.9, 0.99))
        self.step, self.seconds = 0, 0.0

    def progress(self):
        return self.seconds / (60 * self.options.minutes)

    def learn(self, small, large):
        """One step of Adam on the mean absolute difference; returns it."""
        began = time.monotonic()
        for group in self.optimiser.param_groups:
            group["lr"] = self.rate()
        small, large = (torch.from_numpy(value).permute(0, 3, 1, 2) for value in (small, large))
        with torch.autocast("cpu", torch.bfloat16, enabled=self.options.bfloat16):
            output = self.net(small)
        loss = (output.float() - large).abs().mean()
        self.optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 0.5)
        self.optimiser.step()
        self.step += 1
        keep = min(self.KEEP, 1 - 1 / (1 + self.step))
        with torch.no_grad():
            for ours, theirs in zip(self.average.parameters(), self.net.parameters()):
                ours.lerp_(theirs, 1 - keep)
        self.seconds += time.monotonic() - began
        return loss.item()

    def rate(self):
        """A short warm-up, then half a cosine down to zero."""
        progress = self.progress()
        return self.options.rate * min(1, (progress + 1e-4) / self.WARM_UP) * 0.5 * (1 + math.cos(math.pi * min(1, progress)))

    def save(self):
        state = {name: getattr(self, name).state_dict() for name in ("net", "average", "optimiser")}
        torch.save(state | {"step": self.step, "seconds": self.seconds}, self.options.run / "new.pt")
        (self.options.run / "new.pt").replace(self.options.run / "state.pt")
        scale = self.options.scale
        metadata = {
            "name": f"sfumato-upscale-x{scale}",
            "license": "GPL-3.0-or-later",
            "scale": str(scale),
            "architecture": "SRVGGNetCompact",
            "input": "perceptual RGB, 0 to 1",
            "training": f"{self.step} steps of {self.options.batch} patches of {self.options.patch} pixels, L1; see sfumato-upscale.md",
        }
        upscaler.write(self.options.run / "weights.safetensors", self.average.state_dict(), metadata)

    def load(self):
        path = self.options.run / "state.pt"
        if not path.exists():
            return
        state = torch.load(path)
        for name in ("net", "average", "optimiser"):
            getattr(self, name).load_state_dict(state[name])
        self.step, self.seconds = state["step"], state["seconds"]


if __name__ == "__main__":
    main()
