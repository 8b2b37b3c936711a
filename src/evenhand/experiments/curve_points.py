"""Evaluations in the middle of training, for curves over training steps."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key

from evenhand.core.algorithm import AbstractAlgorithm, TrainState
from evenhand.core.rollout import Evaluation, evaluate
from evenhand.core.training import float_leaves_to_arrays
from evenhand.envs.observing import innermost
from evenhand.experiments.config import Experiment
from evenhand.experiments.measures import Rows, final_rows
from evenhand.experiments.methods import curve_key
from evenhand.experiments.progress import Gate, program_key


@dataclass(frozen=True)
class CurvePoints:
    """When learners are evaluated during training, and in what."""

    points: int
    episodes: int
    steps: int
    population: Any
    gate: Gate

    def piece(self, updates: int, pieces: int) -> int:
        """Updates of one piece: about `pieces` make a run, and whole ones a point."""
        return _up(self._every(updates), _up(pieces, self.points))

    def due(self, update: int, updates: int, pieces: int) -> bool:
        """Whether a learner is evaluated after this many updates, which end a piece."""
        piece = self.piece(updates, pieces)
        return update % (_up(self._every(updates), piece) * piece) == 0 or update == updates

    def _every(self, updates: int) -> int:
        return _up(updates, self.points)

    def rows(
        self,
        algorithm: AbstractAlgorithm,
        world: tuple[Any, Any],
        state: TrainState,
        seeds: Sequence[int],
    ) -> list[Rows]:
        """The rows of each seed; the leaves of `state` lead with the seeds where they are many.

        All points of a seed meet the same arrivals, other ones than the final evaluation.
        """
        env, params = world
        if len(seeds) == 1:
            shown, policy = algorithm.deployed(state, params), algorithm.policy(state)
            with self.gate.first(program_key("evaluate", env, shown, policy, self.episodes)):
                found = evaluate(
                    curve_key(seeds[0]), env, shown, policy, num_episodes=self.episodes,
                    steps=self.steps,
                )  # fmt: skip
                jax.block_until_ready(found.J)
            return [self._measured(found, env, shown)]
        keys = jnp.stack([curve_key(seed) for seed in seeds])
        algorithm = float_leaves_to_arrays(algorithm)
        about = (algorithm, env, params, state, self.episodes, self.steps)

        def pick(tree: Any, i: int) -> Any:
            return jax.tree.map(lambda leaf: leaf[i], tree)

        together, shown = jax.device_get(_evaluate_seeds(keys, *about))
        return [self._measured(pick(together, i), env, pick(shown, i)) for i in range(len(seeds))]

    def _measured(self, found: Evaluation, env: Any, params: Any) -> Rows:
        env = innermost(env)
        with self.gate.first(program_key("measure", env, params, found)):
            rows = final_rows(found, env, params, self.population)
        kept = ("metric", "group", "value")
        return [
            {name: row[name] for name in kept}
            for row in rows
            if np.isfinite(row["value"]) and not row["metric"].startswith("criterion:")
        ]


def _up(a: int, b: int) -> int:
    return -(-a // b)


def curve_points(experiment: Experiment, world: tuple[Any, Any, Any], gate: Gate) -> Any:
    """When and how an experiment evaluates during training; None where it does not."""
    if not experiment.curve_points:
        return None
    steps = experiment.evaluation_steps or world[0].episode_steps
    episodes, population = experiment.curve_episodes, world[2]
    return CurvePoints(experiment.curve_points, episodes, steps, population, gate)


@eqx.filter_jit
def _evaluate_seeds(
    keys: Key[Array, " R"], algorithm: Any, env: Any, params: Any, states: Any, episodes: int,
    steps: int,
) -> tuple[Evaluation, Any]:  # fmt: skip
    """Evaluations of R seeds in one program, and the numbers each is deployed with."""

    def one(key: Any, state: TrainState) -> tuple[Evaluation, Any]:
        shown = algorithm.deployed(state, params)
        policy = algorithm.policy(state)
        return evaluate(key, env, shown, policy, num_episodes=episodes, steps=steps), shown

    return eqx.filter_vmap(one)(keys, states)
