"""isa.py PIPELINES FOLDER CHIP…: what the vendors' compilers make of our matrix kernels, on GPUs that are not there
(tests/drivers/absent_gpu). For each chip a table: of every kernel that networks use, the time to compile it, registers, spills,
and what its main loop consists of.

peak: an estimate of the fraction of the chip's matrix rate that the loop can reach: the cycles in which its matrix units are
busy, of all cycles if each other instruction took one more and nothing else were waited for. Loads that come late, conflicts in
shared memory and instructions that run beside the matrix units are left out: it compares forms of a kernel, and says little of
times. Without matrix units: the share of fused multiply-adds among the loop's instructions."""
import collections
import os
import re
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "drivers"))
from machine import Machine

# Cycles of a SIMD that one matrix operation keeps its unit busy, fp16 in and fp32 sums, from the vendors' published rates: AMD
# RDNA 3: 512 and RDNA 4: 1024 operations a cycle and compute unit; NVIDIA's GeForce 512 a cycle and SM; Intel Xe-HPG 1024 and Xe2
# 2048 a cycle and Xe core.
CYCLES = {"navi3": 32, "phoenix": 32, "gfx11": 32, "gfx12": 16, "a770": 16, "arl": 16, "lnl": 16, "b580": 16, "ptl": 16,
          "tu": 32, "ga": 32, "ad": 32, "gb": 32}

KINDS = [
    ("matrix", r"\b(dpas\w*|v_s?wmma\w*|[hi]mma\S*)"),
    ("fma", r"\b(v_(pk_)?fma\w*|v_fmac\w*|v_dual_fma\w*|ffma2?\b|mad\b|ffma\S*)"),
    ("spill", r"(ld\.local\S*|st\.local\S*|scratch_\w+|ugm MsgDesc.*ss|ugm.*\bBTI 25[0-9])"),
    ("shared", r"\b(ds_\w+|ldsm\S*|ld\.shared\S*|st\.shared\S*|lds\b|sts\b|slm\b)"),
    ("global", r"\b(global_(load|store)\w*|buffer_(load|store)\w*|ld\.global\S*|st\.global\S*|ldg\S*|ugm\b)"),
    ("wait", r"\b(s_waitcnt\w*|s_wait_\w+|s_delay_alu|sync\b)"),
    ("jump", r"\b(s_c?branch\w*|bra\b|bssy|bsync|bclear|if\(|endif|else|while)"),
]


def is_instruction(line):
    line = line.strip()
    if not line or line.startswith(("BB", "LABEL", "block", "}", "/*", ";", "//", "START", "END")):
        return False
    return bool(re.match(r"[@(\w]", line))


def kinds_of(lines):
    counts = collections.Counter()
    for line in filter(is_instruction, lines):
        counts[next((kind for kind, pattern in KINDS if re.search(pattern, line)), "other")] += 1
    return counts


def natural_loops(lines):
    """NVK's compiler tells each block's predecessors: the lines of every natural loop."""
    blocks, now = {}, None
    for line in lines:
        if m := re.match(r"block(?:\.u)? (\d+) L\d+ \[([\d, ]*)\]", line):
            now = int(m[1])
            blocks[now] = ([int(x) for x in m[2].split(",") if x.strip()], [])
        elif now is not None:
            blocks[now][1].append(line)
    for head, (before, _) in blocks.items():
        for last in (b for b in before if b >= head):
            inside, todo = {head}, [last]
            while todo:
                block = todo.pop()
                if block not in inside:
                    inside.add(block)
                    todo.extend(blocks[block][0])
            yield [line for block in sorted(inside) for line in blocks[block][1]]


