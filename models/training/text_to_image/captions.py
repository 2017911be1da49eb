"""What the pictures are called: labels, tags and colours, cleaned from what the packages say.

A caption is made of parts while training goes on (dataset.py): an article, a colour, a label, a style, tags, a
background. Here are the parts that belong to a picture.
"""

import colorsys
import hashlib
import json
import re
import xml.etree.ElementTree as xml

import numpy

# The prompts that judge what the model makes of things it has never seen together. No caption of the training contains
# one: where a colour and a label would make one, dataset.py leaves that colour out.
COMPOSED = """a red car; a blue fish; a cat with sunglasses; a green heart on fire; a purple apple; a yellow house;
a pink elephant; an orange butterfly; a blue banana; a green dog; a red bicycle; a pink guitar; a blue tree;
a purple cat; a yellow bus; a red frog; a green umbrella; a blue rose; an orange whale; a purple mushroom;
a dog with a hat; a bear with sunglasses; a fish in a bottle; a cat in a box; a tree on an island; a house on a hill;
a rocket and a star; a sun and a mountain; two apples; three red balloons; a robot with a flower; a penguin with a hat;
a snowman with an umbrella; a frog with a crown; an owl with a book; a rabbit with a carrot; a monkey with a banana;
a lion with a crown; a pig with glasses; a ghost with a pumpkin; a boat under the moon; a castle under a rainbow;
a car on a road; a train in the snow; a plane above a cloud; a cup of coffee with a heart; a cake with a star;
a pizza with an eye; a clock with wings; a key and a lock; a blue dragon; a pink snake; a green crab; a red owl;
a yellow octopus; a purple turtle; a blue horse; a red leaf and a green leaf; a black sheep; a white wolf;
a golden fish; a silver key; a wooden house; a chocolate bear"""
COMPOSED = [" ".join(prompt.split()) for prompt in COMPOSED.split(";")]

BRANDS = set("""android apple bbc behance benz bing bluetooth bytedance codepen debian dingtalk dribbble dropbox facebook figma
firefox github gitlab gmail google icons8 ie instagram ios ipad iphone iwatch kde kindle linux mcdonalds microsoft nook
paypal pepsi coca pinterest pokemon baokemeng qq reddit skype snapchat spotify steam stumbleupon taobao telegram tesla
tiktok trademark tumblr twitter ubuntu vlc wechat weibo whatsapp wikipedia windows wordpress xbox yahoo youtube zoom
adobe amazon gnome inkscape tux disney sega nintendo playstation wii registered copyright copyleft creativecommons""".split())

COLOURS = {"red": 2, "orange": 28, "yellow": 50, "green": 115, "blue": 215, "purple": 275, "pink": 330}  # hue, degrees


def words(name):
    """'cat-with-wry-smile' -> 'cat with wry smile'"""
    return " ".join(re.sub(r"[^a-z0-9' ]+", " ", name.lower().replace("’", "'")).split())


def is_brand(label):
    return not BRANDS.isdisjoint(label.split()) and "red apple" not in label and "green apple" not in label


def is_held_out(label):
    """3 % of the labels, the same ones in every set."""
    needed = any(set(label.split()) <= set(prompt.split()) for prompt in COMPOSED)
    return not needed and hashlib.sha256(label.encode()).digest()[0] < 8


# ---- Emoji

GROUPS = ["smileys", "people", "component", "animals", "food", "travel", "activities", "objects", "symbols", "flags"]
GLYPHS = re.compile(
    r"button|letter|keycap|input|squared|circled|ideograph|digit|japanese|symbol for|regional|latin|blood type|o'clock"
    r"|thirty|clock\d|clock face|^flag|skin tone|tone[1-5]|bidirectional|^couple|^kiss (man|woman)|^family"
    r"|^(red|white|bald|curly|dark|light|medium).*hair$|sign of the horns.*(dark|light|medium)|^\d+$|trigram|quotation"
    r"|(mahjong|copyright|registered|trade mark)|point (up|down|left|right)ing"
)


class Emoji:
    """Label, tags and group of an emoji, by its code or by what a set calls it."""

    def __init__(self, emojibase, char_tables):
        self.by_code, codes = {}, {}
        for entry in json.loads(emojibase.read_text()):
            self.by_code[self.plain(entry["hexcode"])] = entry
            codes[self.condensed(entry["label"])] = self.plain(entry["hexcode"])
        for table in char_tables:
            for code, name in json.loads(table.read_text()).items():
                codes.setdefault(self.condensed(name), self.plain(code))
        self.codes = codes

    @staticmethod
    def plain(code):
        return "-".join(part for part in code.lower().split("-") if part != "fe0f")

    @staticmethod
    def condensed(name):
        return re.sub(r"[^a-z0-9]", "", name.lower())

    def find(self, name):
        """(label, tags, group), or nothing where it is unknown, a glyph, a flag or one of many skin tones."""
        code = self.codes.get(self.condensed(name))
        entry = self.by_code.get(code)
        if entry is None or "group" not in entry or re.search(r"1f3f[b-f]", code):
            return None
        label, group = words(entry["label"]), GROUPS[entry["group"]]
        if group in ("component", "flags") or GLYPHS.search(label) or GLYPHS.search(words(name)):
            return None
        tags = [words(tag) for tag in entry.get("tags", []) if words(tag).isascii()]
        return label, [tag for tag in tags if tag and tag not in label and not tag.isdigit()], group


