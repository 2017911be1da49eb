"""test.py BUILD [--slow] [SUITE…]: runs the tests of a build folder, prints what failed and what was skipped and why, and
closes with 'N passed, N failed[, N skipped]'. A googletest program counts as its cases; another test that closes with such
a line itself counts as that; any other test is one."""
import json
import os
import re
import subprocess
import sys
from pathlib import Path

GOOGLE_CASE = re.compile(r"^\[ +(OK|FAILED|SKIPPED) +\] (\S+?)(?:, where .*)? \(\d+ ms\)$", re.MULTILINE)
CLOSING = re.compile(r"^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$", re.MULTILINE)
SKIPPED, ERRORS = "SKIP", ("FAIL", "ERROR", "TIMEOUT", "INTERRUPT", "UNEXPECTEDPASS")


def count(test):
    """(passed, failed, [skipped: reason]) of one line of meson's log."""
    output = test.get("stdout") or ""
    name = test["name"]
    if test["result"] == SKIPPED:
        return 0, 0, [f"{name}: {last_line(output)}"]
    cases = GOOGLE_CASE.findall(output)
    closing = CLOSING.findall(output)
    if cases:
        passed = sum(state == "OK" for state, _ in cases)
        failed = sum(state == "FAILED" for state, _ in cases)
        skipped = [f"{case}: {google_reason(output, case)}" for state, case in cases if state == "SKIPPED"]
    elif closing:
        passed, failed = int(closing[-1][0]), int(closing[-1][1])
        skipped = [line for line in output.splitlines() if line.startswith("skipped")][:int(closing[-1][2] or 0)]
        skipped += [f"{name}: no reason given"] * (int(closing[-1][2] or 0) - len(skipped))
    else:
        passed, failed, skipped = 1, 0, []
    if test["result"] in ERRORS and not failed:  # a crash, a time-out, a bad exit status: the test itself failed
        passed, failed = (passed if cases or closing else 0), 1
    return passed, failed, skipped


def google_reason(output, case):
    """GTEST_SKIP() << reason is printed between the case's RUN and SKIPPED lines."""
    between = re.search(rf"^\[ RUN +\] {re.escape(case)}$(.*?)^\[ +SKIPPED \] ", output, re.MULTILINE | re.DOTALL)
    return last_line(between.group(1)) if between else "no reason given"


def last_line(text):
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no reason given"


def main():
    build = Path(sys.argv[1])
    suites = [argument for argument in sys.argv[2:] if argument != "--slow"]
    # The limits are those of a quiet machine.
    command = ["meson", "test", "-C", str(build), "--no-rebuild", "--print-errorlogs", "--timeout-multiplier", "3"]
    for suite in suites:
        command += ["--suite", suite]
    if "--slow" not in sys.argv and "slow" not in suites:
        command += ["--no-suite", "slow"]
    log = build / "meson-logs/testlog.json"
    log.unlink(missing_ok=True)
    status = subprocess.run(command, env={**os.environ, "SFUMATO_VALIDATE": "1"}).returncode
    passed, failed, skipped = 0, 0, []
    for line in log.read_text().splitlines() if log.exists() else []:
        counts = count(json.loads(line))
        passed, failed, skipped = passed + counts[0], failed + counts[1], skipped + counts[2]
    if status != 0 and not failed:  # meson itself: no such suite, a broken definition
        failed = 1
    if passed + failed == 0:
        print("no test ran")
        failed = 1
    print()
    for reason in skipped:
        print(f"skipped: {reason}")
    print(f"{passed} passed, {failed} failed" + (f", {len(skipped)} skipped" if skipped else ""), flush=True)
    return 1 if failed else 0


sys.exit(main())
