"""The only two training loops: compiled scans, and one Python iteration an update."""

from collections.abc import Callable, Iterable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, Int, Key, PRNGKeyArray

from evenhand.core.algorithm import AbstractAlgorithm, Log, TrainState
from evenhand.core.environment import AbstractEnvironment, AbstractHostEnvironment
from evenhand.core.errors import InputError
from evenhand.core.rollout import start

Hook = Callable[[TrainState, Log, int], None]


def float_leaves_to_arrays(tree: Any) -> Any:
    """The tree with Python floats as arrays, so a sweep over them reuses compiled code."""
    # By way of numpy: jnp.float32(x) compiles a program of its own.
    return jax.tree.map(lambda x: jnp.asarray(np.float32(x)) if isinstance(x, float) else x, tree)


@eqx.filter_jit
def run_updates(
    key: PRNGKeyArray,
    algorithm: AbstractAlgorithm,
    env: AbstractEnvironment,
    params: Any,
    state: TrainState,
    first: Int[Array, ""],
    num_updates: int,
    updates_per_episode: int,
) -> tuple[TrainState, Log]:
    """The run `num_updates` iterations later, logs stacked over them: one compiled scan.

    The worlds are reset where an episode ends. Update i always uses the key fold_in(key, i), so
    the same run comes out however it is cut into pieces.
    """
    arrays, static = eqx.partition(state, eqx.is_array)

    def body(arrays: Any, index: Array) -> tuple[Any, Log]:
        state = eqx.combine(arrays, static)
        reset_key, update_key = jr.split(jr.fold_in(key, index))
        actors = jax.lax.cond(
            index % updates_per_episode == 0,
            lambda: start(
                reset_key, env, algorithm.deployed(state, params), state.actors.alive.shape[0]
            ),
            lambda: state.actors,
        )
        state = TrainState(state.learner, actors, state.update, state.env_steps)
        state, log = algorithm.update(update_key, env, params, state)
        state = TrainState(state.learner, state.actors, state.update + 1, state.env_steps)
        return eqx.filter(state, eqx.is_array), log

    arrays, logs = jax.lax.scan(body, arrays, first + jnp.arange(num_updates))
    return eqx.combine(arrays, static), logs


@eqx.filter_jit
def run_seeds(
    keys: Key[Array, " R"], algorithm: AbstractAlgorithm, env: Any, params: Any,
    states: TrainState, first: Int[Array, ""], num_updates: int, updates_per_episode: int,
) -> tuple[TrainState, Log]:  # fmt: skip
    """`run_updates` for R seeds at once, one program; leaves of states and logs lead with R."""

    def one(key: PRNGKeyArray, state: TrainState) -> tuple[TrainState, Log]:
        return run_updates(
            key, algorithm, env, params, state, first, num_updates, updates_per_episode
        )

    return eqx.filter_vmap(one)(keys, states)


@eqx.filter_jit
def _init(key: Key[Array, "..."], algorithm: Any, env: Any, params: Any) -> TrainState:
    if key.ndim == 0:
        return algorithm.init(key, env, params)
    return eqx.filter_vmap(lambda key: algorithm.init(key, env, params))(key)


def _updates_per_episode(algorithm: AbstractAlgorithm, num_updates: int, steps: int) -> int:
    if steps % algorithm.num_steps:
        raise InputError(
            f"train_episode_steps={steps} is not a multiple of "
            f"num_steps={algorithm.num_steps}; choose one so that episodes end between rollouts"
        )
    if num_updates < 1:
        raise InputError(f"num_updates must be at least 1, got {num_updates}; raise the steps")
    return steps // algorithm.num_steps


def train(
    key: Key[Array, "..."],
    algorithm: AbstractAlgorithm,
    env: AbstractEnvironment,
    params: Any,
    *,
    num_updates: int,
    evaluate_every: int | None = None,
    hooks: Iterable[Hook] = (),
    state: TrainState | None = None,
    train_episode_steps: int = 10_240,
) -> tuple[TrainState, Log]:
    """The trained run and its logs stacked over updates, through compiled scans.

    Hooks are called as `hook(state, log, update)` after every `evaluate_every` updates (progress,
    checkpoints, evaluation). A `state` with updates behind it is continued: the same key gives the
    same result as an uninterrupted run. `train_episode_steps` is a multiple of the algorithm's
    `num_steps`; shorter worlds set their own.

    With an array of R keys, R seeds are trained in one program: leaves of states and logs lead
    with R, and all seeds have the same number of updates behind them.
    """
    per_episode = _updates_per_episode(algorithm, num_updates, train_episode_steps)
    init_key, run_key = jr.split(key) if key.ndim == 0 else jax.vmap(jr.split, out_axes=1)(key)
    algorithm, params = float_leaves_to_arrays((algorithm, params))
    if state is None:
        state = _init(init_key, algorithm, env, params)
    run = run_updates if key.ndim == 0 else run_seeds
    chunk, logs = evaluate_every or num_updates, []
    done = int(np.asarray(state.update).max())
    while done < num_updates:
        # Pieces end at multiples of `chunk`, so that a resumed run compiles nothing new.
        size = min(chunk - done % chunk, num_updates - done)
        first = jnp.asarray(np.int32(done))
        state, log = run(run_key, algorithm, env, params, state, first, size, per_episode)
        done += size
        logs.append(log)
        for hook in hooks:
            hook(state, log, done)
    return state, jax.tree.map(lambda *x: jnp.concatenate(x, key.ndim), *logs) if logs else {}


def train_on_host(
    key: PRNGKeyArray,
    algorithm: AbstractAlgorithm,
    env: AbstractHostEnvironment | tuple[Any, ...],
    params: Any,
    *,
    num_updates: int,
    hooks: Iterable[Hook] = (),
    state: TrainState | None = None,
    evaluate_every: int | None = None,
) -> tuple[TrainState, list[Log]]:
    """The trained run and a list of logs, one Python iteration an update.

    For worlds or methods that live on the host (physics engines, linear programs inside the
    loop): `algorithm.update` does the collecting, and nothing here is compiled. Methods that visit
    one group after the other take a tuple of worlds, one for each.
    """
    init_key, run_key = jr.split(key)
    if state is None:
        state = algorithm.init(init_key, env, params)  # pyright: ignore[reportArgumentType]
    logs: list[Log] = []
    for index in range(int(state.update), num_updates):
        update_key = jr.fold_in(run_key, index)
        state, log = algorithm.update(update_key, env, params, state)  # pyright: ignore[reportArgumentType]
        state = TrainState(state.learner, state.actors, state.update + 1, state.env_steps)
        logs.append(log)
        if (index + 1) % (evaluate_every or 1) == 0 or index + 1 == num_updates:
            for hook in hooks:
                hook(state, log, index + 1)
    return state, logs
