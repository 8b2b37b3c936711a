"""The folder of a finished run; its tables and their writers are in `tables`."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from evenhand.core.errors import InputError
from evenhand.core.files import write_text
from evenhand.experiments.tables import SCHEMA, read_table, write_table

__all__ = ["SCHEMA", "Run", "read_run", "read_table", "write_table", "write_text"]


@dataclass(frozen=True)
class Run:
    """One finished run; tables are read when first asked for, absent ones are None."""

    folder: Path
    experiment: dict[str, Any]
    manifest: dict[str, Any]
    world: dict[str, Any]

    @cached_property
    def final(self) -> pl.DataFrame:
        return read_table(self.folder / "final.parquet", SCHEMA["final"])

    @cached_property
    def curves(self) -> pl.DataFrame | None:
        return self._optional("curves")

    @cached_property
    def series(self) -> pl.DataFrame | None:
        return self._optional("series")

    @cached_property
    def distributions(self) -> pl.DataFrame | None:
        return self._optional("distributions")

    @cached_property
    def levels(self) -> pl.DataFrame | None:
        return self._optional("levels")

    @cached_property
    def frontier(self) -> pl.DataFrame | None:
        return self._optional("frontier")

    @cached_property
    def reference(self) -> pl.DataFrame | None:
        return self._optional("reference")

    @cached_property
    def sensitivity(self) -> dict[str, Any]:
        """Exact numbers under other payoffs and moves; empty where the run has none."""
        path = self.folder / "sensitivity.json"
        return _read_json(path) if path.is_file() else {}

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods in the order of the experiment."""
        return tuple(self.experiment["methods"])

    @property
    def groups(self) -> tuple[str, ...]:
        return tuple(self.world["groups"])

    @property
    def seeds(self) -> tuple[int, ...]:
        return seeds_of(self.experiment)

    @property
    def digest(self) -> str:
        return str(self.manifest.get("digest", ""))

    @property
    def command(self) -> str:
        """The command that makes this run, or continues it."""
        return command_of(self.experiment, self.folder)

    def _optional(self, name: str) -> pl.DataFrame | None:
        path = self.folder / f"{name}.parquet"
        frame = read_table(path, SCHEMA[name]) if path.is_file() else None
        return None if frame is None or frame.is_empty() else frame


def read_run(folder: str | Path) -> Run:
    """The finished run in a folder; `InputError` where there is none or it is not finished."""
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"there is no folder {folder}; give one that a run wrote, in runs/")
    if not (folder / "experiment.json").is_file():
        raise InputError(f"{folder} is not the folder of a run: it has no experiment.json")
    experiment = _read_json(folder / "experiment.json")
    for name in ("methods", "seeds"):
        if name not in experiment:
            raise InputError(f"{folder / 'experiment.json'} does not say {name!r}; run it again")
    _require_finished(folder, experiment)
    world, manifest = (_read_json(folder / f"{name}.json") for name in ("world", "manifest"))
    if not world.get("groups"):
        raise InputError(f"{folder / 'world.json'} names no groups; run it again")
    return Run(folder, experiment, manifest, world)


def seeds_of(experiment: Mapping[str, Any]) -> tuple[int, ...]:
    """The seeds of an experiment: from `first_seed` on where it gives their number."""
    seeds: int | Iterable[int] = experiment["seeds"]
    first = int(experiment.get("first_seed", 0))
    return tuple(range(first, first + seeds)) if isinstance(seeds, int) else tuple(seeds)


def command_of(experiment: Mapping[str, Any], folder: Path) -> str:
    """What an experiment came from, a command line or Python; it continues an unfinished run."""
    python = f"run_experiment in Python, with the settings in {folder / 'experiment.json'}"
    return str(experiment.get("command") or python)


def _require_finished(folder: Path, experiment: Mapping[str, Any]) -> None:
    """`InputError` unless every method has every seed in `final.parquet`."""
    seeds = seeds_of(experiment)
    wanted = {(method, seed) for method in experiment["methods"] for seed in seeds}
    path = folder / "final.parquet"
    if path.is_file():
        rows = read_table(path, SCHEMA["final"]).select("algorithm", "seed").unique().rows()
        done = len(wanted & set(rows))
    else:
        done = min(len(wanted), len({file.stem for file in folder.glob("parts/*-seed-*.json")}))
    if not path.is_file() or done < len(wanted):
        raise InputError(
            f"the run in {folder} is not finished: {done} of {len(wanted)} parts (a method with "
            f"one seed) are done; continue it with: {command_of(experiment, folder)}"
        )
    for name in ("world.json", "manifest.json"):
        if not (folder / name).is_file():
            raise InputError(
                f"the run in {folder} has no {name}; "
                f"write it with: {command_of(experiment, folder)}"
            )


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read {path}: {error}") from error
    if not isinstance(content, dict):
        raise InputError(f"{path} must hold one JSON object, got a {type(content).__name__}")
    return content
