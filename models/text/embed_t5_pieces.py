"""Embeds the pieces of T5's tokenizer: embed_t5_pieces.py t5_pieces.txt OUT.cpp

In the order of their bytes, so that those with a common beginning lie together and are found by bisection: their text as one
string, and where each begins, its id and its score.
"""
import pathlib
import sys

text, source = map(pathlib.Path, sys.argv[1:])
lines = [line.split(" ") for line in text.read_text(encoding="utf-8").splitlines()]
pieces = sorted((piece.encode(), 3 + i, score) for i, (piece, score) in enumerate(lines))  # 0, 1, 2: <pad>, </s>, <unk>
with source.open("w", encoding="ascii") as out:
    out.write('#include "models/text/t5_pieces.h"\nnamespace sfumato {\nchar const t5_text[] =\n')
    for piece, _, _ in pieces:
        out.write('"' + "".join(f"\\{byte:03o}" for byte in piece) + '"\n')
    out.write(";\nt5_piece const t5_pieces[t5_piece_count + 1]{\n")
    begin = 0
    for piece, number, score in pieces:
        out.write(f"{{{begin},{number},{float(score)!r}f}},\n")
        begin += len(piece)
    out.write(f"{{{begin},0,0}}}};\nstatic_assert(t5_piece_count == {len(pieces)});\n}} // namespace sfumato\n")
