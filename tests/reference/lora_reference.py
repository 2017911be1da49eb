"""Makes the reference of LoRAs and their kin: each kind merged by hand, in float64, from its definition.

    python lora_reference.py OUT        (numpy)

OUT/KIND.safetensors has, all float32 (a LoRA's own factors are such as float16 holds exactly):
    base.TENSOR     a tensor of the model before, under its canonical name
    lora.KEY        the LoRA's tensors, as its file has them
    merged.TENSOR   base + factor * delta; the factor is in the metadata
Definitions: LoRA (Hu et al. 2021), LoHa and LoKr (Yeh et al. 2023), DoRA (Liu et al. 2024); the Tucker forms as in
LyCORIS. DoRA at a factor k: W + k (m / |V| V - W), V = W + scale * delta.
"""

import json
import struct
import sys
from pathlib import Path

import numpy as np

MIDDLE = "model.diffusion_model.middle_block.1."
KOHYA = "lora_unet_middle_block_1_"
rng = np.random.default_rng(20261130)


def numbers(*shape):
    return rng.uniform(-1, 1, shape).astype(np.float16).astype(np.float64)


def write(path, tensors, metadata):
    header, blob = {"__metadata__": metadata}, b""
    for name, values in sorted(tensors.items()):
        raw = np.asarray(values, np.float32).tobytes()
        header[name] = {"dtype": "F32", "shape": list(np.shape(values)), "data_offsets": [len(blob), len(blob) + len(raw)]}
        blob += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + blob)


class Case:
    """A model's tensors, a LoRA's, and what becomes of them."""

    def __init__(self, factor):
        self.factor, self.tensors = factor, {}

    def base(self, name, *shape):
        self.tensors["base." + name] = w = numbers(*shape)
        return w

    def lora(self, module, **parts):
        for part, values in parts.items():
            self.tensors[f"lora.{module}.{part.replace('__', '.')}"] = values

    def merged(self, name, w):
        self.tensors["merged." + name] = w

    def add(self, name, w, delta):
        self.merged(name, w + self.factor * delta.reshape(w.shape))


def dora(w, delta, m, axes, factor):
    v = w + delta.reshape(w.shape)
    norm = np.sqrt((v * v).sum(axis=axes, keepdims=True))
    return w + factor * (m.reshape(norm.shape) / norm * v - w)


def lora():
    c = Case(0.8)
    w = c.base(MIDDLE + "proj_in.weight", 24, 16)
    up, down = numbers(24, 4), numbers(4, 16)
    c.lora(KOHYA + "proj_in", lora_up__weight=up, lora_down__weight=down, alpha=np.float64(2))
    c.add(MIDDLE + "proj_in.weight", w, 2 / 4 * up @ down)
    # No alpha: 1. A convolution of 1 x 1 with factors that are matrices, and the other way round.
    w = c.base(MIDDLE + "proj_out.weight", 16, 24, 1, 1)
    up, down = numbers(16, 3), numbers(3, 24)
    c.lora("unet.mid_block.attentions.0.proj_out", lora_B__weight=up, lora_A__weight=down)
    c.add(MIDDLE + "proj_out.weight", w, up @ down)
    name = MIDDLE + "transformer_blocks.0.ff.net.2"
    w = c.base(name + ".weight", 16, 8)
    up, down = numbers(16, 2, 1, 1), numbers(2, 8, 1, 1)
    c.lora(KOHYA + "transformer_blocks_0_ff_net_2", lora_up__weight=up, lora_down__weight=down, alpha=np.float64(8))
    c.add(name + ".weight", w, 8 / 2 * up[:, :, 0, 0] @ down[:, :, 0, 0])
    return c


def locon():
    c = Case(-1.5)
    for i, part in enumerate(("in_layers.2", "out_layers.3")):
        name = f"model.diffusion_model.middle_block.0.{part}.weight"
        w = c.base(name, 12, 10, 3, 3)
        module = "lora_unet_mid_block_resnets_0_" + ("conv1", "conv2")[i]
        if i == 0:
            up, down = numbers(12, 4, 1, 1), numbers(4, 10, 3, 3)
            c.lora(module, lora_up__weight=up, lora_down__weight=down, alpha=np.float64(1))
            c.add(name, w, 1 / 4 * np.einsum("or,rikl->oikl", up[:, :, 0, 0], down))
        else:
            up, core, down = numbers(12, 4, 1, 1), numbers(4, 4, 3, 3), numbers(4, 10, 1, 1)
            c.lora(module, lora_up__weight=up, lora_mid__weight=core, lora_down__weight=down, alpha=np.float64(3))
            c.add(name, w, 3 / 4 * np.einsum("op,pqkl,qi->oikl", up[:, :, 0, 0], core, down[:, :, 0, 0]))
    return c


