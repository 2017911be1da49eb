"""Embeds the merges of CLIP's tokenizer: embed_merges.py clip_merges.txt OUT.cpp

Each becomes one number, left << 32 | right << 16 | merged, all three as token ids; ascending, so that a pair is found by
bisection and nothing is made at run time.
"""
import pathlib
import sys

text, source = map(pathlib.Path, sys.argv[1:])
merges = [tuple(line.split()) for line in text.read_text(encoding="utf-8").splitlines()[1:]]  # after the version line

# The symbols that stand for bytes, in the vocabulary's order: the printable bytes as themselves, then the others.
printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
symbols = [*map(chr, printable), *(chr(256 + i) for i in range(256 - len(printable)))]
vocabulary = [*symbols, *(s + "</w>" for s in symbols), *(left + right for left, right in merges)]
ids = {token: i for i, token in enumerate(vocabulary)}
assert len(ids) == len(vocabulary) <= 1 << 16  # no token can be merged in two ways, so ids are ranks

numbers = sorted(ids[left] << 32 | ids[right] << 16 | ids[left + right] for left, right in merges)
with source.open("w", encoding="utf-8") as out:
    out.write('#include "models/text/clip_merges.h"\nnamespace sfumato {\n'
              f"std::uint64_t const clip_merges[clip_merge_count]{{{','.join(map(hex, numbers))}}};\n"
              f"static_assert(clip_merge_count == {len(numbers)});\n"
              "} // namespace sfumato\n")
