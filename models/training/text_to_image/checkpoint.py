"""The single-file checkpoint, and the whole state of a training that goes on.

The embedding table holds only the rows of tokens that captions have. Beside it lie the tokens' ids, one a row
(TABLE_IDS, int32); the row whose id is 49408 stands for all others. `ordinary` makes the table that any program reads.
"""

import json

import clip_tokens
import networks
import pack
import torch
from safetensors import safe_open
from safetensors.torch import save

TABLE = networks.PREFIXES["text"] + "text_model.embeddings.token_embedding.weight"
TABLE_IDS = networks.PREFIXES["text"] + "text_model.embeddings.token_embedding.ids"


def metadata(sizes, facts):
    config = {"prediction": "v_prediction", "unet": {"num_heads": sizes.heads, "sample_size": 16}, "clip_l": {"heads": sizes.text_heads, "act": "quick_gelu"}}
    return {"modelspec.architecture": pack.ARCHITECTURE, "config": json.dumps(config), "sizes": json.dumps(sizes.as_json()), "training": json.dumps(facts)}


def tensors_of(nets, ids):
    """The tensors of a file: fp16, in the names of single-file checkpoints."""
    tensors = {TABLE_IDS: torch.tensor(ids, dtype=torch.int32)}
    for part, state in nets.items():
        for name, value in state.items():
            tensors[networks.PREFIXES[part] + name] = value.detach().half().cpu().contiguous()
    return tensors


def ordinary(tensors):
    """With the embedding table of all 49408 tokens."""
    tensors = dict(tensors)
    ids, rows = tensors.pop(TABLE_IDS).long(), tensors[TABLE]
    table = rows[ids == clip_tokens.VOCABULARY].expand(clip_tokens.VOCABULARY, -1).clone()
    known = ids < clip_tokens.VOCABULARY
    table[ids[known]] = rows[known]
    tensors[TABLE] = table
    return tensors


def write(path, tensors, facts, part=None):
    """One file, or PATH.0, PATH.1 … of at most `part` bytes, to be joined with cat."""
    data = save(tensors, facts)
    if part is None:
        path.write_bytes(data)
        return
    for i in range(0, len(data), part):
        path.with_name(f"{path.name}.{i // part}").write_bytes(data[i : i + part])


def read(path):
    """(networks, ids, sizes) of a compact file: a training's, or what pack.py made of it."""
    if path.suffix == ".gguf":
        tensors, said = pack.read(path)
    else:
        with safe_open(path, "pt") as file:
            tensors, said = {name: file.get_tensor(name) for name in file.keys()}, file.metadata()
    sizes = json.loads(said["sizes"])
    sizes = networks.Sizes(**{name: tuple(value) if isinstance(value, list) else value for name, value in sizes.items()})
    ids = tensors[TABLE_IDS].tolist()
    nets = networks.build(sizes, len(ids))
    for part, net in nets.items():
        prefix = networks.PREFIXES[part]
        state = {name.removeprefix(prefix): value.float() for name, value in tensors.items() if name.startswith(prefix)}
        net.load_state_dict({name: value for name, value in state.items() if not name.endswith(".ids")})
    return nets, ids, sizes
