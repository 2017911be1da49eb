#!/usr/bin/env python3
"""catalogue_test.py – every sentence that can reach GIMP is translated, in every language of po/LINGUAS, and no other.

A label is marked with _(), N_() or C_(), a sentence with say() or fail(); text becomes a sentence in no other way
(compute/sentence.h).
"""
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

checkout = Path(__file__).resolve().parents[2]
failures = []


def lines(path):
    return [line for line in path.read_text().splitlines() if line and not line.startswith("#")]


def run(*command):
    # What they say is looked at: in English.
    return subprocess.run(command, cwd=checkout / "po", env={**os.environ, "LC_ALL": "C", "LANGUAGE": ""}, check=True,
                          capture_output=True, text=True)


def sentences(catalogue):
    """(context, sentence) → translation, as gettext reads them."""
    text = run("msgcat", "--no-wrap", "--no-location", str(catalogue)).stdout
    unquoted = lambda block: "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', block))
    entries = re.findall(r'^(?:msgctxt (.*)\n)?msgid ((?:".*"\n?)+)msgstr ((?:".*"\n?)+)', text, re.MULTILINE)
    return {(unquoted(c), unquoted(i)): unquoted(s) for c, i, s in entries if unquoted(i)}


# What stands below GIMP's side of the wire, but for what only the command line does.
FOLDERS = ("plugin", "ui", "engine", "models", "request", "compute")
WITHOUT = ("models/eval/", "models/training/")
MARKED = re.compile(r'\b(?:N_|C_|_|say|fail)\(\s*"')


# What is told a person: it begins with a capital or with the name of something, and ends in a full stop or with what follows from it.
TOLD = re.compile(r'\b(?:fail\(|device_lost\(say\()\s*((?:"(?:[^"\\]|\\.)*"\s*)+)')
BEGUN_AND_ENDED = re.compile(r"(?![a-z]+ ).*(?:\.|\.”|\{\})", re.DOTALL)


def code(path):
    return re.sub(r"//.*", "", path.read_text())


def source_files():
    for folder in FOLDERS:
        for path in sorted((checkout / folder).rglob("*")):
            name = str(path.relative_to(checkout))
            if path.suffix in (".cpp", ".h") and not name.startswith(WITHOUT):
                yield name, path


def places(sentence):
    """The places of a sentence by their numbers, however they are written."""
    found = re.findall(r"\{(\d*)(?::[^{}]*)?\}", sentence.replace("{{", "").replace("}}", ""))
    return sorted(number or str(i) for i, number in enumerate(found))


for name, path in source_files():
    for told in TOLD.findall(code(path)):
        sentence = "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', told))
        if not BEGUN_AND_ENDED.fullmatch(sentence):
            failures.append(f"{name}: no whole sentence: {sentence}")

listed = set(lines(checkout / "po/POTFILES.in"))
with_sentences = {name for name, path in source_files() if MARKED.search(code(path))}
if listed != with_sentences:
    failures.append(f"po/POTFILES.in: {sorted(listed ^ with_sentences)} is listed or has sentences, but not both")

with tempfile.TemporaryDirectory() as folder:
    template = Path(folder) / "template.pot"
    run("xgettext", "--from-code=UTF-8", "--language=C++", "--keyword", "--keyword=_", "--keyword=N_", "--keyword=C_:1c,2",
        "--keyword=say", "--keyword=fail", "--files-from=POTFILES.in", "--directory=..", f"--output={template}")
    wanted = set(sentences(template))
    if not wanted:
        failures.append("no sentence was found at all")
    for language in lines(checkout / "po/LINGUAS"):
        catalogue = checkout / "po" / f"{language}.po"
        found = run("msgfmt", "--check", "--statistics", "--output-file=/dev/null", str(catalogue)).stderr
        print(f"{language}: {found.strip()}")
        if "fuzzy" in found or "untranslated" in found:
            failures.append(f"{language}: {found.strip()}")
        translated = sentences(catalogue)
        for missing in sorted(wanted - set(translated)):
            failures.append(f"{language}: not translated: {missing[1]}")
        for obsolete in sorted(set(translated) - wanted):
            failures.append(f"{language}: not said any more: {obsolete[1]}")
        for (_, sentence), translation in translated.items():
            if places(sentence) != places(translation):
                failures.append(f"{language}: other placeholders: {sentence}")

print("\n".join(failures))
sys.exit(1 if failures else 0)
