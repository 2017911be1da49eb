"""Pictures and captions, wholly in the memory of the device that trains.

Pictures: [n, 4, 128, 128] bytes with alpha, so that backgrounds, mirroring, small moves and other colours are made
where they are used. Captions: parts (article, colour, label, style, tags, background) that are tokenised once and put
together for every sample anew.
"""

import io
import json
import math
from concurrent.futures import ThreadPoolExecutor
from random import Random

import captions
import clip_tokens
import numpy
import torch
from PIL import Image
from torch.nn import functional

BACKGROUNDS = {  # name -> RGB; the first is the usual one
    "white": (255, 255, 255), "black": (16, 16, 18), "gray": (176, 178, 182), "red": (226, 84, 80), "orange": (246, 178, 107),
    "yellow": (250, 226, 130), "green": (150, 205, 150), "blue": (140, 186, 236), "purple": (186, 164, 226), "pink": (246, 186, 206),
}  # fmt: skip
# What is learnt first, as it is drawn and on white: sets that draw the same things in much the same way.
CORE_SETS = {"noto", "twemoji", "fluent-emoji-flat", "fluent-emoji", "emojione"}
CORE_GROUPS = {"smileys", "animals", "food", "travel", "activities", "objects"}
COMPOSED = [prompt.split(" ", 1)[1] for prompt in captions.COMPOSED]  # without their articles
PART = 24  # tokens of a part at most
UNMIRRORED = {"left", "right", "clockwise", "counterclockwise", "abc", "clock", "watch", "medal", "note", "notes", "text", "number", "sign", "atm"}


