"""Prints one line a file: key, number of tensors, CRC-32 over its tensors in the order of their names, each as its name, its
shape as JSON has it, its bytes. The schedule buffers and other constants that real checkpoints carry are left out.

digests.py FILE.safetensors…
"""
import json
import pathlib
import re
import struct
import sys
import zlib

CONSTANT = re.compile(r"(^betas|^alphas_cumprod.*|^sqrt_.*|.*position_ids|.*logit_scale|.*num_batches_tracked)$")

for path in map(pathlib.Path, sys.argv[1:]):
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    header.pop("__metadata__", None)
    crc = count = 0
    for name in sorted(header):
        if CONSTANT.match(name):
            continue
        begin, end = (8 + length + offset for offset in header[name]["data_offsets"])
        crc = zlib.crc32(name.encode() + json.dumps(header[name]["shape"]).encode(), crc)
        crc = zlib.crc32(data[begin:end], crc)
        count += 1
    print(f'{{"{path.name.removesuffix(".safetensors")}", {count}, {crc:#010x}}},')
