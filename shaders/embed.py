"""Embeds SPIR-V: embed.py OUT.h OUT.cpp FILE.spv… A file is KERNEL.spv, or KERNEL.VARIANT.spv."""
import pathlib
import struct
import sys

header, source, *files = map(pathlib.Path, sys.argv[1:])
kernels = {}  # name → {variant: file}
for file in files:
    name, _, variant = file.stem.partition(".")
    kernels.setdefault(name, {})[variant or "plain"] = file


def symbol(name, variant):
    return f"{name}_{variant}"


with header.open("w") as out:
    out.write('#pragma once\n#include "compute/program.h"\n#include "shaders/kernels.h"\n#include <cassert>\n'
              "namespace sfumato {\n")
    for name, variants in kernels.items():
        for variant in variants:
            out.write(f"extern kernel_binary const {symbol(name, variant)};\n")
        out.write(f"template <> struct kernel_of<kernel::{name}> {{\n"
                  "    static kernel_binary const& binary(kernel_variant variant) {\n"
                  + "".join(f"        if (variant == kernel_variant::{v}) return {symbol(name, v)};\n" for v in variants)
                  + f'        assert(!"{name} has this variant");\n'
                  f"        return {symbol(name, next(iter(variants)))};\n"
                  "    }\n};\n")
    out.write("} // namespace sfumato\n")

with source.open("w") as out:
    out.write('#include "kernel_binaries.h"\nnamespace sfumato {\n')
    for name, variants in kernels.items():
        for variant, file in variants.items():
            code = file.read_bytes()
            words = struct.unpack(f"<{len(code) // 4}I", code)
            words_name = symbol(name, variant) + "_words"
            out.write(f"static std::uint32_t const {words_name}[] = {{{','.join(map(hex, words))}}};\n"
                      f'kernel_binary const {symbol(name, variant)}{{"{file.stem}", kernel_variant::{variant}, '
                      f"{words_name}, sizeof(kernel::{name})}};\n")
    out.write("} // namespace sfumato\n")