def loha():
    c = Case(0.7)
    w = c.base(MIDDLE + "proj_in.weight", 24, 16)
    a, b, d, e = numbers(24, 4), numbers(4, 16), numbers(24, 4), numbers(4, 16)
    c.lora(KOHYA + "proj_in", hada_w1_a=a, hada_w1_b=b, hada_w2_a=d, hada_w2_b=e, alpha=np.float64(2))
    c.add(MIDDLE + "proj_in.weight", w, 2 / 4 * (a @ b) * (d @ e))
    name = "model.diffusion_model.middle_block.0.in_layers.2.weight"
    w = c.base(name, 12, 10, 3, 3)
    t, a, b, u, d, e = numbers(4, 4, 3, 3), numbers(4, 12), numbers(4, 10), numbers(4, 4, 3, 3), numbers(4, 12), numbers(4, 10)
    c.lora("lora_unet_mid_block_resnets_0_conv1", hada_t1=t, hada_w1_a=a, hada_w1_b=b, hada_t2=u, hada_w2_a=d, hada_w2_b=e, alpha=np.float64(1))
    first, second = np.einsum("ijkl,io,jn->onkl", t, a, b), np.einsum("ijkl,io,jn->onkl", u, d, e)
    c.add(name, w, 1 / 4 * first * second)
    name = "model.diffusion_model.middle_block.0.out_layers.3.weight"
    w = c.base(name, 12, 10, 3, 3)
    a, b, d, e = numbers(12, 2), numbers(2, 90), numbers(12, 2), numbers(2, 90)
    c.lora("lora_unet_mid_block_resnets_0_conv2", hada_w1_a=a, hada_w1_b=b, hada_w2_a=d, hada_w2_b=e)
    c.add(name, w, (a @ b) * (d @ e))
    return c


def lokr():
    c = Case(1.25)
    w = c.base(MIDDLE + "proj_in.weight", 24, 16)
    a, b = numbers(4, 2), numbers(6, 8)
    c.lora("lycoris_mid_block_attentions_0_proj_in", lokr_w1=a, lokr_w2=b, alpha=np.float64(5))  # both whole: no alpha
    c.add(MIDDLE + "proj_in.weight", w, np.kron(a, b))
    w = c.base(MIDDLE + "proj_out.weight", 24, 16)
    a, p, q = numbers(4, 2), numbers(6, 3), numbers(3, 8)
    c.lora("lycoris_mid_block_attentions_0_proj_out", lokr_w1=a, lokr_w2_a=p, lokr_w2_b=q, alpha=np.float64(2))
    c.add(MIDDLE + "proj_out.weight", w, 2 / 3 * np.kron(a, p @ q))
    name = MIDDLE + "transformer_blocks.0.ff.net.2"
    w = c.base(name + ".weight", 24, 16)
    r, s, p, q = numbers(4, 2), numbers(2, 2), numbers(6, 3), numbers(3, 8)
    c.lora("lycoris_mid_block_attentions_0_transformer_blocks_0_ff_net_2", lokr_w1_a=r, lokr_w1_b=s, lokr_w2_a=p, lokr_w2_b=q, alpha=np.float64(2))
    c.add(name + ".weight", w, 2 / 3 * np.kron(r @ s, p @ q))
    convolutions = (
        ("0.in_layers.2", "resnets_0_conv1"), ("0.out_layers.3", "resnets_0_conv2"), ("2.in_layers.2", "resnets_1_conv1"))
    for i, (part, module) in enumerate(convolutions):
        name = f"model.diffusion_model.middle_block.{part}.weight"
        w = c.base(name, 12, 10, 3, 3)
        a, module = numbers(3, 2), "lycoris_mid_block_" + module
        if i == 0:
            b = numbers(4, 5, 3, 3)
            c.lora(module, lokr_w1=a, lokr_w2=b)
            scale = 1
        elif i == 1:
            p, q = numbers(4, 2), numbers(2, 5, 3, 3)
            c.lora(module, lokr_w1=a, lokr_w2_a=p, lokr_w2_b=q, alpha=np.float64(1))
            b, scale = np.einsum("br,rdkl->bdkl", p, q), 1 / 2
        else:
            t, p, q = numbers(2, 2, 3, 3), numbers(2, 4), numbers(2, 5)
            c.lora(module, lokr_w1=a, lokr_t2=t, lokr_w2_a=p, lokr_w2_b=q, alpha=np.float64(1))
            b, scale = np.einsum("ijkl,ib,jd->bdkl", t, p, q), 1 / 2
        c.add(name, w, scale * np.kron(a[:, :, None, None], b))
    return c


def difference():
    c = Case(0.6)
    for name, module in (("proj_in", "proj_in"), ("norm", "norm")):
        shape = (24, 16) if name == "proj_in" else (16,)
        w, bias = c.base(MIDDLE + name + ".weight", *shape), c.base(MIDDLE + name + ".bias", shape[0])
        d, e = numbers(*shape), numbers(shape[0])
        parts = {"diff": d, "diff_b": e} if name == "proj_in" else {"w_norm": d, "b_norm": e}
        c.lora(KOHYA + module, **parts)
        c.add(MIDDLE + name + ".weight", w, d)
        c.add(MIDDLE + name + ".bias", bias, e)
    name = "model.diffusion_model.middle_block.0.in_layers.2.weight"
    w, d = c.base(name, 6, 5, 3, 3), numbers(6, 5, 3, 3)
    c.lora("diffusion_model.middle_block.0.in_layers.2", diff=d)
    c.add(name, w, d)
    return c


