"""Running an experiment: its parts in threads, each kept as soon as it is done."""

import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evenhand.core.errors import unknown_name
from evenhand.core.files import write_text
from evenhand.experiments.config import Experiment
from evenhand.experiments.folder import EXACT, Part, locked, parts, read_part, run_folder
from evenhand.experiments.folder import write_part as keep
from evenhand.experiments.gather import as_json, before, gather
from evenhand.experiments.variants import base_method
from evenhand.experiments.workers import Stopped, num_cores, run_jobs

SEED_MODES = ("auto", "threads", "vmap", "map")
_FILES = ("experiment.json", "world.json", "manifest.json")

# A method with the seeds that are run together.
Job = tuple[str, list[int]]


def run_experiment(
    experiment: Experiment, runs: Path, command: str = "", seed_mode: str = "auto"
) -> Path:
    """Run what is not yet done of an experiment and return its folder.

    Every finished part (a method with one seed) is on disk at once; after an interruption of any
    kind the same call does the rest. Tables and manifest are written when all parts are there.

    `seed_mode` says how seeds share a machine, never what comes out: in `threads` of one process,
    in one program (`vmap`), one after another (`map`); `auto` takes threads on a CPU and vmap on
    an accelerator.
    """
    if seed_mode not in SEED_MODES:
        raise unknown_name("seed mode", seed_mode, SEED_MODES)
    folder = run_folder(experiment, runs)
    if _finished(experiment, folder):
        return folder
    # From here on jax is needed, which takes a second to import.
    from evenhand.experiments.preparation import check_methods, describe_world, world_of

    world = world_of(experiment)
    check_methods(experiment, world)
    description = describe_world(world)
    with locked(folder):
        write_text(folder / "experiment.json", as_json(experiment.to_json() | {"command": command}))
        write_text(folder / "world.json", as_json(description))
        _Sitting(experiment, world, folder, _mode(seed_mode)).run()
    return folder


def _finished(experiment: Experiment, folder: Path) -> bool:
    names = [*_FILES, *(f"{name}.parquet" for name in ("final", "curves", "series", "frontier"))]
    return all((folder / name).is_file() for name in names) and not _missing(experiment, folder)


def _missing(experiment: Experiment, folder: Path) -> list[Part]:
    return [part for part in parts(experiment) if read_part(folder, part) is None]


def _mode(seed_mode: str) -> str:
    import jax

    if seed_mode != "auto":
        return seed_mode
    return "threads" if jax.default_backend() == "cpu" else "vmap"


@dataclass
class _Sitting:
    """One process's work on a run."""

    experiment: Experiment
    world: tuple[Any, Any, Any]
    folder: Path
    mode: str
    first_update_seconds: float | None = None
    stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Do the missing parts, then write tables and manifest."""
        from evenhand.experiments.manifest import CompileClock, manifest
        from evenhand.experiments.preparation import budget

        clock, started = CompileClock(), time.time()
        todo = _missing(self.experiment, self.folder)
        if todo:
            self._do(todo)
        experiment = self.experiment
        gather(self.folder, parts(experiment), experiment.digest(), experiment.env)
        path = self.folder / "manifest.json"
        found = manifest(
            self.experiment, before(path), started, clock.seconds, self.first_update_seconds,
            self.mode,
        )  # fmt: skip
        write_text(path, as_json(found | {"budget": budget(self.experiment, self.world[0])}))

    def _do(self, todo: list[Part]) -> None:
        # Imported here and not by the threads, which would do it at the same time.
        from evenhand.experiments.exact import exact_rows
        from evenhand.experiments.part import run_parts
        from evenhand.experiments.preparation import part_steps
        from evenhand.experiments.progress import Gate, Progress

        gate = Gate()
        total = sum(part_steps(self.experiment, method, self.world[0]) for method, _ in todo)
        with Progress(total, len(todo)) as progress:

            def advance(amount: int) -> None:
                if self.stop.is_set():
                    raise Stopped
                progress.advance(amount)

            def learned(amount: int) -> None:
                self._note_first_update(amount)
                advance(amount)

            def work(job: Job) -> None:
                method, seeds = job
                if method == EXACT:
                    rows = exact_rows(self.experiment, self.world[2], advance)
                    keep(self.folder, (EXACT, 0), rows)
                    progress.part_done()
                    return
                told = learned if _is_learner(method) else advance
                about = (self.experiment, method, seeds, self.world, self.folder, gate, told)
                for seed, rows in run_parts(*about):
                    keep(self.folder, (method, seed), rows)
                    progress.part_done()

            jobs = _jobs(todo, together=self.mode == "vmap")
            run_jobs(jobs, work, self._num_workers(), self.stop, progress.tick)

    def _note_first_update(self, amount: int) -> None:
        from evenhand.experiments.manifest import seconds_since_start

        if amount and self.first_update_seconds is None:
            self.first_update_seconds = seconds_since_start()

    def _num_workers(self) -> int:
        """One program fills a machine, but the exact solvers need a core beside it."""
        return {"threads": num_cores(), "vmap": 2, "map": 1}[self.mode]


def _is_learner(method: str) -> bool:
    from evenhand.core.registry import ALGORITHMS

    return base_method(method) in ALGORITHMS


def _jobs(todo: list[Part], together: bool) -> list[Job]:
    """What one thread does at a stretch: a part, or all seeds of a learner together."""
    jobs: dict[tuple[str, int], Job] = {}
    for method, seed in todo:
        key = (method, -1) if together and _is_learner(method) else (method, seed)
        jobs.setdefault(key, (method, []))[1].append(seed)
    return list(jobs.values())