# ---- Icons

ICON_PARK = """Animals Baby Build Clothes Communicate Energy Foods Game Hardware Health Industry Life Makeups Measurement
Money Music Office Peoples Safe Sports Time Travel Weather Others Constellation""".split()
NUMBER = re.compile(r" (one|two|three|four|five|six|seven|eight|nine|\d+)$")
INTERFACE = re.compile(
    r"\b(database|data|column|row|align\w*|sort\w*|loading|app|application|api|code|config\w*|setting\w*|file|folder|list|menu"
    r"|key (p|h)|asterisk|add|delete|remove|up|down|left|right|upload|download|import|export|flip|rotate\w*|mask|input|output"
    r"|transfer|connection|point|node|refresh|sync\w*|undo|redo|priority|filter|trading|decision|dynamic)\b"
)


def icon_label(name):
    """Nothing for what is a brand or belongs to a program's interface rather than to a picture."""
    label = NUMBER.sub("", words(name))
    return None if not label or is_brand(label) or INTERFACE.search(label) else label


# ---- Clip art

CLIP_ART_FOLDERS = """science electronics recreation education decorations buildings food plants office transportation tools
animals people containers signs_and_symbols/weather signs_and_symbols/clocks computer/hardware""".split()
CLIP_ART_WITHOUT = re.compile(r"games/cards|CD_Player|pantyhose|duplicates|hummers|aiga|religion|weapons|battery|stickmen")
NOISE = re.compile(r"\b(by|from|of the|architetto|clip ?art|svg|remix|icon|outline|cartoon|v\d+|la|le|de|il|un|una|con|e|di|jean|victor|simple)\b.*")

NO_TAG = re.compile(r"clip|\d|hash|architetto|rollandin|unsorted|menu|symbol")


def clip_art(path, root):
    """(label, tags) from title, keywords and folders of an Open Clip Art file; nothing where they say nothing."""
    folder = str(path.parent.relative_to(root))
    if not folder.startswith(tuple(CLIP_ART_FOLDERS)) or CLIP_ART_WITHOUT.search(folder):
        return None
    title, keywords = metadata(path)
    label = NUMBER.sub("", words(re.sub(r"\d+", " ", title)))
    label = NOISE.sub("", label).strip() or words(re.sub(r"[\d_]+", " ", path.stem))
    folders = [words(part) for part in folder.replace("_", " ").split("/")]
    tags = list(dict.fromkeys([folders[-1].removesuffix("s"), *keywords]))
    tags = [tag for tag in tags if tag not in label and tag.isascii() and not NO_TAG.search(tag)]
    short = 1 <= len(label.split()) <= 5 and label.isascii() and len(label) > 2
    return (label, tags) if short and not is_brand(label) else None


def metadata(path):
    try:
        tree = xml.parse(path)
    except xml.ParseError:
        return "", []
    dc, rdf = "{http://purl.org/dc/elements/1.1/}", "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
    title = tree.find(f".//{dc}title")
    keywords = [words(item.text or "") for subject in tree.iter(f"{dc}subject") for item in subject.iter(f"{rdf}li")]
    return (title.text or "") if title is not None else "", [keyword for keyword in keywords if keyword]


# ---- Colours


def uniform_hue(rgba):
    """Hue in degrees of a picture [h, w, 4] (uint8) of one bright colour, else nothing: 0 … 359."""
    pixels = rgba[rgba[..., 3] > 128][:, :3][::7] / 255.0
    if len(pixels) < 50:
        return None
    hsv = numpy.array([colorsys.rgb_to_hsv(*pixel) for pixel in pixels])
    coloured = hsv[(hsv[:, 1] > 0.35) & (hsv[:, 2] > 0.45)]
    if len(coloured) < 0.5 * len(hsv):
        return None
    angles = coloured[:, 0] * 2 * numpy.pi
    mean = numpy.arctan2(numpy.sin(angles).mean(), numpy.cos(angles).mean())
    near = numpy.abs((angles - mean + numpy.pi) % (2 * numpy.pi) - numpy.pi) < numpy.radians(28)
    return int(numpy.degrees(mean)) % 360 if near.mean() > 0.85 else None


def colour_name(hue):
    """The colour next to a hue: 'red' … 'pink'."""
    return min(COLOURS, key=lambda name: abs((hue - COLOURS[name] + 180) % 360 - 180))
