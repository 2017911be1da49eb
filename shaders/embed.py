"""Embeds SPIR-V: embed.py OUT.h OUT.cpp KERNEL.spv…"""
import pathlib
import struct
import sys

header, source, *files = map(pathlib.Path, sys.argv[1:])
names = [f.stem for f in files]

header.write_text(
    "#pragma once\n"
    '#include "compute/program.h"\n'
    '#include "shaders/kernels.h"\n'
    "namespace sfumato {\n"
    + "".join(f"extern kernel_binary const {n}_binary;\n"
              f"template <> struct kernel_of<kernel::{n}> {{ static constexpr auto& binary = {n}_binary; }};\n"
              for n in names)
    + "} // namespace sfumato\n")

with source.open("w") as out:
    out.write('#include "kernel_binaries.h"\nnamespace sfumato {\n')
    for name, file in zip(names, files):
        code = file.read_bytes()
        words = struct.unpack(f"<{len(code) // 4}I", code)
        out.write(f"static std::uint32_t const {name}_words[] = {{{','.join(map(hex, words))}}};\n")
        out.write(f'kernel_binary const {name}_binary{{"{name}", {name}_words, sizeof(kernel::{name})}};\n')
    out.write("} // namespace sfumato\n")
