"""Can people who have not seen the prompts tell what was drawn?

    python recognise.py make MODEL DATA OUT [--seed 1000]     writes OUT/sheet.png, OUT/choices.txt, OUT/answers.json
    python recognise.py count OUT ANSWERS.txt                 lines "NUMBER LETTER" -> how many are right

The sheet has 64 numbered pictures of known labels; for each, choices.txt has eight labels of the same kind, one of which
was the prompt. Chance alone gets 8.
"""

import argparse
import json
import random
import re
from pathlib import Path

import checkpoint
import clip_tokens
import judge
import sample

LETTERS = "abcdefgh"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("make", "count"))
    parser.add_argument("paths", type=Path, nargs="+")
    parser.add_argument("--seed", type=int, default=1000)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--guidance", type=float, default=7.0)  # the product's
    options = parser.parse_args()
    if options.what == "make":
        make(*options.paths, options)
    else:
        count(*options.paths)


def make(model, data, out, options):
    out.mkdir(parents=True, exist_ok=True)
    table = json.loads((data / "pictures.json").read_text())["pictures"]
    prompts = judge.known_prompts(table, seed=options.seed)
    nets, ids, _ = checkpoint.read(model)
    made = judge.pictures_of(nets, prompts, ids, clip_tokens.Tokenizer(), "cpu", options.seed, options.steps, options.guidance)
    sample.sheet(made, [str(i + 1) for i in range(len(prompts))]).save(out / "sheet.png")
    choices, answers = choices_of([prompt.split(",")[0] for prompt in prompts], table, options.seed)
    (out / "choices.txt").write_text("\n".join(choices) + "\n")
    (out / "answers.json").write_text(json.dumps({"prompts": prompts, "letters": answers}))


def choices_of(labels, table, seed):
    """A line and the right letter for each label; the other seven are of the same group, in no order."""
    draw, group_of, labels_of = random.Random(seed), {}, {}
    for entry in table:
        if not entry["held_out"] and len(entry["label"].split()) <= 2:
            group_of.setdefault(entry["label"], entry["group"])
    for label, group in group_of.items():
        labels_of.setdefault(group, []).append(label)
    lines, letters = [], ""
    for number, label in enumerate(labels, 1):
        others = [other for other in labels_of[group_of[label]] if other != label]
        eight = [label, *draw.sample(others, min(7, len(others)))]
        draw.shuffle(eight)
        letters += LETTERS[eight.index(label)]
        lines.append(f"{number}: " + ", ".join(f"{letter}) {name}" for letter, name in zip(LETTERS, eight)))
    return lines, letters


def count(out, answers):
    right = json.loads((out / "answers.json").read_text())["letters"]
    given = {int(number): letter for number, letter in re.findall(r"(\d+)\W+([a-h])\b", answers.read_text())}
    correct = [number for number, letter in enumerate(right, 1) if given.get(number) == letter]
    print(f"{len(correct)} of {len(right)}; wrong: {[n for n in range(1, len(right) + 1) if n not in correct]}")


if __name__ == "__main__":
    main()
