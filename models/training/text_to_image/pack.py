"""Packs a training's checkpoint as the file that is to come with Sfumato: GGUF, matrices and convolutions as Q8_0.

    python pack.py RUN/sfumato-draw.safetensors sfumato-draw.gguf      (pip install gguf)
"""

import argparse
import json
from pathlib import Path

import gguf
import numpy
import torch
from safetensors import safe_open

Q8_0, BLOCK = gguf.GGMLQuantizationType.Q8_0, 32
SHAPE = "comfy.gguf.orig_shape."
NATIVE_SIZE = 128
ARCHITECTURE = "sfumato-draw"  # Stable Diffusion 1's but for its latents and sizes (models/library/vae_origin.h)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    writer = gguf.GGUFWriter(options.out, "sd1")
    with safe_open(options.checkpoint, "np") as file:
        said = file.metadata()
        config = json.loads(said["config"]) | {"native_size": NATIVE_SIZE}
        writer.add_string("config", json.dumps(config))
        writer.add_string("sizes", said["sizes"])
        writer.add_string("modelspec.architecture", ARCHITECTURE)
        writer.add_string("modelspec.prediction_type", "v")
        writer.add_string("modelspec.title", "sfumato-draw")
        writer.add_string("modelspec.license", "GPL-3.0-or-later")
        for name in sorted(file.keys()):
            add(writer, name, file.get_tensor(name))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def add(writer, name, value):
    """Blocks go along a row; where rows are no whole blocks, the tensor is laid flat and its shape told apart, as
    others do with convolutions."""
    if value.ndim < 2 or value.size % BLOCK:
        return writer.add_tensor(name, value)
    rows = value.astype(numpy.float32)
    if value.shape[-1] % BLOCK:
        writer.add_array(SHAPE + name, list(value.shape))
        rows = rows.reshape(-1, BLOCK)
    return writer.add_tensor(name, gguf.quants.quantize(rows, Q8_0), raw_dtype=Q8_0)


def read(path):
    """Tensors and metadata of such a file."""
    file = gguf.GGUFReader(path)
    said = {name: field.contents() for name, field in file.fields.items()}
    tensors = {}
    for tensor in file.tensors:
        shape = said.get(SHAPE + tensor.name, tensor.shape[::-1].tolist())
        values = gguf.quants.dequantize(tensor.data, Q8_0) if tensor.tensor_type == Q8_0 else tensor.data
        tensors[tensor.name] = torch.from_numpy(numpy.array(values)).reshape(shape)
    return tensors, said


if __name__ == "__main__":
    main()
