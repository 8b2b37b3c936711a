"""Run the benchmarks and write `benchmarks/results/latest.json`.

    python benchmarks/run.py                 everything
    python benchmarks/run.py --only a,b      simulation and training alone

Times are CPU seconds of this machine, medians of interleaved repeats, unless a row says wall.
Parts a, b and g are held to one core.
"""

import argparse
import json
import multiprocessing
import os
import platform
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from clock import Row, print_table

from evenhand.experiments.compilation import configure_compilation

RESULTS = Path(__file__).parent / "results" / "latest.json"
PARTS = {
    "a": ("speed", "simulation", 7),
    "b": ("speed", "training", 5),
    "c": ("speed", "ten_seeds", 1),
    "d": ("startup", "first_update", 5),
    "e": ("startup", "imports", 7),
    "g": ("learners", "learners", 3),
}

# Both sides on one core: the rivals use one thread, and XLA's second one would only spin.
ONE_CORE = ("a", "b", "g")


def main() -> None:
    """Measure, print, and write what was measured."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="a,b,c,d,e,g", help="parts, such as a,b (f comes with d)")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    wanted = options.only.split(",")
    unknown = sorted(set(wanted) - PARTS.keys())
    if unknown:
        parser.error(f"there is no part {', '.join(unknown)}; choose from {', '.join(PARTS)}")
    rows = []
    for part in wanted:
        print(f"part {part} ...", flush=True)
        rows += _measured(part)
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(json.dumps([row.record() for row in rows], indent=1) + "\n")
    print_table(rows)
    print(f"{options.out}\n{_machine()}")


def _measured(part: str) -> list[Row]:
    """The rows of one part, measured in a fresh process."""
    with multiprocessing.get_context("spawn").Pool(1, _prepare, (part in ONE_CORE,)) as pool:
        return pool.apply(_measure, (part,))


def _prepare(one_core: bool) -> None:
    if one_core:
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    configure_compilation()


def _measure(part: str) -> list[Row]:
    module, function, repeats = PARTS[part]
    return getattr(import_module(module), function)(repeats)


def _machine() -> str:
    names = ("jax", "jaxlib", "numpy", "gymnasium", "stable-baselines3", "torch")
    found = []
    for name in names:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return f"{platform.machine()}, Python {platform.python_version()}, {', '.join(found)}"


if __name__ == "__main__":
    main()
