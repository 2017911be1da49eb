"""MI-GAN in PyTorch, with procedural weights: what models/nets/migan.h must compute, and how long PyTorch takes.

    python migan_reference.py MODEL OUT       a case of migan-tiny, migan-256 or migan-512; prints seconds, and fp16's own error
    python migan_reference.py --onnx MODEL OUT    the network as torch's exporter writes it

Written down from the paper (A. Sargsyan et al., ICCV 2023) and from what the tensors of its files are called. Noise is on, as in
its files; every number, the blur's too, is procedural, so that a kernel that lies the wrong way round is seen.
"""

import sys
import time

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional

from lama_reference import nmse
from procedural_cases import unit

# MODEL -> seed; side; channels at that side; most channels
MODELS = {"migan-tiny": (17, 32, 16, 64), "migan-256": (18, 256, 128, 512), "migan-512": (19, 512, 64, 512)}


def active(x):
    return (functional.leaky_relu(x, 0.2) * 2**0.5).clamp(-256, 256)


def depthwise(channels, kernel, **options):
    return nn.Conv2d(channels, channels, kernel, groups=channels, **options)


class Halve(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.filter = depthwise(channels, 4, stride=2, padding=1, bias=False)

    def forward(self, x):
        return self.filter(x)


class Double(nn.Module):
    """A pixel, and zeros right of it and below it; blurred."""

    def __init__(self, channels):
        super().__init__()
        self.insert_zeros = nn.ConvTranspose2d(channels, channels, 2, stride=2, groups=channels, bias=False)
        self.filter = depthwise(channels, 4, bias=False)

    def forward(self, x):
        return self.filter(functional.pad(self.insert_zeros(x), (2, 1, 2, 1)))


class Separable(nn.Module):
    def __init__(self, inputs, outputs, halve=False, double=False, noise_side=0):
        super().__init__()
        self.conv1 = depthwise(inputs, 3, padding=1)
        self.conv2 = nn.Conv2d(inputs, outputs, 1, bias=False)
        self.downsample = Halve(inputs) if halve else nn.Identity()
        self.upsample = Double(outputs) if double else nn.Identity()
        self.noisy = noise_side > 0
        if self.noisy:
            self.register_buffer("noise_const", torch.zeros(noise_side, noise_side))
            self.noise_strength = nn.Parameter(torch.zeros([]))

    def forward(self, x):
        x = self.upsample(self.conv2(self.downsample(active(self.conv1(x)))))
        return active(x + self.noise_const * self.noise_strength if self.noisy else x)


class Generator(nn.Module):
    def __init__(self, side, first, most):
        super().__init__()
        self.sides = [side >> i for i in range(side.bit_length() - 2)]  # … 8, 4
        width = lambda s: min(first * side // s, most)
        self.synthesis, self.encoder = nn.Module(), nn.Module()
        for s in self.sides:
            halves, below = s > 4, width(s // 2) if s > 4 else width(s)
            down, up = nn.Module(), nn.Module()
            if s == side:
                down.fromrgb = nn.Conv2d(4, width(s), 1)
            down.conv1 = Separable(width(s), width(s))
            down.conv2 = Separable(width(s), below, halve=halves)
            up.conv1 = Separable(below, width(s), double=halves, noise_side=s if halves else 0)
            up.conv2 = Separable(width(s), width(s), noise_side=s if halves else 0)
            up.torgb = nn.Conv2d(width(s), 3, 1)
            if halves:
                up.upsample = Double(3)
            setattr(self.encoder, f"b{s}", down)
            setattr(self.synthesis, f"b{s}", up)

    def forward(self, x):
        x = active(getattr(self.encoder, f"b{self.sides[0]}").fromrgb(x))
        seen = {}
        for s in self.sides:
            block = getattr(self.encoder, f"b{s}")
            seen[s] = block.conv1(x)
            x = block.conv2(seen[s])
        picture = None
        for s in reversed(self.sides):
            block = getattr(self.synthesis, f"b{s}")
            x = block.conv2(block.conv1(x) + seen[s])
            picture = block.torgb(x) if picture is None else block.upsample(picture) + block.torgb(x)
        return picture


def procedural(name, shape, seed):
    """A tensor by its rule (models/library/procedural.h), halves, widened again."""
    if name.endswith("insert_zeros.weight"):
        return torch.tensor([1.0, 0, 0, 0]).view(1, 1, 2, 2).repeat(shape[0], 1, 1, 1)
    offset = 0.0
    if name.endswith("noise_strength"):
        offset, size = 0.5, 0.1
    elif len(shape) == 1:
        size = 0.05
    else:
        size = (3 / np.prod(shape[1:])) ** 0.5
    exact = offset + unit(f"{seed}:{name}", int(np.prod(shape))).double() * float(np.float32(size))
    return exact.float().half().float().view(shape)


def generator_of(model):
    seed, *sizes = MODELS[model]
    network = Generator(*sizes).eval()
    network.load_state_dict({n: procedural(n, tuple(t.shape), seed) for n, t in network.state_dict().items()})
    return network


def seen_by(image, mask):
    """image in 0 … 1; mask: 1 in the hole"""
    return torch.cat([0.5 - mask, (2 * image - 1) * (1 - mask)], 1)


def error_in_halves(network, seen, wanted):
    for module in network.modules():
        if isinstance(module, (nn.Conv2d, Separable)):
            module.register_forward_hook(lambda module, inputs, output: output.half().float())
    return nmse(network(seen), wanted)


@torch.no_grad()
def main():
    if sys.argv[1] == "--onnx":
        network = generator_of(sys.argv[2])
        side = network.sides[0]
        torch.onnx.export(network, torch.zeros(1, 4, side, side), sys.argv[3], input_names=["input"], output_names=["output"], opset_version=12, dynamo=False)
        return
    model, out = sys.argv[1:]
    network = generator_of(model)
    side = network.sides[0]
    image = unit("in.image", 3 * side * side).view(1, 3, side, side) / 2 + 0.5
    mask = torch.zeros(1, 1, side, side)
    mask[:, :, side // 3 : 2 * side // 3, side // 4 : 3 * side // 4] = 1
    tensors = {"in.image": image, "in.mask": mask}
    seen = seen_by(image, mask)
    network(seen)
    start = time.perf_counter()
    made = network(seen)
    print(f"{model}: {time.perf_counter() - start:.3f} s, {torch.get_num_threads()} threads")
    tensors["out.raw"] = made / 2 + 0.5
    if model == "migan-tiny":
        taps = {n: m for n, m in network.named_modules() if isinstance(m, Separable) and not (n.startswith("synthesis") and n.endswith("conv1"))}
        handles = [m.register_forward_hook(lambda module, inputs, output, name=n: tensors.update({"tap." + name: output.clone()})) for n, m in taps.items()]
        network(seen)
        for handle in handles:
            handle.remove()
    save_file(tensors, out, {"kind": "migan", "model": model})
    print(f"raw {made.min():.3f} to {made.max():.3f}, deviation {made.std():.3f}")
    print(f"fp16 NMSE {error_in_halves(network, seen, made):.1e}")


if __name__ == "__main__":
    main()
