"""Running a trial: its missing parts side by side, each kept as soon as it is done."""

import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from evenhand.core.files import write_text
from evenhand.experiments.folder import Part, locked, read_part, run_folder
from evenhand.experiments.gather import as_json, before, gather
from evenhand.experiments.manifest import facts
from evenhand.experiments.progress import Progress
from evenhand.experiments.trials.processes import Processes
from evenhand.experiments.trials.trial import Rows, Trial
from evenhand.experiments.trials.worker import keep_parts, whole
from evenhand.experiments.workers import Stopped, num_cores, run_jobs

_FILES = ("experiment.json", "world.json", "manifest.json", "final.parquet", "curves.parquet")
# A method with the seeds that it is run with in one call.
_Job = tuple[str, list[int]]


def run_trial(trial: Trial, runs: Path, command: str = "") -> Path:
    """Run what is not yet done of a trial and return its folder.

    A part is a method with a seed; after an interruption of any kind the same call does the rest.
    """
    folder = run_folder(trial, runs)
    missing = [part for part in _parts(trial) if read_part(folder, part) is None]
    if not missing and all((folder / name).is_file() for name in _FILES):
        return folder
    world = trial.world()
    with locked(folder):
        about = trial.to_json() | {"command": command, "env": trial.kind}
        write_text(folder / "experiment.json", as_json(about))
        write_text(folder / "world.json", as_json(world))
        started = time.time()
        if missing:
            _do(trial, missing, folder)
        gather(folder, _parts(trial), trial.digest(), trial.kind, _relative(trial, folder))
        path = folder / "manifest.json"
        made = facts(trial.digest(), before(path), started) | {"budget": trial.budget}
        write_text(path, as_json(made))
    return folder


def _parts(trial: Trial) -> list[Part]:
    """Seeds in the outer loop, so that an interrupted run has whole seeds of all methods."""
    seeds = range(trial.first_seed, trial.first_seed + trial.seeds)
    return [(method, seed) for seed in seeds for method in trial.methods]


def _relative(trial: Trial, folder: Path) -> dict[Part, list[dict[str, Any]]]:
    """Final rows that compare a part with others of its seed."""
    by_seed: dict[int, dict[str, Rows]] = {}
    for method, seed in _parts(trial):
        by_seed.setdefault(seed, {})[method] = read_part(folder, (method, seed)) or {}
    return {
        (method, seed): whole({"final": rows}, trial.work(method))["final"]
        for seed, parts in by_seed.items()
        for method, rows in trial.relative(parts).items()
    }


def _do(trial: Trial, todo: list[Part], folder: Path) -> None:
    stop = threading.Event()
    total = sum(trial.work(method) for method, _ in todo)
    with Progress(total, len(todo)) as progress, ExitStack() as stack:
        processes = stack.enter_context(Processes(trial, folder)) if trial.separate else None

        def advance(amount: int) -> None:
            if stop.is_set():
                raise Stopped
            progress.advance(amount)

        def work(job: _Job) -> None:
            method, seeds = job
            if processes is not None:
                processes.run(method, seeds, advance)
            else:
                keep_parts(trial, method, seeds, folder, advance)
            for _ in seeds:
                progress.part_done()

        run_jobs(_jobs(todo, trial.together), work, num_cores(), stop, progress.tick)


def _jobs(todo: Sequence[Part], together: int) -> list[_Job]:
    """The parts with up to `together` seeds of a method in one job, in the order of the first."""
    jobs: list[_Job] = []
    open_jobs: dict[str, list[int]] = {}
    for method, seed in todo:
        seeds = open_jobs.get(method)
        if seeds is None or len(seeds) == together:
            seeds = open_jobs[method] = []
            jobs.append((method, seeds))
        seeds.append(seed)
    return jobs
