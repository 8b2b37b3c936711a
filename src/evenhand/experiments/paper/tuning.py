"""The search behind a study's settings: every method gets the same number of tries and seeds."""

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from evenhand.core.files import write_text
from evenhand.experiments.config import Experiment
from evenhand.experiments.record import read_run
from evenhand.experiments.runner import run_experiment
from evenhand.experiments.variants import base_method

Setting = Mapping[str, float]


def product(**values: list[float]) -> list[dict[str, float]]:
    """All combinations of the values, as one setting each."""
    return [dict(zip(values, row, strict=True)) for row in itertools.product(*values.values())]


def tried(base: Experiment, method: str, setting: Setting, runs: Path) -> dict[str, float]:
    """Mean over seeds of every final measure; "metric:group" for those of one group.

    A setting that was tried before is read from its records, so a search can be interrupted.
    """
    owner = base_method(method)
    own = tuple(f"{owner}.{name}={value}" for name, value in setting.items())
    asked = replace(base, methods=(method,), options=base.options + own)
    found: dict[str, list[float]] = {}
    for row in read_run(run_experiment(asked, runs)).final.iter_rows(named=True):
        name = row["metric"] + (f":{row['group']}" if row["group"] else "")
        found.setdefault(name, []).append(row["value"])
    return {name: float(np.mean(values)) for name, values in found.items()}


def written(method: str, setting: Setting) -> str:
    """A setting as options are written."""
    return " ".join(f"{method}.{name}={value:g}" for name, value in setting.items())


def best_of(scores: Iterable[float]) -> int:
    """The index of the highest score; NaN is never chosen while there is a number."""
    return int(np.argmax([-np.inf if np.isnan(score) else score for score in scores]))


def write_rows(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write rows as CSV, with every column that some row has."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    lines = [",".join(names)]
    lines += [",".join(str(row.get(name, "")) for name in names) for row in rows]
    write_text(path, "\n".join(lines) + "\n")
