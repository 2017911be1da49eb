"""SRVGGNetCompact, the network of sfumato-upscale, and its weight files.

A chain of 3x3 convolutions with one PReLU slope per channel between them; the last convolution gives 3*scale^2
channels, a pixel shuffle spreads them, and the input enlarged by nearest neighbour is added, so that the chain
learns only the difference. Values are perceptual (gamma encoded) RGB in 0..1.
Keys: body.0.weight [features, 3, 3, 3], body.0.bias, body.1.weight [features] (slopes), body.2.weight ...
"""

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional


class Upscaler(nn.Module):
    def __init__(self, scale, features, convolutions):
        super().__init__()
        self.scale = scale
        widths = [3] + [features] * (convolutions - 1)
        layers = []
        for before, after in zip(widths, widths[1:]):
            layers += [nn.Conv2d(before, after, 3, padding=1), nn.PReLU(after)]
        layers.append(nn.Conv2d(features, 3 * scale * scale, 3, padding=1))
        self.body = nn.ModuleList(layers)
        with torch.no_grad():  # starts near the plain enlargement
            self.body[-1].weight *= 0.1
            self.body[-1].bias.zero_()

    def forward(self, image):
        """image [n, 3, h, w] -> [n, 3, h*scale, w*scale]"""
        x = image
        for layer in self.body:
            x = layer(x)
        return functional.pixel_shuffle(x, self.scale) + functional.interpolate(image, scale_factor=self.scale, mode="nearest")


def size(state):
    """(scale, features, convolutions) of a state dict."""
    convolutions = [value for value in state.values() if value.ndim == 4]
    return round((convolutions[-1].shape[0] / 3) ** 0.5), convolutions[0].shape[0], len(convolutions)


def read(path):
    with safe_open(path, "pt") as file:
        state = {key: file.get_tensor(key).float() for key in file.keys()}
    state = dict(sorted(state.items(), key=lambda item: int(item[0].split(".")[1])))
    net = Upscaler(*size(state))
    net.load_state_dict(state)
    return net.eval()


def write(path, state, metadata):
    """Writes a state dict as fp16; metadata: strings for the file's header."""
    save_file({key: value.half().contiguous() for key, value in state.items()}, path, metadata)


@torch.no_grad()
def start_from(net, other):
    """Gives net the weights of a network of the same width and no more layers: further layers begin as identities
    (slope 1), and each of the last convolution's outputs begins as that of the coarser sub-pixel around it."""
    ours, theirs = list(net.body), list(other.body)
    for layer, source in zip(ours, theirs[:-1]):
        layer.load_state_dict(source.state_dict())
    for layer in ours[len(theirs) - 1 : -1]:
        if isinstance(layer, nn.PReLU):
            layer.weight.fill_(1)
        else:
            nn.init.dirac_(layer.weight)
            layer.weight += 0.01 * torch.randn_like(layer.weight)
            layer.bias.zero_()
    finer = [
        colour * other.scale**2 + (y * other.scale // net.scale) * other.scale + x * other.scale // net.scale
        for colour in range(3)
        for y in range(net.scale)
        for x in range(net.scale)
    ]
    ours[-1].weight.copy_(theirs[-1].weight[finer])
    ours[-1].bias.copy_(theirs[-1].bias[finer])
