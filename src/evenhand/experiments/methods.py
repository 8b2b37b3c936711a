"""From a method's name to something that can be evaluated: learners are trained, rules built."""

from collections.abc import Callable
from dataclasses import fields
from typing import Any

import jax
import jax.random as jr
import numpy as np

from evenhand.core.algorithm import AbstractAlgorithm, TrainState, train
from evenhand.core.errors import InputError, unknown_name
from evenhand.core.registry import ALGORITHMS, load
from evenhand.data.choose import parse_settings
from evenhand.experiments.choose_policy import parse_policy
from evenhand.experiments.config import Experiment
from evenhand.experiments.progress import Gate

# Training reports progress, and can be interrupted, this many times a run.
PIECES = 20


def is_learner(method: str) -> bool:
    """Whether a method's name is that of a registered algorithm."""
    return method in ALGORITHMS


def make_algorithm(method: str, options: tuple[str, ...], steps: int) -> AbstractAlgorithm:
    """The algorithm with its `method.field=value` options, set up for a budget of steps."""
    kind = load("algorithm", ALGORITHMS, method)
    known = {f.name for f in fields(kind)}
    chosen = {}
    for key, value in parse_settings(options).items():
        owner, _, name = key.partition(".")
        if owner not in ALGORITHMS or not name:
            raise InputError(f"--option takes algorithm.field=value, got {key!r}")
        if owner == method:
            if name not in known:
                raise unknown_name(f"option of {method}", name, known)
            chosen[name] = value
    try:
        algorithm = kind(**chosen)
    except (TypeError, ValueError) as error:
        raise InputError(f"{method}: {error}") from error
    return algorithm.for_budget(num_updates(algorithm, steps))


def num_updates(algorithm: AbstractAlgorithm, steps: int) -> int:
    """Updates that spend a budget of environment steps, rounded up."""
    return -(-steps // (algorithm.num_envs * algorithm.num_steps))


def train_method(
    experiment: Experiment,
    method: str,
    seed: int,
    env: Any,
    params: Any,
    gate: Gate,
    advance: Callable[[int], None],
) -> tuple[Any, Any, list[dict[str, Any]], TrainState]:
    """Policy, deployed params, learning-curve rows and final state of one training run."""
    algorithm = make_algorithm(method, experiment.options, experiment.steps)
    updates = num_updates(algorithm, experiment.steps)
    per_update = algorithm.num_envs * algorithm.num_steps
    chunk = -(-updates // PIECES)
    rows: list[dict[str, Any]] = []
    release = gate.enter(method)
    last = [0]

    def hook(state: TrainState, log: dict[str, Any], update: int) -> None:
        jax.block_until_ready(log)
        release()
        advance((update - last[0]) * per_update)
        for name, values in log.items():
            rows.append(
                {
                    "update": update,
                    "env_steps": int(state.env_steps),
                    "metric": name,
                    "group": "",
                    "value": float(np.mean(values)),
                }
            )
        last[0] = update

    try:
        state, _ = train(
            train_key(seed),
            algorithm,
            env,
            params,
            num_updates=updates,
            evaluate_every=chunk,
            hooks=(hook,),
            train_episode_steps=training_episode(env, algorithm),
        )
    finally:
        release()
    return algorithm.policy(state), algorithm.deployed(state, params), rows, state


def training_episode(env: Any, algorithm: AbstractAlgorithm) -> int:
    """Training episode: the world's own length, rounded up to whole rollouts."""
    return -(-env.episode_steps // algorithm.num_steps) * algorithm.num_steps


def train_key(seed: int) -> jax.Array:
    """The key of a seed's training; evaluation uses another stream of the same seed."""
    return jr.fold_in(jr.key(seed), 0)


def evaluation_key(seed: int) -> jax.Array:
    """The key of a seed's evaluation, the same for every method: comparisons are paired."""
    return jr.fold_in(jr.key(seed), 1)


def rule(
    experiment: Experiment, method: str, seed: int, env: Any, params: Any
) -> tuple[Any, Any, Any]:
    """Policy, world and params of a rule that is not trained by interaction."""
    policy, env = parse_policy(method, env, params, train_key(seed))
    return policy, env, params
