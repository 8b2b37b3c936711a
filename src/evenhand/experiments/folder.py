"""The folder of a run while it is made: its lock, its parts, and what an interruption left."""

import fcntl
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from evenhand.core.errors import InputError
from evenhand.core.files import remove, write_text
from evenhand.experiments.config import Experiment

Part = tuple[str, int]
EXACT = "exact"
_LOCK = ".lock"


@runtime_checkable
class Named(Protocol):
    """What has a folder for its run: an experiment, or a trial."""

    @property
    def name(self) -> str: ...

    def digest(self) -> str: ...


def run_folder(experiment: Named, runs: Path) -> Path:
    """The folder of an experiment: its name and the first twelve digits of its digest."""
    return runs / f"{experiment.name}-{experiment.digest()[:12]}"


def parts(experiment: Experiment) -> list[Part]:
    """Seeds in the outer loop, so that an interrupted run has whole seeds of all methods.

    The exact part comes second: the first learner then compiles without waiting for it.
    """
    seeds = range(experiment.first_seed, experiment.first_seed + experiment.seeds)
    found = [(method, seed) for seed in seeds for method in experiment.methods]
    return [found[0], (EXACT, 0), *found[1:]]


def part_file(folder: Path, method: str, seed: int) -> Path:
    """Where the rows of a method and seed are kept once they are all there."""
    slug = re.sub(r"[^A-Za-z0-9]+", "-", method).strip("-")[-40:]
    digest = format(sum(ord(c) * 31**i for i, c in enumerate(method)) % 16**6, "06x")
    return folder / "parts" / f"{slug}-{digest}-seed-{seed:04d}.json"


def state_file(folder: Path, method: str, seed: int) -> Path:
    """Where a training run that is under way is kept."""
    return part_file(folder, method, seed).with_suffix(".state")


def write_part(folder: Path, part: Part, rows: dict[str, Any]) -> None:
    """Keep a finished part; its training state is not needed any more."""
    write_text(part_file(folder, *part), json.dumps(rows))
    remove(state_file(folder, *part))


def read_part(folder: Path, part: Part) -> dict[str, list[dict[str, Any]]] | None:
    """The rows of a finished part by table; None if it is not there whole, and is to be redone."""
    try:
        content = json.loads(part_file(folder, *part).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    wanted = {"frontier", "reference"} if part[0] == EXACT else _TABLES
    whole = isinstance(content, dict) and content.keys() - _LATER == wanted
    return content if whole and all(isinstance(rows, list) for rows in content.values()) else None


_TABLES = {"final", "curves", "series", "distributions"}
# A part without these is of an earlier version, and is not made again for their sake.
_LATER = {"levels"}


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other processes from making the same run; the lock ends with this process, however.

    Files that a killed process had begun are removed.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / _LOCK).open("a+")
    except OSError as error:
        raise InputError(
            f"the run cannot be written to {folder}: {error.strerror}; choose another folder "
            "with --out"
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            raise InputError(
                f"the run in {folder} is being made by process {lock.read().strip()}; wait for "
                "it to end, or stop it: the same command then continues"
            ) from error
        except OSError:
            pass  # A file system without locks: files are still replaced whole.
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        for pattern in (".*.part", "parts/.*.part", "parts/.*.partial"):
            for left in folder.glob(pattern):
                remove(left)
        yield
