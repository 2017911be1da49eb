#!/usr/bin/env python3
"""stage.py FOLDER STAMP FILE… – lays programs and catalogues out as GIMP wants to find them.

Programs become FOLDER/<name>; a catalogue …/de/LC_MESSAGES/x.mo becomes FOLDER/locale/de/LC_MESSAGES/x.mo.
"""
import shutil
import sys
from pathlib import Path


def place(file: Path, folder: Path) -> None:
    target = folder / ("locale" / Path(*file.parts[-3:]) if file.suffix == ".mo" else file.name)
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_name(target.name + ".new")
    shutil.copy2(file, fresh)
    fresh.replace(target)  # a program that is running keeps its old file


folder, stamp, *files = map(Path, sys.argv[1:])
for file in files:
    place(file, folder)
stamp.touch()
