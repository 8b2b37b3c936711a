"""What a command costs before it does anything: fresh processes, their CPU time and memory."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from clock import Row

COMPARE = (
    *("compare", "--preset", "gym", "--seeds", "1", "--steps", "20480", "--episodes", "1"),
    *("--policies", "", "--frontier-points", "2"),
)
# A process that has just been forked counts its parent's memory as its own peak, so a parent of a
# few MiB starts the program and asks the system what it used.
LAUNCHER = """
import json, os, subprocess, sys, time
begin = time.perf_counter()
child = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
_, status, used = os.wait4(child.pid, 0)
child.returncode = os.waitstatus_to_exitcode(status)
cpu, wall = used.ru_utime + used.ru_stime, time.perf_counter() - begin
print(json.dumps([child.returncode, cpu, wall, used.ru_maxrss / 1024]))
"""


def _run(arguments: tuple[str, ...], cache: str | None = None) -> tuple[float, float, float]:
    """CPU seconds, wall seconds and peak MiB of one Python process."""
    environment = os.environ | ({"EVENHAND_CACHE_DIR": cache} if cache else {})
    if cache:
        environment.pop("JAX_COMPILATION_CACHE_DIR", None)
    done = subprocess.run(
        [sys.executable, "-S", "-c", LAUNCHER, sys.executable, *arguments],
        env=environment,
        capture_output=True,
        check=True,
    )
    code, cpu, wall, memory = json.loads(done.stdout)
    if code:
        raise RuntimeError(f"python {' '.join(arguments)} ended with exit code {code}")
    return cpu, wall, memory


def first_update(repeats: int) -> list[Row]:
    """Seconds until a comparison has made its first training steps, without and with a cache.

    The exact frontier is computed beside the training, as in every comparison.
    """
    cold, cached, total, memory = [], [], [], []
    with tempfile.TemporaryDirectory() as folder:
        for repeat in range(repeats):
            cache = f"{folder}/cache-{repeat}"
            for kept, name in ((cold, "cold"), (cached, "cached")):
                out = Path(folder) / f"{name}-{repeat}"
                used = _run(("-m", "evenhand", *COMPARE, "--out", str(out)), cache)
                manifest = json.loads(next(out.rglob("manifest.json")).read_text())
                kept.append(manifest["first_update_seconds"])
                memory.append(used[2])
                total.append(used[0])
    return [
        Row("d. first training steps, empty cache", "wall s", cold, bar="< 25 s"),
        Row("d. first training steps, warm cache", "wall s", cached, bar="< 4 s"),
        Row("d. whole small comparison, empty cache", "CPU s", total[::2]),
        Row("d. whole small comparison, warm cache", "CPU s", total[1::2]),
        Row("f. peak memory of a small comparison", "MiB", memory),
    ]


def imports(repeats: int) -> list[Row]:
    """CPU seconds of the imports everybody pays for; a bare interpreter is the other."""
    rows = []
    bare = [_run(("-c", "pass"))[0] for _ in range(repeats)]
    for name, arguments, bar in (
        ("e. import evenhand", ("-c", "import evenhand"), "< 0.3 s"),
        ("e. evenhand --help", ("-m", "evenhand", "--help"), "< 0.6 s"),
    ):
        used = [_run(arguments) for _ in range(repeats)]
        rows.append(Row(name, "CPU s", [u[0] for u in used], bare, bar=bar))
        rows[-1].note = f"peak memory {statistics.median(u[2] for u in used):.0f} MiB"
    return rows
