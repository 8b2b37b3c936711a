"""A run on disk: arrays and JSON in one file, nothing that runs code when it is read."""

import json
from dataclasses import fields
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from evenhand.algorithms.parts.gap_learner import AbstractGapLearner
from evenhand.algorithms.parts.gap_problem import GapProblem
from evenhand.algorithms.parts.gap_run import GapRun, GapState
from evenhand.core.errors import InputError
from evenhand.core.files import replacing

_BASIS = "basis."
_PER_EPISODE = ("J", "reason", "event", "planned")


def save_run(run: GapRun, path: Path) -> None:
    """Write a run between two episodes; the file appears whole or not at all."""
    arrays: dict[str, np.ndarray] = {}
    header: dict[str, Any] = {"run": identity(run), "rng": run.state.rng.bit_generator.state}
    for item in fields(GapState):
        value = getattr(run.state, item.name)
        if isinstance(value, np.ndarray):
            short = item.name in _PER_EPISODE
            arrays[item.name] = value[: run.state.episode] if short else value
        elif item.name != "rng":
            header[item.name] = value
    arrays |= {_BASIS + name: array for name, array in run.planner.basis().items()}
    arrays["header"] = np.array(json.dumps(header))
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)


def load_run(
    path: Path, learner: AbstractGapLearner, problem: GapProblem, num_episodes: int, seed: int
) -> GapRun:
    """The run that was saved, ready to go on; refused if it was another one."""
    try:
        # Opened here: numpy leaves a broken archive open.
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        header = json.loads(str(arrays.pop("header")))
    except (OSError, ValueError, KeyError, BadZipFile) as error:
        raise InputError(
            f"{path} is no saved run that can be read ({error}); delete it to start again"
        ) from error
    run = GapRun(learner, problem, num_episodes, seed)
    if header["run"] != json.loads(json.dumps(identity(run))):
        raise InputError(
            f"{path} holds the run {header['run']}, not {identity(run)}; "
            "give the same settings, or another file"
        )
    state = _filled(run.state, arrays, header)
    resumed = GapRun(learner, problem, num_episodes, seed, state)
    resumed.planner.restore(
        {k.removeprefix(_BASIS): a for k, a in arrays.items() if k.startswith(_BASIS)}
    )
    return resumed


def identity(run: GapRun) -> dict[str, Any]:
    """What a run is of: it can only go on with the same."""
    return {
        "learner": repr(run.learner),
        "problem": run.problem.digest,
        "num_episodes": run.num_episodes,
        "seed": run.seed,
    }


def _filled(state: GapState, arrays: dict[str, np.ndarray], header: dict[str, Any]) -> GapState:
    """A fresh state with what was saved written over it."""
    for item in fields(GapState):
        if item.name in _PER_EPISODE:
            getattr(state, item.name)[: header["episode"]] = arrays[item.name]
        elif item.name in arrays:
            setattr(state, item.name, arrays[item.name])
        elif item.name != "rng":
            setattr(state, item.name, header[item.name])
    state.rng.bit_generator.state = header["rng"]
    return state
