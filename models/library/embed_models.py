"""Embeds models into the program: embed_models.py OUT.cpp sfumato-NAME.safetensors…

As numbers of 64 bits, which compile far faster than bytes; what fills the last one is behind the file's end.
"""
import pathlib
import struct
import sys

source, *models = map(pathlib.Path, sys.argv[1:])
with source.open("w", encoding="utf-8") as out:
    out.write('#include "models/library/built_in.h"\n\nnamespace sfumato {\n\nnamespace {\n')
    entries = []
    for number, path in enumerate(models):
        data = path.read_bytes()
        words = struct.unpack(f"<{-(-len(data) // 8)}Q", data + bytes(-len(data) % 8))
        out.write(f"constexpr std::uint64_t file_{number}[] = {{{','.join(map(hex, words))}}};\n")
        entries.append(f'{{"{path.stem.removeprefix("sfumato-")}", std::as_bytes(std::span(file_{number})).first({len(data)})}}')
    out.write("} // namespace\n\nstd::span<embedded_model const> embedded_models() {\n"
              f"    static embedded_model const all[] = {{{', '.join(entries)}}};\n    return all;\n}}\n\n}} // namespace sfumato\n")
