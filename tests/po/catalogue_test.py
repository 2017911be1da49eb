#!/usr/bin/env python3
"""catalogue_test.py – every sentence for the user is translated, in every language of po/LINGUAS."""
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


listed = set(lines(checkout / "po/POTFILES.in"))
with_sentences = {str(path.relative_to(checkout)) for folder in ("plugin", "ui", "cli", "models", "compute")
                  for path in (checkout / folder).rglob("*.cpp") if re.search(r'\b(?:N_|NC_|C_|_)\("', path.read_text())}
if listed != with_sentences:
    failures.append(f"po/POTFILES.in: {sorted(listed ^ with_sentences)} is listed or has sentences, but not both")

with tempfile.TemporaryDirectory() as folder:
    template = Path(folder) / "template.pot"
    run("xgettext", "--from-code=UTF-8", "--language=C++", "--keyword=_", "--keyword=N_", "--keyword=C_:1c,2",
        "--keyword=NC_:1c,2", "--files-from=POTFILES.in", "--directory=..", f"--output={template}")
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
            if sentence.count("{}") != translation.count("{}"):
                failures.append(f"{language}: other placeholders: {sentence}")

print("\n".join(failures))
sys.exit(1 if failures else 0)
