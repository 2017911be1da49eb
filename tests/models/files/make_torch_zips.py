"""Writes small PyTorch files into DIR without PyTorch: CPython's pickle, with stand-ins of torch's classes, in a zip archive.

make_torch_zips.py DIR
"""
import collections
import io
import pathlib
import pickle
import struct
import sys
import types
import zipfile


def module(name, **members):
    made = types.ModuleType(name)
    for key, member in members.items():
        member.__module__ = name
        setattr(made, key, member)
    sys.modules[name] = made
    return made


FloatStorage = type("FloatStorage", (), {})
HalfStorage = type("HalfStorage", (), {})


def _rebuild_tensor_v2(*_):
    pass


def _rebuild_parameter(*_):
    pass


module("torch", FloatStorage=FloatStorage, HalfStorage=HalfStorage)
module("torch._utils", _rebuild_tensor_v2=_rebuild_tensor_v2, _rebuild_parameter=_rebuild_parameter)


class Storage:
    def __init__(self, kind, key, count):
        self.kind, self.key, self.count = kind, key, count


class Tensor:
    def __init__(self, *arguments):
        self.arguments = arguments

    def __reduce__(self):
        return _rebuild_tensor_v2, (*self.arguments, False, collections.OrderedDict())


class Parameter:
    def __init__(self, tensor):
        self.tensor = tensor

    def __reduce__(self):
        return _rebuild_parameter, (self.tensor, True, collections.OrderedDict())


class Pickler(pickle.Pickler):
    def persistent_id(self, thing):
        return ("storage", thing.kind, thing.key, "cpu", thing.count) if isinstance(thing, Storage) else None


class Callback:
    """Something of a training program's own."""

    def __init__(self):
        self.best = {"loss": 0.25, "epochs": [1, 2, 3], "name": b"bytes", "long": 10**30, "set": {1, 2}, "none": None}


first, second = Storage(FloatStorage, "0", 6), Storage(HalfStorage, "1", 3)
a, b = Tensor(first, 0, (2, 3), (3, 1)), Tensor(second, 0, (3,), (1,))
state = collections.OrderedDict([("a", a), ("b", b), ("b again", b), ("shared", Tensor(first, 3, (3,), (1,)))])
state["parameter"] = Parameter(a)
state._metadata = collections.OrderedDict([("", {"version": 1})])
whole = {"epoch": 12, "step": 123456789012, "callbacks": {"own": Callback()}, "state_dict": state, "rate": 1e-4, "on": True}

for protocol in range(2, 6):
    stream = io.BytesIO()
    Pickler(stream, protocol).dump(whole)
    with zipfile.ZipFile(pathlib.Path(sys.argv[1]) / f"protocol-{protocol}.ckpt", "w") as archive:
        archive.writestr("archive/data.pkl", stream.getvalue())
        archive.writestr("archive/data/0", struct.pack("<6f", *range(6)))
        archive.writestr("archive/data/1", struct.pack("<3e", *range(3)))