def loops(lines):
    """The lines of every loop: from a label to a jump back to it."""
    if any(line.startswith("block") for line in lines[:3]):
        yield from natural_loops(lines)
        return
    labels = {}
    for i, line in enumerate(lines):
        if m := re.match(r"\s*(BB\d+|LABEL\d+):", line):
            labels[m[1]] = i
        if m := re.search(r"\b(?:while\b.*JIP:|s_c?branch\w*)\s*(BB\d+|LABEL\d+)\b", line):
            if m[1] in labels:
                yield lines[labels[m[1]]:i + 1]


def main_loop(text):
    """Counts of the loop with the most matrix operations, or FMAs where there are none; the smallest of those that hold them."""
    best, key = collections.Counter(), (0, 0, 0)
    for body in loops(text.split("\n")):
        counts = kinds_of(body)
        now = (counts["matrix"], counts["fma"] if not counts["matrix"] else 0, -sum(counts.values()))
        if now[:2] > (0, 0) and now > key:
            best, key = counts, now
    return best


def peak(chip, loop):
    total = sum(loop.values())
    if not total:
        return 0
    if not loop["matrix"]:
        return loop["fma"] / total
    cycles = next(c for name, c in CYCLES.items() if chip.startswith(name))
    busy = cycles * loop["matrix"]
    others = total - loop["matrix"] - loop["wait"]
    return busy / (busy + others)


def first(facts, *names):
    return next((int(facts[name]) for name in names if name in facts), 0)


def read(line, folder):
    name, label, kernel, *facts = line.split("\t")
    facts = dict(fact.split("=", 1) for fact in facts)
    code = Path(folder, name + ".txt")
    return {"name": name, "label": label, "kernel": kernel, "ms": int(facts["ms"]),
            "shares": {key[3:]: float(value) for key, value in facts.items() if key.startswith("of ")},
            "registers": first(facts, "VGPRs", "Number of GPRs", "Max live registers"),
            "spills": first(facts, "Spilled VGPRs", "Spills to memory", "Spills"),
            "waves": first(facts, "Subgroups per SIMD", "Max warps/SM"), "subgroup": int(facts["subgroup"]),
            "loop": main_loop(code.read_text(errors="replace") if code.exists() else "")}


def pipelines(program, folder, chip):
    """[what read() gives] and the compiler's name, of every matrix kernel on a chip."""
    build = Path(program).resolve().parents[3]
    machine = Machine(build, chip)
    os.makedirs(folder, exist_ok=True)
    process = subprocess.run([program, folder], env=machine.environment(), capture_output=True, text=True)
    if process.returncode:
        sys.exit(f"{chip}: {process.stderr.strip()}")
    head, *lines = process.stdout.splitlines()
    return [read(line, folder) for line in lines], head[2:]


def print_table(chip, rows, driver):
    print(f"\n{chip}: {driver}; {len(rows)} pipelines, {sum(r['ms'] for r in rows) / 1000:.1f} s to compile")
    print(f"{'kernel':44} {'most of':>16} {'ms':>6} {'regs':>5} {'spills':>6} {'waves':>5} {'matrix':>6} {'others':>6} {'/matrix':>7} {'peak':>5}")
    for r in sorted(rows, key=lambda r: -max(r["shares"].values())):
        network, share = max(r["shares"].items(), key=lambda item: item[1])
        if share < 0.01 and not r["spills"]:
            continue
        loop = r["loop"]
        busy = loop["matrix"] or loop["fma"]
        others = sum(loop.values()) - busy
        print(f"{r['label'][:44]:44} {network:>11} {share:4.0%} {r['ms']:>6} {r['registers']:>5} {r['spills']:>6} {r['waves']:>5} "
              f"{busy:>6} {others:>6} {others / busy if busy else 0:>7.1f} {peak(chip, loop):>5.0%}")


def main():
    program, folder, *chips = sys.argv[1:]
    for chip in chips or ["navi21", "navi31", "gfx1201", "ga102", "ad102", "a770", "b580"]:
        rows, driver = pipelines(program, str(Path(folder, chip)), chip)
        print_table(chip, rows, driver)


if __name__ == "__main__":
    main()
