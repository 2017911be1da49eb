"""Where the pictures come from: pinned packages, their licences, how their drawings look."""

import hashlib
import json
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Set:
    package: str  # an npm package of Iconify
    version: str
    sha256: str
    licence: str
    author: str
    styles: tuple  # words that a prompt can call this drawing style by
    kind: str = "emoji"  # or "icons"

    @property
    def archive(self):
        return f"iconify-json-{self.package}-{self.version}.tgz"


SETS = [
    Set("noto", "1.2.9", "3e918d88fc945c0bb3d468dbace6f88caef67f01c9f0e7bcae0915a042e8f1ad", "Apache-2.0", "Google, Noto Emoji", ("emoji", "cartoon")),
    Set("noto-v1", "1.2.5", "2bf62c26c2c2884aa99e90aec942cdaee17a5921f05690694f4978ad4b017c37", "Apache-2.0", "Google, Noto Emoji (first version)", ("blob emoji", "old emoji")),
    Set("fluent-emoji-flat", "1.2.6", "7d064769dee690815f823bc5bcc511d957198caf9f5edd8dd9c1aa48a6aeb175", "MIT", "Microsoft, Fluent Emoji", ("flat icon", "flat")),
    Set("fluent-emoji", "1.2.7", "8044210dbf11e016d4de85f15d01a243423bd832457e7e2491df1b751c0e272b", "MIT", "Microsoft, Fluent Emoji", ("3d icon", "3d")),
    Set("fxemoji", "1.2.2", "f3e72b3c59d05e1db03b7e308d55c0d05bd7ba3f625a90da1b79313c12858eef", "Apache-2.0", "Mozilla, FxEmojis", ("paper cut", "drawn emoji")),
    Set("twemoji", "1.2.5", "19046dff7d8707ce96212ec86468b36ac5f8e60409629dd13f809265c6d0ebb7", "CC-BY-4.0", "Twitter, Inc. and other contributors, Twemoji", ("sticker", "simple emoji")),
    Set("emojione", "1.2.3", "26a14f44284407e8bcde91799388dca2bfd91dbcd55a97f425524a1c5b73610e", "CC-BY-4.0", "EmojiOne 2 and EmojiTwo", ("glossy emoji", "bright sticker")),
    Set("flat-color-icons", "1.2.3", "d8878a9b0f02d749bc8671eb7d47882eb711185cbcefbb365cbfb488773c4786", "MIT", "Icons8, Flat Color Icons", ("office icon",), "icons"),
    Set("icon-park", "1.2.4", "c1a25212a31602aca93c3fa6f6b3288e89b9d7811afc132dfd78506e9d586b6f", "Apache-2.0", "ByteDance, IconPark", ("line icon", "outline"), "icons"),
    Set("meteocons", "1.2.4", "1c0b49c6375c0e35c3ed65db6e41e9811a0cbd2368c13ee27f870f60c6185ff0", "MIT", "Bas Milius, Meteocons", ("weather icon",), "icons"),
]
EMOJIBASE = ("emojibase-data-17.0.0.tgz", "d01d0e2ca4e22cb402679532155342c71e2e871f25c32223c013b8b166ebdf5a")  # MIT
CLIP_ART = ("openclipart-svg_1%3a0.18+dfsg-19_all.deb", "989712d90d57dfa3230049f553bb43b76c30ee4d4b8c5f6e106e33f7db5cbdc5")  # public domain
CLIP_ART_STYLES = ("clip art", "drawing")


def fetch(folder):
    """Downloads with npm and apt-get what `folder` lacks."""
    names = [(f"@iconify-json/{s.package}@{s.version}", s.archive) for s in SETS]
    names.append(("emojibase-data@17.0.0", EMOJIBASE[0]))
    missing = [name for name, archive in names if not (folder / archive).exists()]
    if missing:
        subprocess.run(["npm", "pack", "--silent", *missing], cwd=folder, check=True)
    if not (folder / CLIP_ART[0]).exists():
        subprocess.run(["apt-get", "download", "openclipart-svg"], cwd=folder, check=True)


def unpack(folder, to):
    """Checks every archive against its hash and unpacks it to to/NAME."""
    archives = [(s.archive, s.sha256) for s in SETS] + [EMOJIBASE, CLIP_ART]
    for name, expected in archives:
        archive = folder / name
        found = hashlib.sha256(archive.read_bytes()).hexdigest()
        if found != expected:
            raise SystemExit(f"{archive} is not the file that was used: its SHA-256 is {found}.")
        place = to / name
        if name.endswith(".deb"):
            subprocess.run(["dpkg", "-x", archive, place], check=True)
        else:
            with tarfile.open(archive) as file:
                file.extractall(place)  # safe: its hash is known


def icons(folder, icon_set):
    """{name: SVG document} of an Iconify package, in the order of the names."""
    data = json.loads((folder / icon_set.archive / "package/icons.json").read_text())
    result = {}
    for name, icon in sorted(data["icons"].items()):
        if icon.get("hidden"):
            continue
        box = [icon.get(key, data.get(key, other)) for key, other in (("left", 0), ("top", 0), ("width", 16), ("height", 16))]
        result[name] = (
            '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
            f'viewBox="{" ".join(map(str, box))}">{icon["body"]}</svg>'
        ).encode()
    return result


def categories(folder, icon_set):
    """{name: category} of an Iconify package."""
    table = json.loads((folder / icon_set.archive / "package/metadata.json").read_text()).get("categories", {})
    return {name: category for category, names in table.items() for name in names}


def clip_art_root(folder):
    return folder / CLIP_ART[0] / "usr/share/openclipart/svg"


def emojibase(folder):
    return folder / EMOJIBASE[0] / "package/en/data.json"


def char_tables(folder):
    """Code → name, of the sets that tell it."""
    return [path for s in SETS if (path := folder / s.archive / "package/chars.json").exists()]
