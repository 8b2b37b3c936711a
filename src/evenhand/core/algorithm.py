"""What a learner is, and the only two training loops."""

from abc import abstractmethod
from collections.abc import Callable, Iterable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Int, PRNGKeyArray

from evenhand.core.environment import AbstractEnvironment, AbstractHostEnvironment
from evenhand.core.errors import InputError
from evenhand.core.policy import AbstractPolicy
from evenhand.core.rollout import Actors, Transition, rollout, start

Log = dict[str, Array]
Hook = Callable[["TrainState", Log, int], None]


class TrainState(eqx.Module):
    """Everything a run needs to go on: saved, restored and continued, it gives the same result.

    `learner` belongs to the algorithm (networks, optimiser, buffer); `actors` are its worlds.
    """

    learner: Any
    actors: Actors
    update: Int[Array, ""]
    env_steps: Int[Array, ""]


class AbstractAlgorithm(eqx.Module):
    """A learner; its hyperparameters are its fields: floats are leaves, sizes are static.

    `update` is one iteration: collect `num_steps` in each of `num_envs` worlds, then `learn`.
    Methods that alternate collecting and learning override it, built from the same two.
    """

    num_envs: eqx.AbstractVar[int]
    num_steps: eqx.AbstractVar[int]

    @abstractmethod
    def init(self, key: PRNGKeyArray, env: AbstractEnvironment, params: Any) -> TrainState:
        """A fresh run."""

    @abstractmethod
    def learn(
        self, key: PRNGKeyArray, state: TrainState, batch: Transition
    ) -> tuple[TrainState, Log]:
        """The run after learning from one collected batch, and scalars to log."""

    @abstractmethod
    def policy(self, state: TrainState) -> AbstractPolicy:
        """The policy to deploy and to evaluate."""

    def for_budget(self, num_updates: int) -> "AbstractAlgorithm":
        """The same algorithm with its schedules set for a run of this many updates."""
        return self

    def behaviour(self, state: TrainState) -> AbstractPolicy:
        """The policy that collects experience; the deployed one unless exploration differs."""
        return self.policy(state)

    def deployed(self, state: TrainState, params: Any) -> Any:
        """The numbers of the world under this method; learned observation parameters go here."""
        return params

    def collect(
        self, key: PRNGKeyArray, env: AbstractEnvironment, params: Any, state: TrainState
    ) -> tuple[TrainState, Transition]:
        """The run `num_steps` later and the batch collected on the way, leaves (T, N)."""
        act = self.behaviour(state).act
        actors, batch = rollout(key, env, params, act, state.actors, self.num_steps)
        collected = self.num_steps * self.num_envs
        state = TrainState(state.learner, actors, state.update, state.env_steps + collected)
        return state, batch

    def update(
        self, key: PRNGKeyArray, env: AbstractEnvironment, params: Any, state: TrainState
    ) -> tuple[TrainState, Log]:
        """One iteration: collect, then learn."""
        collect_key, learn_key = jr.split(key)
        state, batch = self.collect(collect_key, env, self.deployed(state, params), state)
        return self.learn(learn_key, state, batch)


def float_leaves_to_arrays(tree: Any) -> Any:
    """The tree with Python floats as arrays, so a sweep over them reuses compiled code."""
    return jax.tree.map(lambda x: jnp.float32(x) if isinstance(x, float) else x, tree)


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
def _init(key: PRNGKeyArray, algorithm: Any, env: Any, params: Any) -> TrainState:
    return algorithm.init(key, env, params)


def train(
    key: PRNGKeyArray,
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
    """
    if train_episode_steps % algorithm.num_steps:
        raise InputError(
            f"train_episode_steps={train_episode_steps} is not a multiple of "
            f"num_steps={algorithm.num_steps}; choose one so that episodes end between rollouts"
        )
    if num_updates < 1:
        raise InputError(f"num_updates must be at least 1, got {num_updates}; raise the steps")
    init_key, run_key = jr.split(key)
    algorithm, params = float_leaves_to_arrays((algorithm, params))
    if state is None:
        state = _init(init_key, algorithm, env, params)
    chunk, logs = evaluate_every or num_updates, []
    done = int(state.update)
    while done < num_updates:
        # Pieces end at multiples of `chunk`, so that a resumed run compiles nothing new.
        size = min(chunk - done % chunk, num_updates - done)
        per_episode = train_episode_steps // algorithm.num_steps
        state, log = run_updates(
            run_key, algorithm, env, params, state, jnp.int32(done), size, per_episode
        )
        done += size
        logs.append(log)
        for hook in hooks:
            hook(state, log, done)
    return state, jax.tree.map(lambda *parts: jnp.concatenate(parts), *logs) if logs else {}


def train_on_host(
    key: PRNGKeyArray,
    algorithm: AbstractAlgorithm,
    env: AbstractHostEnvironment,
    params: Any,
    *,
    num_updates: int,
    hooks: Iterable[Hook] = (),
    state: TrainState | None = None,
    evaluate_every: int | None = None,
) -> tuple[TrainState, list[Log]]:
    """The trained run and a list of logs, one Python iteration an update.

    For worlds or methods that live on the host (physics engines, linear programs inside the
    loop): `algorithm.update` does the collecting, and nothing here is compiled.
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
