"""LaMa's generator in PyTorch, with procedural weights: what models/nets/lama.h must compute, and how long PyTorch takes.

    python lama_reference.py MODEL WIDTH HEIGHT OUT    a case of lama-tiny or big-lama; prints seconds, and fp16's own error
    python lama_reference.py --check CASE              the network here beside a case made with the original code

The error of fp16 is that of weights and activations stored as halves, with sums in float32 and spectra in float32: each
module's result is rounded. PyTorch has no such convolution on a processor.
"""

import sys
import time

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional

from procedural_cases import unit

# MODEL -> seed; channels behind the first convolution; blocks
MODELS = {"lama-tiny": (15, 8, 3), "big-lama": (16, 64, 18)}
HALVINGS = 3


def reflected(inputs, outputs, kernel, stride=1):
    return nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False, padding_mode="reflect")


class FourierUnit(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv_layer = nn.Conv2d(2 * channels, 2 * channels, 1, bias=False)
        self.bn = nn.BatchNorm2d(2 * channels)

    def forward(self, x):
        spectrum = torch.view_as_real(torch.fft.rfft2(x.float(), norm="ortho"))  # n, c, h, w/2 + 1, 2
        n, c, h, w, _ = spectrum.shape
        stacked = spectrum.permute(0, 1, 4, 2, 3).reshape(n, 2 * c, h, w)
        mixed = functional.relu(self.bn(self.conv_layer(stacked)))
        parts = mixed.reshape(n, c, 2, h, w).permute(0, 1, 3, 4, 2).contiguous()
        return torch.fft.irfft2(torch.view_as_complex(parts), s=x.shape[2:], norm="ortho")


class SpectralTransform(nn.Module):
    def __init__(self, channels):
        super().__init__()
        half = channels // 2
        self.conv1 = nn.Sequential(nn.Conv2d(channels, half, 1, bias=False), nn.BatchNorm2d(half), nn.ReLU())
        self.fu = FourierUnit(half)
        self.conv2 = nn.Conv2d(half, channels, 1, bias=False)

    def forward(self, x):
        y = self.conv1(x)
        return self.conv2(y + self.fu(y))


class FFC(nn.Module):
    """Local and global channels to local and global ones; what has no channels is not there."""

    def __init__(self, local, into_local, into_global, kernel, stride=1, from_global=0):
        super().__init__()
        self.convl2l = reflected(local, into_local, kernel, stride)
        if into_global:
            self.convl2g = reflected(local, into_global, kernel, stride)
        if from_global:
            self.convg2l = reflected(from_global, into_local, kernel)
            self.convg2g = SpectralTransform(from_global)

    def forward(self, x):
        local, far = x
        if far is not None:
            return self.convl2l(local) + self.convg2l(far), self.convl2g(local) + self.convg2g(far)
        return self.convl2l(local), self.convl2g(local) if hasattr(self, "convl2g") else None


class FFC_BN_ACT(nn.Module):
    def __init__(self, local, into_local, into_global, kernel, stride=1, from_global=0):
        super().__init__()
        self.ffc = FFC(local, into_local, into_global, kernel, stride, from_global)
        self.bn_l = nn.BatchNorm2d(into_local)
        if into_global:
            self.bn_g = nn.BatchNorm2d(into_global)

    def forward(self, x):
        local, far = self.ffc(x)
        return functional.relu(self.bn_l(local)), None if far is None else functional.relu(self.bn_g(far))


class FFCResnetBlock(nn.Module):
    def __init__(self, local, far):
        super().__init__()
        self.conv1 = FFC_BN_ACT(local, local, far, 3, from_global=far)
        self.conv2 = FFC_BN_ACT(local, local, far, 3, from_global=far)

    def forward(self, x):
        y = self.conv2(self.conv1(x))
        return x[0] + y[0], x[1] + y[1]


class Padding(nn.Module):
    def forward(self, x):
        return x  # within the convolution behind it


class Begin(nn.Module):
    def forward(self, x):
        return x, None


class Concat(nn.Module):
    def forward(self, x):
        return torch.cat(x, 1)


class Generator(nn.Module):
    def __init__(self, channels, blocks):
        super().__init__()
        layers = [Begin(), FFC_BN_ACT(4, channels, 0, 7)]
        for i in range(HALVINGS):
            inputs, outputs = channels << i, channels << i + 1
            far = 3 * outputs // 4 if i == HALVINGS - 1 else 0
            layers.append(FFC_BN_ACT(inputs, outputs - far, far, 3, stride=2))
        layers += [FFCResnetBlock(outputs - far, far) for _ in range(blocks)]
        layers.append(Concat())
        for i in range(HALVINGS):
            inputs = outputs >> i
            layers += [
                nn.ConvTranspose2d(inputs, inputs // 2, 3, stride=2, padding=1, output_padding=1),
                nn.BatchNorm2d(inputs // 2),
                nn.ReLU(),
            ]
        last = nn.Conv2d(channels, 3, 7, padding=3, padding_mode="reflect")
        self.model = nn.Sequential(*layers, Padding(), last, nn.Sigmoid())

    def forward(self, image, mask):
        return self.model(torch.cat([image * (1 - mask), mask], 1))


def procedural(name, shape, seed):
    """A tensor by its rule (models/library/procedural.h), halves, widened again."""
    name, offset = "generator." + name, 0.0
    if len(shape) == 1:
        norm = name.endswith(("weight", "running_var"))
        offset, size = (1.0, 0.1) if norm else (0.0, 0.05)
    else:
        size = (0.5 if ".conv1." in name or ".conv2." in name else 2) * (3 / np.prod(shape[1:])) ** 0.5
    exact = offset + unit(f"{seed}:{name}", int(np.prod(shape))).double() * float(np.float32(size))
    return exact.float().half().float().view(shape)


def generator_of(model):
    seed, channels, blocks = MODELS[model]
    network = Generator(channels, blocks).eval()
    state = network.state_dict()
    counters = [name for name in state if name.endswith("num_batches_tracked")]
    network.load_state_dict({**{n: procedural(n, tuple(t.shape), seed) for n, t in state.items() if n not in counters}, **{n: state[n] for n in counters}})
    return network


def nmse(made, wanted):
    return ((made - wanted) ** 2).mean() / wanted.var(unbiased=False)


def error_in_halves(network, image, mask, wanted):
    rounded = lambda module, inputs, output: output.half().float()
    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d, nn.BatchNorm2d)) and not isinstance(module, FourierUnit):
            module.register_forward_hook(rounded)
    return nmse(network(image, mask), wanted)


@torch.no_grad()
def main():
    if sys.argv[1] == "--check":
        with safe_open(sys.argv[2], "pt") as case:
            network = generator_of(case.metadata()["model"])
            image, mask, wanted = (case.get_tensor(n) for n in ("in.image", "in.mask", "out.raw"))
        print(f"NMSE {nmse(network(image, mask), wanted):.1e}")
        print(f"fp16 NMSE {error_in_halves(network, image, mask, wanted):.1e}")
        return
    model, width, height, out = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    network = generator_of(model)
    image = unit("in.image", 3 * height * width).view(1, 3, height, width) / 2 + 0.5
    mask = torch.zeros(1, 1, height, width)
    mask[:, :, height // 3 : 2 * height // 3, width // 4 : 3 * width // 4] = 1
    network(image, mask)
    start = time.perf_counter()
    raw = network(image, mask)
    print(f"{model} {width}x{height}: {time.perf_counter() - start:.2f} s, {torch.get_num_threads()} threads")
    save_file({"in.image": image, "in.mask": mask, "out.raw": raw}, out, {"kind": "lama", "model": model})
    print(f"raw {raw.min():.3f} to {raw.max():.3f}, deviation {raw.std():.3f}")
    print(f"fp16 NMSE {error_in_halves(network, image, mask, raw):.1e}")


if __name__ == "__main__":
    main()
