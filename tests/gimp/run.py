#!/usr/bin/env python3
"""run.py BUILD SCRIPT [LOCALE] – runs SCRIPT inside a real gimp-console with the freshly built plug-in.

Everything is fresh and thrown away afterwards: profile, home, and the runtime directory, so that the plug-in starts an
engine of its own. Passes when SCRIPT's last line says that nothing failed; GIMP's own exit code says little.
"""
import re
import subprocess
import sys
from pathlib import Path

import scratch

build, script = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
locale = sys.argv[3] if len(sys.argv) > 3 else None

code = (f"import sys; sys.path.insert(0, {str(script.parent)!r}); "
        f"exec(compile(open({str(script)!r}).read(), {script.name!r}, 'exec'))")
seconds = 1770
with scratch.Scratch(build, locale=locale) as place:
    try:
        gimp = subprocess.run(
            ["gimp-console-3", "-n", "-i", "-d", "-f", "--quit", "--batch-interpreter", "python-fu-eval", "-b", code],
            env={**place.environment, "SFUMATO_BUILD_ROOT": str(build)}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=seconds)
    except subprocess.TimeoutExpired as late:
        print((late.stdout or b"").decode(errors="replace"))
        print(f"gimp-console: not done within {seconds} s\nengine:\n{place.engine_log()}")
        sys.exit(1)
    engine_log = place.engine_log()

sums = re.findall(r"^(\d+) passed, (\d+) failed$", gimp.stdout, re.MULTILINE)
# What libgimp has to say of the plug-in: nobody is there to read it.
noise = re.findall(r"^.*gimp-sfumato.*gimp_flush.*$", gimp.stdout, re.MULTILINE)
passed = gimp.returncode == 0 and len(sums) == 1 and int(sums[0][0]) > 0 and int(sums[0][1]) == 0 and not noise
# Without a failure only the checks are worth reading.
checks = re.findall(r"^(?:ok {3}.*|\d+ passed, \d+ failed)$", gimp.stdout, re.MULTILINE)
print("\n".join(checks) if passed else gimp.stdout)
if not passed:
    print(f"gimp-console: exit code {gimp.returncode}; {len(sums)} closing lines; on standard error: {noise}")
    print(f"engine:\n{engine_log}")
sys.exit(0 if passed else 1)
