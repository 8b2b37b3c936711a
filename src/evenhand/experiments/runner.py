"""Running an experiment: parts in threads, each kept as soon as it is done."""

import json
import os
import re
import time
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import jax

from evenhand.core.errors import InputError
from evenhand.experiments.choose_world import choose_world
from evenhand.experiments.config import Experiment
from evenhand.experiments.exact import exact_rows, why_not_exact
from evenhand.experiments.manifest import CompileClock, manifest, seconds_since_start
from evenhand.experiments.methods import is_learner, make_algorithm, num_updates
from evenhand.experiments.part import run_part
from evenhand.experiments.progress import Gate, Progress
from evenhand.experiments.tables import SCHEMA, write_table, write_text

_TABLES = ("final", "curves", "series", "distributions")
_EXACT = "exact"


def run_folder(experiment: Experiment, runs: Path) -> Path:
    """The folder of an experiment: its name and the first twelve digits of its digest."""
    return runs / f"{experiment.name}-{experiment.digest()[:12]}"


def run_experiment(experiment: Experiment, runs: Path, command: str = "") -> Path:
    """Run what is not yet done of an experiment and return its folder.

    Every finished part (a method with one seed) is on disk at once; after an interruption of any
    kind the same call does the rest. Tables and manifest are written when all parts are there.
    """
    world = _checked(experiment)
    folder = run_folder(experiment, runs)
    write_text(folder / "experiment.json", _json(experiment.to_json() | {"command": command}))
    write_text(folder / "world.json", _json(describe_world(world)))
    todo = [part for part in _parts(experiment) if not _part_file(folder, *part).is_file()]
    clock, started, noted = CompileClock(), time.time(), _Noted()
    if todo:
        _run_parts(experiment, world, folder, todo, noted)
    _assemble(experiment, folder)
    path = folder / "manifest.json"
    before = json.loads(path.read_text()) if path.is_file() else {}
    if todo or not before:
        found = manifest(experiment, before, started, clock.seconds, noted.first_update_seconds)
        write_text(path, _json(found | {"budget": _budget(experiment, world)}))
    return folder


class _Noted:
    """What the run notices about itself."""

    first_update_seconds: float | None = None


def _checked(experiment: Experiment) -> tuple[Any, Any, Any]:
    """The world; every name and option has been tried before anything long starts."""
    env, params, population = choose_world(
        experiment.env,
        experiment.preset,
        experiment.params,
        experiment.groups,
        experiment.settings,
        experiment.features,
    )
    from evenhand.experiments.choose_policy import check_policy

    for method in experiment.methods:
        if is_learner(method):
            make_algorithm(method, experiment.options, experiment.steps)
        else:
            check_policy(method, env, params)
    return env, params, population


def _parts(experiment: Experiment) -> list[tuple[str, int]]:
    """Seeds in the outer loop, so that an interrupted run has whole seeds of all methods."""
    seeds = range(experiment.first_seed, experiment.first_seed + experiment.seeds)
    return [(_EXACT, 0)] + [(method, seed) for seed in seeds for method in experiment.methods]


def _part_file(folder: Path, method: str, seed: int) -> Path:
    slug = re.sub(r"[^A-Za-z0-9]+", "-", method).strip("-")
    digest = format(sum(ord(c) * 31**i for i, c in enumerate(method)) % 16**6, "06x")
    return folder / "parts" / f"{slug}-{digest}-seed-{seed:04d}.json"


def _run_parts(
    experiment: Experiment,
    world: tuple[Any, Any, Any],
    folder: Path,
    todo: list[tuple[str, int]],
    noted: _Noted,
) -> None:
    gate, stop = Gate(), [False]
    amounts = {part: _work(experiment, part[0], world[0]) for part in todo}
    title = f"{len(todo)} parts" if len(todo) > 1 else todo[0][0]
    with Progress(sum(amounts.values()), title) as progress:

        def advance(amount: int) -> None:
            if noted.first_update_seconds is None:
                noted.first_update_seconds = seconds_since_start()
            if stop[0]:
                raise KeyboardInterrupt
            progress.advance(amount)

        def work(part: tuple[str, int]) -> None:
            if stop[0]:
                return
            if part[0] == _EXACT:
                rows = exact_rows(experiment, world[2], advance)
            else:
                rows = run_part(experiment, *part, world, gate, advance)
            write_text(_part_file(folder, *part), json.dumps(rows))

        with ThreadPoolExecutor(num_workers()) as pool:
            futures = [pool.submit(work, part) for part in todo]
            try:
                _wait(futures)
            except BaseException:
                stop[0] = True
                pool.shutdown(cancel_futures=True)
                raise


def _wait(futures: list[Future]) -> None:
    done, _ = wait(futures, return_when=FIRST_EXCEPTION)
    for future in done:
        future.result()


def num_workers() -> int:
    """Threads that run parts: one per core this process may use, one on an accelerator."""
    if jax.default_backend() != "cpu":
        return 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _work(experiment: Experiment, method: str, env: Any) -> int:
    """Environment steps a part takes, as the unit of progress."""
    if method == _EXACT:
        return len(experiment.criteria) * experiment.steps // 20
    evaluation = experiment.episodes * (experiment.evaluation_steps or env.episode_steps)
    if not is_learner(method):
        return evaluation
    algorithm = make_algorithm(method, experiment.options, experiment.steps)
    updates = num_updates(algorithm, experiment.steps)
    return evaluation + updates * algorithm.num_envs * algorithm.num_steps


def _budget(experiment: Experiment, world: tuple[Any, Any, Any]) -> dict[str, Any]:
    env = world[0]
    steps = {method: _work(experiment, method, env) for method in experiment.methods}
    return {
        "env_steps_per_seed": steps,
        "evaluation_episodes_per_seed": experiment.episodes,
        "tuning": "none: library defaults"
        if not experiment.options
        else f"set by hand: {', '.join(experiment.options)}",
    }


def _assemble(experiment: Experiment, folder: Path) -> None:
    """Tables from the finished parts."""
    tables: dict[str, list[dict[str, Any]]] = {name: [] for name in SCHEMA}
    digest = experiment.digest()
    for method, seed in _parts(experiment):
        content = json.loads(_part_file(folder, method, seed).read_text())
        for name, rows in content.items():
            if method == _EXACT:
                tables[name] += rows
                continue
            head: dict[str, Any] = {"algorithm": method, "seed": seed}
            if name == "final":
                head |= {"digest": digest, "env": experiment.env}
            tables[name] += [{**head, **row} for row in rows]
    for name, rows in tables.items():
        write_table(folder / f"{name}.parquet", rows, SCHEMA[name])


def describe_world(world: tuple[Any, Any, Any]) -> dict[str, Any]:
    """What the page says about the world and its assumptions."""
    env, _, population = world
    if population is None:
        raise InputError(f"{type(env).__name__} has no description to report")
    return population.describe() | {"not_exact": why_not_exact(population)}


def _json(content: Any) -> str:
    return json.dumps(content, indent=1, default=str) + "\n"
