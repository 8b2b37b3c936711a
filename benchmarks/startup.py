"""What a command costs before it does anything: fresh processes, their CPU time and memory."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from clock import Row

COMPARE = ("compare", "--preset", "gym", "--seeds", "1", "--steps", "20480", "--episodes", "1")


def _run(arguments: tuple[str, ...], cache: str | None = None) -> tuple[float, float, float]:
    """CPU seconds, wall seconds and peak MiB of one process with its children."""
    environment = os.environ | ({"EVENHAND_CACHE_DIR": cache} if cache else {})
    if cache:
        environment.pop("JAX_COMPILATION_CACHE_DIR", None)
    begin = time.perf_counter()
    child = subprocess.Popen(
        [sys.executable, *arguments],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    said = (child.stderr.read() if child.stderr else b"").decode()
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise RuntimeError(f"{' '.join(arguments)} failed: {said[-500:]}")
    wall = time.perf_counter() - begin
    return used.ru_utime + used.ru_stime, wall, used.ru_maxrss / 1024


def first_update(repeats: int) -> list[Row]:
    """Seconds until a comparison has made its first training steps, without and with a cache."""
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