class Pictures:
    def __init__(self, folder, device, limit=None):
        with open(folder / "pictures.json") as file:
            table = json.load(file)["pictures"]
        if limit:
            table = table[:: max(1, len(table) // limit)]
        data = (folder / "pictures.bin").read_bytes()
        with ThreadPoolExecutor() as pool:
            rgba = list(pool.map(lambda entry: decode(data[entry["offset"] : entry["offset"] + entry["bytes"]]), table))
        self.rgba = torch.from_numpy(numpy.stack(rgba)).to(device)  # [n, 4, 128, 128]
        self.table = table
        self.device = device
        self.learnt = torch.tensor([i for i, entry in enumerate(table) if not entry["held_out"]], device=device)
        self.held_out = torch.tensor([i for i, entry in enumerate(table) if entry["held_out"]], device=device)
        weights = torch.tensor([entry["weight"] for entry in table], dtype=torch.float64, device=device)
        weights[self.held_out] = 0
        self.cumulative = (weights / weights.sum()).cumsum(0)

    def draw(self, count, generator):
        """Indices of pictures to learn from, by their weights."""
        at = torch.rand(count, device=self.device, dtype=torch.float64, generator=generator)
        return torch.searchsorted(self.cumulative, at).clamp(max=len(self.table) - 1)

    def augmented(self, index, backgrounds, mirrored, moved, turns, generator):
        """[n, 3, 128, 128] in −1 … 1. backgrounds [n, 3] in 0 … 1; mirrored, moved [n] bool; turns [n]: of the hue, in
        parts of the circle, 0: as it is."""
        rgba = self.rgba[index].float() / 255
        rgb, alpha = rgba[:, :3], rgba[:, 3:]
        turned = turns != 0
        if turned.any():
            rgb[turned] = turn_hue(rgb[turned], turns[turned])
        rgba = torch.cat([rgb * alpha, alpha], 1)
        n = len(index)
        random = torch.rand(n, 3, device=self.device, generator=generator)
        scale = torch.where(moved, 1.18 - 0.2 * random[:, 0], 1.0)  # of the plane: above 1 the drawing gets smaller
        theta = torch.zeros(n, 2, 3, device=self.device)
        theta[:, 0, 0] = torch.where(mirrored, -scale, scale)
        theta[:, 1, 1] = scale
        theta[:, :, 2] = torch.where(moved[:, None], 0.16 * random[:, 1:] - 0.08, 0.0)
        plain = ~mirrored & ~moved
        grid = functional.affine_grid(theta, rgba.shape, align_corners=False)
        rgba = torch.where(plain[:, None, None, None], rgba, functional.grid_sample(rgba, grid, align_corners=False))
        rgb, alpha = rgba[:, :3], rgba[:, 3:]
        return (rgb + (1 - alpha) * backgrounds[:, :, None, None]) * 2 - 1

    def on_white(self, index):
        none = torch.zeros(len(index), dtype=torch.bool, device=self.device)
        white = torch.ones(len(index), 3, device=self.device)
        return self.augmented(index, white, none, none, torch.zeros(len(index), device=self.device), None)

    def vae_batch(self, count, generator):
        """As vae training sees them: half on white, half on any colour, half mirrored, half moved."""
        index = self.draw(count, generator)
        random = torch.rand(count, 6, device=self.device, generator=generator)
        backgrounds = torch.where(random[:, :1] < 0.5, torch.ones_like(random[:, 1:4]), random[:, 1:4])
        turns = torch.where(random[:, 1] < 0.15, random[:, 2], torch.zeros_like(random[:, 2]))
        return self.augmented(index, backgrounds, random[:, 4] < 0.5, random[:, 5] < 0.5, turns, generator)


def cropped(pictures, side, generator):
    """A square part of each picture, anywhere: [n, c, h, w] -> [n, c, side, side]."""
    n, _, height, width = pictures.shape
    random = torch.rand(n, 2, device=pictures.device, generator=generator)
    places = (random * torch.tensor([height - side + 1, width - side + 1], device=pictures.device)).long().tolist()
    return torch.stack([picture[:, y : y + side, x : x + side] for picture, (y, x) in zip(pictures, places)])


def decode(data):
    return numpy.asarray(Image.open(io.BytesIO(data)).convert("RGBA")).transpose(2, 0, 1)


def turn_hue(rgb, turns):
    """rgb [n, 3, h, w] in 0 … 1 with its hue turned (HSV)."""
    value, low = rgb.amax(1), rgb.amin(1)
    chroma = (value - low).clamp(min=1e-6)
    r, g, b = rgb.unbind(1)
    hue = torch.where(value == r, ((g - b) / chroma) % 6, torch.where(value == g, (b - r) / chroma + 2, (r - g) / chroma + 4))
    hue = hue / 6 + turns[:, None, None]
    chroma = value - low

    def channel(n):
        k = (n + hue * 6) % 6
        return value - chroma * torch.minimum(k, 4 - k).clamp(0, 1)

    return torch.stack([channel(5), channel(3), channel(1)], 1)


class Captions:
    """Parts of captions as tokens, put together on the device. Rows of the compact embedding table stand for tokens: row
    0 is what is unknown, 1 start, 2 end, then the tokens in ascending order of their ids."""

    def __init__(self, pictures, tokenizer):
        self.device, table = pictures.device, pictures.table
        self.parts, numbers = [], {}

        def part(text):
            if text not in numbers:
                numbers[text] = len(self.parts)
                self.parts.append(tokenizer(text)[:PART])
            return numbers[text]

        part("")
        article = lambda text: ("an " if text[:1] in "aeiou" else "a ") + text  # noqa: E731
        as_row = lambda values: torch.tensor(values, device=self.device)  # noqa: E731
        self.plain = as_row([part(entry["label"]) for entry in table])
        self.with_article = as_row([part(article(entry["label"])) for entry in table])
        self.style = as_row([[part(", " + entry["styles"][i % len(entry["styles"])]) for i in range(2)] for entry in table])
        self.style_of = as_row([[part(entry["styles"][i % len(entry["styles"])] + " of") for i in range(2)] for entry in table])
        self.tags = as_row([[part(text) for text in tag_lists(entry)] for entry in table])
        self.comma = part(",")
        self.colours = [*captions.COLOURS]
        self.colour = as_row([part(""), *(part(name) for name in self.colours)])  # 0: none
        self.colour_with_article = as_row([part(""), *(part(article(name)) for name in self.colours)])
        self.background = as_row([part(f", on a {name} background" if name != "orange" else ", on an orange background") for name in BACKGROUNDS])
        for prompt in [*captions.COMPOSED, "icon", "picture", "isolated"]:  # whose words a user will try
            part(prompt)
        used = sorted({token for tokens in self.parts for token in tokens})
        self.ids = [clip_tokens.VOCABULARY, clip_tokens.START, clip_tokens.END, *used]  # of the rows; VOCABULARY: unknown
        row_of = {token: row for row, token in enumerate(self.ids)}
        self.lengths = as_row([len(tokens) for tokens in self.parts])
        self.tokens = torch.zeros(len(self.parts), PART, dtype=torch.long)
        for i, tokens in enumerate(self.parts):
            self.tokens[i, : len(tokens)] = torch.tensor([row_of[token] for token in tokens], dtype=torch.long)
        self.tokens = self.tokens.to(self.device)
        self.mirrored = as_row([UNMIRRORED.isdisjoint(entry["label"].split()) for entry in table])

    def draw(self, picture, colour, background, generator):
        """Captions for pictures [n] in a colour [n] (0: not named) on a background [n] -> rows [n, 77]."""
        n = len(picture)
        random = torch.rand(n, 7, device=self.device, generator=generator)
        which = (random[:, 0] < 0.5).long()
        pick = lambda condition, yes, no=0: torch.where(condition, yes, no)  # noqa: E731
        named, none = colour > 0, torch.zeros_like(picture)
        form = random[:, 1]
        style_first, tags_only = (form > 0.62) & (form < 0.74), form > 0.95
        with_tags = (form > 0.74) & (form < 0.95) & (random[:, 2] < 0.7)
        bare = random[:, 3] < 0.3  # no article
        style_last = ~style_first & (random[:, 4] < 0.55)
        style, style_of = self.style[picture, which], self.style_of[picture, which]
        tags = self.tags[picture, (random[:, 5] * self.tags.shape[1]).long()]
        first = pick(bare, self.colour[colour], self.colour_with_article[colour])
        label = pick(bare | named, self.plain[picture], self.with_article[picture])
        tags_only &= self.lengths[tags] > 0
        has_tags = (with_tags | tags_only) & (self.lengths[tags] > 0)
        told = random[:, 6] < torch.where(background == 0, 0.15, 0.9)
        parts = [
            pick(style_first, style_of),
            pick(~tags_only, first),
            pick(~tags_only, label),
            pick(has_tags & ~tags_only, self.comma),
            pick(has_tags, tags),
            pick(style_last, style),
            pick(told, self.background[background]),
        ]
        return self.joined(torch.stack([part + none for part in parts], 1))

    def joined(self, parts):
        """Parts [n, k] one behind the other, with start and end -> rows of the table [n, 77]."""
        n, length = len(parts), clip_tokens.LENGTH
        out = torch.full((n, 1 + PART * parts.shape[1] + 1), 2, device=self.device)
        out[:, 0] = 1
        at = torch.ones(n, dtype=torch.long, device=self.device)
        step = torch.arange(PART, device=self.device)
        for part in parts.unbind(1):
            lengths = self.lengths[part]
            inside = step < lengths[:, None]
            tokens = torch.where(inside, self.tokens[part], 2)
            out.scatter_(1, at[:, None] + step, tokens)
            at = at + lengths
        out = out[:, :length]
        out[:, -1] = 2
        return out


def tag_lists(entry):
    """Four short lists of a picture's tags, always the same ones."""
    tags = entry["tags"]
    return [", ".join(tags[(i + k) % len(tags)] for k in range(min(len(tags), 1 + i % 3))) if tags else "" for i in range(4)]


# ---- Latents


def other_colours(entry):
    """[(number of the colour, turn of the hue)] that a picture of one colour can be given; first its own."""
    if entry.get("hue") is None:
        return []
    names = [*captions.COLOURS]
    own = captions.colour_name(entry["hue"])
    told = [name for name in names if not makes_composed(name, entry["label"])]
    others = [name for name in told if name != own]
    own_first = [(1 + names.index(own), 0.0)] if own in told else []
    return own_first + [(1 + names.index(name), ((captions.COLOURS[name] - entry["hue"]) % 360) / 360) for name in others]


def makes_composed(colour, label):
    """Whether "COLOUR LABEL" holds one of the prompts that no caption may hold (articles aside)."""
    return any(prompt in f"{colour} {label}" for prompt in COMPOSED)


class Latents:
    """Every picture that is learnt from, VARIANTS times with other backgrounds, places and colours, encoded once."""

    VARIANTS = 5

    @torch.no_grad()
    def __init__(self, pictures, captions_, encode, generator, batch=256, variants=VARIANTS):
        device = pictures.device
        plan = [row for i in pictures.learnt.tolist() for row in self.plan(pictures.table[i], i, variants)]
        column = lambda k, kind: torch.tensor([row[k] for row in plan], dtype=kind, device=device)  # noqa: E731
        self.picture, self.colour, self.background = (column(k, torch.long) for k in range(3))
        moved, turns = column(3, torch.bool), column(4, torch.float32)
        mirrored = column(5, torch.bool) & captions_.mirrored[self.picture]
        colours = torch.tensor([*BACKGROUNDS.values()], device=device) / 255
        jitter = 0.06 * torch.randn(len(plan), 3, device=device, generator=generator) * (self.background > 0)[:, None]
        backgrounds = (colours[self.background] + jitter).clamp(0, 1)
        self.values = torch.empty(len(plan), 4, 16, 16, dtype=torch.float16, device=device)
        for start in range(0, len(plan), batch):
            rows = slice(start, start + batch)
            pictures_ = pictures.augmented(self.picture[rows], backgrounds[rows], mirrored[rows], moved[rows], turns[rows], generator)
            self.values[rows] = encode(pictures_).half()
        weights = torch.tensor([entry["weight"] for entry in pictures.table], dtype=torch.float64, device=device)[self.picture]
        is_core = torch.tensor([entry["set"] in CORE_SETS and entry["group"] in CORE_GROUPS for entry in pictures.table], device=device)
        as_drawn = torch.arange(len(plan), device=device) % variants == 0
        core = weights * (is_core[self.picture] & as_drawn)
        self.cumulative = (weights / weights.sum()).cumsum(0)
        self.core = (core / core.sum()).cumsum(0) if core.any() else self.cumulative

    @staticmethod
    def plan(entry, index, variants):
        """(picture, colour, background, moved, turn, mirrored) of each of a picture's variants."""
        colours, random = other_colours(entry), Random(index)
        for k in range(variants):
            background = 0 if k < 4 else random.randrange(1, len(BACKGROUNDS))
            colour, turn = 0, 0.0
            if colours and k == 1:
                colour, turn = colours[0]
            elif colours and k in (2, 5, 6):
                colour, turn = random.choice(colours)
            yield index, colour, background, k in (2, 3, 5, 7), turn, k % 2 == 1

    def draw(self, count, generator, core_share):
        """Latents [n, 4, 16, 16], pictures, colours, backgrounds [n]; core_share: of them are of what is learnt first."""
        at = torch.rand(count, dtype=torch.float64, device=self.values.device, generator=generator)
        of_core = torch.rand(count, device=self.values.device, generator=generator) < core_share
        rows = torch.where(of_core, torch.searchsorted(self.core, at), torch.searchsorted(self.cumulative, at))
        rows = rows.clamp(max=len(self.values) - 1)
        return self.values[rows].float(), self.picture[rows], self.colour[rows], self.background[rows]


def alphas(device):
    """ᾱ of the 1000 timesteps: the schedule of Stable Diffusion 1."""
    betas = torch.linspace(math.sqrt(0.00085), math.sqrt(0.012), 1000, dtype=torch.float64) ** 2
    return torch.cumprod(1 - betas, 0).float().to(device)
