"""Runs an ncnn network (.param and .bin) with PyTorch in float32, layer by layer as the file says.

Knows the layers that published upscalers use and refuses all else. Tensors are [c, h, w]; a pooled one is [c].
File format and layer semantics: ncnn's documentation (param and model file structure, operators).
"""

import numpy as np
import torch
from torch.nn import functional

MAGIC = 7767517
FP16 = 0x01306B47  # flag before weights stored as halves; 0 is float32


class Inexact(Exception):
    """A strided layer would leave pixels out: the picture's size does not suit the network."""


class Graph:
    def __init__(self, path):
        """path: without .param or .bin"""
        lines = open(f"{path}.param").read().splitlines()
        if int(lines[0]) != MAGIC:
            raise ValueError(f"{path}.param is no ncnn text graph")
        self.layers = [Layer(line) for line in lines[2:] if line.strip()]
        weights = Weights(f"{path}.bin")
        for layer in self.layers:
            layer.load(weights)
        weights.expect_end()

    @torch.no_grad()
    def run(self, image):
        """image [3, h, w] -> the last layer's output"""
        blobs = {}
        for layer in self.layers:
            if layer.kind == "Input":
                blobs[layer.outputs[0]] = image
                continue
            result = RUN[layer.kind](layer, *(blobs[name] for name in layer.inputs))
            for name in layer.outputs:
                blobs[name] = result
        return result


class Weights:
    def __init__(self, path):
        self.path, self.data, self.at = path, open(path, "rb").read(), 0

    def plain(self, count):
        return self.take(count, np.float32)

    def flagged(self, count):
        flag = int(self.take(1, np.uint32)[0].item())
        if flag not in (0, FP16):
            raise ValueError(f"{self.path} has weights of kind {flag:#x}")
        values = self.take(count, np.float16 if flag else np.float32)
        self.at = (self.at + 3) // 4 * 4
        return values

    def take(self, count, kind):
        values = np.frombuffer(self.data, kind, count, self.at)
        self.at += values.nbytes
        return torch.from_numpy(values.astype(np.float32 if kind != np.uint32 else np.int64))

    def expect_end(self):
        if self.at != len(self.data):
            raise ValueError(f"{self.path} has {len(self.data)} bytes, the graph reads {self.at}")


class Layer:
    def __init__(self, line):
        words = line.split()
        self.kind, self.name = words[:2]
        if self.kind not in RUN and self.kind != "Input":
            raise ValueError(f"layer {self.name} is a {self.kind}, which this program does not know")
        ins, outs = int(words[2]), int(words[3])
        self.inputs, self.outputs = words[4 : 4 + ins], words[4 + ins : 4 + ins + outs]
        self.parameters = {}
        for word in words[4 + ins + outs :]:
            key, value = word.split("=")
            if int(key) <= -23300:  # an array: its length, then its values
                self.parameters[-23300 - int(key)] = [float(v) for v in value.split(",")[1:]]
            else:
                self.parameters[int(key)] = float(value)

    def get(self, key, default=0):
        return int(self.parameters.get(key, default))

    def load(self, weights):
        outputs = self.get(0)
        if self.kind in ("Convolution", "Deconvolution"):
            high, wide = self.get(11, self.get(1)), self.get(1)
            self.weight = weights.flagged(self.get(6)).view(outputs, -1, high, wide)
            self.bias = weights.plain(outputs) if self.get(5) else None
        elif self.kind == "InnerProduct":
            self.weight = weights.flagged(self.get(2)).view(outputs, -1)
            self.bias = weights.plain(outputs) if self.get(1) else None
        elif self.kind == "PReLU":
            self.slopes = weights.plain(outputs)


def activated(layer, x):
    kind = layer.get(9)
    if kind == 0:
        return x
    if kind == 1:
        return functional.relu(x)
    if kind == 2:
        return functional.leaky_relu(x, layer.parameters[10][0])
    if kind == 4:
        return torch.sigmoid(x)
    raise ValueError(f"layer {layer.name} has activation {kind}")


def convolution(layer, x):
    stride, pad = layer.get(3, 1), layer.get(4)
    for size, kernel in zip(x.shape[1:], layer.weight.shape[2:]):
        if (size + 2 * pad - kernel) % stride:
            raise Inexact
    return activated(layer, functional.conv2d(x[None], layer.weight, layer.bias, stride, pad)[0])


def deconvolution(layer, x):
    weight = layer.weight.transpose(0, 1)  # ncnn: [out, in, kh, kw]
    return activated(layer, functional.conv_transpose2d(x[None], weight, layer.bias, layer.get(3, 1), layer.get(4))[0])


def inner_product(layer, x):
    return activated(layer, functional.linear(x.flatten(), layer.weight, layer.bias))


def interp(layer, x):
    mode = {1: "nearest", 2: "bilinear", 3: "bicubic"}[layer.get(0)]
    high, wide = (int(size * layer.parameters[key]) for size, key in zip(x.shape[1:], (1, 2)))
    centred = {} if mode == "nearest" else {"align_corners": False}
    return functional.interpolate(x[None], (high, wide), mode=mode, **centred)[0]


def eltwise(layer, *inputs):
    factors = layer.parameters.get(1, [1.0] * len(inputs))
    if layer.get(0) != 1:
        raise ValueError(f"layer {layer.name} is no sum")
    return sum(factor * x for factor, x in zip(factors, inputs))


def binary(layer, a, b):
    b = b[:, None, None] if b.ndim < a.ndim else b
    return {0: torch.add, 1: torch.sub, 2: torch.mul}[layer.get(0)](a, b)


def crop(layer, x, like=None):
    if like is not None:  # offsets from the left and top, size of the other input
        left, top = layer.get(0), layer.get(1)
        return x[:, top : top + like.shape[1], left : left + like.shape[2]]
    for start, end, axis in zip(*(map(int, layer.parameters[key]) for key in (9, 10, 11))):
        x = x.narrow(axis, start, (end if end > 0 else x.shape[axis] + end) - start)
    return x


def pooling(layer, x):
    if layer.get(0) != 1 or not layer.get(4):
        raise ValueError(f"layer {layer.name} is no global average")
    return x.mean((1, 2))


RUN = {
    "BinaryOp": binary,
    "Concat": lambda layer, *inputs: torch.cat(inputs),
    "Convolution": convolution,
    "Crop": crop,
    "Deconvolution": deconvolution,
    "Eltwise": eltwise,
    "InnerProduct": inner_product,
    "Interp": interp,
    "PReLU": lambda layer, x: functional.prelu(x[None], layer.slopes)[0],
    "PixelShuffle": lambda layer, x: functional.pixel_shuffle(x[None], layer.get(0))[0],
    "Pooling": pooling,
    "Scale": lambda layer, x, factors: x * factors[:, None, None],
    "Split": lambda layer, x: x,
}
