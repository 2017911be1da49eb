"""Makes the cases of waifu2x's and Real-CUGAN's networks in tests/golden/cases: PyTorch in float32 with procedural weights.

    python procedural_cases.py OUT                 OUT/upscaler.MODEL.a.safetensors for every model in CASES
    python procedural_cases.py --check WEIGHTS     the networks here beside published files run layer by layer

The networks are written here from what their files say of them: which layers there are, and what lies where. --check
puts the numbers of published ncnn files (upscale_reference.py says which) into them and compares with ncnn_graph.py,
which follows the file's own graph; float32 gives them the same picture but for its rounding.
"""

import sys
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional

import ncnn_graph

LEAKY = 0.1


class Upconv7(nn.Module):
    def __init__(self):
        super().__init__()
        layers, channels = [], 3
        for features in (16, 32, 64, 128, 128, 256):
            layers += [nn.Conv2d(channels, features, 3), nn.LeakyReLU(LEAKY)]
            channels = features
        self.net = nn.Sequential(*layers, nn.ConvTranspose2d(channels, 3, 4, stride=2, padding=3))

    def forward(self, image):
        return self.net(image)


class Excitation(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels // 8, 1)
        self.conv2 = nn.Conv2d(channels // 8, channels, 1)

    def forward(self, x):
        return x * torch.sigmoid(self.conv2(functional.relu(self.conv1(x.mean((2, 3), keepdim=True)))))


class Double(nn.Module):
    """Two convolutions, and the excitation of their result."""

    def __init__(self, inputs, middle, outputs, excited=True):
        super().__init__()
        leaky = nn.LeakyReLU(LEAKY)
        self.conv = nn.Sequential(nn.Conv2d(inputs, middle, 3), leaky, nn.Conv2d(middle, outputs, 3), leaky)
        self.seblock = Excitation(outputs) if excited else nn.Identity()

    def forward(self, x):
        return self.seblock(self.conv(x))


def leaky(x):
    return functional.leaky_relu(x, LEAKY)


def inner(x, rim):
    return x[:, :, rim:-rim, rim:-rim]


class FirstNet(nn.Module):
    """One level deep; its last layer enlarges by `scale`."""

    def __init__(self, outputs, scale):
        super().__init__()
        self.conv1 = Double(3, 32, 64, excited=False)
        self.conv1_down = nn.Conv2d(64, 64, 2, stride=2)
        self.conv2 = Double(64, 128, 64)
        self.conv2_up = nn.ConvTranspose2d(64, 64, 2, stride=2)
        self.conv3 = nn.Conv2d(64, 64, 3)
        self.conv_bottom = {
            1: lambda: nn.Conv2d(64, outputs, 3),
            2: lambda: nn.ConvTranspose2d(64, outputs, 4, stride=2, padding=3),
            3: lambda: nn.ConvTranspose2d(64, outputs, 5, stride=3, padding=2),
        }[scale]()

    def forward(self, x):
        fine = self.conv1(x)
        coarse = self.conv2(leaky(self.conv1_down(fine)))
        return self.conv_bottom(leaky(self.conv3(inner(fine, 4) + leaky(self.conv2_up(coarse)))))


class SecondNet(nn.Module):
    """Two levels deep."""

    def __init__(self, channels):
        super().__init__()
        self.conv1 = Double(channels, 32, 64, excited=False)
        self.conv1_down = nn.Conv2d(64, 64, 2, stride=2)
        self.conv2 = Double(64, 64, 128)
        self.conv2_down = nn.Conv2d(128, 128, 2, stride=2)
        self.conv3 = Double(128, 256, 128)
        self.conv3_up = nn.ConvTranspose2d(128, 128, 2, stride=2)
        self.conv4 = Double(128, 64, 64)
        self.conv4_up = nn.ConvTranspose2d(64, 64, 2, stride=2)
        self.conv5 = nn.Conv2d(64, 64, 3)
        self.conv_bottom = nn.Conv2d(64, channels, 3)

    def forward(self, x):
        fine = self.conv1(x)
        middle = self.conv2(leaky(self.conv1_down(fine)))
        coarse = self.conv3(leaky(self.conv2_down(middle)))
        middle = self.conv4(inner(middle, 4) + leaky(self.conv3_up(coarse)))
        return self.conv_bottom(leaky(self.conv5(inner(fine, 16) + leaky(self.conv4_up(middle)))))


class CUnet(nn.Module):
    """CUnet x1 and x2, Real-CUGAN x2 and x3; with `shuffled` Real-CUGAN x4."""

    def __init__(self, scale, shuffled=False):
        super().__init__()
        channels = 64 if shuffled else 3
        self.unet1 = FirstNet(channels, scale)
        self.unet2 = SecondNet(channels)
        if shuffled:
            self.conv_final = nn.Conv2d(64, 12, 3)

    def forward(self, image):
        made = self.unet1(image)
        made = inner(made, 20) + self.unet2(made)
        if not hasattr(self, "conv_final"):
            return made
        change = functional.pixel_shuffle(inner(self.conv_final(made), 1), 2)
        return change + inner(functional.interpolate(image, scale_factor=4, mode="nearest"), 4 * 19)


# With procedural weights each layer halves what varies, and biases are all that is left of a deep one: so the picture
# goes from -RANGE to RANGE, and cases have the second net's parts, of which the result shows little. That net is the same
# in all, so that large taps are in the two smallest.
RANGE = 64
PARTS = ("unet2.conv3", "unet2.conv4", "unet2")
# MODEL -> the network; the case's width and height, margins included, which suit the strides and differ; its taps.
CASES = {
    "upconv7": (Upconv7, (36, 30), ()),
    "cunet-x1": (lambda: CUnet(1), (64, 60), PARTS),
    "cunet-x2": (lambda: CUnet(2), (44, 40), PARTS),
    "cugan-x3": (lambda: CUnet(3), (40, 36), ("unet2",)),
    "cugan-x4": (lambda: CUnet(2, shuffled=True), (46, 42), ("unet2.conv3",)),
}
PUBLISHED = {  # MODEL -> an ncnn file of the same network, without its ending
    "upconv7": "waifu2x/waifu2x/models-upconv_7_anime_style_art_rgb/noise2_scale2.0x_model",
    "cunet-x1": "waifu2x/waifu2x/models-cunet/noise1_model",
    "cunet-x2": "waifu2x/waifu2x/models-cunet/noise0_scale2.0x_model",
    "cugan-x3": "waifu2x/real-cugan/models-se/up3x-denoise3x",
    "cugan-x4": "waifu2x/real-cugan/models-se/up4x-conservative",
}


def fnv1a(text):
    state = 0xCBF29CE484222325
    for byte in text.encode():
        state = (state ^ byte) * 0x100000001B3 % 2**64
    return state


def unit(name, count):
    """The numbers in -1..1 of models/library/procedural.h."""
    steps = np.arange(1, count + 1, dtype=np.uint64)
    z = np.uint64(fnv1a(name)) + steps * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ z >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ z >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    return torch.from_numpy(((z >> np.uint64(40)).astype(np.float64) * 2.0**-23 - 1).astype(np.float32))


def procedural(name, shape):
    """A tensor by its rule for convolutions and biases, in models without a seed; halves, widened again."""
    size = 0.05 if len(shape) == 1 else (3 / np.prod(shape[1:])) ** 0.5
    exact = unit(name, int(np.prod(shape))).double() * float(np.float32(size))
    return exact.float().half().float().view(shape)


def case_of(model):
    make, (wide, high), names = CASES[model]
    network = make().eval()
    network.load_state_dict({name: procedural(name, tuple(t.shape)) for name, t in network.state_dict().items()})
    taps = {}
    for name, module in network.named_modules():
        if name in names:
            module.register_forward_hook(lambda module, inputs, output, name=name: taps.update({f"tap.{name}": output}))
    image = RANGE * unit("in.image of " + model, 3 * high * wide).view(1, 3, high, wide)
    return {"in.image": image, "out.image": network(image), **taps}


def check(weights):
    for model, (make, (wide, high), _) in CASES.items():
        network, graph = make().eval(), ncnn_graph.Graph(weights / PUBLISHED[model])
        stored = iter(layer for layer in graph.layers if hasattr(layer, "weight"))
        for module in network.modules():
            if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
                layer = next(stored)
                other_way = isinstance(module, nn.ConvTranspose2d)
                module.weight.copy_((layer.weight.transpose(0, 1) if other_way else layer.weight).reshape(module.weight.shape))
                module.bias.copy_(layer.bias)
        assert next(stored, None) is None
        image = torch.rand(1, 3, high, wide)
        made, wanted = network(image)[0], graph.run(image[0])
        if model == "cugan-x4":  # the file's graph gives the change alone
            wanted = wanted + inner(functional.interpolate(image, scale_factor=4, mode="nearest"), 4 * 19)[0]
        print(f"{model}: NMSE {((made - wanted) ** 2).mean() / wanted.var():.1e}")


@torch.no_grad()
def main():
    if sys.argv[1] == "--check":
        return check(Path(sys.argv[2]))
    for model in CASES:
        tensors = {name: t.contiguous() for name, t in case_of(model).items()}
        save_file(tensors, Path(sys.argv[1]) / f"upscaler.{model}.a.safetensors", {"model": model})
        image = tensors["out.image"]
        print(f"{model}: {list(image.shape)}, {image.min():.3f} to {image.max():.3f}, deviation {image.std():.3f}")


if __name__ == "__main__":
    main()