def magnitudes():
    c = Case(0.75)
    up, down = numbers(24, 4), numbers(4, 16)
    delta = 2 / 4 * up @ down
    factors = {"lora_up__weight": up, "lora_down__weight": down, "alpha": np.float64(2)}
    for name, shape, axes, part in (("proj_in", (24, 1), 1, "dora_scale"), ("proj_out", (1, 16), 0, "dora_scale")):
        w, m = c.base(MIDDLE + name + ".weight", 24, 16), np.abs(numbers(*shape)) + 1
        c.lora(KOHYA + name, **factors, **{part: m})
        c.merged(MIDDLE + name + ".weight", dora(w, delta, m, axes, c.factor))
    name = MIDDLE + "transformer_blocks.0.ff.net.2"
    w, m = c.base(name + ".weight", 24, 16), np.abs(numbers(24)) + 1
    c.lora("unet.mid_block.attentions.0.transformer_blocks.0.ff.net.2", lora_B__weight=up, lora_A__weight=down, lora_magnitude_vector=m)
    c.merged(name + ".weight", dora(w, up @ down, m, 1, c.factor))
    convolutions = (
        ("0.in_layers.2", "resnets_0_conv1", (1, 10, 1, 1), (0, 2, 3)), ("0.out_layers.3", "resnets_0_conv2", (12, 1, 1, 1), (1, 2, 3)))
    for part, module, shape, axes in convolutions:
        name = f"model.diffusion_model.middle_block.{part}.weight"
        w, m = c.base(name, 12, 10, 3, 3), np.abs(numbers(*shape)) + 1
        up, down = numbers(12, 4, 1, 1), numbers(4, 10, 3, 3)
        c.lora("lora_unet_mid_block_" + module, lora_up__weight=up, lora_down__weight=down, dora_scale=m)
        c.merged(name, dora(w, np.einsum("or,rikl->oikl", up[:, :, 0, 0], down), m, axes, c.factor))
    # Of a LoHa and a LoKr.
    name = MIDDLE + "transformer_blocks.0.ff.net.0.proj"
    w, m = c.base(name + ".weight", 24, 16), np.abs(numbers(24, 1)) + 1
    a, b, d, e = numbers(24, 2), numbers(2, 16), numbers(24, 2), numbers(2, 16)
    c.lora(KOHYA + "transformer_blocks_0_ff_net_0_proj", hada_w1_a=a, hada_w1_b=b, hada_w2_a=d, hada_w2_b=e, dora_scale=m)
    c.merged(name + ".weight", dora(w, (a @ b) * (d @ e), m, 1, c.factor))
    name = MIDDLE + "transformer_blocks.0.attn1.to_q"
    w, m = c.base(name + ".weight", 24, 16), np.abs(numbers(1, 16)) + 1
    a, b = numbers(4, 2), numbers(6, 8)
    c.lora(KOHYA + "transformer_blocks_0_attn1_to_q", lokr_w1=a, lokr_w2=b, dora_scale=m)
    c.merged(name + ".weight", dora(w, np.kron(a, b), m, 0, c.factor))
    return c


def fused():
    """Stable Diffusion 3 in diffusers' names: a part of the rows, or halves that have changed places."""
    c = Case(0.9)
    root = "model.diffusion_model.joint_blocks."
    for block in range(2):
        name = f"{root}{block}.context_block.attn.qkv.weight"
        w = c.base(name, 24, 8)
        delta = np.zeros_like(w)
        for third, part in ((1, "add_k_proj"), (2, "add_v_proj")):
            up, down = numbers(8, 2), numbers(2, 8)
            c.lora(f"transformer.transformer_blocks.{block}.attn.{part}", lora_B__weight=up, lora_A__weight=down)
            delta[8 * third : 8 * third + 8] = up @ down
        c.add(name, w, delta)
        name = f"{root}{block}.context_block.adaLN_modulation.1.weight"
        w, up, down = c.base(name, 16, 8), numbers(16, 2), numbers(2, 8)
        c.lora(f"transformer.transformer_blocks.{block}.norm1_context.linear", lora_B__weight=up, lora_A__weight=down)
        delta = up @ down
        c.add(name, w, np.concatenate([delta[8:], delta[:8]]) if block == 1 else delta)
    name = "model.diffusion_model.final_layer.adaLN_modulation.1.weight"
    w, d = c.base(name, 16, 8), numbers(16, 8)
    c.lora("transformer.norm_out.linear", diff=d)
    c.add(name, w, np.concatenate([d[8:], d[:8]]))
    return c


out = Path(sys.argv[1])
for make in (lora, locon, loha, lokr, difference, magnitudes, fused):
    case = make()
    write(out / f"{make.__name__}.safetensors", case.tensors, {"factor": str(case.factor)})
