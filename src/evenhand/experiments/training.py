"""Training the learners of a run: in pieces that report progress and can be taken up again."""

import time
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from evenhand.core.algorithm import AbstractAlgorithm, TrainState
from evenhand.core.errors import InputError
from evenhand.core.files import remove
from evenhand.core.training import float_leaves_to_arrays, train
from evenhand.experiments.checkpoint import load_state, read_header, save_state
from evenhand.experiments.config import Experiment
from evenhand.experiments.curve_points import CurvePoints
from evenhand.experiments.folder import state_file
from evenhand.experiments.methods import (
    learner_world,
    make_algorithm,
    num_updates,
    train_key,
    training_episode,
)
from evenhand.experiments.progress import Gate, program_key

# Training reports progress, and can be interrupted, this many times a run.
PIECES = 20
# A killed run loses at most this much training, or one piece where pieces take longer.
CHECKPOINT_SECONDS = 30.0

Rows = list[dict[str, Any]]
Saved = tuple[TrainState, Rows]


@dataclass(frozen=True)
class Trained:
    """What training gave: a policy, the world's numbers under it, and how it went."""

    policy: Any
    params: Any
    curves: Rows
    update: int
    env_steps: int


@dataclass(frozen=True)
class Trainer:
    """One learner of a run, with what its seeds share; `folder` and `digest` are the run's."""

    algorithm: AbstractAlgorithm
    method: str
    steps: int
    world: tuple[Any, Any]
    folder: Path
    digest: str
    gate: Gate
    advance: Callable[[int], None]
    curve: CurvePoints | None = None

    def train(self, seeds: Sequence[int]) -> Iterator[tuple[int, Trained]]:
        """Every seed with its result: those with equally many updates behind them at once."""
        saved = {seed: self._load(seed) for seed in seeds}
        by_update: dict[int, list[int]] = {}
        for seed, found in saved.items():
            by_update.setdefault(0 if found is None else int(found[0].update), []).append(seed)
        for update, group in by_update.items():
            yield from self._train_group(group, [saved[s] for s in group] if update else None)

    def _train_group(
        self, seeds: list[int], saved: list[Any] | None
    ) -> Iterator[tuple[int, Trained]]:
        many = len(seeds) > 1
        updates = num_updates(self.algorithm, self.steps)
        state, rows = (None, [[] for _ in seeds]) if saved is None else _together(saved)
        release = self.gate.enter(self._program(len(seeds)))
        kept = [time.monotonic(), 0 if state is None else int(np.asarray(state.update).max())]
        self.advance(kept[1] * self._per_update * len(seeds))

        def hook(state: TrainState, log: dict[str, Any], update: int) -> None:
            jax.block_until_ready(log)
            release()
            for i in range(len(seeds)):
                rows[i] += _curve_rows(pick(state, i, many), pick(log, i, many), update)
            self._evaluate(state, seeds, rows, (update, updates))
            if time.monotonic() - kept[0] >= CHECKPOINT_SECONDS and update < updates:
                for i, seed in enumerate(seeds):
                    file = state_file(self.folder, self.method, seed)
                    save_state(file, pick(state, i, many), self.digest, rows[i])
                kept[0] = time.monotonic()
            self.advance((update - int(kept[1])) * self._per_update * len(seeds))
            kept[1] = update

        keys = jnp.stack([train_key(seed) for seed in seeds]) if many else train_key(seeds[0])
        try:
            state, _ = train(
                keys,
                self.algorithm,
                *self.world,
                num_updates=updates,
                evaluate_every=self._piece(updates),
                hooks=(hook,),
                state=state,
                train_episode_steps=training_episode(self.world[0], self.algorithm),
            )
        finally:
            release()
        for i, seed in enumerate(seeds):
            yield seed, self._trained(pick(state, i, many), rows[i])

    def _program(self, num_seeds: int) -> Hashable:
        """What training shares its program by: variants that differ in numbers are equal."""
        algorithm = float_leaves_to_arrays(self.algorithm)
        return program_key("train", algorithm, self.world, self.steps, num_seeds)

    def _piece(self, updates: int) -> int:
        return self.curve.piece(updates, PIECES) if self.curve else -(-updates // PIECES)

    def _evaluate(
        self, state: TrainState, seeds: list[int], rows: list[Rows], at: tuple[int, int]
    ) -> None:
        """Add what an evaluation says, where one is due after these of all updates."""
        if self.curve is None or not self.curve.due(*at, PIECES):
            return
        env_steps = int(np.asarray(state.env_steps).max())
        about = {"update": at[0], "env_steps": env_steps}
        made = self.curve.rows(self.algorithm, self.world, state, seeds)
        for mine, found in zip(rows, made, strict=True):
            mine += [about | row for row in found]
        self.advance(self.curve.episodes * self.curve.steps * len(seeds))

    @property
    def _per_update(self) -> int:
        return self.algorithm.update_steps

    def _trained(self, state: TrainState, curves: Rows) -> Trained:
        params = self.algorithm.deployed(state, self.world[1])
        policy = self.algorithm.policy(state)
        return Trained(policy, params, curves, int(state.update), int(state.env_steps))

    def _load(self, seed: int) -> Saved | None:
        """The state and curves an interruption left; one that does not fit is thrown away."""
        file = state_file(self.folder, self.method, seed)
        if not file.is_file():
            return None
        like = eqx.filter_eval_shape(self.algorithm.init, train_key(seed), *self.world)
        try:
            return load_state(file, like, self.digest), read_header(file)["notes"]
        except (InputError, KeyError):
            remove(file)
            return None


def trainer(
    experiment: Experiment,
    method: str,
    world: tuple[Any, Any],
    folder: Path,
    gate: Gate,
    advance: Callable[[int], None],
    curve: CurvePoints | None = None,
) -> Trainer:
    """The trainer of one learner of an experiment."""
    steps, digest = experiment.steps, experiment.digest()
    algorithm = make_algorithm(method, experiment.options, steps)
    world = (learner_world(algorithm, world[0]), world[1])
    return Trainer(algorithm, method, steps, world, folder, digest, gate, advance, curve)


def pick(tree: Any, index: int, many: bool) -> Any:
    """The tree of one seed out of a tree of many, whose leaves lead with the seeds."""
    return _pick(tree, np.int32(index)) if many else tree


@eqx.filter_jit
def _pick(tree: Any, index: Any) -> Any:
    arrays, static = eqx.partition(tree, eqx.is_array)
    return eqx.combine(jax.tree.map(lambda leaf: leaf[index], arrays), static)


def _together(saved: list[Saved]) -> tuple[TrainState, list[Rows]]:
    """The states as one, leaves leading with the seeds where there are several."""
    states, rows = [state for state, _ in saved], [list(notes) for _, notes in saved]
    if len(states) == 1:
        return states[0], rows
    arrays = [eqx.filter(state, eqx.is_array) for state in states]
    static = eqx.filter(states[0], eqx.is_array, inverse=True)
    return eqx.combine(jax.tree.map(lambda *leaves: jnp.stack(leaves), *arrays), static), rows


def _curve_rows(state: TrainState, log: dict[str, Any], update: int) -> Rows:
    about = {"update": update, "env_steps": int(state.env_steps)}
    return [
        {**about, "metric": name, "group": "", "value": float(np.asarray(values).mean())}
        for name, values in log.items()
    ]
