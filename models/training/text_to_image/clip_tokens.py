"""CLIP's byte-pair encoding, for the plain English of captions: lower case, words, numbers, punctuation."""

import functools
import re
from pathlib import Path

MERGES = Path(__file__).parents[2] / "text/clip_merges.txt"
START, END, VOCABULARY, LENGTH = 49406, 49407, 49408, 77
PIECES = re.compile(r"'s|'t|'re|'ve|'m|'ll|'d|[a-z]+|[0-9]|[^\sa-z0-9]+")


class Tokenizer:
    def __init__(self, merges=MERGES):
        pairs = [tuple(line.split()) for line in Path(merges).read_text().splitlines()[1:] if line]
        self.rank = {pair: i for i, pair in enumerate(pairs)}
        symbols = [chr(c) for c in [*range(33, 127), *range(161, 173), *range(174, 256), *range(256, 256 + 68)]]
        symbols += [symbol + "</w>" for symbol in symbols] + ["".join(pair) for pair in pairs]
        self.ids = {symbol: i for i, symbol in enumerate(symbols)}
        self.piece = functools.cache(self.piece)

    def __call__(self, text):
        """The tokens of an ASCII text, without start and end."""
        return [token for piece in PIECES.findall(text.lower()) for token in self.piece(piece)]

    def piece(self, word):
        symbols = [*word[:-1], word[-1] + "</w>"]
        while len(symbols) > 1:
            at = min(range(len(symbols) - 1), key=lambda i: self.rank.get((symbols[i], symbols[i + 1]), 1 << 30))
            pair = (symbols[at], symbols[at + 1])
            if pair not in self.rank:
                break
            merged, i = [], 0
            while i < len(symbols):
                both = tuple(symbols[i : i + 2]) == pair
                merged.append("".join(pair) if both else symbols[i])
                i += 2 if both else 1
            symbols = merged
        return [self.ids[symbol] for symbol in symbols]
